package dev.cairn.server.metrics;

import dev.cairn.protocol.Status;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.management.GarbageCollectorMXBean;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * All metrics of a node in one table, and their exposition as Prometheus text. Reading takes no lock and stops nobody; any
 * thread may scrape, at its own cost.
 */
public final class NodeMetrics {
    /** Of the text that {@link #scrape} writes. */
    public static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private static final int LEADER = 4;
    private static final List<String> ROLE_NAMES = List.of("", "follower", "pre_candidate", "candidate", "leader");

    private final PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.create();
    private final ReplicaMetrics replica;
    private final SnapshotMetrics snapshots = new SnapshotMetrics();
    private final HttpMetrics http = new HttpMetrics();
    private final List<Metric> table = new ArrayList<>();

    public NodeMetrics(final int nodeId, final String clusterId, final String version, final ReplicaMetrics replica) {
        this.replica = replica;
        table.add(Metric.gauge(
                "cairn_node_info",
                "",
                "Always 1; the labels say which node of which cluster this is, and its version.",
                List.of("node", "cluster", "version"),
                sink -> sink.value(1, Integer.toString(nodeId), clusterId, version)));
        addRaft(replica.loop());
        addStages();
        addQueues(replica.loop());
        addRequests(replica.loop());
        addLog();
        addSnapshots();
        addProcess();
    }

    public SnapshotMetrics snapshots() {
        return snapshots;
    }

    public HttpMetrics http() {
        return http;
    }

    // ---- the table -----------------------------------------------------------------------------------------------

    private void addRaft(final LoopMetrics loop) {
        table.add(Metric.gauge(
                "cairn_raft_role", "", "1 for the role that the node has, 0 for the others.", List.of("role"), sink -> {
                    for (int role = 1; role <= LEADER; role++) {
                        sink.value(loop.level(Level.ROLE) == role ? 1 : 0, ROLE_NAMES.get(role));
                    }
                }));
        level("cairn_raft_term", "Current term.", Level.TERM);
        level("cairn_raft_leader_id", "Node id of the leader that this node follows or is; 0 = none.", Level.LEADER_ID);
        level("cairn_raft_commit_index", "Highest index known to be committed.", Level.COMMIT_INDEX);
        level("cairn_raft_applied_index", "Highest index that the state machine has applied.", Level.APPLIED_INDEX);
        level("cairn_raft_last_index", "Index of the last entry of the log.", Level.LAST_INDEX);
        level("cairn_raft_durable_index", "Highest index that is forced to this node's disk.", Level.DURABLE_INDEX);
        level("cairn_raft_first_index", "Index of the first entry that the log still holds.", Level.FIRST_INDEX);
        table.add(Metric.gauge(
                "cairn_raft_peer_lag_entries",
                "entries",
                "On the leader: entries of its log that the peer is not known to have. 0 on other nodes.",
                List.of("peer"),
                sink -> {
                    final boolean leads = loop.level(Level.ROLE) == LEADER;
                    final LoopMetrics.Peers peers = loop.peers();
                    for (int i = 0; i < peers.count(); i++) {
                        sink.value(leads ? loop.lag(peers, i) : 0, Integer.toString(peers.id(i)));
                    }
                }));
        table.add(Metric.gauge(
                "cairn_raft_peer_match_index",
                "",
                "On the leader: highest index that the peer is known to have. 0 on other nodes.",
                List.of("peer"),
                sink -> {
                    final LoopMetrics.Peers peers = loop.peers();
                    for (int i = 0; i < peers.count(); i++) {
                        sink.value(peers.matchIndex(i), Integer.toString(peers.id(i)));
                    }
                }));
        table.add(Metric.counter(
                "cairn_raft_elections_total",
                "",
                "Elections that this node began.",
                () -> loop.roleChanges(ROLE_NAMES.indexOf("candidate"))));
        table.add(Metric.counter(
                "cairn_raft_role_changes_total",
                "",
                "Changes into a role, or of the leader that is followed.",
                List.of("role"),
                sink -> {
                    for (int role = 1; role <= LEADER; role++) {
                        sink.value(loop.roleChanges(role), ROLE_NAMES.get(role));
                    }
                }));
    }

