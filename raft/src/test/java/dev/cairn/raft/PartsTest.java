package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.raft.quorum.JointQuorum;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The small parts of the core, each alone. */
class PartsTest {
    @Nested
    class TermRunsTest {
        private final TermRuns runs = new TermRuns();

        private void fill(long... terms) {
            runs.reset(0, 0);
            for (int i = 0; i < terms.length; i++) {
                runs.append(i + 1L, terms[i]);
            }
        }

        @Test
        void anEmptyLogKnowsTheTermBeforeIt() {
            runs.reset(10, 4);
            assertThat(runs.firstIndex()).isEqualTo(10);
            assertThat(runs.lastIndex()).isEqualTo(10);
            assertThat(runs.lastTerm()).isEqualTo(4);
            assertThat(runs.term(10)).isEqualTo(4);
        }

        @Test
        @Covers("W13")
        void indexesOutsideAreRefused() {
            fill(1, 1);
            assertThatThrownBy(() -> runs.term(3)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> runs.term(-1)).isInstanceOf(IndexOutOfBoundsException.class);
        }

        @Test
        void gapsAndFallingTermsAreRefused() {
            fill(1, 2);
            assertThatThrownBy(() -> runs.append(4, 2)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> runs.append(3, 1)).isInstanceOf(IllegalStateException.class);
        }

        @Test
        void endsOfTermsAreFound() {
            fill(1, 1, 3, 3, 3, 7);
            assertThat(runs.firstIndexOfTermAt(5)).isEqualTo(3);
            assertThat(runs.lastIndexOfTerm(1)).isEqualTo(2);
            assertThat(runs.lastIndexOfTerm(3)).isEqualTo(5);
            assertThat(runs.lastIndexOfTerm(7)).isEqualTo(6);
            assertThat(runs.lastIndexOfTerm(2)).isZero();
        }

        @Test
        void aTruncationAtTheEdgesOfARun() {
            fill(1, 1, 3, 3);
            assertThatThrownBy(() -> runs.truncateSuffix(5)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> runs.truncateSuffix(0)).isInstanceOf(IllegalStateException.class);
            runs.truncateSuffix(4);
            assertThat(runs.lastIndexOfTerm(3)).isEqualTo(3);
            runs.truncateSuffix(3);
            assertThat(runs.lastTerm()).isEqualTo(1);
            assertThat(runs.lastIndexOfTerm(3)).isZero();
            runs.truncateSuffix(1);
            assertThat(runs.lastTerm()).isZero();
        }

        @Test
        void aPrefixGoesAndTheTermBeforeTheRestStays() {
            fill(1, 1, 3, 3, 3, 7);
            runs.truncatePrefix(4);
            assertThat(runs.firstIndex()).isEqualTo(4);
            assertThat(runs.term(4)).isEqualTo(3);
            assertThat(runs.firstIndexOfTermAt(5)).isEqualTo(4);
            assertThat(runs.lastIndexOfTerm(3)).isEqualTo(5);
            assertThat(runs.lastIndexOfTerm(1)).isZero();
            assertThatThrownBy(() -> runs.term(3)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> runs.truncatePrefix(3)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> runs.truncatePrefix(7)).isInstanceOf(IllegalStateException.class);
            runs.truncatePrefix(6);
            assertThat(runs.lastIndex()).isEqualTo(6);
            assertThat(runs.lastTerm()).isEqualTo(7);
            runs.append(7, 8);
            assertThat(runs.term(7)).isEqualTo(8);
        }

        @Test
        void itAgreesWithAPlainListOverManyChanges() {
            SplittableRandom random = new SplittableRandom(7);
            List<Long> model = new ArrayList<>(List.of(0L));
            runs.reset(0, 0);
            for (int step = 0; step < 5_000; step++) {
                int last = model.size() - 1;
                if (last > 0 && random.nextInt(20) == 0) {
                    int from = 1 + random.nextInt(last);
                    runs.truncateSuffix(from);
                    model.subList(from, model.size()).clear();
                } else {
                    long term = Math.max(1, model.get(last) + (random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0));
                    runs.append(model.size(), term);
                    model.add(term);
                }
                int at = random.nextInt(model.size());
                long term = model.get(at);
                assertThat(runs.lastIndex()).isEqualTo(model.size() - 1);
                assertThat(runs.term(at)).isEqualTo(term);
                assertThat(runs.firstIndexOfTermAt(at)).isEqualTo(model.indexOf(term));
                assertThat(runs.lastIndexOfTerm(term)).isEqualTo(model.lastIndexOf(term));
            }
        }
    }

    @Nested
    class InflightsTest {
        private final Inflights inflights = new Inflights();

        @Test
        void anAcknowledgementDropsWholeMessagesOnly() {
            inflights.add(3, 10);
            inflights.add(5, 20);
            inflights.acknowledge(2);
            assertThat(inflights.totalBytes()).isEqualTo(30);
            inflights.acknowledge(4);
            assertThat(inflights.totalBytes()).isEqualTo(20);
            inflights.acknowledge(5);
            inflights.acknowledge(99);
            assertThat(inflights.totalBytes()).isZero();
        }

        @Test
        void itGrowsWhileWrappedAndKeepsTheOrder() {
            for (int i = 1; i <= 10; i++) {
                inflights.add(i, 1);
            }
            inflights.acknowledge(7);
            for (int i = 11; i <= 50; i++) {
                inflights.add(i, 1);
            }
            for (int i = 8; i <= 50; i++) {
                inflights.acknowledge(i);
                assertThat(inflights.totalBytes()).isEqualTo(50 - i);
            }
        }

