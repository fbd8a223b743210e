package dev.cairn.server.http;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientReplyDecoder;
import dev.cairn.protocol.ClientReplyHandler;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MultiGetReplyDescriptor;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.ScanReplyDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.server.replica.InProcessClients;
import dev.cairn.server.replica.Wakeable;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.agrona.DirectBuffer;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Requests to this process' own node and their replies: each call ends exactly once, with the node's reply or with a
 * {@link Reply.Refused} of its own. Gateway's thread.
 */
final class NodeCalls implements AutoCloseable {
    /** Replies that may wait for the gateway's thread, bytes. */
    private static final int REPLY_RING_BYTES = 16 << 20;

    private static final int REPLIES_PER_TURN = 256;

    /** Writes one frame with this request id. */
    interface Frame {
        void encode(ClientMessageEncoder encoder, ByteBuf out, long requestId);
    }

    private record Call(boolean command, long deadlineNs, Consumer<Reply> then) {}

    private final InProcessClients clients;
    private final LongSupplier clockNs;
    private final long answerNs;
    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private final ByteBuf out = Unpooled.buffer(64 << 10, Limits.MAX_FRAME_BYTES + (64 << 10));
    private final UnsafeBuffer outView = new UnsafeBuffer(0, 0);
    private final Long2ObjectHashMap<Call> calls = new Long2ObjectHashMap<>();
    private final MessageHandler onReplyFrame = this::onReplyFrame;
    private final Decoded decoded = new Decoded();
    private InProcessClients.Port port;
    private long lastRequestId;

    NodeCalls(final InProcessClients clients, final Wakeable wake, final LongSupplier clockNs, final long answerNs) {
        this.clients = clients;
        this.clockNs = clockNs;
        this.answerNs = answerNs;
        port = clients.open(REPLY_RING_BYTES, wake);
    }

    /** A command: when leadership is lost meanwhile its outcome is unknown. */
    void command(final Frame frame, final Consumer<Reply> then) {
        call(frame, true, then);
    }

    /** Anything that changes nothing. */
    void query(final Frame frame, final Consumer<Reply> then) {
        call(frame, false, then);
    }

    private void call(final Frame frame, final boolean command, final Consumer<Reply> then) {
        final long requestId = ++lastRequestId;
        out.clear();
        frame.encode(encoder, out, requestId);
        outView.wrap(out.array(), out.arrayOffset(), out.readableBytes());
        if (port.send(outView, 0, out.readableBytes())) {
            calls.put(requestId, new Call(command, clockNs.getAsLong() + answerNs, then));
        } else {
            then.accept(refused(Status.BUSY, "the node takes no request at this moment: send it again", false));
        }
    }

    int underWay() {
        return calls.size();
    }

    /**
     * Delivers replies that have arrived. A port that the loop has closed is opened anew as soon as its last reply is
     * taken: nobody else wakes the gateway for it.
     *
     * @return true when this must be called again without a wake
     */
    boolean deliver() {
        final boolean closed = port.isClosed();
        port.poll(onReplyFrame, REPLIES_PER_TURN);
        // Asked of the ring: a poll takes fewer than it may where the ring begins again.
        if (port.hasReplies()) {
            return true;
        }
        if (closed) {
            reopen();
        }
        return port.isClosed();
    }

    /** Whatever was asked over the closed port will not be answered. */
    private void reopen() {
        port = clients.reopen(port);
        final List<Call> lost = new ArrayList<>(calls.values());
        calls.clear();
        for (final Call call : lost) {
            call.then.accept(refused(
                    Status.DEADLINE,
                    "the node's reply was dropped: too much waited for the gateway, or the node took over a snapshot",
                    call.command));
        }
    }

    /** Ends calls that the node has not answered in time. */
    void endLate() {
        final long nowNs = clockNs.getAsLong();
        final List<Call> late = new ArrayList<>();
        final var iterator = calls.values().iterator();
        while (iterator.hasNext()) {
            final Call call = iterator.next();
            if (nowNs - call.deadlineNs >= 0) {
                late.add(call);
                iterator.remove();
            }
        }
        for (final Call call : late) {
            call.then.accept(refused(
                    Status.DEADLINE,
                    "the node did not answer within " + answerNs / 1_000_000 + " ms; is a majority alive?",
                    call.command));
        }
    }

    private static Reply.Refused refused(final Status status, final String text, final boolean outcomeUnknown) {
        return new Reply.Refused(status, 0, "", text, outcomeUnknown);
    }

    @Override
    public void close() {
        port.close();
        out.release();
    }

    private void onReplyFrame(final int type, final DirectBuffer buffer, final int offset, final int length) {
        // A copy: the ring's memory is reused, and what a request needs of the reply outlives this call.
        final byte[] frame = new byte[length];
        buffer.getBytes(offset, frame);
        ClientReplyDecoder.decode(Unpooled.wrappedBuffer(frame), 0, length, decoded);
    }