    private void addStages() {
        final LoopMetrics loop = replica.loop();
        table.add(new Metric(
                "cairn_stage_seconds",
                Metric.Type.HISTOGRAM,
                "seconds",
                "Time from one stage of a request to the next, one observation per request: propose_durable (this"
                        + " leader's disk), propose_commit (a majority's disks), commit_applied, read_round (a"
                        + " linearizable read's confirmation), slow_read (a read that needed the disk).",
                List.of("stage"),
                sink -> {
                    sink.histogram(loop.proposeToDurable(), "propose_durable");
                    sink.histogram(loop.proposeToCommit(), "propose_commit");
                    sink.histogram(loop.commitToApplied(), "commit_applied");
                    sink.histogram(loop.readRound(), "read_round");
                    sink.histogram(replica.slowRead(), "slow_read");
                }));
        table.add(Metric.histogram(
                "cairn_apply_batch_entries",
                "entries",
                "Entries applied with one atomic write of the store.",
                replica.applyBatch()));
    }

    private void addQueues(final LoopMetrics loop) {
        table.add(Metric.gauge(
                "cairn_queue_bytes",
                "bytes",
                "Bytes that wait: commit_ring (ranges to apply), result_ring (results to the loop), client_inbox (frames"
                        + " that were received).",
                List.of("queue"),
                sink -> {
                    sink.value(loop.level(Level.COMMIT_RING_BYTES), "commit_ring");
                    sink.value(loop.level(Level.RESULT_RING_BYTES), "result_ring");
                    sink.value(loop.level(Level.CLIENT_INBOX_BYTES), "client_inbox");
                }));
        level(
                "cairn_proposals_open",
                "On the leader: commands that were proposed and whose clients wait.",
                Level.OPEN_PROPOSALS);
        level(
                "cairn_proposals_open_bytes",
                "bytes",
                "Bytes of commands that were proposed and are not applied.",
                Level.OPEN_PROPOSAL_BYTES);
        level("cairn_reads_pending", "Linearizable reads that wait for their round.", Level.PENDING_READS);
        level("cairn_waits_pending", "Requests that wait until an index is applied.", Level.APPLIED_WAITS);
        table.add(Metric.gauge(
                "cairn_sessions",
                "",
                "Open sessions of clients.",
                () -> replica.sessions().get()));
    }

    private void addRequests(final LoopMetrics loop) {
        table.add(Metric.counter(
                "cairn_requests_total", "", "Requests of clients by kind, HTTP included.", List.of("kind"), sink -> {
                    for (int kind = 0; kind < LoopMetrics.KINDS; kind++) {
                        final String name = LoopMetrics.kindName(kind);
                        if (!name.isEmpty()) {
                            sink.value(loop.requests(kind), name);
                        }
                    }
                }));
        table.add(Metric.counter(
                "cairn_replies_total", "", "Replies to clients by status.", List.of("status"), sink -> {
                    for (final Status status : Status.values()) {
                        sink.value(loop.replies(status.code()), status.name().toLowerCase(Locale.ROOT));
                    }
                }));
        level("cairn_client_connections", "Open connections on the client port.", Level.CLIENT_CONNECTIONS);
        table.add(Metric.counter(
                "cairn_http_responses_total", "", "Responses of the HTTP gateway by code.", List.of("code"), sink -> {
                    for (int code = 0; code <= HttpMetrics.lastCode(); code++) {
                        if (http.responses(code) > 0) {
                            sink.value(http.responses(code), Integer.toString(code));
                        }
                    }
                }));
        table.add(Metric.counter(
                "cairn_http_seconds_total", "seconds", "Time spent on HTTP requests, summed up.", http::seconds));
    }

