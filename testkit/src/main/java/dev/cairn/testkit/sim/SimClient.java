package dev.cairn.testkit.sim;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.CommandReplyDescriptor;
import dev.cairn.protocol.ErrorReplyDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.GetReplyDescriptor;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.ResolvedAnswerDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.testkit.LinearizabilityChecker;
import dev.cairn.testkit.sim.SimOperation.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A client as the protocol means it, in small: opens a session by a logged command, keeps several operations in flight,
 * sends the same sequence with the same bytes again after a refusal, a lost connection or silence, follows hints, and gives
 * an operation up at its deadline with an unknown outcome. A session that has expired is followed by another.
 */
final class SimClient implements SimClientNetwork.Receiver {
    private static final long BACK_OFF_NS = 8 * SwarmKnobs.MS;
    private static final long LOOK_NS = 4 * SwarmKnobs.MS;

    private final int clientId;
    private final SwarmKnobs knobs;
    private final SimRandom random;
    private final Scheduler scheduler;
    private final SimTrace trace;
    private final SimClientNetwork network;
    private final FaultCounts faults;
    private final ClusterInvariants invariants;
    private final List<SimOperation> history;

    /** Not yet answered, by operation id, so in the order of their sequences. */
    private final TreeMap<Long, SimOperation> pending = new TreeMap<>();

    /** All transmissions of pending operations, on whatever connection. */
    private final Map<Long, SimOperation> transmissions = new HashMap<>();

    /** What a key held when it was last seen: what a SWAP expects. */
    private record Seen(long revision, long value, String bytes) {}

    private final Map<Integer, Seen> seen = new HashMap<>();

    private SimClientNetwork.@Nullable Connection connection;
    private int node;
    private long sessionId;
    private long lastSequence;
    private long lastRequestId;
    private int started;
    private long nextInvocationNs;
    private boolean patient;

    SimClient(
            int clientId,
            SwarmKnobs knobs,
            SimRandom random,
            Scheduler scheduler,
            SimTrace trace,
            SimClientNetwork network,
            FaultCounts faults,
            ClusterInvariants invariants,
            List<SimOperation> history) {
        this.clientId = clientId;
        this.knobs = knobs;
        this.random = random;
        this.scheduler = scheduler;
        this.trace = trace;
        this.network = network;
        this.faults = faults;
        this.invariants = invariants;
        this.history = history;
        this.node = 1 + random.nextInt(knobs.nodes);
    }

    void start() {
        invoke(Kind.OPEN_SESSION);
        look();
    }

    /** From now on nothing is given up. */
    void becomePatient() {
        patient = true;
    }

    boolean isDone() {
        return pending.isEmpty() && started >= knobs.operationsPerClient;
    }

    String describe() {
        StringBuilder text = new StringBuilder("client " + clientId + " session=" + sessionId + " started=" + started
                + " at node " + node + " waits for");
        pending.values()
                .forEach(operation -> text.append(" op")
                        .append(operation.id)
                        .append('/')
                        .append(operation.kind)
                        .append('/')
                        .append(operation.sequence));
        return text.toString();
    }

    // ---- its own clock

    private void look() {
        for (SimOperation operation : new ArrayList<>(pending.values())) {
            if (!patient && scheduler.nowNs() >= operation.deadlineNs && operation.kind != Kind.OPEN_SESSION) {
                giveUp(operation);
            }
        }
        invokeMore();
        sendDue();
        if (!isDone()) {
            scheduler.after(random.around(LOOK_NS), this::look);
        }
    }

    private void giveUp(SimOperation operation) {
        trace.add(SimTrace.Kind.GIVE_UP, 0, operation.id, 0, 0, 0);
        forget(operation);
        if (isOfSession(operation) && operation.kind != Kind.RESOLVE && random.nextBoolean()) {
            resolve(operation);
        }
    }

    private boolean isOfSession(SimOperation operation) {
        return operation.sequence != 0 && operation.sessionId == sessionId;
    }

    /** At once: until it is answered, its sequence stays the lowest open one, so that the answer cannot be lost. */
    private void resolve(SimOperation unknown) {
        SimOperation operation =
                newOperation(Kind.RESOLVE, unknown.sequence, Math.min(unknown.sequence, lowestOpen(unknown.sequence)));
        operation.asksFor = unknown;
        add(operation);
    }

