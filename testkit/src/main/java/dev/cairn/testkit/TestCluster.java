package dev.cairn.testkit;

import dev.cairn.client.CairnClient;
import dev.cairn.client.ClientConfig;
import dev.cairn.client.ServerStatus;
import dev.cairn.protocol.NodeStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A cluster for tests, on loopback: nodes that are started, stopped, killed and paused, and a network that can be cut. Nodes
 * are numbered from 1. Not thread-safe; {@link #network} is.
 *
 * <p>Waiting methods wait for a condition, at most {@link #DEADLINE}, and fail with the state of all nodes.
 */
public sealed interface TestCluster extends AutoCloseable permits InProcessCluster, ProcessCluster {
    /** How long the waiting methods wait. Generous: test machines stall. */
    Duration DEADLINE = Duration.ofMinutes(3);

    /** Pause between two looks. */
    int POLL_MS = 10;

    /** How many looks in a row must show the same leader before it counts as stable. */
    int STABLE_LOOKS = 10;

    int size();

    /** Starts one node on the data that it has. */
    void start(int id);

    /** Ends nodes without any warning to them; returns when they are gone. */
    void kill(int... ids);

    /** Stops a node cleanly; returns when it has ended. */
    void stop(int id);

    /** The node does nothing more, its connections stay open; until {@link #resume}. */
    void pause(int id);

    /** Ends {@link #pause}. */
    void resume(int id);

    boolean isAlive(int id);

    /** Where to make trouble between nodes and before them. */
    ClusterNetwork network();

    /** Where the node keeps its files. */
    Path data(int id);

    /** What is known of the nodes, for messages of failed tests; begins with a line end. */
    String describe();

    @Override
    void close();

    /** Starts all nodes that do not run. */
    default void startMissing() {
        IntStream.rangeClosed(1, size()).filter(id -> !isAlive(id)).forEach(this::start);
    }

    /** Where clients reach a node. */
    default int clientPort(final int id) {
        return network().clientPort(id);
    }

    /** {@code host:port} of these nodes for a client; of all nodes when none is named. */
    default String servers(final int... ids) {
        return (ids.length > 0 ? IntStream.of(ids) : IntStream.rangeClosed(1, size()))
                .mapToObj(id -> "127.0.0.1:" + clientPort(id))
                .collect(Collectors.joining(","));
    }

    /** A client of the whole cluster, that finds the leader and follows it. */
    default CairnClient connect() {
        return connect(Duration.ofSeconds(30));
    }

    /** A client that knows only these nodes at first, of all nodes when none is named. */
    default CairnClient connect(final Duration requestTimeout, final int... ids) {
        return ClientConfig.builder()
                .servers(servers(ids))
                .requestTimeout(requestTimeout)
                .connect();
    }

    /** What a node says about itself, or null when it does not answer. */
    default @Nullable NodeStatus status(final int id) {
        try (CairnClient client = connect(Duration.ofSeconds(2), id)) {
            return client.status().get(0).node();
        }
    }

    /** Waits until a leader answers; returns its id. */
    default int awaitLeader() {
        return awaitStatus("a leader", nodes -> leader(nodes).isPresent());
    }

    /** Waits until every node answers and knows a leader: then any minority may be lost. */
    default int awaitAllServe() {
        return awaitStatus(
                "a leader known to all nodes",
                nodes -> nodes.size() == size()
                        && leader(nodes).isPresent()
                        && nodes.stream().allMatch(node -> node.leaderId() != 0));
    }

    /**
     * Waits until the same node has led in the same term, followed by all that run, for {@link #STABLE_LOOKS} looks in a
     * row; returns its id.
     */
    default int awaitStableLeader() {
        final int running =
                (int) IntStream.rangeClosed(1, size()).filter(this::isAlive).count();
        final List<List<Long>> reigns = new ArrayList<>();
        return awaitStatus("a leader that stays, followed by " + running + " nodes", nodes -> {
            final List<List<Long>> seen = nodes.stream()
                    .map(node -> List.of((long) node.leaderId(), node.term()))
                    .distinct()
                    .toList();
            if (nodes.size() < running || seen.size() > 1 || leader(nodes).isEmpty() || !reigns.containsAll(seen)) {
                reigns.clear();
            }
            if (nodes.size() == running && seen.size() == 1 && leader(nodes).isPresent()) {
                reigns.addAll(seen);
            }
            return reigns.size() >= STABLE_LOOKS;
        });
    }

    /** The term in which this node leads; waits until it does. */
    default long awaitTerm(final int leader) {
        final long[] term = {0};
        awaitStatus("node " + leader + " leads", nodes -> {
            final Optional<NodeStatus> found = leader(nodes);
            found.ifPresent(node -> term[0] = node.term());
            return found.isPresent() && found.get().nodeId() == leader;
        });
        return term[0];
    }

    /** Waits until all nodes that run have applied the same index, at least {@code index}, and have the same digest there. */
    default void awaitSameState(final long index) {
        final int running =
                (int) IntStream.rangeClosed(1, size()).filter(this::isAlive).count();
        awaitStatus(
                running + " nodes with one state at index " + index + " or later",
                nodes -> nodes.size() == running
                        && nodes.stream().allMatch(node -> node.appliedIndex() >= index)
                        && nodes.stream()
                                        .map(node -> List.of(node.appliedIndex(), node.digest()))
                                        .distinct()
                                        .count()
                                == 1);
    }

    /** Waits until what the nodes say fulfils the condition; returns the leader's id, 0 when there is none. */
    default int awaitStatus(final String what, final Predicate<List<NodeStatus>> condition) {
        final long deadlineNs = System.nanoTime() + DEADLINE.toNanos();
        List<NodeStatus> nodes = List.of();
        try (CairnClient client = connect(Duration.ofSeconds(2))) {
            while (System.nanoTime() - deadlineNs < 0) {
                nodes = client.status().stream()
                        .map(ServerStatus::node)
                        .filter(Objects::nonNull)
                        .toList();
                if (condition.test(nodes)) {
                    return leader(nodes).map(NodeStatus::nodeId).orElse(0);
                }
                TimeUnit.MILLISECONDS.sleep(POLL_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        throw new AssertionError("not within " + DEADLINE + ": " + what + "\n" + nodes + describe());
    }

    /** The node that calls itself leader in the highest term. */
    static Optional<NodeStatus> leader(final List<NodeStatus> nodes) {
        return nodes.stream().filter(NodeStatus::isLeader).max(Comparator.comparingLong(NodeStatus::term));
    }
}
