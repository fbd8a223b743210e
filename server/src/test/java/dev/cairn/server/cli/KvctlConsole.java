package dev.cairn.server.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Runs {@code kvctl} in this JVM and keeps what its last run printed. */
final class KvctlConsole {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    /** Returns the exit code. */
    int run(InputStream in, String... args) {
        out.reset();
        err.reset();
        return Kvctl.run(args, in, print(out), print(err));
    }

    int run(String... args) {
        return run(new ByteArrayInputStream(new byte[0]), args);
    }

    private static PrintStream print(ByteArrayOutputStream to) {
        return new PrintStream(to, true, StandardCharsets.UTF_8);
    }

    /** What it printed to its standard output, to the byte. */
    byte[] bytes() {
        return out.toByteArray();
    }

    String out() {
        return text(out);
    }

    String err() {
        return text(err);
    }

    private static String text(ByteArrayOutputStream printed) {
        return printed.toString(StandardCharsets.UTF_8).replace("\r\n", "\n");
    }
}
