package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.raft.EntryType;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.LogCursor;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The leader's log time: goes on where the log or, behind a snapshot, the state machine stood. */
class WalRaftLogTest {
    private static final long SEED_MS = 1_800_000_000_000L;
    private static final long APPLIED_MS = SEED_MS + 77_000;

    private static final int SEGMENT_BYTES = 1 << 20;

    private HardStateFile hardState;
    private Wal wal;
    private LogCursor cursor;
    private WalRaftLog log;

    @BeforeEach
    void open() {
        final Random random = new Random(4711);
        final WalConfig config = WalConfig.of(1, 1, 1).withSegmentBytes(SEGMENT_BYTES);
        hardState = HardStateFile.open(config, new SimulatedDirectory(), "hard-state");
        wal = Wal.open(config, new SimulatedDirectory(), hardState, new Floor(0, 0), random::nextLong);
        cursor = wal.newLoopCursor();
        log = new WalRaftLog(wal, cursor, SEED_MS, APPLIED_MS, new MemberAddresses(Map.of()));
    }

    @AfterEach
    void close() {
        wal.close();
        hardState.close();
    }

    private long append(final long index, final long term) {
        log.append(index, term, EntryType.NOOP);
        assertThat(cursor.seek(index)).isTrue();
        return cursor.logTimeMs();
    }

    @Test
    void wallClockSeedsTheFirstEntryOnly() {
        log.now(5_000_000_000L);
        log.onLeaderStart();
        log.now(5_250_000_000L);

        assertThat(append(1, 1)).isEqualTo(SEED_MS + 250);

        log.now(900_000_000_000L);
        log.onLeaderStart();
        assertThat(append(2, 2)).as("time without a leader does not count").isEqualTo(SEED_MS + 250);
    }

    @Test
    void logWithoutEntriesBehindSnapshotGoesOnWithTheTimeOfTheStateMachine() {
        wal.reset(1000, 3);
        log.now(1);
        log.onLeaderStart();
        log.now(40_000_001L);

        assertThat(append(1001, 4)).isEqualTo(APPLIED_MS + 40);
    }

    @Test
    void logThatWasDroppedWholeGoesOnWithTheTimeOfItsLastEntry() {
        log.now(0);
        log.onLeaderStart();
        log.now(3_000_000_000L);
        append(1, 1);
        force();
        assertThat(wal.ensureRoom(SEGMENT_BYTES - 8192))
                .as("in a segment of its own")
                .isTrue();
        wal.onIdle(1);
        force();
        log.truncatePrefix(1);
        assertThat(wal.firstIndex()).isEqualTo(2);

        log.onLeaderStart();
        assertThat(append(2, 2)).as("not the time at the start").isEqualTo(SEED_MS + 3000);
    }

    private void force() {
        wal.publish();
        wal.force();
    }
}
