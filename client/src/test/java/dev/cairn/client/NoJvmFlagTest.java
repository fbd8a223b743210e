package dev.cairn.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Users of the client inherit no JVM flag, and see no warning of the JVM. */
class NoJvmFlagTest {
    @TempDir
    Path directory;

    @Test
    void theClientRunsCleanlyWithoutAnyFlag() throws IOException, InterruptedException {
        Path output = directory.resolve("output");
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        NoFlagMain.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(program.waitFor(20, TimeUnit.SECONDS)).isTrue();
        } finally {
            program.destroyForcibly();
        }
        assertThat(Files.readString(output)).isEqualTo("value" + System.lineSeparator());
        assertThat(program.exitValue()).isZero();
    }
}
