package dev.cairn.server.snapshot;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.engine.CheckpointStore;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.server.metrics.SnapshotMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When checkpoints are taken, and what may go behind them; stepped by the test, at times of its choice. */
@Tag("W09")
class CheckpointAgentTest {
    private static final long LOG_BYTES = 1000;
    private static final long ENTRIES = 50;
    private static final long INTERVAL_NS = TimeUnit.HOURS.toNanos(1);
    private static final long RETAINED_BYTES = 4000;
    private static final long STEP_NS = TimeUnit.MILLISECONDS.toNanos(50);

    @TempDir
    Path directory;

    private final CheckpointCatalog catalog = new CheckpointCatalog();
    private final Pins pins = new Pins();
    private final LogRetention retention = new LogRetention();
    private RocksStore store;
    private long applied;
    private long nowNs = 1;

    @BeforeEach
    void open() throws IOException {
        Files.createDirectories(directory.resolve("data"));
        store = RocksStore.open(RocksStoreConfig.of(directory.resolve("data").resolve("kv")));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private CheckpointAgent agent(final long logBytes, final long entries, final long intervalNs) {
        final CheckpointAgent agent = new CheckpointAgent(
                new SnapshotConfig(logBytes, entries, intervalNs, 0, 0, RETAINED_BYTES),
                new CheckpointStore(directory.resolve("data"), "orders", () -> nowNs),
                catalog,
                pins,
                retention,
                store,
                () -> applied,
                (thread, failure) -> {
                    throw new AssertionError(thread, failure);
                },
                new SnapshotMetrics());
        agent.begin(nowNs);
        return agent;
    }

    private void step(final CheckpointAgent agent) {
        nowNs += STEP_NS;
        agent.step(nowNs);
    }

    private void apply(final long index) {
        TestStores.apply(store, index, 2);
        applied = index;
    }

    @Test
    void theLogBehindTheNewestCheckpointMakesTheNextOneDue() {
        final CheckpointAgent agent = agent(LOG_BYTES, 0, 0);
        apply(10);
        retention.onLogSize(1, LOG_BYTES - 1, 0, LOG_BYTES - 1);
        step(agent);
        assertThat(catalog.newest()).as("a byte too few").isNull();
        retention.onLogSize(1, LOG_BYTES, 0, LOG_BYTES);
        step(agent);
        assertThat(catalog.newestIndex()).isEqualTo(10);

        apply(11);
        step(agent);
        assertThat(catalog.newestIndex())
                .as("what the loop measured before this checkpoint does not count")
                .isEqualTo(10);
        retention.onLogSize(1, LOG_BYTES + 20, 10, 20);
        step(agent);
        assertThat(catalog.newestIndex()).isEqualTo(10);
        retention.onLogSize(1, 2 * LOG_BYTES, 10, LOG_BYTES);
        step(agent);
        assertThat(catalog.all()).extracting(checkpoint -> checkpoint.index()).containsExactly(11L);
    }

    @Test
    void entriesMakeOneDue() {
        final CheckpointAgent agent = agent(Long.MAX_VALUE, ENTRIES, 0);
        apply(ENTRIES - 1);
        step(agent);
        assertThat(catalog.newest()).isNull();
        apply(ENTRIES);
        step(agent);
        assertThat(catalog.newestIndex()).isEqualTo(ENTRIES);
        apply(2 * ENTRIES - 1);
        step(agent);
        assertThat(catalog.newestIndex()).isEqualTo(ENTRIES);
    }

    @Test
    void moreEntriesThanTheIndexShouldHoldMakeOneDueWhateverIsConfigured() {
        final CheckpointAgent agent = agent(Long.MAX_VALUE, 0, 0);
        apply(LogRetention.MOST_ENTRIES_BEHIND_SNAPSHOT - 1);
        step(agent);
        assertThat(catalog.newest()).isNull();
        apply(LogRetention.MOST_ENTRIES_BEHIND_SNAPSHOT);
        step(agent);
        assertThat(catalog.newestIndex()).isEqualTo(LogRetention.MOST_ENTRIES_BEHIND_SNAPSHOT);
    }

    @Test
    void aPeersTransferKeepsAsManyEntriesAsFitIntoMemory() {
        final CheckpointAgent agent = agent(Long.MAX_VALUE, 1, 0);
        apply(10);
        step(agent);
        pins.touchForPeer(requireNonNull(catalog.newest()).id(), 10, nowNs);
        apply(10 + LogRetention.MOST_RETAINED_ENTRIES);
        retention.onLogSize(11, 100, 10, 100);
        step(agent);
        assertThat(retention.slowsWrites()).isFalse();
        apply(11 + LogRetention.MOST_RETAINED_ENTRIES);
        step(agent);
        assertThat(retention.slowsWrites()).isTrue();
        assertThat(retention.droppableIndex()).isEqualTo(10);

        apply(11 + LogRetention.MOST_RETAINED_ENTRIES * 5 / 4);
        step(agent);
        assertThat(retention.droppableIndex()).as("the peer is given up").isEqualTo(applied);
        assertThat(retention.slowsWrites()).isFalse();
    }

    @Test
    void timeMakesOneDueWhenSomethingWasApplied() {
        final CheckpointAgent agent = agent(Long.MAX_VALUE, 0, INTERVAL_NS);
        nowNs += INTERVAL_NS;
        step(agent);
        assertThat(catalog.newest()).as("nothing to keep").isNull();
        apply(3);
        step(agent);
        assertThat(catalog.newestIndex()).isEqualTo(3);
        apply(4);
        step(agent);
        assertThat(catalog.newestIndex()).isEqualTo(3);
        nowNs += INTERVAL_NS;
        step(agent);
        assertThat(catalog.newestIndex()).isEqualTo(4);
    }

    @Test
    void aPeersTransferKeepsTheLogUpToTheCap() {
        final CheckpointAgent agent = agent(Long.MAX_VALUE, 1, 0);
        apply(10);
        step(agent);
        assertThat(retention.droppableIndex()).isEqualTo(10);
        pins.touchForPeer(requireNonNull(catalog.newest()).id(), 10, nowNs);
        apply(20);
        step(agent);
        assertThat(retention.droppableIndex())
                .as("the peer needs what follows 10")
                .isEqualTo(10);
        assertThat(catalog.all()).as("the peer reads the first").hasSize(2);
        assertThat(retention.slowsWrites()).isFalse();

        retention.onLogSize(11, RETAINED_BYTES + 1, 20, 100);
        step(agent);
        assertThat(retention.slowsWrites()).isTrue();
        assertThat(retention.droppableIndex()).isEqualTo(10);

        retention.onLogSize(11, RETAINED_BYTES + RETAINED_BYTES / 4 + 1, 20, 100);
        step(agent);
        assertThat(retention.droppableIndex()).as("the peer is given up").isEqualTo(20);
        assertThat(retention.slowsWrites()).isFalse();
        step(agent);
        assertThat(catalog.all()).hasSize(1);
    }

    @Test
    void aPeerThatDoesNotComeBackLosesItsPin() {
        final CheckpointAgent agent = agent(Long.MAX_VALUE, 1, 0);
        apply(10);
        step(agent);
        pins.touchForPeer(requireNonNull(catalog.newest()).id(), 10, nowNs);
        apply(20);
        nowNs += Pins.LOG_NS - 2 * STEP_NS;
        step(agent);
        assertThat(retention.droppableIndex()).isEqualTo(10);
        step(agent);
        assertThat(retention.droppableIndex()).isEqualTo(20);
    }
}