    private void end(final long requestId, final Reply reply) {
        final Call call = calls.remove(requestId);
        if (call != null) {
            call.then.accept(reply);
        }
    }

    private void leadershipLost(final Reply.Refused word) {
        final List<Call> commands = new ArrayList<>();
        final var iterator = calls.values().iterator();
        while (iterator.hasNext()) {
            final Call call = iterator.next();
            if (call.command) {
                commands.add(call);
                iterator.remove();
            }
        }
        commands.forEach(call -> call.then.accept(word));
    }

    /** Reply frames as records. */
    private final class Decoded implements ClientReplyHandler {
        @Override
        public void onHelloReply(
                final long requestId,
                final Status status,
                final int version,
                final int nodeId,
                final long clusterIdHash) {
            throw new IllegalStateException("HELLO_REPLY without HELLO");
        }

        @Override
        public void onCommandReply(
                final long requestId,
                final Status status,
                final long revision,
                final ByteBuf frame,
                final int resultOffset,
                final int resultLength) {
            end(
                    requestId,
                    new Reply.Command(status, revision, ByteBufUtil.getBytes(frame, resultOffset, resultLength)));
        }

        @Override
        public void onGetReply(
                final long requestId,
                final Status status,
                final long createRevision,
                final long modRevision,
                final long version,
                final ByteBuf frame,
                final int valueOffset,
                final int valueLength) {
            final byte[] value = status == Status.OK ? ByteBufUtil.getBytes(frame, valueOffset, valueLength) : null;
            end(requestId, new Reply.Get(status, new Reply.Entry(null, value, createRevision, modRevision, version)));
        }

        @Override
        public void onErrorReply(
                final long requestId,
                final Status status,
                final int leaderId,
                final String leaderAddress,
                final String text) {
            if (requestId == FrameHeader.CONNECTION_REQUEST_ID) {
                leadershipLost(new Reply.Refused(status, leaderId, leaderAddress, text, true));
            } else {
                end(
                        requestId,
                        new Reply.Refused(
                                status, leaderId, leaderAddress, text, status.effect() == Status.Effect.UNKNOWN));
            }
        }

        @Override
        public void onStatusReply(final long requestId, final NodeStatus node) {
            end(requestId, new Reply.Node(node));
        }

        @Override
        public void onMultiGetReply(
                final long requestId,
                final Status status,
                final long revision,
                final int entryCount,
                final ByteBuf frame,
                final int offset,
                final int length) {
            final List<Reply.Entry> entries = new ArrayList<>(entryCount);
            int entry = offset;
            for (int i = 0; i < entryCount; i++) {
                final int valueLength = frame.getIntLE(entry + MultiGetReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET);
                final int value = entry + MultiGetReplyDescriptor.ENTRY_VALUE_OFFSET;
                entries.add(new Reply.Entry(
                        null,
                        valueLength < 0 ? null : ByteBufUtil.getBytes(frame, value, valueLength),
                        frame.getLongLE(entry),
                        frame.getLongLE(entry + Long.BYTES),
                        frame.getLongLE(entry + 2 * Long.BYTES)));
                entry = value + Math.max(0, valueLength);
            }
            end(requestId, new Reply.MultiGet(revision, entries));
        }

        @Override
        public void onScanReply(
                final long requestId,
                final Status status,
                final boolean more,
                final long cursorId,
                final long revision,
                final long count,
                final int entryCount,
                final ByteBuf frame,
                final int offset,
                final int length) {
            final List<Reply.Entry> entries = new ArrayList<>(entryCount);
            int entry = offset;
            for (int i = 0; i < entryCount; i++) {
                final int keyLength = frame.getIntLE(entry + ScanReplyDescriptor.ENTRY_KEY_LENGTH_OFFSET);
                final int valueLength = frame.getIntLE(entry + ScanReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET);
                final int key = entry + ScanReplyDescriptor.ENTRY_KEY_OFFSET;
                entries.add(new Reply.Entry(
                        ByteBufUtil.getBytes(frame, key, keyLength),
                        ByteBufUtil.getBytes(frame, key + keyLength, valueLength),
                        frame.getLongLE(entry + ScanReplyDescriptor.ENTRY_CREATE_REVISION_OFFSET),
                        frame.getLongLE(entry + ScanReplyDescriptor.ENTRY_MOD_REVISION_OFFSET),
                        frame.getLongLE(entry + ScanReplyDescriptor.ENTRY_VERSION_OFFSET)));
                entry = key + keyLength + valueLength;
            }
            end(requestId, new Reply.Scan(more, cursorId, revision, count, entries));
        }

        @Override
        public void onNodeDetailsReply(final long requestId, final ByteBuf frame, final int offset, final int length) {
            end(requestId, new Reply.Details(frame.toString(offset, length, StandardCharsets.UTF_8)));
        }

        @Override
        public void onInvalid(final long requestId, final Status status, final int type) {
            end(requestId, refused(Status.INTERNAL, "the node sent a reply of type " + type + ": " + status, true));
        }
    }
}
