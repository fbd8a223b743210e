package dev.cairn.testkit.sim;

import dev.cairn.protocol.FrameHeader;
import dev.cairn.server.replica.ClientTransport;
import dev.cairn.testkit.sim.SimTrace.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Connections between clients and nodes, behind the handshake. Frames of a connection stay in order; it breaks at random,
 * and with the node's life. A broken one delivers nothing more in either direction; the client hears of it a little later.
 */
final class SimClientNetwork {
    /** The client's end. */
    interface Receiver {
        void onFrame(Connection connection, byte[] frame);

        void onBroken(Connection connection);
    }

    /** One connection; ids are never used twice. */
    static final class Connection {
        final long id;
        final int clientId;
        private final Receiver receiver;
        private final Port port;
        private boolean open = true;
        private long lastToNodeNs;
        private long lastToClientNs;

        private Connection(long id, int clientId, Receiver receiver, Port port) {
            this.id = id;
            this.clientId = clientId;
            this.receiver = receiver;
            this.port = port;
        }

        boolean isOpen() {
            return open;
        }

        int node() {
            return port.node;
        }
    }

    private static final class Arrived {
        final Connection connection;
        final byte[] frame;

        Arrived(Connection connection, byte[] frame) {
            this.connection = connection;
            this.frame = frame;
        }
    }

    private final SwarmKnobs knobs;
    private final boolean swapsReplies;
    private final SimRandom random;
    private final Scheduler scheduler;
    private final SimTrace trace;
    private final SimNetwork network;
    private final FaultCounts faults;
    private final @Nullable Port[] ports;
    /** Nodes that no client reaches: frames vanish in both directions, and nobody is told. */
    private final boolean[] cut;

    private long lastConnectionId;
    private boolean healed;

    SimClientNetwork(
            SwarmKnobs knobs,
            SimOptions options,
            SimRandom random,
            Scheduler scheduler,
            SimTrace trace,
            FaultCounts faults,
            SimNetwork network) {
        this.knobs = knobs;
        this.swapsReplies = options.has(SimBug.REPLY_TO_WRONG_REQUEST);
        this.random = random;
        this.scheduler = scheduler;
        this.trace = trace;
        this.network = network;
        this.faults = faults;
        ports = new Port[knobs.nodes + 1];
        cut = new boolean[knobs.nodes + 1];
    }

    /** The transport of one life of a node. */
    Port open(int node, Runnable wake) {
        Port port = new Port(node, wake);
        ports[node] = port;
        return port;
    }

    /** The node's life ends: its connections break. */
    void close(int node) {
        Port port = ports[node];
        if (port != null) {
            ports[node] = null;
            List.copyOf(port.connections.values()).forEach(this::reset);
        }
    }

    /** No client reaches the node, or with false all do again. */
    void cut(int node, boolean cutOff) {
        cut[node] = cutOff;
    }

    void heal() {
        healed = true;
        Arrays.fill(cut, false);
    }

    /** Null when nobody listens there. */
    @Nullable
    Connection connect(int clientId, int node, Receiver receiver) {
        Port port = ports[node];
        if (port == null || cut[node]) {
            return null;
        }
        Connection connection = new Connection(++lastConnectionId, clientId, receiver, port);
        port.connections.put(connection.id, connection);
        return connection;
    }

    private void reset(Connection connection) {
        if (!connection.open) {
            return;
        }
        connection.open = false;
        connection.port.connections.remove(connection.id);
        trace.add(Kind.CLIENT_RESET, connection.port.node, connection.clientId, connection.id, 0, 0);
        scheduler.after(network.delayNs(), () -> connection.receiver.onBroken(connection));
    }

    /** By the client: what is under way is lost. */
    void close(Connection connection) {
        if (connection.open) {
            connection.open = false;
            connection.port.connections.remove(connection.id);
        }
    }

