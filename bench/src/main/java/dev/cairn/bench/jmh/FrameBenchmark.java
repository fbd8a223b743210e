package dev.cairn.bench.jmh;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.engine.CommandValidator;
import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientReplyDecoder;
import dev.cairn.protocol.ClientReplyHandler;
import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.FrameCodec;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import dev.cairn.server.metrics.LoopMetrics;
import dev.cairn.server.net.FrameView;
import dev.cairn.server.replica.ClientTransport;
import dev.cairn.server.replica.ReplyPublisher;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A put and its reply as bytes, at both ends: written by the client, cut from the stream and checked by the node, answered by the node,
 * cut and read by the client; and the checksum of such a frame by itself. {@value #FRAMES} frames lie in one buffer off the heap, as one
 * read of a busy connection brings them.
 *
 * <p>Sockets, Netty's event loop, the node's account of its connections and the client's of its requests are not in here.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class FrameBenchmark {
    /** Of one invocation, in one buffer. */
    static final int FRAMES = 64;

    private static final int KEY_BYTES = 16;
    private static final long SESSION_ID = 7;

    @Param("256")
    public int valueBytes = 256;

    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private final FrameCodec codec = new FrameCodec();
    private final byte[] key = new byte[KEY_BYTES];
    private byte[] value = {};
    private ByteBuf out = Unpooled.EMPTY_BUFFER;
    private ByteBuf puts = Unpooled.EMPTY_BUFFER;
    private ByteBuf replies = Unpooled.EMPTY_BUFFER;

    private final Commands commands = new Commands();
    private final FrameAssembler server =
            new FrameAssembler(PooledByteBufAllocator.DEFAULT, Limits.MAX_FRAME_BYTES, commands);
    private final Results results = new Results();
    private final FrameAssembler client =
            new FrameAssembler(PooledByteBufAllocator.DEFAULT, Limits.MAX_FRAME_BYTES, (buffer, offset, length) -> {
                ClientReplyDecoder.decode(buffer, offset, length, results);
                return true;
            });
    private final Transport transport = new Transport();
    private final ReplyPublisher publisher = new ReplyPublisher(transport, new LoopMetrics());
    private final UnsafeBuffer noResult = new UnsafeBuffer(new byte[0]);
    private long sequence;

    @Setup(Level.Trial)
    public void encode() {
        value = new byte[valueBytes];
        SplittableRandom random = new SplittableRandom(1);
        random.nextBytes(key);
        random.nextBytes(value);
        int most = FRAMES * (FrameHeader.HEADER_LENGTH + 256 + KEY_BYTES + valueBytes);
        out = PooledByteBufAllocator.DEFAULT.directBuffer(most);
        encodePut();
        puts = PooledByteBufAllocator.DEFAULT.directBuffer(most).writeBytes(out);
        encodeReply();
        replies = PooledByteBufAllocator.DEFAULT.directBuffer(most).writeBytes(out);
    }

    @TearDown(Level.Trial)
    public void release() {
        server.close();
        client.close();
        out.release();
        puts.release();
        replies.release();
    }

    /** The client writes puts; time per put. */
    @Benchmark
    @OperationsPerInvocation(FRAMES)
    public int encodePut() {
        out.clear();
        for (int i = 0; i < FRAMES; i++) {
            sequence++;
            encoder.put(out, sequence, SESSION_ID, sequence, sequence, key, value);
        }
        return out.writerIndex();
    }

    /** The node cuts puts from the stream, checks frame and command, and sees them as entries to append; time per put. */
    @Benchmark
    @OperationsPerInvocation(FRAMES)
    public long receivePut() {
        commands.count = 0;
        feed(server, puts);
        if (commands.count != FRAMES) {
            throw new IllegalStateException(commands.count + " commands arrived, " + FRAMES + " were sent");
        }
        return commands.bytes;
    }

    /** The node answers puts; time per reply. */
    @Benchmark
    @OperationsPerInvocation(FRAMES)
    public int encodeReply() {
        out.clear();
        for (int i = 0; i < FRAMES; i++) {
            sequence++;
            publisher.commandReply(1, sequence, Status.OK.code(), sequence, noResult, 0, 0);
        }
        return out.writerIndex();
    }

    /** The client cuts replies from the stream, checks and reads them; time per reply. */
    @Benchmark
    @OperationsPerInvocation(FRAMES)
    public long receiveReply() {
        results.count = 0;
        feed(client, replies);
        if (results.count != FRAMES) {
            throw new IllegalStateException(results.count + " results arrived, " + FRAMES + " were sent");
        }
        return results.revisions;
    }

    /** CRC-32C of a put's frame, and the look at its header. */
    @Benchmark
    public Status checksum() {
        Status status = codec.validate(puts, 0, puts.getIntLE(FrameHeader.LENGTH_OFFSET));
        if (status != Status.OK) {
            throw new IllegalStateException("the frame is " + status);
        }
        return status;
    }

    private static void feed(FrameAssembler assembler, ByteBuf frames) {
        frames.readerIndex(0);
        Status status = assembler.feed(frames);
        if (status != Status.OK) {
            throw new IllegalStateException("the stream is " + status);
        }
    }

    /** What stands at the node behind the cutting: the command within the frame, checked as before it is proposed. */
    private static final class Commands implements FrameAssembler.FrameHandler {
        private final FrameView view = new FrameView();
        private int count;
        private long bytes;

        @Override
        public boolean onFrame(ByteBuf buffer, int offset, int length) {
            DirectBuffer frame = view.wrap(buffer, offset, length);
            int command = FrameHeader.HEADER_LENGTH
                    + (frame.getShort(FrameHeader.BLOCK_LENGTH_OFFSET, LITTLE_ENDIAN) & 0xFFFF);
            if (CommandValidator.check(frame, command, length - command) == Status.OK) {
                count++;
                bytes += length - command;
            }
            return true;
        }
    }

    /** One connection whose replies go to {@link #out}, as a node's transport lays them there. */
    private final class Transport implements ClientTransport {
        private final FrameView view = new FrameView();
        private int claimed;

        @Override
        public int poll(Handler handler, int limit) {
            return 0;
        }

        @Override
        public boolean hasFrames() {
            return false;
        }

        @Override
        public MutableDirectBuffer claim(long connectionId, int length) {
            claimed = length;
            out.ensureWritable(length);
            return view.wrap(out, out.writerIndex(), length);
        }

        @Override
        public void send() {
            int start = out.writerIndex();
            out.writerIndex(start + claimed);
            codec.end(out, start);
        }

        @Override
        public void flush() {}
    }

    private static final class Results implements ClientReplyHandler {
        private int count;
        private long revisions;

        @Override
        public void onCommandReply(
                long requestId, Status status, long revision, ByteBuf frame, int resultOffset, int resultLength) {
            if (status == Status.OK) {
                count++;
                revisions += revision;
            }
        }

        @Override
        public void onHelloReply(long requestId, Status status, int version, int nodeId, long clusterIdHash) {}

        @Override
        public void onGetReply(
                long requestId,
                Status status,
                long createRevision,
                long modRevision,
                long version,
                ByteBuf frame,
                int valueOffset,
                int valueLength) {}

        @Override
        public void onErrorReply(long requestId, Status status, int leaderId, String leaderAddress, String text) {}

        @Override
        public void onStatusReply(long requestId, NodeStatus node) {}

        @Override
        public void onInvalid(long requestId, Status status, int type) {}
    }
}
