package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.engine.CommandFlyweight;
import dev.cairn.engine.KvStateMachine;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.ResultSink;
import dev.cairn.engine.StateMachine;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** That no result is lost and none is too many for the ring, however long results are and however seldom they are taken. */
final class ApplyAgentTest {
    private static final int RESULT_HEADER_BYTES = 28;

    private final WalConfig config = WalConfig.of(1, 1, 1);
    private final UnsafeBuffer command = new UnsafeBuffer(new byte[CommandDescriptor.BLOCK_LENGTH]);
    private final UnsafeBuffer resultBytes = new UnsafeBuffer(new byte[StateMachine.MAX_RESULT_BYTES]);

    /** Answers with results of any length that the command's kind allows, which is all that the agent may rely on. */
    private final class AnyLength implements StateMachine {
        private final Random random;
        private final int cap;
        final List<Integer> lengths = new ArrayList<>();
        private final List<Long> slots = new ArrayList<>();
        /** For each command heard of ahead: the last one that was applied then. */
        final List<Long> expectedAt = new ArrayList<>();

        private int delivered;
        private int ranges;
        int mostRanges;
        int failures;
        boolean failuresAreOfSpace = true;
        private long index;
        private long committed;

        AnyLength(Random random, int cap) {
            this.random = random;
            this.cap = cap;
        }

        @Override
        public int apply(
                long entryIndex,
                long term,
                long logTimeMs,
                int type,
                int entryCrc,
                DirectBuffer payload,
                int offset,
                int length,
                long replySlot) {
            index = entryIndex;
            if (CommandFlyweight.kindOf(payload, offset, length) == CommandDescriptor.KIND_DELETE_RANGE) {
                ranges++;
            }
            if (replySlot == NOBODY_WAITS) {
                return 0;
            }
            int longest = Math.min(cap, CommandFlyweight.maxResultBytes(payload, offset, length));
            int result = longest == 0 || random.nextInt(3) == 0 ? longest : random.nextInt(longest + 1);
            lengths.add(result);
            slots.add(replySlot);
            return result;
        }

        @Override
        public void expect(DirectBuffer payload, int offset, int length) {
            assertThat(CommandFlyweight.kindOf(payload, offset, length)).isPositive();
            expectedAt.add(index);
        }

        @Override
        public void commit(ResultSink sink) {
            if (failures > 0) {
                failures--;
                throw new KvStoreException("injected", failuresAreOfSpace, new IOException("injected"));
            }
            for (; delivered < slots.size(); delivered++) {
                sink.onResult(slots.get(delivered), Status.OK, 0, resultBytes, 0, lengths.get(delivered));
            }
            committed = index;
            mostRanges = Math.max(mostRanges, ranges);
            ranges = 0;
        }

        @Override
        public long appliedIndex() {
            return committed;
        }

        @Override
        public long appliedTerm() {
            return 1;
        }

        @Override
        public long digest() {
            return committed;
        }

        @Override
        public long lastLogTimeMs() {
            return 0;
        }

        @Override
        public long nextExpiryLogTimeMs() {
            return committed + 7;
        }

        @Override
        public int sessionCount() {
            return 0;
        }
    }