        @Test
        void bytesBeyondAnIntAreCounted() {
            inflights.add(1, Integer.MAX_VALUE);
            inflights.add(2, Integer.MAX_VALUE);
            assertThat(inflights.totalBytes()).isEqualTo(2L * Integer.MAX_VALUE);
            inflights.clear();
            assertThat(inflights.totalBytes()).isZero();
        }
    }

    @Nested
    class ReadOnlyQueueTest {
        private final TestNode output = TestNode.of(1, 3);
        private final ReadOnlyQueue queue = new ReadOnlyQueue(2);

        @Test
        void readIdsMustRise() {
            queue.request(5);
            assertThatThrownBy(() -> queue.request(5)).isInstanceOf(IllegalStateException.class);
        }

        @Test
        void aRoundNeedsAReadAndAFreePlace() {
            assertThat(queue.canStartRound()).isFalse();
            for (int id = 1; id <= 2; id++) {
                queue.request(id);
                assertThat(queue.canStartRound()).isTrue();
                queue.startRound(10);
                assertThat(queue.canStartRound()).isFalse();
            }
            queue.request(3);
            assertThat(queue.canStartRound()).isFalse();
            queue.confirm(1, output);
            assertThat(queue.canStartRound()).isTrue();
        }

        @Test
        void positionsRiseOverAClear() {
            queue.request(1);
            queue.startRound(10);
            queue.clear();
            assertThat(queue.canStartRound()).isFalse();
            queue.request(2);
            queue.startRound(20);
            assertThat(queue.position()).isEqualTo(2);
            queue.confirm(1, output);
            assertThat(output.confirmedReads).isEmpty();
            queue.confirm(2, output);
            assertThat(output.confirmedReads).containsExactly(new TestNode.ConfirmedReads(2, 20));
        }

        @Test
        void roundsAreConfirmedInOrderAroundTheRing() {
            for (int id = 1; id <= 7; id++) {
                queue.request(id);
                queue.startRound(id * 10L);
                queue.confirm(id, output);
            }
            assertThat(output.confirmedReads)
                    .extracting(TestNode.ConfirmedReads::readIndex)
                    .containsExactly(10L, 20L, 30L, 40L, 50L, 60L, 70L);
        }
    }

    @Nested
    class VoteTallyTest {
        @Test
        void theFirstAnswerOfAVoterStands() {
            VoteTally votes = new VoteTally(3);
            JointQuorum quorum = new JointQuorum(new int[] {0, 1, 2}, new int[0]);
            votes.record(0, true);
            votes.record(1, false);
            votes.record(1, true);
            assertThat(votes.won(quorum)).isFalse();
            votes.record(2, true);
            assertThat(votes.won(quorum)).isTrue();
        }

        @Test
        void itIsLostWhenAMajorityCannotBeReachedAnyMore() {
            VoteTally votes = new VoteTally(5);
            JointQuorum quorum = new JointQuorum(new int[] {0, 1, 2, 3, 4}, new int[0]);
            votes.record(1, false);
            votes.record(2, false);
            assertThat(votes.lost(quorum)).isFalse();
            votes.record(3, false);
            assertThat(votes.lost(quorum)).isTrue();
            votes.clear();
            assertThat(votes.lost(quorum)).isFalse();
        }
    }

    @Nested
    class RaftConfigTest {
        private static RaftConfig config(int id, Set<Integer> voters, int heartbeat, int min, int max) {
            return RaftConfig.of(id, voters, heartbeat, min, max);
        }

        @Test
        void theEdgesAreAccepted() {
            assertThat(config(1, Set.of(1, 65_535), 1, 2, 3).voters()).containsExactlyInAnyOrder(1, 65_535);
            assertThat(new RaftConfig(1, Set.of(1), 1, 2, 3, 1, 1, 1, 1, Set.of()).maxReadRounds())
                    .isEqualTo(1);
        }

        @Test
        void timingsOneBeyondTheEdgeAreRefusedByName() {
            assertRefused("heartbeatTicks = 0", () -> config(1, Set.of(1), 0, 2, 3));
            assertRefused("electionMinTicks = 3", () -> config(1, Set.of(1), 2, 3, 9));
            assertRefused("electionMaxTicks = 2", () -> config(1, Set.of(1), 1, 2, 2));
        }

        @Test
        void nodesBeyondTheEdgeAreRefusedByName() {
            assertRefused("node.id = 0", () -> config(0, Set.of(1, 2), 1, 2, 3));
            assertRefused("node.id = 65536", () -> config(65_536, Set.of(1, 2), 1, 2, 3));
            assertRefused("voter = 65536", () -> config(1, Set.of(1, 65_536), 1, 2, 3));
            assertRefused("voter = 0", () -> config(1, Set.of(0, 1), 1, 2, 3));
        }

        @ParameterizedTest
        @CsvSource({
            "0, 1, 1, 1, maxAppendBytes = 0",
            "2, 1, 1, 1, maxInflightBytes = 1",
            "1, 1, 0, 1, maxInflightEntries = 0",
            "1, 1, 1, 0, maxReadRounds = 0"
        })
        void sizesBeyondTheEdgeAreRefusedByName(int append, int bytes, int entries, int rounds, String text) {
            assertRefused(text, () -> new RaftConfig(1, Set.of(1), 1, 2, 3, append, bytes, entries, rounds, Set.of()));
        }

        @Test
        void plantedBugsAddUp() {
            RaftConfig config = TestNode.config(1, 3)
                    .withPlantedBug(PlantedBug.DURABILITY_AS_INDEX)
                    .withPlantedBug(PlantedBug.READ_BEFORE_OWN_TERM_COMMIT);
            assertThat(config.plantedBugs()).hasSize(2);
            assertThat(TestNode.config(1, 3).plantedBugs()).isEmpty();
        }

        private static void assertRefused(String text, Runnable construction) {
            assertThatThrownBy(construction::run)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(text);
        }
    }
}
