package contender;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** What the command line says. */
record Options(
        String bootstrap,
        String transactions,
        String verdicts,
        String group,
        Path model,
        int batch,
        int threads,
        int commitIntervalMs,
        boolean together) {

    /**
     * @param arguments pairs of --name and value; --threads, --commit-interval-ms and --scoring have defaults.
     * @throws IllegalArgumentException if one is missing or of no use.
     */
    static Options of(String[] arguments) {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            given.put(arguments[i], arguments[i + 1]);
        }
        String scoring = given.getOrDefault("--scoring", "poll");
        if (!scoring.equals("poll") && !scoring.equals("record")) {
            throw new IllegalArgumentException("--scoring is \"" + scoring + "\": either poll or record");
        }
        return new Options(
                required(given, "--bootstrap"),
                required(given, "--transactions"),
                required(given, "--verdicts"),
                required(given, "--group"),
                Path.of(required(given, "--model")),
                Integer.parseInt(required(given, "--batch")),
                Integer.parseInt(given.getOrDefault("--threads", "1")),
                Integer.parseInt(given.getOrDefault("--commit-interval-ms", "100")),
                scoring.equals("poll"));
    }

    private static String required(Map<String, String> given, String name) {
        String value = given.get(name);
        if (value == null) {
            throw new IllegalArgumentException(name + " is missing");
        }
        return value;
    }
}
