package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientReplyDecoder;
import dev.cairn.protocol.ClientReplyHandler;
import dev.cairn.protocol.ClusterMembership;
import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One TCP connection: connects, greets, cuts the stream into replies, and says once when it is over. Whatever breaks the
 * protocol ends it; what that means for requests is the owner's business. Loop thread only.
 */
// Netty's futures: a failed write or close ends in channelInactive, which is where this class looks.
@SuppressWarnings("FutureReturnValueIgnored")
final class ClientConnection extends ChannelInboundHandlerAdapter implements ClientReplyHandler {
    /** Encoded requests are gathered up to about so many bytes per write. */
    static final int BATCH_BYTES = 64 * 1024;

    private static final long HELLO_REQUEST_ID = 1;

    private enum State {
        CONNECTING,
        GREETING,
        READY,
        CLOSED
    }

    private final ConnectionOwner owner;
    private final String server;
    private final long clusterIdHash;
    private final long clientId;
    private final ClientMessageEncoder encoder;

    private State state = State.CONNECTING;
    private @Nullable Channel channel;
    private @Nullable FrameAssembler assembler;
    private @Nullable Status refusal;

    /** Transmissions under way here, count; kept by the owner. */
    int inFlight;

    /** Cursors of scans that this server holds for us; kept by the owner. */
    final Set<Long> cursors = new HashSet<>();

    /** {@code nanoTime} since when the server owes us something and says nothing; kept by owner and connection. */
    long quietSinceNs;

    ClientConnection(
            ConnectionOwner owner, String server, long clusterIdHash, long clientId, ClientMessageEncoder encoder) {
        this.owner = owner;
        this.server = server;
        this.clusterIdHash = clusterIdHash;
        this.clientId = clientId;
        this.encoder = encoder;
    }

    /** Begins; the owner hears of the end in any case. A host name is looked up on another thread, for that may block. */
    void connect(Bootstrap bootstrap, EventLoop loop) {
        quietSinceNs = System.nanoTime();
        ServerAddress address;
        try {
            address = ServerAddress.parse(server);
        } catch (IllegalArgumentException e) {
            // A hint of a server may be anything. Later, because the owner is not in a state to hear of it now.
            loop.execute(() -> close("not an address"));
            return;
        }
        InetSocketAddress literal = address.literal();
        if (literal != null) {
            connect(bootstrap, literal);
        } else {
            CompletableFuture<Void> lookup =
                    CompletableFuture.supplyAsync(address::resolve).thenAcceptAsync(a -> connect(bootstrap, a), loop);
            lookup.exceptionallyAsync(
                    failure -> {
                        close("cannot look up the host: " + failure.getMessage());
                        return null;
                    },
                    loop);
        }
    }

    private void connect(Bootstrap bootstrap, InetSocketAddress address) {
        if (state == State.CLOSED) {
            return;
        }
        if (address.isUnresolved()) {
            close("unknown host");
            return;
        }
        bootstrap.clone().handler(this).connect(address).addListener((ChannelFuture connected) -> {
            if (!connected.isSuccess()) {
                close(String.valueOf(connected.cause().getMessage()));
            } else if (state == State.CLOSED) {
                connected.channel().close();
            }
        });
    }

    String server() {
        return server;
    }

    boolean isReady() {
        return state == State.READY;
    }

    boolean isClosed() {
        return state == State.CLOSED;
    }

    boolean isWritable() {
        return state == State.READY && channel != null && channel.isWritable();
    }

    /** A buffer to encode requests into, for {@link #write}. */
    ByteBuf newBatch() {
        return channelNow().alloc().directBuffer(BATCH_BYTES);
    }

    /** Takes the buffer over. */
    void write(ByteBuf batch) {
        channelNow().write(batch, channelNow().voidPromise());
    }

    void flush() {
        channelNow().flush();
    }

    /** Writes the last bytes, closes when they are out, or failed, and runs {@code done}; the owner is not told. */
    void writeAndClose(ByteBuf last, Runnable done) {
        Channel now = channelNow();
        state = State.CLOSED;
        now.writeAndFlush(last).addListener((ChannelFuture written) -> {
            now.close();
            done.run();
        });
    }

    /** Closes and tells the owner, unless that has happened. */
    void close(String problem) {
        if (state == State.CLOSED) {
            return;
        }
        state = State.CLOSED;
        if (channel != null) {
            channel.close();
        }
        owner.onClosed(this, problem, refusal);
    }

    private Channel channelNow() {
        if (channel == null) {
            throw new IllegalStateException("not connected to " + server);
        }
        return channel;
    }

    // Netty calls these.