    private void addLog() {
        final DiskMetrics disk = replica.disk();
        level("cairn_log_bytes", "bytes", "Bytes of the log from its first to its last entry.", Level.LOG_BYTES);
        table.add(Metric.gauge(
                "cairn_store_bytes",
                "bytes",
                "Bytes of the store's files.",
                () -> replica.storeBytes().get()));
        level("cairn_disk_free_bytes", "bytes", "Free bytes on the disk of the log.", Level.DISK_FREE_BYTES);
        level(
                "cairn_disk_low",
                "1 while this node takes no writes of clients for want of space: see the event disk.low.",
                Level.DISK_LOW);
        level(
                "cairn_apply_stalled",
                "1 while the store has no room on its disk for a batch, which is tried again.",
                Level.APPLY_STALLED);
        level(
                "cairn_log_repairing",
                "1 while the log lacks entries that it had acknowledged: this node does not vote until they are back.",
                Level.REPAIRING);
        table.add(
                Metric.histogram("cairn_log_force_seconds", "seconds", "Time of one force of the log.", disk.force()));
        table.add(Metric.histogram(
                "cairn_log_force_bytes", "bytes", "Bytes made durable by one force.", disk.forceBytes()));
        table.add(Metric.histogram(
                "cairn_log_group_entries",
                "entries",
                "Entries that became durable together, as the loop sees it.",
                replica.loop().groupEntries()));
        table.add(Metric.counter(
                "cairn_log_slow_forces_total",
                "",
                "Forces of log or hard state that took longer than wal.slow.force.ms.",
                () -> disk.slowForces().get()));
        table.add(Metric.histogram(
                "cairn_log_roll_seconds",
                "seconds",
                "Time for which the loop was held up by the begin of a new segment.",
                replica.loop().roll()));
        level("cairn_log_segments", "Segments of the log.", Level.LOG_SEGMENTS);
        level(
                "cairn_log_spares_ready",
                "Prepared files that wait to become segments; 0 for long = the disk does not keep up, and short segments (1 MiB)"
                        + " are made while writes wait.",
                Level.SPARES_READY);
        table.add(Metric.counter(
                "cairn_log_spares_recycled_total",
                "",
                "Spares that were made from dropped segments.",
                () -> replica.loop().level(Level.SPARES_RECYCLED)));
        table.add(Metric.histogram(
                "cairn_hard_state_write_seconds",
                "seconds",
                "Time to write and force term and vote.",
                disk.hardStateWrite()));
    }

    private void addSnapshots() {
        table.add(
                Metric.counter("cairn_snapshots_total", "", "Snapshots that this node took.", () -> snapshots.taken()));
        table.add(Metric.counter(
                "cairn_snapshot_seconds_total",
                "seconds",
                "Time spent on taking snapshots, summed up.",
                snapshots::takenSeconds));
        table.add(Metric.gauge(
                "cairn_snapshot_last_index",
                "",
                "Index of the newest snapshot; 0 = none.",
                () -> snapshots.lastIndex()));
        table.add(Metric.gauge(
                "cairn_snapshot_last_bytes", "bytes", "Size of the newest snapshot.", () -> snapshots.lastBytes()));
        table.add(Metric.counter(
                "cairn_snapshot_installs_total",
                "",
                "Snapshots of other nodes that replaced this node's state.",
                () -> snapshots.installed()));
        table.add(Metric.counter(
                "cairn_snapshot_transfer_bytes_total",
                "bytes",
                "Bytes of snapshots that were sent or received.",
                List.of("direction"),
                sink -> {
                    sink.value(snapshots.bytesSent(), "sent");
                    sink.value(snapshots.bytesReceived(), "received");
                }));
    }

    private void addProcess() {
        table.add(Metric.gauge("jvm_heap_used_bytes", "bytes", "Used heap.", JvmMetrics::heapUsedBytes));
        table.add(Metric.gauge("jvm_heap_max_bytes", "bytes", "Largest heap.", JvmMetrics::heapMaxBytes));
        table.add(Metric.gauge("jvm_direct_bytes", "bytes", "Direct buffers of the JVM.", JvmMetrics::directBytes));
        table.add(Metric.counter("jvm_gc_collections_total", "", "Garbage collections.", List.of("collector"), sink -> {
            for (final GarbageCollectorMXBean collector : JvmMetrics.collectors()) {
                sink.value(Math.max(0, collector.getCollectionCount()), collector.getName());
            }
        }));
        table.add(Metric.counter(
                "jvm_gc_seconds_total", "seconds", "Time spent on garbage collection.", List.of("collector"), sink -> {
                    for (final GarbageCollectorMXBean collector : JvmMetrics.collectors()) {
                        sink.value(Math.max(0, collector.getCollectionTime()) / 1e3, collector.getName());
                    }
                }));
        table.add(Metric.gauge("jvm_threads", "", "Live threads.", JvmMetrics::threads));
        table.add(Metric.gauge(
                "process_open_fds", "", "Open files and sockets; -1 = not known here.", JvmMetrics::openFiles));
        table.add(Metric.counter(
                "process_cpu_seconds_total", "seconds", "Processor time of the process.", JvmMetrics::cpuSeconds));
        table.add(Metric.gauge(
                "process_start_time_seconds",
                "seconds",
                "Start of the process, since 1970.",
                JvmMetrics::startSeconds));
    }

