package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.testkit.scenario.KillSoak;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kills at random moments under load; with {@code -Dcairn.stress=true} two hundred of them. */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class KillSoakTest {
    @TempDir
    Path directory;

    @Test
    @Covers({"W16", "X06"})
    void nothingAcknowledgedIsLostByKillsAtRandomMoments() {
        final String kills = Boolean.getBoolean("cairn.stress") ? "200" : "6";
        final String seed = System.getProperty("seed", "");
        final ByteArrayOutputStream printed = new ByteArrayOutputStream();
        final int exitCode = KillSoak.run(
                new PrintStream(printed, true, UTF_8),
                "--kills",
                kills,
                "--seed",
                seed.isEmpty() ? Long.toString(System.nanoTime()) : seed,
                "--dir",
                directory.toString());
        final String output = printed.toString(UTF_8);
        System.out.println(output);
        assertThat(exitCode).as(output).isZero();
        assertThat(output).contains(" lost=0 ");
    }

    @Test
    void optionsThatMakeNoSenseAreRefused() {
        for (final String[] wrong : new String[][] {
            {"--kills", "0"},
            {"--kills"},
            {"--seconds", "no"},
            {"--nodes", "8"},
            {"--kill", "1"},
            {"--rot", "101"},
            {"--nodes", "1", "--rot", "5"}
        }) {
            final ByteArrayOutputStream printed = new ByteArrayOutputStream();
            assertThat(KillSoak.run(new PrintStream(printed, true, UTF_8), wrong))
                    .isEqualTo(2);
            assertThat(printed.toString(UTF_8)).startsWith("kill-soak: ");
        }
    }
}
