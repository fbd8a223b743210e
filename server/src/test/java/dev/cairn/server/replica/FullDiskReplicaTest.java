package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.raft.Role;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A leader whose disk has no room refuses writes and serves reads, leads on, and takes writes again by itself. */
@Tag("W12")
class FullDiskReplicaTest {
    private static final int SEGMENT_BYTES = 1 << 20;
    private static final int VALUE_BYTES = 64 * 1024;
    private static final long MIB = 1 << 20;
    /** The free space is looked at ten times a second, and a segment tried once. */
    private static final long A_WHILE_NS = TimeUnit.MILLISECONDS.toNanos(1100);

    @TempDir
    Path directory;

    private final SimulatedDirectory disk = new SimulatedDirectory();
    private long session;
    private long sequence;

    private OneReplica start(final long reserveBytes) {
        final OneReplica it = new OneReplica(
                directory,
                disk,
                WalConfig.of(1, 1, 1).withSegmentBytes(SEGMENT_BYTES).withReserveBytes(reserveBytes));
        session = it.openSession();
        assertThat(put(it)).isEqualTo(Status.OK);
        return it;
    }

    private Status put(final OneReplica it) {
        return it.command(session, ++sequence, CommandDescriptor.KIND_PUT, "k", VALUE_BYTES);
    }

    private void assertRefusesAndServes(final OneReplica it) {
        final long last = it.core().lastIndex();
        final long term = it.core().currentTerm();
        for (int i = 0; i < 20; i++) {
            assertThat(put(it)).isEqualTo(Status.NO_SPACE);
            assertThat(it.get("k")).isEqualTo(Status.OK);
            it.pass(A_WHILE_NS);
        }
        assertThat(it.core().lastIndex()).as("nothing was appended").isEqualTo(last);
        assertThat(it.core().role()).isEqualTo(Role.LEADER);
        assertThat(it.core().currentTerm()).isEqualTo(term);
    }

    @Test
    void belowTheReserveItRefusesAlthoughItsLogHasRoom() {
        try (OneReplica it = start(8 * MIB)) {
            disk.freeBytes(8 * MIB - 1);
            it.pass(A_WHILE_NS);
            assertRefusesAndServes(it);

            // At the mark the two must not alternate: it is enough when a segment fits above it.
            disk.freeBytes(8 * MIB);
            it.pass(A_WHILE_NS);
            assertThat(put(it)).isEqualTo(Status.NO_SPACE);
            disk.freeBytes(64 * MIB);
            it.pass(A_WHILE_NS);
            for (int i = 0; i < 20; i++) {
                assertThat(put(it)).isEqualTo(Status.OK);
            }
        }
    }

    @Test
    void withoutAReserveItRefusesWhenItsLogIsFull() {
        try (OneReplica it = start(0)) {
            it.pass(A_WHILE_NS);
            disk.freeBytes(0);
            Status status = Status.OK;
            for (int i = 0; i < 100 && status == Status.OK; i++) {
                status = put(it);
            }
            assertThat(status).isEqualTo(Status.NO_SPACE);
            assertRefusesAndServes(it);

            disk.freeBytes(64 * MIB);
            // Segments are made piece by piece.
            int written = 0;
            for (int i = 0; i < 2000 && written < 40; i++) {
                written += put(it) == Status.OK ? 1 : 0;
                it.pass(OneReplica.TICK_NS);
            }
            assertThat(written).isEqualTo(40);
        }
    }

    /** The log's disk may have room where the store's has none. */
    @Test
    void withAStoreThatFindsNoRoomItRefusesUntilItDoes() {
        final AtomicBoolean full = new AtomicBoolean();
        try (OneReplica it = new OneReplica(OneReplica.openStore(directory, full::get))) {
            session = it.openSession();
            assertThat(put(it)).isEqualTo(Status.OK);
            full.set(true);
            it.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
            it.pass(OneReplica.TICK_NS);
            assertThat(it.client.replies).as("committed, not applied").isZero();
            final long last = it.core().lastIndex();
            for (int i = 0; i < 20; i++) {
                assertThat(put(it)).isEqualTo(Status.NO_SPACE);
            }
            assertThat(it.core().lastIndex()).as("nothing was appended").isEqualTo(last);

            full.set(false);
            it.pass(OneReplica.TICK_NS);
            assertThat(it.client.replies).isEqualTo(1);
            assertThat(Status.of(it.client.status)).isEqualTo(Status.OK);
            it.client.replies = 0;
            assertThat(put(it)).isEqualTo(Status.OK);
        }
    }
}