    private void forget(SimOperation operation) {
        pending.remove(operation.id);
        transmissions.values().removeIf(other -> other == operation);
    }

    private void invokeMore() {
        if (sessionId == 0) {
            return;
        }
        while (pending.size() < knobs.maxInFlight
                && started < knobs.operationsPerClient
                && scheduler.nowNs() >= nextInvocationNs) {
            started++;
            invoke(drawKind());
            nextInvocationNs = scheduler.nowNs() + (random.nextInt(4) == 0 ? 0 : random.around(knobs.clientPauseNs));
        }
    }

    private Kind drawKind() {
        if (random.chance(knobs.getShare)) {
            return random.chance(knobs.staleShare) ? Kind.STALE_GET : Kind.GET;
        }
        return switch (random.nextInt(16)) {
            case 0, 1, 2 -> Kind.SWAP;
            case 3, 4 -> Kind.ADD;
            case 5 -> Kind.BATCH;
            case 6 -> Kind.RANGE;
            default -> random.chance(knobs.deleteShare) ? Kind.DELETE : Kind.PUT;
        };
    }

    private void invoke(Kind kind) {
        boolean sequenced = kind != Kind.OPEN_SESSION && kind != Kind.GET && kind != Kind.STALE_GET;
        long sequence = sequenced ? ++lastSequence : 0;
        SimOperation operation = newOperation(kind, sequence, sequenced ? lowestOpen(sequence) : 0);
        switch (kind) {
            case GET, STALE_GET -> operation.readMode = readMode(operation);
            case PUT, DELETE -> wantPreviousPerhaps(operation);
            case SWAP -> {
                expectSomething(operation);
                wantPreviousPerhaps(operation);
            }
            case ADD -> operation.difference = random.between(-2, 9);
            case BATCH -> {
                operation.keySet = 1 + random.nextInt((1 << knobs.keys) - 1);
                operation.writtenSet = operation.keySet & random.nextInt(1 << knobs.keys);
            }
            case RANGE -> operation.toKey = random.between(operation.key + 1, knobs.keys);
            default -> {}
        }
        add(operation);
    }

    /** The fresh ones by turns, in each of their ways. */
    private int readMode(SimOperation operation) {
        if (operation.kind == Kind.STALE_GET) {
            return GetDescriptor.READ_STALE;
        }
        return switch ((int) (operation.id % (knobs.leasesHold() ? 3 : 2))) {
            case 0 -> GetDescriptor.READ_LINEARIZABLE;
            case 1 -> GetDescriptor.READ_FOLLOWER;
            default -> GetDescriptor.READ_LEASE;
        };
    }

    private void wantPreviousPerhaps(SimOperation operation) {
        operation.flags |= random.nextInt(3) == 0 ? CommandDescriptor.FLAG_WANT_PREVIOUS : 0;
    }

    private void expectSomething(SimOperation operation) {
        Seen last = seen.get(operation.key);
        if (last == null || random.nextBoolean()) {
            operation.flags |= CommandDescriptor.FLAG_IF_REVISION;
            operation.expectedRevision = last == null ? 0 : last.revision;
        } else {
            operation.flags |= CommandDescriptor.FLAG_IF_VALUE;
            operation.expected = last.bytes.getBytes(ISO_8859_1);
            operation.expectedValue = last.value;
        }
    }

    private SimOperation newOperation(Kind kind, long sequence, long lowestOpen) {
        return new SimOperation(
                history.size() + 1,
                clientId,
                kind,
                random.nextInt(knobs.keys),
                valueBytes(),
                2 * trace.count() + 1,
                invariants.committedIndex(),
                scheduler.nowNs() + knobs.deadlineNs,
                sequence == 0 ? 0 : sessionId,
                sequence,
                lowestOpen);
    }

    private void add(SimOperation operation) {
        trace.add(SimTrace.Kind.INVOKE, 0, operation.id, operation.key, operation.sequence, 0, operation.kind.name());
        history.add(operation);
        pending.put(operation.id, operation);
    }

