package contender;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Transactions to verdicts, both JSON; for one thread, as its memory is used again. */
final class Forest implements AutoCloseable {
    /** Rows to a call of the model: bounds the memory; per row, more are no faster. */
    private static final int ROWS = 500;

    private static final Set<String> OUTPUT = Set.of("probabilities");

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final Transactions transactions;
    private final FloatBuffer rows;
    private final String[] ids = new String[ROWS];
    private final StringBuilder verdict = new StringBuilder();

    /** @param model the directory with forest.onnx and inputs.json. */
    Forest(Path model) throws IOException, OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        session = environment.createSession(model.resolve("forest.onnx").toString(), options);
        transactions = new Transactions(model.resolve("inputs.json"));
        rows = ByteBuffer.allocateDirect(ROWS * transactions.inputs() * Float.BYTES)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
    }

    /** @return a verdict for each of the transactions, in their order. */
    byte[][] score(List<byte[]> values) throws IOException, OrtException {
        byte[][] verdicts = new byte[values.size()][];
        for (int from = 0; from < verdicts.length; from += ROWS) {
            int count = Math.min(ROWS, verdicts.length - from);
            for (int row = 0; row < count; row++) {
                ids[row] = transactions.read(values.get(from + row), rows, row);
            }
            FloatBuffer probabilities = probabilities(count);
            for (int row = 0; row < count; row++) {
                verdicts[from + row] = verdict(ids[row], probabilities.get(2 * row + 1));
            }
        }
        return verdicts;
    }

    @Override
    public void close() throws OrtException {
        session.close();
    }

    private FloatBuffer probabilities(int count) throws OrtException {
        rows.limit(count * transactions.inputs());
        long[] shape = {count, transactions.inputs()};
        try (OnnxTensor input = OnnxTensor.createTensor(environment, rows, shape);
                OrtSession.Result result = session.run(Map.of("rows", input), OUTPUT)) {
            return ((OnnxTensor) result.get(0)).getFloatBuffer();
        } finally {
            rows.clear();
        }
    }

    private byte[] verdict(String id, float probability) {
        verdict.setLength(0);
        verdict.append("{\"transaction_id\":\"");
        for (int i = 0; i < id.length(); i++) {
            char one = id.charAt(i);
            if (one == '"' || one == '\\') {
                verdict.append('\\').append(one);
            } else if (one < ' ') {
                verdict.append(String.format("\\u%04x", (int) one));
            } else {
                verdict.append(one);
            }
        }
        verdict.append("\",\"fraud_probability\":").append(probability).append('}');
        return verdict.toString().getBytes(StandardCharsets.UTF_8);
    }
}
