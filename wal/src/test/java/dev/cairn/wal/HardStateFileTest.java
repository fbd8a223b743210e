package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class HardStateFileTest {
    private static final WalConfig CONFIG = WalConfig.of(5, 2, 9);
    private static final String NAME = "hard-state";

    private static HardStateFile open(SimulatedDirectory directory) {
        return HardStateFile.open(CONFIG, directory, NAME);
    }

    @Test
    @Covers({"R05", "T30", "W05", "W12"})
    void aWriteThatReturnedSurvivesAnyCrashAndNoneIsHalf() {
        for (int seed = 0; seed < 200; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            SimulatedDirectory directory = new SimulatedDirectory();
            HardStateFile file = open(directory);
            for (int term = 1; term < 10; term++) {
                long sequence = file.write(term, term % 3, term % 2 == 0, 0);
                assertThat(sequence).isEqualTo(term + 1);
                if (random.nextBoolean()) {
                    file.mirror();
                }
                if (random.nextInt(3) == 0) {
                    if (random.nextBoolean()) {
                        directory.crashHost(random);
                    } else {
                        directory.crashProcess();
                    }
                    file = open(directory);
                    assertThat(file.created()).isFalse();
                    assertThat(file.current()).isEqualTo(new HardState(term, term % 3, term % 2 == 0, 0, sequence));
                }
            }
        }
    }

    @Test
    void aNameThatOnlyAKilledProcessSawIsForcedBeforeItHoldsAVote() {
        for (int seed = 0; seed < 20; seed++) {
            SimulatedDirectory directory = new SimulatedDirectory();
            directory.failForceAfter(1);
            assertThatThrownBy(() -> open(directory)).isInstanceOf(WalException.class);
            directory.crashProcess();
            open(directory).write(5, 2, false, 0);
            directory.crashHost(new SplittableRandom(seed));
            assertThat(open(directory).current().term()).isEqualTo(5);
        }
    }

    @Test
    void anyFlippedByteOfASlotPutsTheVoteInDoubt() {
        SimulatedDirectory directory = new SimulatedDirectory();
        open(directory).write(7, 2, false, 1);
        byte[] bytes = directory.bytes(NAME);
        for (int slot = 0; slot < 2; slot++) {
            for (int i = 0; i < HardStateDescriptor.LENGTH; i++) {
                int at = slot * HardStateDescriptor.SLOT_STRIDE + i;
                SimulatedDirectory copy = directory.copyForced();
                copy.overwrite(NAME, at, new byte[] {(byte) (bytes[at] ^ 0x10)});
                assertThatThrownBy(() -> open(copy)).isInstanceOf(HardStateInDoubtException.class);
            }
        }
    }

    @Test
    void aLostFileBesideALogIsInDoubt() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        log.appendMany(1, 1, 1);
        log.publishAndForce();
        directory.delete(LogFixture.HARD_STATE);
        assertThatThrownBy(log::reopen).isInstanceOf(HardStateInDoubtException.class);
    }

    @Test
    void theSameOpenFileServesALogThatIsOpenedAgain() {
        LogFixture log = new LogFixture(new SimulatedDirectory());
        log.appendMany(1, 1, 1);
        log.publishAndForce();
        log.wal.close();
        Wal again = Wal.open(log.config, log.directory, log.hardState, Floor.UNKNOWN, log.salts);
        assertThat(again.appendedIndex()).isEqualTo(1);
        assertThat(log.hardState.current().sequence()).isEqualTo(3);
    }

    @Test
    void aLostLogBesideHardStateIsDamage() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        directory.list().stream().filter(Segment::isSegmentName).forEach(directory::delete);
        assertThatThrownBy(log::reopen).isInstanceOf(WalDamagedException.class);
    }

    @Test
    void aFileOfOtherStorageIsRefused() {
        SimulatedDirectory directory = new SimulatedDirectory();
        open(directory).close();
        assertThatThrownBy(() -> HardStateFile.open(WalConfig.of(5, 2, 10), directory, NAME))
                .isInstanceOf(HardStateInDoubtException.class)
                .hasMessageContaining("5/2/10");
    }

    @Test
    void theFirstFailureIsFinal() {
        SimulatedDirectory directory = new SimulatedDirectory();
        HardStateFile file = open(directory);
        directory.failForceAfter(0);
        assertThatThrownBy(() -> file.write(3, 1, false, 0)).isInstanceOf(LogFailedException.class);
        assertThatThrownBy(() -> file.write(3, 1, false, 0)).isInstanceOf(LogFailedException.class);
        assertThat(file.current().term()).isZero();
    }
}
