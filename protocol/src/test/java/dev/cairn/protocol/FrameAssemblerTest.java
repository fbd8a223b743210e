package dev.cairn.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@Covers({"K17", "X01"})
class FrameAssemblerTest {
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
    private final List<byte[]> frames = new ArrayList<>();
    private final FrameAssembler assembler = new FrameAssembler(allocator, Limits.MAX_FRAME_BYTES, this::record);

    private boolean record(ByteBuf buffer, int offset, int length) {
        byte[] frame = new byte[length];
        buffer.getBytes(offset, frame);
        frames.add(frame);
        return true;
    }

    @AfterEach
    void givesEveryBufferBack() {
        assembler.close();
        assertThat(allocator.metric().usedHeapMemory()).isZero();
        assertThat(allocator.metric().usedDirectMemory()).isZero();
    }

    @Test
    void deliversEveryMessageWhereverTheStreamIsSplit() {
        byte[] stream = streamOfAll();
        for (int split = 0; split <= stream.length; split++) {
            frames.clear();
            assertThat(assembler.feed(Unpooled.wrappedBuffer(stream, 0, split))).isEqualTo(Status.OK);
            assertThat(assembler.feed(Unpooled.wrappedBuffer(stream, split, stream.length - split)))
                    .isEqualTo(Status.OK);
            assertDeliveredAll("split at " + split);
        }
    }

    @Test
    void deliversEveryMessageFedByteByByte() {
        for (byte b : streamOfAll()) {
            assertThat(assembler.feed(Unpooled.wrappedBuffer(new byte[] {b}))).isEqualTo(Status.OK);
        }
        assertDeliveredAll("byte by byte");
    }

    @Test
    void deliversEveryMessageInRandomPieces() {
        long seed = TestSeed.choose();
        Random random = new Random(seed);
        byte[] stream = streamOfAll();
        for (int round = 0; round < 300; round++) {
            frames.clear();
            for (int at = 0; at < stream.length; ) {
                int length = Math.min(stream.length - at, random.nextInt(120));
                // Direct, composite and read-only parts: what a socket, a proxy or a test may hand in.
                ByteBuf piece = switch (random.nextInt(3)) {
                    case 0 -> Unpooled.directBuffer().writeBytes(stream, at, length);
                    case 1 ->
                        Unpooled.wrappedBuffer(
                                Unpooled.copiedBuffer(stream, at, length / 2),
                                Unpooled.copiedBuffer(stream, at + length / 2, length - length / 2));
                    default -> Unpooled.copiedBuffer(stream, at, length).asReadOnly();
                };
                assertThat(assembler.feed(piece)).isEqualTo(Status.OK);
                assertThat(piece.isReadable()).isFalse();
                piece.release();
                at += length;
            }
            assertDeliveredAll("seed " + seed + " round " + round);
        }
    }

    @Test
    void aFrameThatIsNotWholeIsNotDelivered() {
        byte[] frame = Messages.get("command-put");
        for (int length = 0; length < frame.length; length++) {
            FrameAssembler own = new FrameAssembler(allocator, Limits.MAX_FRAME_BYTES, this::record);
            assertThat(own.feed(Unpooled.wrappedBuffer(frame, 0, length))).isEqualTo(Status.OK);
            assertThat(frames).isEmpty();
            assertThat(own.keptBytes()).isEqualTo(length);
            own.close();
        }
    }

    @Test
    void everyFlippedBitOfAFrameIsNoticed() {
        byte[] frame = Messages.get("command-put");
        for (int bit = Integer.SIZE; bit < frame.length * Byte.SIZE; bit++) {
            byte[] bad = frame.clone();
            bad[bit / 8] ^= (byte) (1 << bit % 8);
            FrameAssembler own = new FrameAssembler(allocator, Limits.MAX_FRAME_BYTES, this::record);
            assertThat(own.feed(Unpooled.wrappedBuffer(bad))).as("bit " + bit).isEqualTo(Status.FRAME_CORRUPT);
            own.close();
        }
        assertThat(frames).isEmpty();
    }

