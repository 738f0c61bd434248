package contender;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Scores what a poll brought, at once, before Kafka Streams takes the records one by one: each leaves with its verdict
 * as its value. That keeps nothing between records, so a commit at any time is as exact as without it.
 */
public final class ScoringInterceptor implements ConsumerInterceptor<byte[], byte[]> {
    /** The property that names the model's directory. */
    static final String MODEL = "contender.model";

    /** Marks a verdict, since the client logs what an interceptor throws and goes on with the records as they came. */
    static final String HEADER = "scored";

    private static final byte[] YES = {1};

    private Forest forest;

    @Override
    public void configure(Map<String, ?> properties) {
        try {
            forest = new Forest(Path.of((String) properties.get(MODEL)));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
        if (records.isEmpty()) {
            return records;
        }
        List<byte[]> values = new ArrayList<>(records.count());
        records.forEach(record -> values.add(record.value()));
        byte[][] verdicts;
        try {
            verdicts = forest.score(values);
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> scored = new HashMap<>();
        int next = 0;
        // The order in which the records came above.
        for (TopicPartition partition : records.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> judged = new ArrayList<>();
            for (ConsumerRecord<byte[], byte[]> record : records.records(partition)) {
                judged.add(with(verdicts[next++], record));
            }
            scored.put(partition, judged);
        }
        return new ConsumerRecords<>(scored, records.nextOffsets());
    }

    @Override
    public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

    @Override
    public void close() {
        try {
            forest.close();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private static ConsumerRecord<byte[], byte[]> with(byte[] verdict, ConsumerRecord<byte[], byte[]> record) {
        record.headers().add(HEADER, YES);
        return new ConsumerRecord<>(
                record.topic(),
                record.partition(),
                record.offset(),
                record.timestamp(),
                record.timestampType(),
                record.serializedKeySize(),
                verdict.length,
                record.key(),
                verdict,
                record.headers(),
                record.leaderEpoch());
    }
}
