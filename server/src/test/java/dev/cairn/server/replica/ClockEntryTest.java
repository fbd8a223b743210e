package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.engine.SessionLimits;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.raft.EntryType;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One replica stepped in one thread under a clock of the test's: sessions expire although nobody writes. */
@Tag("K06")
class ClockEntryTest {
    private static final long EXPIRY_NS = SessionLimits.REPLICATED.expiryMs() * 1_000_000;

    @TempDir
    Path directory;

    private OneReplica it;

    @BeforeEach
    void start() {
        it = new OneReplica(
                directory, new SimulatedDirectory(), WalConfig.of(1, 1, 1).withSegmentBytes(1 << 20));
    }

    @AfterEach
    void stop() {
        it.close();
    }

    @Test
    void idleSessionExpiresByOneEntryWithoutContent() {
        final long session = it.openSession();
        final long lastIndex = it.core().lastIndex();

        it.pass(EXPIRY_NS / 2);
        it.pass(EXPIRY_NS / 4);
        assertThat(it.core().lastIndex()).as("not due").isEqualTo(lastIndex);

        it.pass(EXPIRY_NS / 4 + OneReplica.TICK_NS);
        for (int i = 0; i < 100; i++) {
            it.pass(OneReplica.TICK_NS);
        }

        assertThat(it.core().lastIndex()).isEqualTo(lastIndex + 1);
        assertThat(it.replica.wal().entryType(lastIndex + 1)).isEqualTo(EntryType.CLOCK);
        assertThat(it.replica.apply().nextExpiryLogTimeMs()).isEqualTo(Long.MAX_VALUE);
        assertThat(it.command(session, 1, CommandDescriptor.KIND_DELETE, "k", 0))
                .isEqualTo(Status.SESSION_EXPIRED);
    }

    @Test
    void sessionInUseLivesOn() {
        final long session = it.openSession();
        for (int sequence = 1; sequence <= 4; sequence++) {
            it.pass(EXPIRY_NS / 2);
            assertThat(it.command(session, sequence, CommandDescriptor.KIND_DELETE, "k", 0))
                    .isEqualTo(Status.NOT_FOUND);
        }
    }
}