    void sendToNode(Connection connection, byte[] frame) {
        trace.add(
                Kind.REQUEST,
                connection.port.node,
                connection.clientId,
                requestId(frame),
                SimNetwork.type(frame),
                SimNetwork.crc(frame));
        if (breaks(connection)) {
            return;
        }
        connection.lastToNodeNs = Math.max(connection.lastToNodeNs, scheduler.nowNs() + network.delayNs());
        scheduler.at(connection.lastToNodeNs, () -> {
            if (connection.open) {
                connection.port.inbox.add(new Arrived(connection, frame));
                connection.port.wake.run();
            }
        });
    }

    private void sendToClient(Connection connection, byte[] frame) {
        trace.add(
                Kind.REPLY,
                connection.port.node,
                connection.clientId,
                requestId(frame),
                SimNetwork.type(frame),
                SimNetwork.crc(frame));
        if (breaks(connection)) {
            return;
        }
        connection.lastToClientNs = Math.max(connection.lastToClientNs, scheduler.nowNs() + network.delayNs());
        scheduler.at(connection.lastToClientNs, () -> {
            if (connection.open) {
                connection.receiver.onFrame(connection, frame);
            }
        });
    }

    private boolean breaks(Connection connection) {
        if (connection.open && !healed && random.chance(knobs.clientResets)) {
            faults.count(SimFault.BROKEN_CONNECTION);
            reset(connection);
        }
        return !connection.open || cut[connection.port.node];
    }

    static long requestId(byte[] frame) {
        return SimNetwork.blockLong(frame, FrameHeader.REQUEST_ID_OFFSET - FrameHeader.HEADER_LENGTH);
    }

    /** One node's end. */
    final class Port implements ClientTransport {
        private final int node;
        private final Runnable wake;
        private final Map<Long, Connection> connections = new TreeMap<>();
        private final ArrayDeque<Arrived> inbox = new ArrayDeque<>();
        private final List<Arrived> outbox = new ArrayList<>();
        private final ExpandableArrayBuffer claim = new ExpandableArrayBuffer(256);
        private final UnsafeBuffer view = new UnsafeBuffer(0, 0);
        private int claimLength;
        private @Nullable Connection claimed;

        Port(int node, Runnable wake) {
            this.node = node;
            this.wake = wake;
        }

        @Override
        public int poll(Handler handler, int limit) {
            int count = 0;
            while (count < limit && !inbox.isEmpty()) {
                Arrived next = inbox.remove();
                view.wrap(next.frame);
                handler.onClientFrame(next.connection.id, view, 0, next.frame.length);
                count++;
            }
            return count;
        }

        @Override
        public boolean hasFrames() {
            return !inbox.isEmpty();
        }

        @Override
        public @Nullable MutableDirectBuffer claim(long connectionId, int length) {
            claimed = connections.get(connectionId);
            if (claimed == null) {
                return null;
            }
            claim.checkLimit(length);
            // What the last frame left must not matter.
            claim.setMemory(0, length, (byte) 0xA5);
            claimLength = length;
            return claim;
        }

        @Override
        public void send() {
            Connection to = claimed;
            if (to == null) {
                throw new InvariantBroken("transport", "send without a claim on node " + node);
            }
            byte[] frame = new byte[claimLength];
            claim.getBytes(0, frame);
            outbox.add(new Arrived(to, frame));
            claimed = null;
        }

        @Override
        public void flush() {
            if (swapsReplies) {
                swapReplies();
            }
            for (Arrived next : outbox) {
                sendToClient(next.connection, next.frame);
            }
            outbox.clear();
        }

        /** Planted: the first two answers to the same client change their request ids. */
        private void swapReplies() {
            if (outbox.size() < 2 || outbox.get(0).connection.id != outbox.get(1).connection.id) {
                return;
            }
            byte[] first = outbox.get(0).frame;
            byte[] second = outbox.get(1).frame;
            for (int at = FrameHeader.REQUEST_ID_OFFSET; at < FrameHeader.REQUEST_ID_OFFSET + Long.BYTES; at++) {
                byte kept = first[at];
                first[at] = second[at];
                second[at] = kept;
            }
        }
    }
}
