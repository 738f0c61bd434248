package contender;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;

/** Kafka Streams, exactly once: scores until SIGTERM. */
public final class Main {
    private static final Duration CLOSING = Duration.ofSeconds(20);

    private Main() {}

    /** See {@link Options}. */
    public static void main(String[] arguments) throws Exception {
        Options options = Options.of(arguments);
        Path state = Files.createTempDirectory("contender-");
        KafkaStreams streams = new KafkaStreams(topology(options), properties(options, state));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            // The hook below would wait for the thread that calls this.
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            boolean closed = streams.close(CloseOptions.groupMembershipOperation(
                            CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
                    .withTimeout(CLOSING));
            remove(state);
            // A JVM that a signal ends has the status 143 otherwise.
            Runtime.getRuntime().halt(closed ? 0 : 1);
        }));
        streams.start();
    }

    private static Topology topology(Options options) {
        ProcessorSupplier<byte[], byte[], byte[], byte[]> scoring =
                options.together() ? Checking::new : () -> new Scoring(options.model());
        return new Topology()
                .addSource("transactions", options.transactions())
                .addProcessor("score", scoring, "transactions")
                .addSink("verdicts", options.verdicts(), "score");
    }

    private static Properties properties(Options options, Path state) {
        Properties to = new Properties();
        to.put(StreamsConfig.APPLICATION_ID_CONFIG, options.group());
        to.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.bootstrap());
        to.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        to.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        to.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, options.commitIntervalMs());
        to.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.threads());
        to.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArray().getClass());
        to.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArray().getClass());
        // A partition is not paused, and its fetch not thrown away, before the next polls are well filled.
        to.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        to.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        to.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), options.batch());
        to.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        to.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
        if (options.together()) {
            String name = ConsumerConfig.INTERCEPTOR_CLASSES_CONFIG;
            to.put(StreamsConfig.mainConsumerPrefix(name), ScoringInterceptor.class.getName());
            to.put(StreamsConfig.mainConsumerPrefix(ScoringInterceptor.MODEL), options.model().toString());
        }
        return to;
    }

    private static void remove(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (Exception error) {
            error.printStackTrace();
        }
    }

    /** Lets verdicts pass. */
    private static final class Checking extends ContextualProcessor<byte[], byte[], byte[], byte[]> {
        @Override
        public void process(Record<byte[], byte[]> record) {
            if (record.headers().lastHeader(ScoringInterceptor.HEADER) == null) {
                throw new IllegalStateException("a record was not scored: the log says why");
            }
            record.headers().remove(ScoringInterceptor.HEADER);
            context().forward(record);
        }
    }

    /** Scores record by record. */
    private static final class Scoring extends ContextualProcessor<byte[], byte[], byte[], byte[]> {
        private final Forest forest;

        Scoring(Path model) {
            try {
                forest = new Forest(model);
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            try {
                context().forward(record.withValue(forest.score(List.of(record.value()))[0]));
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        }

        @Override
        public void close() {
            try {
                forest.close();
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        }
    }
}
