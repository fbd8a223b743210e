package dev.cairn.server.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What waits to be looked at is counted as it stands in memory, and takes little when little has arrived. */
@Tag("O04")
class ChunkInboxTest {
    private final ByteBufAllocator allocator = PooledByteBufAllocator.DEFAULT;
    private final ChunkInbox<Integer> inbox = new ChunkInbox<>();
    private final List<ByteBuf> taken = new ArrayList<>();

    /** As a read of so many bytes leaves it. */
    private ByteBuf read(final int bytes, final int mark) {
        final ByteBuf chunk = allocator.directBuffer(NetLoop.READ_BYTES, NetLoop.READ_BYTES);
        for (int i = 0; i < bytes; i++) {
            chunk.writeByte(mark + i);
        }
        return chunk;
    }

    @Test
    void buffersAreCountedNotTheBytesInThem() {
        inbox.add(1, read(10, 0));
        assertThat(inbox.bytes()).isEqualTo(NetLoop.READ_BYTES);
        inbox.takeOne((connection, chunk) -> assertThat(chunk.readableBytes()).isEqualTo(10));
        assertThat(inbox.bytes()).isZero();
    }

    @Test
    void whenManyWaitSmallOnesTakeNoMoreThanTheyHold() {
        final int chunks = 300;
        for (int i = 0; i < chunks; i++) {
            inbox.add(i, read(100, i));
        }
        assertThat(inbox.bytes()).isLessThanOrEqualTo(ChunkInbox.ROOMY_BYTES + chunks * 100L);
        for (int i = 0; i < chunks; i++) {
            final int expected = i;
            inbox.takeOne((connection, chunk) -> {
                assertThat(connection).isEqualTo(expected);
                assertThat(chunk.readableBytes()).isEqualTo(100);
                assertThat(chunk.getByte(chunk.readerIndex() + 99)).isEqualTo((byte) (expected + 99));
                taken.add(chunk);
            });
        }
        assertThat(inbox.isEmpty()).isTrue();
        assertThat(inbox.bytes()).isZero();
        assertThat(taken).allMatch(chunk -> chunk.refCnt() == 0);
    }

    @Test
    void fullBuffersStayWhatTheyAre() {
        for (long bytes = 0; bytes < 2L * ChunkInbox.ROOMY_BYTES; bytes += NetLoop.READ_BYTES) {
            final ByteBuf full = read(NetLoop.READ_BYTES, 0);
            taken.add(full);
            inbox.add(1, full);
        }
        for (final ByteBuf expected : taken) {
            inbox.takeOne((connection, chunk) -> assertThat(chunk).isSameAs(expected));
        }
        assertThat(inbox.bytes()).isZero();
    }

    @Test
    void whatIsClearedIsGivenBack() {
        for (int i = 0; i < 20; i++) {
            taken.add(read(NetLoop.READ_BYTES, i));
            inbox.add(1, taken.get(i));
        }
        inbox.clear();
        assertThat(inbox.bytes()).isZero();
        assertThat(taken).allMatch(chunk -> chunk.refCnt() == 0);
    }
}
