package dev.cairn.bench.scale;

import dev.cairn.bench.machine.ProcessProbe;
import dev.cairn.bench.machine.Window;
import dev.cairn.bench.results.JsonLine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What nodes, load and proxies have used in the window of a load, for each of its operations. One thread. */
final class CostWindow implements Window {
    private static final double NS_PER_MS = 1e6;
    private static final int MS_PER_TICK = 10;
    private static final Path LOOPBACK = Path.of("/sys/class/net/lo/statistics/rx_bytes");

    /** A node at one moment. What it says itself comes later when it is busy. */
    private record NodeLook(
            long processorMs, ProcessProbe.Usage usage, ProcessProbe.Memory memory, MeasuredNode.LogTotals log) {}

    private record Look(long atNs, List<NodeLook> nodes, long ownMs, double proxyMs, double loopbackBytes) {}

    private final List<MeasuredNode> nodes;
    private final @Nullable DelayedLinks links;
    private @Nullable Look begin;
    private @Nullable Look end;

    /** @param nodes the leader first */
    CostWindow(List<MeasuredNode> nodes, @Nullable DelayedLinks links) {
        this.nodes = nodes;
        this.links = links;
    }

    @Override
    public void open() {
        begin = look();
    }

    @Override
    public void close() {
        end = look();
    }

    /** First everything that is there at once: a busy node may take long to tell its metrics. */
    private Look look() {
        long atNs = System.nanoTime();
        List<Long> processorMs =
                nodes.stream().map(node -> ProcessProbe.processorMs(node.pid())).toList();
        long ownMs = ProcessProbe.processorMs(ProcessHandle.current().pid());
        double loopbackBytes = loopbackBytes();
        List<ProcessProbe.Usage> usages =
                nodes.stream().map(node -> ProcessProbe.usage(node.pid())).toList();
        double proxyMs = links == null ? 0 : links.usedNs() / NS_PER_MS;
        List<NodeLook> looks = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            MeasuredNode node = nodes.get(i);
            looks.add(
                    new NodeLook(processorMs.get(i), usages.get(i), ProcessProbe.memory(node.pid()), node.logTotals()));
        }
        return new Look(atNs, looks, ownMs, proxyMs, loopbackBytes);
    }

    private static double loopbackBytes() {
        try {
            return Double.parseDouble(Files.readString(LOOPBACK).strip());
        } catch (IOException elsewhere) {
            return Double.NaN;
        }
    }

    /**
     * Adds the figures.
     *
     * @param prefix of each name
     * @param rate operations per second in the window
     */
    void write(JsonLine line, String prefix, double rate) {
        Look from = begin;
        Look to = end;
        if (from == null || to == null || !(rate > 0)) {
            return;
        }
        double seconds = (to.atNs - from.atNs) / 1e9;
        double operations = rate * seconds;
        double thousands = operations / 1000;
        double nodesMs = 0;
        for (int i = 0; i < nodes.size(); i++) {
            nodesMs += to.nodes.get(i).processorMs - from.nodes.get(i).processorMs;
        }
        double proxyMs = to.proxyMs - from.proxyMs;
        line.putRatio(prefix + "nodes_cpu_ms_per_1000", nodesMs / thousands)
                .putRatio(prefix + "load_cpu_ms_per_1000", (to.ownMs - from.ownMs - proxyMs) / thousands)
                .putRatio(prefix + "proxy_cpu_ms_per_1000", proxyMs / thousands)
                .put(prefix + "loopback_bytes_per_op", (to.loopbackBytes - from.loopbackBytes) / operations);
        writeNodes(line, prefix + "leader_", from.nodes.subList(0, 1), to.nodes.subList(0, 1), operations, seconds);
        if (nodes.size() > 1) {
            int size = nodes.size();
            writeNodes(
                    line,
                    prefix + "follower_",
                    from.nodes.subList(1, size),
                    to.nodes.subList(1, size),
                    operations,
                    seconds);
        }
    }

    /** Means of several nodes of one role. */
    private static void writeNodes(
            JsonLine line, String prefix, List<NodeLook> from, List<NodeLook> to, double operations, double seconds) {
        double count = from.size();
        line.putRatio(prefix + "cpu_us", difference(from, to, look -> look.processorMs) * 1000 / operations / count);
        double named = 0;
        for (Map.Entry<String, String> thread :
                Map.of("loop", "loop", "log_sync", "log-sync", "apply", "apply").entrySet().stream()
                        .sorted(Map.Entry.comparingByKey())
                        .toList()) {
            double ms = difference(from, to, look -> threadMs(look, thread.getValue()));
            named += ms;
            line.putRatio(prefix + thread.getKey() + "_us", ms * 1000 / operations / count);
        }
        double all = difference(from, to, look -> look.processorMs);
        line.putRatio(prefix + "other_us", (all - named) * 1000 / operations / count)
                .put(
                        prefix + "disk_bytes_per_op",
                        difference(from, to, look -> look.usage.writtenBytes()) / operations / count)
                .put(
                        prefix + "disk_read_bytes_per_op",
                        difference(from, to, look -> look.usage.readBytes()) / operations / count)
                .put(
                        prefix + "rss_mb",
                        to.stream()
                                .mapToDouble(look -> look.memory.rssKb() / 1024.0)
                                .max()
                                .orElse(0))
                .put(
                        prefix + "anonymous_mb",
                        to.stream()
                                .mapToDouble(look -> look.memory.anonymousKb() / 1024.0)
                                .max()
                                .orElse(0));
        double forces = difference(from, to, look -> look.log.forces());
        line.put(prefix + "forces_s", forces / seconds / count)
                .put(prefix + "force_us", difference(from, to, look -> look.log.forceSeconds()) * 1e6 / forces)
                .put(
                        prefix + "force_bytes_per_op",
                        difference(from, to, look -> look.log.forceBytes()) / operations / count)
                .put(
                        prefix + "group_entries",
                        difference(from, to, look -> look.log.entries())
                                / difference(from, to, look -> look.log.groups()));
    }

    private static double difference(List<NodeLook> from, List<NodeLook> to, ToDoubleFunction<NodeLook> of) {
        return to.stream().mapToDouble(of).sum() - from.stream().mapToDouble(of).sum();
    }

    private static double threadMs(NodeLook look, String name) {
        return Stream.of(look.usage.threadTicks().getOrDefault(name, 0L))
                .mapToDouble(ticks -> ticks * MS_PER_TICK)
                .sum();
    }
}
