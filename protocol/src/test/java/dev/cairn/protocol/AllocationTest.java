package dev.cairn.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** In the steady state a frame costs no heap on either side, split frames included. */
class AllocationTest {
    private static final int FRAMES = 200;
    private static final int ROUNDS = 3_000;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private long sum;

    @Test
    void encodingAndDecodingAFrameAllocatesNothing() {
        PooledByteBufAllocator allocator = PooledByteBufAllocator.DEFAULT;
        ByteBuf wire = allocator.directBuffer(1 << 20);
        ClientMessageEncoder encoder = new ClientMessageEncoder();
        CountingHandler handler = new CountingHandler();
        FrameAssembler assembler = new FrameAssembler(allocator, Limits.MAX_FRAME_BYTES, (buffer, offset, length) -> {
            ClientRequestDecoder.decode(buffer, offset, length, handler);
            return true;
        });
        byte[] key = new byte[16];
        byte[] value = new byte[256];
        round(wire, encoder, assembler, key, value);
        for (int round = 0; round < ROUNDS; round++) {
            round(wire, encoder, assembler, key, value);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int round = 0; round < ROUNDS; round++) {
            round(wire, encoder, assembler, key, value);
        }
        double perFrame = (threads.getCurrentThreadAllocatedBytes() - before) / ((double) ROUNDS * FRAMES);
        System.out.println("allocated bytes per frame, encoded and decoded: " + perFrame);
        assembler.close();
        wire.release();
        assertThat(sum).isEqualTo((2L * ROUNDS + 1) * FRAMES * (CommandDescriptor.BLOCK_LENGTH + 272));
        assertThat(perFrame).isLessThan(1.0);
    }

    private static void round(
            ByteBuf wire, ClientMessageEncoder encoder, FrameAssembler assembler, byte[] key, byte[] value) {
        wire.clear();
        for (int i = 0; i < FRAMES; i++) {
            encoder.put(wire, i, 7, i, 1, key, value);
        }
        // Two pieces that split a frame, as a socket's reads do.
        int end = wire.writerIndex();
        wire.writerIndex(end / 2 + 11);
        assembler.feed(wire);
        wire.writerIndex(end);
        assembler.feed(wire);
    }

    private final class CountingHandler implements ClientRequestHandler {
        @Override
        public void onHello(long requestId, int minVersion, int maxVersion, long clusterIdHash, long clientId) {
            throw new AssertionError("no hello was sent");
        }

        @Override
        public void onCommand(long requestId, ByteBuf frame, int offset, int length) {
            sum += length;
        }

        @Override
        public void onGet(long requestId, int readMode, long minRevision, ByteBuf frame, int keyOffset, int keyLength) {
            throw new AssertionError("no get was sent");
        }

        @Override
        public void onStatus(long requestId) {
            throw new AssertionError("no status was sent");
        }

        @Override
        public void onInvalid(long requestId, Status status, int type) {
            throw new AssertionError(status + " for type " + type);
        }
    }
}
