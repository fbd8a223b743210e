package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.wal.EntryDescriptor;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

@Covers("C07")
class EntryBatchTest {
    private static final int PAYLOAD = 10;
    private static final int ENTRY = EntryDescriptor.HEADER_LENGTH + PAYLOAD;

    private final EntryBatch batch = new EntryBatch();
    private final UnsafeBuffer message = new UnsafeBuffer(new byte[3 * ENTRY]);

    EntryBatchTest() {
        putEntry(0, 5, 2);
        putEntry(ENTRY, 6, 2);
        putEntry(2 * ENTRY, 7, 3);
    }

    private void putEntry(final int at, final long index, final long term) {
        message.putInt(at + EntryDescriptor.LENGTH_OFFSET, ENTRY, LITTLE_ENDIAN);
        message.putLong(at + EntryDescriptor.INDEX_OFFSET, index, LITTLE_ENDIAN);
        message.putLong(at + EntryDescriptor.TERM_OFFSET, term, LITTLE_ENDIAN);
        message.putByte(at + EntryDescriptor.TYPE_OFFSET, (byte) EntryDescriptor.TYPE_COMMAND);
        final CRC32C crc = new CRC32C();
        crc.update(message.byteArray(), at + EntryDescriptor.LENGTH_OFFSET, ENTRY - EntryDescriptor.LENGTH_OFFSET);
        message.putInt(at + EntryDescriptor.CRC_OFFSET, (int) crc.getValue(), LITTLE_ENDIAN);
    }

    @Test
    void wholeEntriesAreFoundByOrdinalAndIndex() {
        assertThat(batch.wrap(message, 0, 3 * ENTRY, 3, 5)).isNull();

        assertThat(batch.count()).isEqualTo(3);
        assertThat(batch.term(2)).isEqualTo(3);
        assertThat(batch.type(0)).isEqualTo(EntryDescriptor.TYPE_COMMAND);
        assertThat(batch.offsetOfIndex(6)).isEqualTo(ENTRY);
        assertThat(batch.lengthOfIndex(7)).isEqualTo(ENTRY);
        assertThatThrownBy(() -> batch.offsetOfIndex(8)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void everyFlippedBitIsRefusedAndNothingOfTheMessageIsKept() {
        for (int bit = 0; bit < 3 * ENTRY * 8; bit++) {
            flip(bit);
            assertThat(batch.wrap(message, 0, 3 * ENTRY, 3, 5)).as("bit " + bit).isNotNull();
            assertThat(batch.count()).isZero();
            flip(bit);
        }
        assertThat(batch.wrap(message, 0, 3 * ENTRY, 3, 5)).isNull();
    }

    private void flip(final int bit) {
        message.putByte(bit / 8, (byte) (message.getByte(bit / 8) ^ 1 << bit % 8));
    }

    @Test
    void everyShorterMessageAndEveryWrongCountIsRefused() {
        for (int length = 0; length < 3 * ENTRY; length++) {
            assertThat(batch.wrap(message, 0, length, 3, 5))
                    .as("length " + length)
                    .isNotNull();
        }
        for (final int count : new int[] {-1, 0, 2, 4, Integer.MAX_VALUE}) {
            assertThat(batch.wrap(message, 0, 3 * ENTRY, count, 5))
                    .as("count " + count)
                    .isNotNull();
        }
    }

    @Test
    void gapInTheIndexesIsRefused() {
        assertThat(batch.wrap(message, 0, 3 * ENTRY, 3, 4)).contains("index 5, expected 4");
    }
}