    @Override
    public void channelActive(ChannelHandlerContext context) {
        if (state == State.CLOSED) {
            context.close();
            return;
        }
        channel = context.channel();
        assembler = new FrameAssembler(context.alloc(), Limits.MAX_FRAME_BYTES, this::onFrame);
        state = State.GREETING;
        ByteBuf hello = context.alloc().directBuffer(64);
        int version = FrameHeader.CLIENT_VERSION;
        encoder.hello(hello, HELLO_REQUEST_ID, version, version, clusterIdHash, clientId);
        context.writeAndFlush(hello);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        try {
            quietSinceNs = System.nanoTime();
            if (assembler == null || state == State.CLOSED) {
                return;
            }
            Status status = assembler.feed(bytes);
            if (status != Status.OK) {
                close("the server sent a bad frame (" + status + ")");
            }
        } finally {
            bytes.release();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (state == State.READY) {
            owner.onMomentToSend(this);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (isWritable()) {
            owner.onMomentToSend(this);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (assembler != null) {
            assembler.close();
        }
        close("the server closed the connection");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        close(String.valueOf(cause.getMessage()));
        context.close();
    }

    // The stream's frames.

    private boolean onFrame(ByteBuf frame, int offset, int length) {
        ClientReplyDecoder.decode(frame, offset, length, this);
        return state != State.CLOSED;
    }

    @Override
    public void onHelloReply(long requestId, Status status, int version, int nodeId, long serverClusterIdHash) {
        if (state != State.GREETING) {
            close("a second greeting");
        } else if (status != Status.OK) {
            refuse(status, "the server refused the connection: " + status);
        } else if (clusterIdHash != 0 && clusterIdHash != serverClusterIdHash) {
            refuse(Status.WRONG_CLUSTER, "the server belongs to another cluster");
        } else if (version != FrameHeader.CLIENT_VERSION) {
            refuse(Status.UNSUPPORTED_VERSION, "the server chose protocol version " + version);
        } else {
            state = State.READY;
            owner.onReady(this);
        }
    }

    private void refuse(Status status, String problem) {
        refusal = status;
        close(problem);
    }

    @Override
    public void onCommandReply(
            long requestId, Status status, long revision, ByteBuf frame, int resultOffset, int resultLength) {
        if (greeted()) {
            owner.onCommandReply(this, requestId, status, revision, frame, resultOffset, resultLength);
        }
    }

    @Override
    public void onGetReply(
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            ByteBuf frame,
            int valueOffset,
            int valueLength) {
        if (greeted()) {
            owner.onGetReply(
                    this, requestId, status, createRevision, modRevision, version, frame, valueOffset, valueLength);
        }
    }

    @Override
    public void onErrorReply(long requestId, Status status, int leaderId, String leaderAddress, String text) {
        if (state == State.GREETING) {
            refuse(status, "the server refused the connection: " + status + (text.isEmpty() ? "" : ", " + text));
        } else {
            owner.onErrorReply(this, requestId, status, leaderAddress, text);
        }
    }

    @Override
    public void onStatusReply(long requestId, NodeStatus node) {
        if (greeted()) {
            owner.onStatusReply(this, requestId, node);
        }
    }

    @Override
    public void onMultiGetReply(
            long requestId, Status status, long revision, int entryCount, ByteBuf frame, int offset, int length) {
        if (greeted()) {
            owner.onMultiGetReply(this, requestId, status, revision, entryCount, frame, offset);
        }
    }

    @Override
    public void onScanReply(
            long requestId,
            Status status,
            boolean more,
            long cursorId,
            long revision,
            long count,
            int entryCount,
            ByteBuf frame,
            int offset,
            int length) {
        if (!greeted()) {
            return;
        }
        if (more == (cursorId == 0)) {
            close("the server sent a chunk with cursor " + cursorId + (more ? " and more to come" : " at the end"));
            return;
        }
        List<KeyValue> entries = ScanChunk.entries(frame, offset, entryCount);
        owner.onScanReply(this, requestId, status, new ScanChunk(entries, cursorId, revision, count, this));
    }

    @Override
    public void onWaitAppliedReply(long requestId, long appliedIndex) {
        if (greeted()) {
            owner.onWaitAppliedReply(this, requestId, appliedIndex);
        }
    }

    @Override
    public void onNodeDetailsReply(long requestId, ByteBuf frame, int offset, int length) {
        if (greeted()) {
            owner.onNodeDetailsReply(this, requestId, frame.toString(offset, length, StandardCharsets.UTF_8));
        }
    }

    @Override
    public void onMembershipReply(long requestId, ClusterMembership membership) {
        if (greeted()) {
            owner.onMembershipReply(this, requestId, membership);
        }
    }

    @Override
    public void onInvalid(long requestId, Status status, int type) {
        close("the server sent a reply of type " + type + " that is none (" + status + ")");
    }

    private boolean greeted() {
        if (state == State.GREETING) {
            close("the server answered before it greeted");
        }
        return state == State.READY;
    }
}
