package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log on both writers, under the flags of the build, makes the JVM print no warning. */
final class JvmWarningsTest {
    private static final long LIMIT_SECONDS = 60;

    @TempDir
    Path folder;

    /** What the child JVM runs. */
    static final class Child {
        private Child() {}

        public static void main(String[] args) {
            for (WriterChoice choice : List.of(WriterChoice.MAPPED, WriterChoice.CHANNEL, WriterChoice.MAPPED_IF_FIT)) {
                FileSegmentDirectory directory = FileSegmentDirectory.open(Path.of(args[0], choice.name()), choice);
                LogFixture log = new LogFixture(directory);
                log.appendMany(200, 1, 1000);
                log.publishAndForce();
                log.close();
                log.reopen();
                log.makeSpares();
                log.close();
                directory.close();
            }
            System.out.println("child done");
        }
    }

    @Test
    void theJvmPrintsNoWarning() throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--") || argument.startsWith("-Xmx"))
                .forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName(), folder.toString()));
        Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(output).contains("child done").doesNotContain("WARNING");
        assertThat(child.exitValue()).isZero();
    }
}
