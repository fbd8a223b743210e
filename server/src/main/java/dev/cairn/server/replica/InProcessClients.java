package dev.cairn.server.replica;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.ManyToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * Clients of this process beside those of the network: they hand whole frames of the client protocol over through one
 * ring and get reply frames through a ring each. The agent does not know the difference.
 *
 * <pre>
 *   port.send (any thread) -> inbox ring -> poll (loop) -> agent -> claim, send (loop) -> ring of the port -> port.poll
 * </pre>
 *
 * <p>Both directions are bounded: a full inbox refuses the frame; a port that does not take its replies is closed, as a
 * connection is that does not read them. Frames here need no checksum.
 */
public final class InProcessClients implements ClientTransport {
    /** Set in the ids of all ports, never in those of network connections. */
    private static final long PORT_BIT = Long.MIN_VALUE;

    private static final int MAX_PORTS = 64;
    private static final int FRAME_MESSAGE = 1;
    private static final int FRAME_OFFSET = Long.BYTES;

    private final ClientTransport network;
    private final Wakeable loop;
    private final RingBuffer inbox;
    private final AtomicReferenceArray<@Nullable Port> ports = new AtomicReferenceArray<>(MAX_PORTS);
    private long openedPorts;

    // Loop thread.
    private final MessageHandler onFrame = this::onFrame;
    private final UnsafeBuffer claimedView = new UnsafeBuffer(0, 0);
    private @Nullable Port claimed;
    private int claimedIndex;
    private Handler handler = (connectionId, buffer, offset, length) -> {
        throw new IllegalStateException("frame before the first poll");
    };

    /**
     * @param network where all other frames come from
     * @param loop woken when a frame waits
     * @param inboxBytes a power of two; an eighth of it is the longest frame
     */
    public InProcessClients(final ClientTransport network, final Wakeable loop, final int inboxBytes) {
        this.network = network;
        this.loop = loop;
        inbox = new ManyToOneRingBuffer(ring(inboxBytes));
    }

    private static UnsafeBuffer ring(final int bytes) {
        return new UnsafeBuffer(ByteBuffer.allocateDirect(bytes + RingBufferDescriptor.TRAILER_LENGTH));
    }

    /**
     * Any thread: a client of its own.
     *
     * @param replyBytes of replies that may wait, a power of two; an eighth of it is the longest reply
     * @param wake called by the loop, once per cycle that has replied
     */
    public synchronized Port open(final int replyBytes, final Wakeable wake) {
        for (int slot = 0; slot < MAX_PORTS; slot++) {
            if (ports.get(slot) == null) {
                final Port port = new Port(nextId(slot), slot, new OneToOneRingBuffer(ring(replyBytes)), wake);
                ports.set(slot, port);
                return port;
            }
        }
        throw new IllegalStateException("more than " + MAX_PORTS + " clients within the process");
    }

    /**
     * Any thread: a client in place of one that the loop has closed and whose replies have all been taken; it keeps that
     * one's memory. Requests of the old one stay without answer.
     */
    public synchronized Port reopen(final Port closed) {
        if (!closed.isClosed() || closed.hasReplies() || ports.get(closed.slot) != closed) {
            throw new IllegalStateException("port " + closed.id + " is open, has replies or was given back");
        }
        final Port port = new Port(nextId(closed.slot), closed.slot, closed.replies, closed.wake);
        ports.set(port.slot, port);
        return port;
    }

    private long nextId(final int slot) {
        return PORT_BIT | ++openedPorts * MAX_PORTS + slot;
    }

    // ---- loop thread ---------------------------------------------------------------------------------------------

    @Override
    public int poll(final Handler to, final int limit) {
        handler = to;
        final int own = inbox.read(onFrame, limit / 2);
        return own + network.poll(to, limit - own);
    }

    private void onFrame(final int type, final DirectBuffer buffer, final int offset, final int length) {
        handler.onClientFrame(buffer.getLong(offset), buffer, offset + FRAME_OFFSET, length - FRAME_OFFSET);
    }

