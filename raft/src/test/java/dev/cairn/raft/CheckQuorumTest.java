package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Thesis 6.2: a leader that cannot lead steps down. */
class CheckQuorumTest {
    private static TestNode leader(int voters) {
        TestNode leader = TestNode.of(1, voters);
        leader.becomeLeader();
        return leader;
    }

    /** A leader starts as if it had just heard all. */
    @Test
    void aLeaderThatHearsNobodyStepsDownAfterOneElectionTimeout() {
        TestNode leader = leader(3);
        leader.ticks(TestNode.ELECTION - 1);
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        leader.ticks(1);
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().leaderId()).isZero();
        assertThat(leader.core().currentTerm()).isEqualTo(1);
        assertThat(leader.failedReads).isEqualTo(1);
    }

    @Test
    void aLeaderThatHearsAMajorityStays() {
        TestNode leader = leader(5);
        for (int i = 0; i < 5; i++) {
            leader.accept(2, 1, 1, 0);
            leader.reject(4, 1, 1, 0);
            leader.ticks(TestNode.ELECTION - 1);
        }
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
    }

    @Test
    void aLeaderThatHearsAMinorityStepsDown() {
        TestNode leader = leader(5);
        for (int i = 0; i < 2; i++) {
            leader.accept(2, 1, 1, 0);
            leader.ticks(TestNode.ELECTION / 2);
        }
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** The time counts from the quorum's last word, whenever that was. */
    @Test
    void theTimeCountsFromTheLastWordOfTheQuorum() {
        TestNode leader = leader(5);
        leader.ticks(TestNode.ELECTION - 1);
        leader.accept(2, 1, 1, 0);
        leader.accept(3, 1, 1, 0);
        leader.ticks(3);
        leader.accept(2, 1, 1, 0);
        leader.ticks(TestNode.ELECTION - 4);
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        leader.ticks(1);
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** Answers to an earlier reign are no sign of life for this one. */
    @Test
    void answersOfAnOlderTermAreNotHeard() {
        TestNode leader = TestNode.of(1, 3, 4);
        leader.becomeLeader();
        for (int i = 0; i < 2; i++) {
            leader.receive(new Message.Accepted(2, 1, 4, 0, 0, 0));
            leader.ticks(TestNode.ELECTION / 2);
        }
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** Its own disk stalls for the longest election timeout: it can apply nothing, so another shall lead. */
    @Test
    void aLeaderWhoseForceStallsStepsDown() {
        TestNode leader = leader(3);
        leader.propose(1);
        ticksHeard(leader, TestNode.ELECTION + 9);
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        ticksHeard(leader, 1);
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
    }

    @Test
    void aForceThatMovesKeepsTheLeader() {
        TestNode leader = leader(3);
        for (int i = 0; i < 4; i++) {
            long force = leader.log.appendedPosition() + TestLog.ENTRY_BYTES;
            leader.propose(i);
            leader.propose(i);
            ticksHeard(leader, TestNode.ELECTION);
            leader.forceLog(force);
        }
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
    }

    private static void ticksHeard(TestNode leader, int ticks) {
        for (int i = 0; i < ticks; i++) {
            if (leader.core().role() == Role.LEADER) {
                leader.accept(2, 1, 1, 0);
            }
            leader.ticks(1);
        }
    }

    /** A node with a higher term is not ignored for ever: its refusal ends the reign, and a new one includes it. */
    @Test
    void aNodeWithAHigherTermIsNotStuck() {
        TestNode ahead = TestNode.of(2, 3, 6);
        TestNode leader = leader(3);
        leader.ticks(TestNode.HEARTBEAT);
        leader.take(Message.Append.class).stream()
                .filter(message -> message.to() == 2)
                .forEach(ahead::receive);
        ahead.flush();
        leader.receive(ahead.takeOne(Message.Rejected.class));
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().currentTerm()).isEqualTo(6);
    }

    // ---- PreVote and CheckQuorum with one-way loss ---------------------------------------------------------------

    /** A link that lets nothing through from one node to another. */
    private record Cut(int from, int to) {}

    /** Ticks with a network that loses what the cuts say, until nothing is under way. */
    private static void run(List<TestNode> nodes, int ticks, Cut... cuts) {
        List<Cut> lost = List.of(cuts);
        for (int i = 0; i < ticks; i++) {
            for (TestNode node : nodes) {
                node.ticks(1);
            }
            for (int round = 0; round < 20; round++) {
                for (TestNode node : nodes) {
                    node.forceAll();
                    while (!node.sent.isEmpty()) {
                        Message message = node.sent.remove();
                        if (!lost.contains(new Cut(message.from(), message.to()))) {
                            nodes.get(message.to() - 1).receive(message);
                        }
                    }
                }
            }
        }
    }

    /** Node 1 leads in term 1; the others' timeouts differ, so that they do not split votes for ever. */
    private static List<TestNode> trio() {
        List<TestNode> nodes = new ArrayList<>();
        for (int id = 1; id <= 3; id++) {
            int longer = 2 * id;
            nodes.add(new TestNode(
                    TestNode.config(id, 3), new TestLog(), new TestNode.HardState(0, 0, 0), bound -> longer % bound));
        }
        run(nodes, TestNode.ELECTION + 4);
        assertThat(nodes.get(0).core().role()).isEqualTo(Role.LEADER);
        return nodes;
    }

    /** It sends, so nobody else stands up; it must notice by itself that it is of no use. */
    @Test
    void aLeaderThatIsHeardButHearsNobodyMakesWay() {
        List<TestNode> nodes = trio();
        Cut[] cuts = {new Cut(2, 1), new Cut(3, 1)};
        run(nodes, TestNode.ELECTION, cuts);
        assertThat(nodes.get(0).core().role()).isNotEqualTo(Role.LEADER);
        run(nodes, 3 * TestNode.ELECTION, cuts);
        assertThat(List.of(nodes.get(1).core().role(), nodes.get(2).core().role()))
                .contains(Role.LEADER);
    }

    /** It asks again and again, and disturbs nobody: no term rises, and it follows as soon as it hears again. */
    @Test
    void aFollowerThatHearsNothingButIsHeardDisturbsNobody() {
        List<TestNode> nodes = trio();
        Cut[] cuts = {new Cut(1, 3), new Cut(2, 3)};
        run(nodes, 6 * TestNode.ELECTION, cuts);
        assertThat(nodes.get(0).core().role()).isEqualTo(Role.LEADER);
        assertThat(nodes)
                .allSatisfy(node -> assertThat(node.core().currentTerm()).isEqualTo(1));
        run(nodes, TestNode.HEARTBEAT);
        assertThat(nodes.get(2).core().leaderId()).isEqualTo(1);
    }

    /** One link of three is gone: the leader keeps its quorum, the other node does not get one against it. */
    @Test
    void aFollowerThatHearsAllButTheLeaderDisturbsNobody() {
        List<TestNode> nodes = trio();
        run(nodes, 6 * TestNode.ELECTION, new Cut(1, 3), new Cut(3, 1));
        assertThat(nodes.get(0).core().role()).isEqualTo(Role.LEADER);
        assertThat(nodes)
                .allSatisfy(node -> assertThat(node.core().currentTerm()).isEqualTo(1));
    }

    /** Its term is ahead from a campaign that nobody heard: neither is it ignored for ever nor does it depose for ever. */
    @Test
    void aNodeWhoseTermIsAheadComesBackAtTheCostOfOneElection() {
        List<TestNode> nodes = trio();
        TestNode ahead = nodes.get(2);
        ahead.ticks(2 * TestNode.ELECTION);
        ahead.receive(new Message.Vote(2, 3, 1, true, 2, true));
        ahead.forceAll();
        ahead.sent.clear();
        assertThat(ahead.core().currentTerm()).isEqualTo(2);
        run(nodes, 4 * TestNode.ELECTION);
        assertThat(nodes)
                .extracting(node -> node.core().leaderId())
                .doesNotContain(0)
                .hasSize(3);
        long term = nodes.get(0).core().currentTerm();
        assertThat(term).isEqualTo(3);
        run(nodes, 4 * TestNode.ELECTION);
        assertThat(nodes)
                .allSatisfy(node -> assertThat(node.core().currentTerm()).isEqualTo(term));
    }
}