    private int valueBytes() {
        boolean large = random.nextInt(16) == 0;
        return Long.BYTES + random.nextInt(large ? knobs.maxValueBytes : Math.min(knobs.maxValueBytes, 100));
    }

    private long lowestOpen(long sequence) {
        long lowest = sequence;
        for (SimOperation operation : pending.values()) {
            lowest = isOfSession(operation) ? Math.min(lowest, operation.sequence) : lowest;
        }
        return lowest;
    }

    private void sendDue() {
        for (SimOperation operation : new ArrayList<>(pending.values())) {
            if (scheduler.nowNs() >= operation.resendNs) {
                if (operation.transmissions > 0 && operation.resendNs > 0 && random.nextInt(3) == 0) {
                    moveTo(1 + random.nextInt(knobs.nodes));
                }
                send(operation);
            }
        }
    }

    private void send(SimOperation operation) {
        SimClientNetwork.Connection to = connection;
        if (to == null || !to.isOpen()) {
            to = network.connect(clientId, node, this);
            connection = to;
        }
        if (to == null) {
            moveTo(1 + random.nextInt(knobs.nodes));
            operation.resendNs = scheduler.nowNs() + BACK_OFF_NS;
            return;
        }
        operation.transmissions++;
        operation.resendNs = scheduler.nowNs() + random.around(knobs.clientSilenceNs);
        long requestId = ++lastRequestId;
        transmissions.put(requestId, operation);
        network.sendToNode(to, ClientFrames.encode(operation, requestId));
        SimOperation asked = operation.asksFor;
        if (asked != null && random.nextBoolean()) {
            // A late copy of what was given up, as the network might have kept one; nobody waits for its answer.
            network.sendToNode(to, ClientFrames.encode(asked, ++lastRequestId));
        }
    }

    private void moveTo(int newNode) {
        if (newNode != node) {
            node = newNode;
            if (connection != null && random.nextBoolean()) {
                network.close(connection);
            }
            connection = null;
        }
    }

    // ---- what comes back

    @Override
    public void onBroken(SimClientNetwork.Connection broken) {
        if (broken == connection) {
            connection = null;
            resendAllSoon();
        }
    }

    private void resendAllSoon() {
        for (SimOperation operation : pending.values()) {
            operation.resendNs = Math.min(operation.resendNs, scheduler.nowNs() + random.around(BACK_OFF_NS));
        }
    }

    @Override
    public void onFrame(SimClientNetwork.Connection from, byte[] bytes) {
        UnsafeBuffer frame = new UnsafeBuffer(bytes);
        int block = FrameHeader.HEADER_LENGTH;
        int status = frame.getShort(block, LITTLE_ENDIAN) & 0xFFFF;
        long requestId = SimClientNetwork.requestId(bytes);
        int type = SimNetwork.type(bytes);
        if (type == MessageType.ERROR_REPLY && requestId == FrameHeader.CONNECTION_REQUEST_ID) {
            resendAllSoon();
            follow(frame.getInt(block + ErrorReplyDescriptor.LEADER_ID_OFFSET, LITTLE_ENDIAN));
            return;
        }
        SimOperation operation = transmissions.remove(requestId);
        if (operation == null) {
            return;
        }
        switch (type) {
            case MessageType.COMMAND_REPLY ->
                onResult(
                        operation,
                        Status.of(status),
                        frame.getLong(block + CommandReplyDescriptor.REVISION_OFFSET, LITTLE_ENDIAN),
                        new String(
                                bytes,
                                block + CommandReplyDescriptor.BLOCK_LENGTH,
                                frame.getInt(block + CommandReplyDescriptor.RESULT_LENGTH_OFFSET, LITTLE_ENDIAN),
                                ISO_8859_1));
            case MessageType.GET_REPLY -> onRow(operation, Status.of(status), frame, block);
            case MessageType.ERROR_REPLY -> {
                operation.resendNs = Math.min(operation.resendNs, scheduler.nowNs() + random.around(BACK_OFF_NS));
                onRefusal(operation, Status.of(status));
                follow(frame.getInt(block + ErrorReplyDescriptor.LEADER_ID_OFFSET, LITTLE_ENDIAN));
            }
            default -> throw new InvariantBroken("reply", "type " + type + " for " + operation.id);
        }
    }

