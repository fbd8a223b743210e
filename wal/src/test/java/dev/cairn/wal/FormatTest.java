package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** The bytes on disk of format version 1, as they must stay. */
final class FormatTest {
    private static final WalConfig CONFIG =
            WalConfig.of(0x1122334455667788L, 513, 0x0102030405060708L).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);

    private static String hex(SimulatedDirectory directory, String name, int from, int count) {
        return HexFormat.of().formatHex(Arrays.copyOfRange(directory.bytes(name), from, from + count));
    }

    private static LogFixture written(SimulatedDirectory directory) {
        LogFixture log = new LogFixture(directory, CONFIG, () -> 0x7766554433221100L);
        log.append(Entry.of(1, 3, 1_700_000_000_000L, EntryDescriptor.TYPE_COMMAND, new byte[] {1, 2, 3}));
        log.publishAndForce();
        return log;
    }

    @Test
    void theSegmentHeaderStays() {
        SimulatedDirectory directory = new SimulatedDirectory();
        written(directory);
        assertThat(hex(directory, Segment.nameOf(1), 0, SegmentHeaderDescriptor.LENGTH))
                .isEqualTo("434149524e57414c010000000000000088776655443322110102000000000000"
                        + "0807060504030201001122334455667700000100000000000000000059afec13");
    }

    @Test
    void theActivationBlockStays() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = written(directory);
        log.close();
        log.reopen();
        assertThat(hex(directory, Segment.nameOf(2), ActivationDescriptor.FILE_OFFSET, ActivationDescriptor.LENGTH))
                .isEqualTo("4341435401000000020000000000000000000000000000000000000000000000"
                        + "0000000000000000402000000100000000000000010000000011223344556677"
                        + "4afad92300000000");
    }

    @Test
    void recordsAndEntriesStay() {
        SimulatedDirectory directory = new SimulatedDirectory();
        written(directory);
        int emptyRecord = 64;
        assertThat(hex(directory, Segment.nameOf(1), ActivationDescriptor.RECORDS_OFFSET, emptyRecord + 104))
                .isEqualTo("4000000004000000001122334455667700200000010000000000000000000000"
                        + "0100000000200000000000008ab2288c00000000596fae430000000000000000"
                        + "6300000000000000001122334455667740200000010000000100000000000000"
                        + "0100000040200000596fae43453db23800000000d684e574453db2382b000000"
                        + "010000000000000003000000000000000068e5cf8b0100000200000000000000"
                        + "0102030000000000");
    }

    @Test
    void hardStateStays() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = written(directory);
        log.hardState.write(9, 2, true, 4);
        assertThat(hex(directory, LogFixture.HARD_STATE, HardStateDescriptor.SLOT_STRIDE, HardStateDescriptor.LENGTH))
                .isEqualTo("4348535401000000887766554433221101020000010000000807060504030201"
                        + "0300000000000000090000000000000002000000000000000400000000000000"
                        + "000000000dd51254");
    }
}
