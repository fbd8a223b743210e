package dev.cairn.bench.scale;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** A node's process, and where it tells about itself. */
record MeasuredNode(long pid, int httpPort, int clientPort) {
    /**
     * Totals of its log since its start.
     *
     * @param forceSeconds time spent in forces
     * @param groups groups of entries that became durable together
     */
    record LogTotals(double forces, double forceSeconds, double forceBytes, double groups, double entries) {
        LogTotals since(LogTotals before) {
            return new LogTotals(
                    forces - before.forces,
                    forceSeconds - before.forceSeconds,
                    forceBytes - before.forceBytes,
                    groups - before.groups,
                    entries - before.entries);
        }
    }

    LogTotals logTotals() {
        String text;
        try (InputStream in =
                URI.create("http://127.0.0.1:" + httpPort + "/metrics").toURL().openStream()) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("no metrics of the node with process id " + pid, e);
        }
        return new LogTotals(
                number(text, "cairn_log_force_seconds_count"),
                number(text, "cairn_log_force_seconds_sum"),
                number(text, "cairn_log_force_bytes_sum"),
                number(text, "cairn_log_group_entries_count"),
                number(text, "cairn_log_group_entries_sum"));
    }

    private static double number(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name + ' '))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElse(Double.NaN);
    }
}