    @Test
    void aFlippedBitOfTheLengthNeverDeliversAFrame() {
        byte[] frame = Messages.get("command-put");
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            byte[] bad = frame.clone();
            bad[bit / 8] ^= (byte) (1 << bit % 8);
            FrameAssembler own = new FrameAssembler(allocator, Limits.MAX_FRAME_BYTES, this::record);
            own.feed(Unpooled.wrappedBuffer(bad));
            assertThat(frames).isEmpty();
            own.close();
        }
    }

    @Test
    void aLengthAboveTheLimitIsRefusedBeforeAnythingIsAllocated() {
        ByteBuf bad = Unpooled.buffer().writeIntLE(Limits.MAX_FRAME_BYTES + 1).writeZero(60);
        assertThat(assembler.feed(bad)).isEqualTo(Status.FRAME_TOO_LARGE);
        assertThat(assembler.keptCapacity()).isZero();
    }

    @Test
    void aLengthAboveTheLimitIsRefusedWhenItArrivesInPieces() {
        byte[] length = {1, 0, 32, 0};
        for (byte b : length) {
            assembler.feed(Unpooled.wrappedBuffer(new byte[] {b}));
        }
        assertThat(assembler.feed(Unpooled.EMPTY_BUFFER)).isEqualTo(Status.FRAME_TOO_LARGE);
        assertThat(assembler.keptCapacity()).isZero();
    }

    @Test
    void aFrameOfExactlyTheLimitPasses() {
        FrameCodec codec = new FrameCodec();
        ByteBuf largest = Unpooled.buffer();
        int start = codec.begin(largest, 99, 1, 1, 0);
        largest.writeZero(Limits.MAX_FRAME_BYTES - FrameHeader.HEADER_LENGTH);
        codec.end(largest, start);
        byte[] bytes = new byte[largest.readableBytes()];
        largest.getBytes(0, bytes);
        assertThat(assembler.feed(Unpooled.wrappedBuffer(bytes, 0, 100_000))).isEqualTo(Status.OK);
        assertThat(assembler.feed(Unpooled.wrappedBuffer(bytes, 100_000, bytes.length - 100_000)))
                .isEqualTo(Status.OK);
        assertThat(frames).hasSize(1);
        assertThat(frames.get(0)).isEqualTo(bytes);
        assertThat(assembler.keptCapacity()).as("large buffer given back").isZero();
    }

    @Test
    void theEncoderRefusesAFrameAboveTheLimit() {
        FrameCodec codec = new FrameCodec();
        ByteBuf out = Unpooled.buffer();
        int start = codec.begin(out, 99, 1, 1, 0);
        out.writeZero(Limits.MAX_FRAME_BYTES - FrameHeader.HEADER_LENGTH + 1);
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> codec.end(out, start))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("2097153");
    }

    @Test
    void aStatedLengthAllocatesOnlyWhatArrived() {
        ByteBuf lure = Unpooled.buffer().writeIntLE(Limits.MAX_FRAME_BYTES).writeZero(996);
        assertThat(assembler.feed(lure)).isEqualTo(Status.OK);
        assertThat(assembler.keptBytes()).isEqualTo(1000);
        assertThat(assembler.keptCapacity()).isLessThanOrEqualTo(4096);
    }

    @Test
    void aLengthBelowTheHeaderIsCorrupt() {
        assertThat(assembler.feed(Unpooled.buffer().writeIntLE(31).writeZero(60)))
                .isEqualTo(Status.FRAME_CORRUPT);
    }

    @Test
    void anHttpRequestIsRefusedAtItsFirstFourBytes() {
        byte[] http = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        assertThat(assembler.feed(Unpooled.wrappedBuffer(http))).isEqualTo(Status.FRAME_TOO_LARGE);
    }

    @Test
    void afterABadFrameNothingMoreIsDelivered() {
        byte[] good = Messages.get("get");
        byte[] bad = good.clone();
        bad[40] ^= 1;
        assembler.feed(Unpooled.wrappedBuffer(good, bad, good));
        assertThat(assembler.feed(Unpooled.wrappedBuffer(good))).isEqualTo(Status.FRAME_CORRUPT);
        assertThat(frames).hasSize(1);
    }

    @Test
    void headerFieldsThatVersionOneForbidsAreRefused() {
        assertThat(feedChanged(FrameHeader.FLAGS_OFFSET, FrameHeader.FLAG_COMPRESSED))
                .isEqualTo(Status.BAD_REQUEST);
        assertThat(feedChanged(FrameHeader.FLAGS_OFFSET, FrameHeader.FLAG_TRACE))
                .isEqualTo(Status.OK);
        assertThat(feedChanged(FrameHeader.FLAGS_OFFSET, 0x80)).isEqualTo(Status.BAD_REQUEST);
        assertThat(feedChanged(FrameHeader.GROUP_OFFSET, 1)).isEqualTo(Status.BAD_REQUEST);
        assertThat(feedChanged(FrameHeader.BLOCK_LENGTH_OFFSET, 255)).isEqualTo(Status.BAD_REQUEST);
    }

    @Test
    void theHandlerCanEndTheStream() {
        byte[] good = Messages.get("get");
        List<Integer> seen = new ArrayList<>();
        FrameAssembler own = new FrameAssembler(allocator, Limits.MAX_FRAME_BYTES, (buffer, offset, length) -> {
            seen.add(length);
            return false;
        });
        assertThat(own.feed(Unpooled.wrappedBuffer(good, good))).isEqualTo(Status.OK);
        own.feed(Unpooled.wrappedBuffer(good));
        assertThat(seen).containsExactly(good.length);
    }

    @Test
    void theHandlerMayCloseTheAssemblerWhileAKeptFrameIsDelivered() {
        byte[] good = Messages.get("get");
        FrameAssembler[] own = new FrameAssembler[1];
        own[0] = new FrameAssembler(allocator, Limits.MAX_FRAME_BYTES, (buffer, offset, length) -> {
            own[0].close();
            return record(buffer, offset, length);
        });
        own[0].feed(Unpooled.wrappedBuffer(good, 0, 20));
        own[0].feed(Unpooled.wrappedBuffer(
                Unpooled.wrappedBuffer(good, 20, good.length - 20), Unpooled.wrappedBuffer(good)));
        assertThat(frames).hasSize(1);
        assertThat(frames.get(0)).isEqualTo(good);
    }

    private Status feedChanged(int offset, int value) {
        byte[] frame = Messages.get("get").clone();
        frame[offset] = (byte) value;
        ByteBuf buffer = Unpooled.wrappedBuffer(frame);
        new FrameCodec().end(buffer, 0);
        FrameAssembler own = new FrameAssembler(allocator, Limits.MAX_FRAME_BYTES, this::record);
        Status status = own.feed(buffer);
        own.close();
        return status;
    }

    private static byte[] streamOfAll() {
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        Messages.ALL.values().forEach(stream::writeBytes);
        return stream.toByteArray();
    }

    private void assertDeliveredAll(String when) {
        assertThat(frames).as(when).hasSize(Messages.ALL.size());
        int at = 0;
        for (byte[] frame : Messages.ALL.values()) {
            assertThat(Arrays.equals(frames.get(at++), frame)).as(when).isTrue();
        }
    }
}
