package dev.cairn.server;

import java.io.IOException;
import java.io.Reader;
import java.io.Serial;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Gathers raw values from the properties file, the environment and the command line, later ones win, and turns them
 * into typed values. Every problem is noted and a stand-in returned, so that one run finds all of them.
 */
final class ConfigReader {
    /** Variables with our prefix that are for the start scripts and for kvctl, not for a node. */
    static final Set<String> SCRIPT_VARIABLES = Set.of("CAIRN_JAVA_OPTS", "CAIRN_HOME", "CAIRN_SERVERS");

    /** What container platforms inject for a service named like us, e.g. CAIRN_SERVICE_HOST, CAIRN_PORT_7401_TCP. */
    private static final Pattern SERVICE_VARIABLE =
            Pattern.compile("CAIRN_(\\w+_)?(SERVICE_HOST|SERVICE_PORT|SERVICE_PORT_\\w+|PORT|PORT_\\w+)");

    private static final String ENVIRONMENT_PREFIX = "CAIRN_";
    private static final Pattern SIZE = Pattern.compile("(?<number>[0-9]{1,16})(?<unit>KiB|MiB|GiB)?");
    private static final long BLOCK_BYTES = 4096;

    private record Given(String value, String source) {}

    private final Map<ConfigKey, Given> given = new EnumMap<>(ConfigKey.class);
    private final List<String> problems = new ArrayList<>();

    void readFile(Path file) {
        // The loader itself keeps the last of two equal keys without a word; a user who mends the first wonders.
        Set<String> twice = new LinkedHashSet<>();
        Properties properties = new Properties() {
            @Serial
            private static final long serialVersionUID = 1L;

            @Override
            public synchronized @Nullable Object put(Object key, Object value) {
                Object before = super.put(key, value);
                if (before != null) {
                    twice.add((String) key);
                }
                return before;
            }
        };
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (NoSuchFileException e) {
            problems.add("the file " + file + " does not exist");
        } catch (MalformedInputException e) {
            problems.add("the file " + file + " is not UTF-8 text");
        } catch (IOException | IllegalArgumentException e) {
            problems.add("the file " + file + " cannot be read: " + e);
        }
        // What else is wrong cannot be known without the file; each key would be called missing.
        throwIfAnyProblem();
        for (String key : twice) {
            problems.add(key + " stands twice in " + file);
        }
        for (String key : properties.stringPropertyNames().stream().sorted().toList()) {
            take(key, properties.getProperty(key, ""), "in " + file);
        }
    }

    void readEnvironment(Map<String, String> environment) {
        Map<String, ConfigKey> byName =
                Arrays.stream(ConfigKey.values()).collect(Collectors.toMap(ConfigKey::environmentName, key -> key));
        new TreeMap<>(environment).forEach((name, value) -> {
            if (!name.startsWith(ENVIRONMENT_PREFIX)) {
                return;
            }
            ConfigKey key = byName.get(name);
            if (key != null) {
                given.put(key, new Given(value.strip(), "from the environment"));
            } else if (!SCRIPT_VARIABLES.contains(name)
                    && !SERVICE_VARIABLE.matcher(name).matches()) {
                problems.add(unknown("environment variable", name, value, "in the environment", byName.keySet()));
            }
        });
    }

    /** One {@code key=value} of the command line. */
    void readFlag(String flag) {
        int equals = flag.indexOf('=');
        if (equals < 1) {
            problems.add("'--set " + flag + "' is not --set key=value");
            return;
        }
        take(flag.substring(0, equals).strip(), flag.substring(equals + 1), "from --set");
    }

    private void take(String name, String value, String source) {
        for (ConfigKey key : ConfigKey.values()) {
            if (key.key().equals(name)) {
                given.put(key, new Given(value.strip(), source));
                return;
            }
        }
        Set<String> known = Arrays.stream(ConfigKey.values())
                .map(ConfigKey::key)
                .collect(Collectors.toCollection(LinkedHashSet::new));
        problems.add(unknown("key", name, value.strip(), source, known));
    }

    private static String unknown(String what, String name, String value, String source, Set<String> known) {
        String nearest = known.stream()
                .sorted()
                .reduce((a, b) -> editDistance(name, b) < editDistance(name, a) ? b : a)
                .orElseThrow();
        return "unknown " + what + " " + name + "=" + value + " " + source + "; did you mean " + nearest
                + "? Known are: " + known.stream().sorted().collect(Collectors.joining(", "));
    }

    /** Levenshtein distance: insertions, deletions and replacements of one character. */
    static int editDistance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    boolean isGiven(ConfigKey key) {
        return given.containsKey(key);
    }