    private void follow(int leaderId) {
        if (leaderId != 0 && random.nextInt(8) != 0) {
            moveTo(leaderId);
        } else if (random.nextBoolean()) {
            moveTo(1 + random.nextInt(knobs.nodes));
        }
    }

    private void onRefusal(SimOperation operation, Status status) {
        switch (status) {
            case NOT_LEADER, BUSY, NO_SPACE, NOT_CAUGHT_UP -> {}
            default -> throw new InvariantBroken("reply", "op" + operation.id + " was refused: " + status);
        }
    }

    private void onResult(SimOperation operation, Status status, long revision, String result) {
        invariants.onCommandReply(operation, status, revision, result);
        if (status == Status.SESSION_EXPIRED) {
            onExpired(operation);
            return;
        }
        if (operation.kind == Kind.OPEN_SESSION) {
            sessionId = revision;
            trace.add(SimTrace.Kind.SESSION, 0, clientId, revision, 0, 0);
        }
        done(operation, status, revision, 0);
        SimOperation asked = operation.asksFor;
        if (asked == null) {
            onOutcome(operation, status, revision, result);
        } else if (status == Status.OK) {
            UnsafeBuffer resolved = new UnsafeBuffer(result.getBytes(ISO_8859_1));
            asked.returnedAt = operation.returnedAt;
            onOutcome(
                    asked,
                    Status.of(resolved.getShort(ResolvedAnswerDescriptor.STATUS_OFFSET, LITTLE_ENDIAN)),
                    resolved.getLong(ResolvedAnswerDescriptor.REVISION_OFFSET, LITTLE_ENDIAN),
                    result.substring(ResolvedAnswerDescriptor.RESULT_OFFSET));
        } else {
            asked.cancelled = true;
        }
    }

    /** Whether an earlier transmission was executed is not known any more; this one was not, and none will be. */
    private void onExpired(SimOperation operation) {
        trace.add(SimTrace.Kind.EXPIRED, 0, operation.id, operation.sessionId, 0, 0);
        faults.count(SimFault.EXPIRED_SESSION);
        forget(operation);
        if (operation.sessionId == sessionId) {
            sessionId = 0;
            lastSequence = 0;
            invoke(Kind.OPEN_SESSION);
        }
    }

    private void onOutcome(SimOperation operation, Status status, long revision, String result) {
        operation.failed = status == Status.CONDITION_FAILED;
        operation.result = status == Status.OK ? 1 : LinearizabilityChecker.ABSENT;
        if (operation.kind == Kind.ADD) {
            operation.result = new UnsafeBuffer(result.getBytes(ISO_8859_1)).getLong(0, LITTLE_ENDIAN);
        }
        if (status == Status.OK && (operation.kind == Kind.PUT || operation.kind == Kind.SWAP)) {
            see(operation.key, revision, operation.id, operation.valueText());
        }
    }

    private void see(int key, long revision, long value, String bytes) {
        Seen before = seen.get(key);
        if (before == null || before.revision < revision) {
            seen.put(key, new Seen(revision, value, bytes));
        }
    }

    private void onRow(SimOperation operation, Status status, UnsafeBuffer frame, int block) {
        long value = LinearizabilityChecker.ABSENT;
        long revision = 0;
        if (status == Status.OK) {
            revision = frame.getLong(block + GetReplyDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN);
            value = frame.getLong(block + GetReplyDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
            byte[] row = new byte[frame.getInt(block + GetReplyDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN)];
            frame.getBytes(block + GetReplyDescriptor.BLOCK_LENGTH, row);
            String text = new String(row, ISO_8859_1);
            invariants.onRowReply(operation, text, revision);
            see(operation.key, revision, value, text);
        }
        if (operation.kind == Kind.GET) {
            invariants.onReadReply(operation, revision);
        }
        done(operation, status, revision, value);
    }

    private void done(SimOperation operation, Status status, long number, long result) {
        trace.add(SimTrace.Kind.RETURN, 0, operation.id, status.code(), number, 0);
        operation.result = result;
        operation.returnedAt = 2 * trace.count();
        forget(operation);
    }
}
