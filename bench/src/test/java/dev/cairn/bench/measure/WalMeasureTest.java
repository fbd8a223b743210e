package dev.cairn.bench.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code measure wal} at a hundredth of its size, without a word about time. A class of its own: it runs beside {@link MeasureTest}. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class WalMeasureTest {
    @TempDir
    Path directory;

    @Test
    void theLogAloneIsMeasuredInAllItsPartsAndRemoved() throws IOException {
        StringWriter out = new StringWriter();
        CommandLine commandLine = MeasureMain.commandLine();
        commandLine.setOut(new PrintWriter(out));
        Path logs = directory.resolve("logs");
        assertThat(commandLine.execute("wal", "--dir", logs.toString(), "--percent", "1"))
                .isZero();
        List<String> lines = out.toString().lines().toList();
        assertThat(lines.get(lines.size() - 1))
                .startsWith("{\"append_prefaulted_ns\":")
                .contains("\"append_cold_allocated_bytes\":", "\"append_channel_records_s\":")
                .contains("\"bytes_per_force_mapped\":", "\"bytes_per_force_channel\":")
                .contains("\"rolls_3\":1", "\"rolls_ratio_p999\":", "\"drops_ratio_p999\":")
                .contains("\"mapped_1_p50_us\":", "\"channel_1024_p99_us\":", "\"percent\":1,");
        try (Stream<Path> left = Files.list(logs)) {
            assertThat(left).isEmpty();
        }
        assertThat(commandLine.execute("wal", "--dir", logs.toString(), "--percent", "0"))
                .isEqualTo(1);
    }
}
