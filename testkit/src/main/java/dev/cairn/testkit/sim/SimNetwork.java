package dev.cairn.testkit.sim;

import dev.cairn.protocol.FrameHeader;
import dev.cairn.server.replica.PeerTransport;
import dev.cairn.testkit.sim.SimTrace.Kind;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Frames between nodes. Loses, doubles, delays and reorders them as the knobs say; a cut link loses everything, in one
 * direction or in both.
 *
 * <p>With ordered knobs a link is like TCP: frames stay in order and die with either end's life. Without, a frame may
 * arrive after its sender's or its receiver's restart.
 */
final class SimNetwork {
    /** Sees each frame when it leaves. */
    interface Tap {
        void onSend(int from, int to, byte[] frame);
    }

    /** Null frame = the connection to the peer changed. */
    private static final class Arrived {
        final int from;
        final byte @Nullable [] frame;

        Arrived(int from, byte @Nullable [] frame) {
            this.from = from;
            this.frame = frame;
        }
    }

    private static final class Outgoing {
        final int to;
        final byte[] frame;

        Outgoing(int to, byte[] frame) {
            this.to = to;
            this.frame = frame;
        }
    }

    /** A link that carries less than others for a while: later, and one frame after the other. */
    private static final class SlowLink {
        long untilNs;
        long delayNs;
        long nsPerByte;
        /** The last frame has left the sender by then. */
        long busyUntilNs;

        long delayNs(long nowNs, int bytes) {
            if (nowNs >= untilNs) {
                return 0;
            }
            busyUntilNs = Math.max(busyUntilNs, nowNs) + bytes * nsPerByte;
            return busyUntilNs - nowNs + delayNs;
        }
    }

    private final SwarmKnobs knobs;
    private final SimRandom random;
    private final Scheduler scheduler;
    private final SimTrace trace;
    private final Tap tap;
    private final FaultCounts faults;
    private final boolean[][] cut;
    private final SlowLink[][] slow;
    private final long[][] lastArrivalNs;
    private final Port[] ports;
    private boolean healed;

    SimNetwork(SwarmKnobs knobs, SimRandom random, Scheduler scheduler, SimTrace trace, FaultCounts faults, Tap tap) {
        this.knobs = knobs;
        this.random = random;
        this.scheduler = scheduler;
        this.trace = trace;
        this.faults = faults;
        this.tap = tap;
        int size = knobs.nodes + 1;
        cut = new boolean[size][size];
        slow = new SlowLink[size][size];
        for (int from = 1; from < size; from++) {
            for (int to = 1; to < size; to++) {
                slow[from][to] = new SlowLink();
            }
        }
        lastArrivalNs = new long[size][size];
        ports = new Port[size];
    }

    /** The transport of one life of a node. */
    Port open(int node, Runnable wake) {
        Port port = new Port(node, wake);
        ports[node] = port;
        if (knobs.tellsConnectionChanges) {
            for (Port other : ports) {
                if (other != null && other != port) {
                    other.connectionChanged(node);
                    port.connectionChanged(other.node);
                }
            }
        }
        return port;
    }

    void close(int node) {
        Port port = ports[node];
        if (port != null) {
            port.open = false;
        }
    }

    void cut(int from, int to) {
        cut[from][to] = true;
    }

    void slow(int from, int to, long delayNs, long nsPerByte, long forNs) {
        SlowLink link = slow[from][to];
        link.untilNs = scheduler.nowNs() + forNs;
        link.delayNs = delayNs;
        link.nsPerByte = nsPerByte;
    }

    /** All links carry again. */
    void join() {
        for (int from = 1; from < cut.length; from++) {
            for (int to = 1; to < cut.length; to++) {
                if (cut[from][to]) {
                    cut[from][to] = false;
                    if (knobs.tellsConnectionChanges && ports[from] != null) {
                        ports[from].connectionChanged(to);
                    }
                }
            }
        }
    }

    /** From now on nothing is lost, doubled or slow. */
    void heal() {
        healed = true;
        for (SlowLink[] links : slow) {
            for (SlowLink link : links) {
                if (link != null) {
                    link.untilNs = 0;
                }
            }
        }
        join();
    }

    private void send(Port from, int to, byte[] frame) {
        tap.onSend(from.node, to, frame);
        int type = type(frame);
        int crc = crc(frame);
        if (cut[from.node][to] || (!healed && random.chance(knobs.drop))) {
            trace.add(Kind.DROP, from.node, to, type, crc, cut[from.node][to] ? 1 : 0);
            faults.count(cut[from.node][to] ? SimFault.CUT_FRAME : SimFault.LOST_FRAME);
            return;
        }
        int copies = !healed && random.chance(knobs.duplicate) ? 2 : 1;
        if (copies > 1) {
            faults.count(SimFault.DOUBLED_FRAME);
        }
        trace.add(Kind.SEND, from.node, to, type, crc, copies);
        Port receiver = ports[to];
        for (int i = 0; i < copies; i++) {
            long atNs = scheduler.nowNs() + delayNs() + slowNs(from.node, to, frame.length);
            if (knobs.ordered) {
                atNs = Math.max(atNs, lastArrivalNs[from.node][to]);
                lastArrivalNs[from.node][to] = atNs;
            }
            scheduler.at(atNs, () -> arrive(from, receiver, to, frame, type, crc));
        }
    }