    @Override
    public boolean hasFrames() {
        return network.hasFrames() || inbox.size() > 0;
    }

    @Override
    public boolean isOpen(final long connectionId) {
        return connectionId >= 0 ? network.isOpen(connectionId) : openPort(connectionId) != null;
    }

    private @Nullable Port openPort(final long connectionId) {
        final Port port = ports.get((int) (connectionId % MAX_PORTS + MAX_PORTS) % MAX_PORTS);
        return port == null || port.id != connectionId || port.closed ? null : port;
    }

    @Override
    public int connectionCount() {
        return network.connectionCount();
    }

    @Override
    public long waitingBytes() {
        return network.waitingBytes() + inbox.size();
    }

    @Override
    public @Nullable MutableDirectBuffer claim(final long connectionId, final int length) {
        claimed = null;
        if (connectionId >= 0) {
            return network.claim(connectionId, length);
        }
        final Port port = openPort(connectionId);
        if (port == null) {
            return null;
        }
        if (length > port.replies.maxMsgLength()) {
            port.endByLoop();
            return null;
        }
        claimedIndex = port.replies.tryClaim(FRAME_MESSAGE, length);
        if (claimedIndex < 0) {
            port.endByLoop();
            return null;
        }
        claimed = port;
        claimedView.wrap(port.replies.buffer(), claimedIndex, length);
        return claimedView;
    }

    @Override
    public void send() {
        final Port port = claimed;
        if (port == null) {
            network.send();
            return;
        }
        port.replies.commit(claimedIndex);
        port.hasNews = true;
        claimed = null;
    }

    @Override
    public void flush() {
        network.flush();
        for (int slot = 0; slot < MAX_PORTS; slot++) {
            final Port port = ports.get(slot);
            if (port != null && port.hasNews) {
                port.hasNews = false;
                port.wake.wake();
            }
        }
    }

    /** Ends all ports: their requests will not be answered. Their owners open them anew. */
    public void closePorts() {
        for (int slot = 0; slot < MAX_PORTS; slot++) {
            final Port port = ports.get(slot);
            if (port != null) {
                port.endByLoop();
            }
        }
        flush();
    }

    /** A client within the process. */
    public final class Port implements AutoCloseable {
        private final long id;
        private final int slot;
        private final RingBuffer replies;
        private final Wakeable wake;
        private volatile boolean closed;
        /** Loop thread. */
        private boolean hasNews;

        private Port(final long id, final int slot, final RingBuffer replies, final Wakeable wake) {
            this.id = id;
            this.slot = slot;
            this.wake = wake;
            this.replies = replies;
        }

        /**
         * Any thread: hands one whole frame over.
         *
         * @return false when the port is closed, the inbox full, or the frame longer than an eighth of it: nothing was
         *     handed over
         */
        public boolean send(final DirectBuffer frame, final int offset, final int length) {
            if (closed || length + FRAME_OFFSET > inbox.maxMsgLength()) {
                return false;
            }
            final int index = inbox.tryClaim(FRAME_MESSAGE, length + FRAME_OFFSET);
            if (index < 0) {
                return false;
            }
            final MutableDirectBuffer to = inbox.buffer();
            to.putLong(index, id);
            to.putBytes(index + FRAME_OFFSET, frame, offset, length);
            inbox.commit(index);
            loop.wake();
            return true;
        }

        /** One thread, always the same: takes at most {@code limit} reply frames, each valid during the call only. */
        public int poll(final MessageHandler to, final int limit) {
            return replies.read(to, limit);
        }

        /** The thread that polls: true while {@link #poll} has not taken every reply. */
        public boolean hasReplies() {
            return replies.size() > 0;
        }

        /** True after {@link #close}, and when replies were not taken: what was asked then stays without answer. */
        public boolean isClosed() {
            return closed;
        }

        private void endByLoop() {
            closed = true;
            hasNews = true;
        }

        @Override
        public void close() {
            closed = true;
            ports.compareAndSet(slot, this, null);
        }
    }
}