    private void level(final String name, final String help, final int level) {
        level(name, "", help, level);
    }

    private void level(final String name, final String unit, final String help, final int level) {
        table.add(Metric.gauge(name, unit, help, () -> replica.loop().level(level)));
    }

    /** Every metric by name, as {@code docs/metrics.md} lists them. */
    List<Metric> table() {
        return List.copyOf(table);
    }

    // ---- exposition ----------------------------------------------------------------------------------------------

    /** Everything as text. */
    public String scrape() {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 16);
        try {
            scrape(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /** Everything as text in UTF-8; the stream stays open. */
    public void scrape(final OutputStream to) throws IOException {
        writer.write(
                to,
                new MetricSnapshots(table.stream().map(NodeMetrics::snapshot).collect(Collectors.toList())),
                EscapingScheme.UNDERSCORE_ESCAPING);
    }

    private static MetricSnapshot snapshot(final Metric metric) {
        return switch (metric.type()) {
            case COUNTER -> counter(metric);
            case GAUGE -> gauge(metric);
            case HISTOGRAM -> histogram(metric);
        };
    }

    private static MetricSnapshot counter(final Metric metric) {
        final String total = "_total";
        // The writer puts it behind the name again.
        final CounterSnapshot.Builder built = CounterSnapshot.builder()
                .name(metric.name().substring(0, metric.name().length() - total.length()))
                .help(metric.help());
        metric.values().accept(new Values(metric) {
            @Override
            public void value(final double value, final String... labelValues) {
                built.dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder()
                        .value(value)
                        .labels(labels(labelValues))
                        .build());
            }
        });
        return built.build();
    }

    private static MetricSnapshot gauge(final Metric metric) {
        final GaugeSnapshot.Builder built =
                GaugeSnapshot.builder().name(metric.name()).help(metric.help());
        metric.values().accept(new Values(metric) {
            @Override
            public void value(final double value, final String... labelValues) {
                built.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                        .value(value)
                        .labels(labels(labelValues))
                        .build());
            }
        });
        return built.build();
    }

    private static MetricSnapshot histogram(final Metric metric) {
        final HistogramSnapshot.Builder built =
                HistogramSnapshot.builder().name(metric.name()).help(metric.help());
        metric.values().accept(new Values(metric) {
            @Override
            public void histogram(final Histogram histogram, final String... labelValues) {
                built.dataPoint(HistogramSnapshot.HistogramDataPointSnapshot.builder()
                        .classicHistogramBuckets(
                                ClassicHistogramBuckets.of(histogram.upperBounds(), histogram.counts()))
                        .sum(histogram.sum())
                        .labels(labels(labelValues))
                        .build());
            }
        });
        return built.build();
    }

    /** Refuses what does not fit the metric's type. */
    private abstract static class Values implements Metric.Sink {
        private final Metric metric;

        Values(final Metric metric) {
            this.metric = metric;
        }

        Labels labels(final String... values) {
            return values.length == 0 ? Labels.EMPTY : Labels.of(metric.labels().toArray(String[]::new), values);
        }

        @Override
        public void value(final double value, final String... labelValues) {
            throw new IllegalStateException(metric.name() + " is a histogram");
        }

        @Override
        public void histogram(final Histogram histogram, final String... labelValues) {
            throw new IllegalStateException(metric.name() + " is no histogram");
        }
    }
}