    /** Something else than a frame, on a connection of its own: lost, late or doubled as frames are. */
    void carry(int from, int to, int bytes, Runnable arrival) {
        if (cut[from][to] || (!healed && random.chance(knobs.drop))) {
            faults.count(cut[from][to] ? SimFault.CUT_FRAME : SimFault.LOST_FRAME);
            return;
        }
        int copies = !healed && random.chance(knobs.duplicate) ? 2 : 1;
        for (int i = 0; i < copies; i++) {
            long delayNs = delayNs() + slowNs(from, to, bytes);
            scheduler.after(delayNs, () -> {
                if (!cut[from][to]) {
                    arrival.run();
                }
            });
        }
    }

    private long slowNs(int from, int to, int bytes) {
        long delayNs = slow[from][to].delayNs(scheduler.nowNs(), bytes);
        return delayNs == 0 || knobs.ordered ? delayNs : random.around(delayNs);
    }

    long delayNs() {
        if (!healed && random.chance(knobs.slowMessages)) {
            faults.count(SimFault.LATE_FRAME);
            return random.around(knobs.slowDelayNs);
        }
        return random.around(knobs.delayNs);
    }

    private void arrive(Port sender, @Nullable Port receiver, int to, byte[] frame, int type, int crc) {
        Port port = ports[to];
        boolean sameLives = port == receiver && sender.open;
        if (port == null || !port.open || cut[sender.node][to] || (knobs.ordered && !sameLives)) {
            return;
        }
        trace.add(Kind.DELIVER, to, sender.node, type, crc, 0);
        port.inbox.add(new Arrived(sender.node, frame));
        port.wake.run();
    }

    static int type(byte[] frame) {
        return (frame[FrameHeader.TYPE_OFFSET] & 0xFF) | (frame[FrameHeader.TYPE_OFFSET + 1] & 0xFF) << 8;
    }

    static int crc(byte[] frame) {
        CRC32C crc = new CRC32C();
        crc.update(frame, FrameHeader.TYPE_OFFSET, frame.length - FrameHeader.TYPE_OFFSET);
        return (int) crc.getValue();
    }

    /** One node's end. */
    final class Port implements PeerTransport {
        private final int node;
        private final Runnable wake;
        private final ArrayDeque<Arrived> inbox = new ArrayDeque<>();
        private final List<Outgoing> outbox = new ArrayList<>();
        private final ExpandableArrayBuffer claim = new ExpandableArrayBuffer(256);
        private final UnsafeBuffer view = new UnsafeBuffer(0, 0);
        private int claimLength;
        private byte @Nullable [] claimed;
        private boolean open = true;

        Port(int node, Runnable wake) {
            this.node = node;
            this.wake = wake;
        }

        private void connectionChanged(int peer) {
            trace.add(Kind.CONNECTION, node, peer, 0, 0, 0);
            inbox.add(new Arrived(peer, null));
            wake.run();
        }

        @Override
        public int poll(Handler handler) {
            int count = 0;
            for (Arrived next = inbox.poll(); next != null; next = inbox.poll()) {
                byte[] frame = next.frame;
                if (frame == null) {
                    handler.onPeerConnectionChanged(next.from);
                } else {
                    view.wrap(frame);
                    handler.onPeerFrame(next.from, view, 0, frame.length);
                }
                count++;
            }
            return count;
        }

        @Override
        public MutableDirectBuffer claim(int length) {
            claim.checkLimit(length);
            claim.setMemory(0, length, (byte) 0);
            claimLength = length;
            claimed = null;
            return claim;
        }

        @Override
        public void sendRequest(int peerId) {
            queue(peerId);
        }

        @Override
        public void sendReply(int peerId) {
            queue(peerId);
        }

        private void queue(int peerId) {
            byte[] frame = claimed;
            if (frame == null) {
                frame = new byte[claimLength];
                claim.getBytes(0, frame);
                claimed = frame;
            }
            outbox.add(new Outgoing(peerId, frame));
        }

        @Override
        public void flush() {
            for (Outgoing next : outbox) {
                send(this, next.to, next.frame);
            }
            outbox.clear();
        }
    }

    /** Little-endian long at an offset of a frame's block. */
    static long blockLong(byte[] frame, int offset) {
        DirectBuffer buffer = new UnsafeBuffer(frame);
        return buffer.getLong(FrameHeader.HEADER_LENGTH + offset, ByteOrder.LITTLE_ENDIAN);
    }

    static byte blockByte(byte[] frame, int offset) {
        return frame[FrameHeader.HEADER_LENGTH + offset];
    }
}