    /** The raw text: given, or the default; a missing key without default is a problem and reads as null. */
    private @Nullable String text(ConfigKey key) {
        Given value = given.get(key);
        if (value != null) {
            return value.value();
        }
        if (key.defaultText() == null) {
            problems.add(key.key() + " is missing; needed is " + key.allowed() + ". Set it in the file, as "
                    + key.environmentName() + " or with --set " + key.key() + "=...");
        }
        return key.defaultText();
    }

    String readText(ConfigKey key) {
        String text = text(key);
        if (text == null) {
            return "?";
        }
        if (!key.allowsText(text)) {
            malformed(key, text);
            return "?";
        }
        return text;
    }

    /** A whole number within the key's range; {@code standIn} after a problem. */
    int readInt(ConfigKey key, int standIn) {
        String text = text(key);
        if (text == null) {
            return standIn;
        }
        long number = text.matches("-?[0-9]{1,10}") ? Long.parseLong(text) : Long.MIN_VALUE;
        if (number < key.min() || number > key.max()) {
            malformed(key, text);
            return standIn;
        }
        return (int) number;
    }

    long readBytes(ConfigKey key) {
        String text = text(key);
        if (text == null) {
            return key.min();
        }
        Matcher matcher = SIZE.matcher(text);
        long bytes = -1;
        if (matcher.matches()) {
            long number = Long.parseLong(matcher.group("number"));
            String unit = matcher.group("unit");
            int shift = unit == null ? 0 : unit.equals("KiB") ? 10 : unit.equals("MiB") ? 20 : 30;
            // Sixteen digits times 2^30 overflow a long; nothing above 2^33 of any unit is within a range.
            bytes = shift > 0 && number >= 1L << 33 ? -1 : number << shift;
        }
        if (bytes < key.min() || bytes > key.max() || bytes % BLOCK_BYTES != 0) {
            malformed(key, text);
            return key.min();
        }
        return bytes;
    }

    /** Null when empty, and after a problem. */
    @Nullable
    Address readAddress(ConfigKey key) {
        String text = text(key);
        if (text == null || text.isEmpty()) {
            return null;
        }
        try {
            return Address.parse(text);
        } catch (IllegalArgumentException e) {
            malformed(key, text, e);
            return null;
        }
    }

    /** Empty after a problem. */
    List<Member> readMembers(ConfigKey key) {
        String text = text(key);
        if (text == null) {
            return List.of();
        }
        try {
            return Member.parseList(text);
        } catch (IllegalArgumentException e) {
            malformed(key, text, e);
            return List.of();
        }
    }

    Path readPath(ConfigKey key) {
        String text = text(key);
        if (text == null) {
            return Path.of("?");
        }
        if (text.isEmpty()) {
            malformed(key, text);
            return Path.of("?");
        }
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            malformed(key, text, e);
            return Path.of("?");
        }
    }

    RaftPreset readPreset(ConfigKey key) {
        String text = text(key);
        for (RaftPreset preset : RaftPreset.values()) {
            if (preset.text().equals(text)) {
                return preset;
            }
        }
        malformed(key, String.valueOf(text));
        return RaftPreset.DEFAULT;
    }

    WalWriter readWriter(ConfigKey key) {
        String text = text(key);
        for (WalWriter writer : WalWriter.values()) {
            if (writer.text().equals(text)) {
                return writer;
            }
        }
        malformed(key, String.valueOf(text));
        return WalWriter.AUTO;
    }

    boolean readSwitch(ConfigKey key) {
        String text = String.valueOf(text(key));
        if (!text.equals("true") && !text.equals("false")) {
            malformed(key, text);
        }
        return text.equals("true");
    }

    WalRepair readRepair(ConfigKey key) {
        String text = text(key);
        for (WalRepair repair : WalRepair.values()) {
            if (repair.text().equals(text)) {
                return repair;
            }
        }
        malformed(key, String.valueOf(text));
        return WalRepair.AUTO;
    }

    private void malformed(ConfigKey key, String text) {
        problems.add(key.key() + "=" + text + source(key) + " is not allowed; needed is " + key.allowed());
    }

    private void malformed(ConfigKey key, String text, IllegalArgumentException cause) {
        problems.add(key.key() + "=" + text + source(key) + " is not allowed: " + cause.getMessage() + "; needed is "
                + key.allowed());
    }

    private String source(ConfigKey key) {
        Given value = given.get(key);
        return value == null ? "" : " " + value.source();
    }

    /** A rule between keys that single values cannot show. */
    void require(boolean holds, String problem) {
        if (!holds) {
            problems.add(problem);
        }
    }

    int problemCount() {
        return problems.size();
    }

    void throwIfAnyProblem() {
        if (!problems.isEmpty()) {
            throw new ConfigException(problems);
        }
    }
}
