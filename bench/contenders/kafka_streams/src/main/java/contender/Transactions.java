package contender;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads transactions: flat JSON, of which only the inputs and the id count. */
final class Transactions {
    private static final String ID = "transaction_id";
    private static final JsonFactory JSON =
            new JsonFactoryBuilder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();

    private final Map<String, Integer> places = new HashMap<>();

    /** @param inputs the file with the names of the inputs, a JSON list in the order of the model. */
    Transactions(Path inputs) throws IOException {
        List<String> names = new ArrayList<>();
        try (JsonParser parser = JSON.createParser(Files.readAllBytes(inputs))) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.VALUE_STRING) {
                names.add(parser.getText());
            }
        }
        for (int i = 0; i < names.size(); i++) {
            places.put(names.get(i), i);
        }
    }

    /** How many inputs the model has. */
    int inputs() {
        return places.size();
    }

    /**
     * @param json a transaction.
     * @param rows where its inputs go.
     * @param row the row there.
     * @return its id.
     * @throws IllegalArgumentException if the id or an input is missing.
     */
    String read(byte[] json, FloatBuffer rows, int row) throws IOException {
        int start = row * places.size();
        int found = 0;
        String id = null;
        try (JsonParser parser = JSON.createParser(json)) {
            parser.nextToken();
            for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
                JsonToken token = parser.nextToken();
                Integer place = places.get(name);
                if (place != null) {
                    // By way of double, as scikit-learn gets it.
                    rows.put(start + place, (float) parser.getDoubleValue());
                    found++;
                } else if (name.equals(ID)) {
                    id = parser.getText();
                } else if (token.isStructStart()) {
                    parser.skipChildren();
                }
            }
        }
        if (id == null || found != places.size()) {
            throw new IllegalArgumentException("transaction " + id + " has " + found + " of " + places.size() + " inputs");
        }
        return id;
    }
}