    @Test
    void resultsOfAnyLengthPassThroughRingsOfAnySize() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
        System.out.println("seed=" + seed);
        for (int ringBytes : new int[] {1 << 12, 1 << 16, Capacities.NODE.resultRingBytes()}) {
            for (int run = 0; run < (ringBytes > 1 << 20 ? 3 : 40); run++) {
                passThrough(new Random(seed + run), ringBytes, "seed " + (seed + run) + " ring " + ringBytes);
            }
        }
    }

    private void passThrough(Random random, int ringBytes, String name) {
        int entries = 300;
        try (Wal wal = log()) {
            for (int index = 1; index <= entries; index++) {
                append(wal, index, random);
            }
            wal.publish();
            AnyLength machine = new AnyLength(random, ringBytes / 8 - RESULT_HEADER_BYTES);
            ApplyAgent agent =
                    new ApplyAgent(wal.newCursor(), machine, () -> {}, capacities(ringBytes), ReplicaMetrics.unread());
            List<Long> taken = new ArrayList<>();
            List<Integer> lengths = new ArrayList<>();
            long offered = 0;
            for (int step = 0; taken.size() < entries; step++) {
                assertThat(step).as(name).isLessThan(100_000);
                if (offered < entries && random.nextInt(4) == 0) {
                    offered = Math.min(entries, offered + 1 + random.nextInt(80));
                    assertThat(agent.offer(offered, 1, true)).as(name).isTrue();
                }
                agent.doWork();
                if (random.nextInt(5) == 0) {
                    agent.pollResults((type, buffer, offset, length) -> {
                        taken.add(buffer.getLong(offset + ApplyAgent.RESULT_INDEX_OFFSET));
                        lengths.add(length - ApplyAgent.RESULT_BYTES_OFFSET);
                    });
                    assertThat(taken).as(name).hasSize((int) agent.appliedIndex());
                }
            }
            for (int i = 0; i < entries; i++) {
                assertThat(taken.get(i)).as(name).isEqualTo(i + 1L);
            }
            assertThat(lengths).as(name).isEqualTo(machine.lengths);
            assertThat(agent.appliedIndex()).as(name).isEqualTo(entries);
            assertThat(agent.nextExpiryLogTimeMs()).as(name).isEqualTo(entries + 7);
        }
    }

    @Test
    void aFullRingHoldsBackWhatHasAResultAndNothingElse() {
        try (Wal wal = log()) {
            Random random = new Random(1);
            for (int index = 1; index <= 500; index++) {
                append(wal, index, random);
            }
            wal.publish();
            AnyLength machine = new AnyLength(random, 100);
            ApplyAgent agent =
                    new ApplyAgent(wal.newCursor(), machine, () -> {}, capacities(1 << 12), ReplicaMetrics.unread());
            agent.offer(400, 1, true);
            while (agent.doWork() > 0) {
                assertThat(agent.appliedIndex()).isLessThan(400);
            }
            long stoodStill = agent.appliedIndex();
            // Leadership is gone: nobody waits any more.
            agent.offer(500, 1, false);
            int steps = 0;
            while (agent.doWork() > 0) {
                steps++;
            }
            assertThat(agent.appliedIndex()).isEqualTo(500).isGreaterThan(stoodStill);
            assertThat(steps).isPositive();
        }
    }

    @Test
    @Tag("W12")
    void aBatchThatFindsNoRoomIsTriedAgainAndNothingIsAppliedMeanwhile() {
        try (Wal wal = log()) {
            for (int index = 1; index <= 20; index++) {
                append(wal, index, CommandDescriptor.KIND_PUT, 0);
            }
            wal.publish();
            AnyLength machine = new AnyLength(new Random(1), 0);
            ApplyAgent agent =
                    new ApplyAgent(wal.newCursor(), machine, () -> {}, capacities(1 << 16), ReplicaMetrics.unread());
            machine.failures = 3;
            agent.offer(10, 1, true);
            for (int attempt = 1; attempt <= 3; attempt++) {
                assertThat(agent.doWork()).isZero();
                assertThat(agent.isStalled()).isTrue();
                assertThat(agent.hasWork())
                        .as("else its thread would not sleep, nor end")
                        .isFalse();
                assertThat(machine.index).isEqualTo(10);
                assertThat(agent.appliedIndex()).isZero();
                agent.offer(20, 1, true);
            }
            assertThat(agent.doWork()).isEqualTo(10);
            assertThat(agent.isStalled()).isFalse();
            assertThat(agent.appliedIndex()).isEqualTo(10);
            assertThat(agent.hasWork()).isTrue();
            assertThat(agent.doWork()).isEqualTo(10);
            List<Long> taken = new ArrayList<>();
            agent.pollResults((type, buffer, offset, length) ->
                    taken.add(buffer.getLong(offset + ApplyAgent.RESULT_INDEX_OFFSET)));
            assertThat(taken).hasSize(20).isSorted().doesNotHaveDuplicates();
        }
    }

    @Test
    void theStateMachineHearsOfSomeCommandsAheadAndOfFewOnesNot() {
        try (Wal wal = log()) {
            for (int index = 1; index <= 103; index++) {
                append(wal, index, CommandDescriptor.KIND_PUT, 0);
            }
            wal.publish();
            AnyLength machine = new AnyLength(new Random(1), 0);
            ApplyAgent agent =
                    new ApplyAgent(wal.newCursor(), machine, () -> {}, capacities(1 << 16), ReplicaMetrics.unread());
            agent.offer(3, 1, false);
            assertThat(agent.doWork()).isEqualTo(3);
            assertThat(machine.expectedAt).as("with three").isEmpty();
            agent.offer(103, 1, false);
            assertThat(agent.doWork()).isEqualTo(100);
            assertThat(machine.expectedAt).hasSize(100);
            for (int i = 0; i < 100; i++) {
                assertThat(machine.expectedAt.get(i)).as("command %d", i + 4).isEqualTo(3 + i / 16 * 16);
            }
        }
    }

    @Test
    void anyOtherFailureOfTheStoreIsFatal() {
        try (Wal wal = log()) {
            append(wal, 1, CommandDescriptor.KIND_PUT, 0);
            wal.publish();
            AnyLength machine = new AnyLength(new Random(1), 0);
            machine.failures = 1;
            machine.failuresAreOfSpace = false;
            ApplyAgent agent =
                    new ApplyAgent(wal.newCursor(), machine, () -> {}, capacities(1 << 16), ReplicaMetrics.unread());
            agent.offer(1, 1, true);
            assertThatThrownBy(agent::doWork).isInstanceOf(KvStoreException.class);
        }
    }

    @Test
    void aWriteHasABoundedNumberOfRanges() {
        try (Wal wal = log()) {
            for (int index = 1; index <= 1000; index++) {
                append(wal, index, CommandDescriptor.KIND_DELETE_RANGE, 0);
            }
            wal.publish();
            AnyLength machine = new AnyLength(new Random(1), 0);
            ApplyAgent agent =
                    new ApplyAgent(wal.newCursor(), machine, () -> {}, capacities(1 << 20), ReplicaMetrics.unread());
            agent.offer(1000, 1, true);
            while (agent.doWork() > 0) {
                agent.pollResults((type, buffer, offset, length) -> {});
            }
            assertThat(agent.appliedIndex()).isEqualTo(1000);
            assertThat(machine.mostRanges).isEqualTo(64);
        }
    }

    @Test
    void theRingOfANodeHoldsEightOfTheLongestResults() {
        assertThat(Capacities.NODE.resultRingBytes() / 8)
                .isGreaterThanOrEqualTo(StateMachine.MAX_RESULT_BYTES + RESULT_HEADER_BYTES);
    }

    private Wal log() {
        SimulatedDirectory files = new SimulatedDirectory();
        HardStateFile hardState = HardStateFile.open(config, files, "hard-state");
        return Wal.open(config, files, hardState, Floor.UNKNOWN, new Random(1)::nextLong);
    }

    private static Capacities capacities(int resultRingBytes) {
        Capacities node = Capacities.NODE;
        return new Capacities(
                node.commitRingBytes(),
                resultRingBytes,
                node.readRingBytes(),
                node.rowRingBytes(),
                node.rangeRequestRingBytes(),
                node.rangeReplyRingBytes(),
                node.openProposals(),
                KvStateMachine.DEFAULT_HEADER_CACHE_ENTRIES);
    }

    private void append(Wal wal, int index, Random random) {
        switch (random.nextInt(6)) {
            case 0 -> append(wal, index, CommandDescriptor.KIND_RESOLVE, 0);
            case 1 -> append(wal, index, CommandDescriptor.KIND_ADD, 0);
            case 2 -> append(wal, index, CommandDescriptor.KIND_DELETE, CommandDescriptor.FLAG_WANT_PREVIOUS);
            default -> append(wal, index, CommandDescriptor.KIND_PUT, 0);
        }
    }

    private void append(Wal wal, int index, int kind, int flags) {
        command.putByte(CommandDescriptor.KIND_OFFSET, (byte) kind);
        command.putByte(CommandDescriptor.FLAGS_OFFSET, (byte) flags);
        command.putShort(CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) CommandDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        wal.append(index, 1, index, StateMachine.ENTRY_COMMAND, command, 0, command.capacity());
    }
}
