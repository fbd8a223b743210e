package dev.cairn.server;

import java.util.List;

/**
 * The configuration of a node cannot be used. Holds every problem that was found, one sentence each, so that a user
 * mends a file in one go. Thrown before anything is created; the process ends with {@link #EXIT_CODE}.
 */
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Exit code of a server whose configuration cannot be used. */
    public static final int EXIT_CODE = 2;

    private final List<String> problems;

    public ConfigException(List<String> problems) {
        super(text(problems));
        this.problems = List.copyOf(problems);
    }

    public ConfigException(String problem) {
        this(List.of(problem));
    }

    public List<String> problems() {
        return problems;
    }

    private static String text(List<String> problems) {
        if (problems.size() == 1) {
            return "configuration: " + problems.get(0);
        }
        return "configuration, " + problems.size() + " problems:\n  " + String.join("\n  ", problems);
    }
}
