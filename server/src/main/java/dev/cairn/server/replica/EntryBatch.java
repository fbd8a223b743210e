package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.raft.EntrySource;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.EntryValidator;
import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** The entries of one received AppendEntries, checked, in the buffer in which they arrived. Loop thread. */
final class EntryBatch implements EntrySource {
    private final EntryValidator validator = new EntryValidator();
    private final UnsafeBuffer buffer = new UnsafeBuffer(0, 0);
    private int[] offsets = new int[64];
    private int count;
    private long firstIndex;

    /**
     * Takes the entries of a message.
     *
     * @return null when they are whole, else what is wrong with them
     */
    @Nullable
    String wrap(
            final DirectBuffer message,
            final int offset,
            final int length,
            final int entryCount,
            final long firstEntryIndex) {
        count = 0;
        firstIndex = firstEntryIndex;
        buffer.wrap(message, offset, length);
        if (entryCount < 0 || (long) entryCount * EntryDescriptor.HEADER_LENGTH > length) {
            return "entry count " + entryCount + " in " + length + " bytes";
        }
        if (entryCount > offsets.length) {
            offsets = Arrays.copyOf(offsets, Math.max(entryCount, offsets.length * 2));
        }
        int at = 0;
        for (int i = 0; i < entryCount; i++) {
            if (length - at < EntryDescriptor.HEADER_LENGTH) {
                return "entry " + i + " of " + entryCount + " is cut off at byte " + at;
            }
            final int entryLength = buffer.getInt(at + EntryDescriptor.LENGTH_OFFSET, LITTLE_ENDIAN);
            if (entryLength < EntryDescriptor.HEADER_LENGTH || entryLength > length - at) {
                return "entry " + i + " has length " + entryLength + " with " + (length - at) + " bytes left";
            }
            if (!validator.isValid(buffer, at, entryLength)) {
                return "entry " + i + " fails its CRC";
            }
            final long index = buffer.getLong(at + EntryDescriptor.INDEX_OFFSET, LITTLE_ENDIAN);
            if (index != firstEntryIndex + i) {
                return "entry " + i + " has index " + index + ", expected " + (firstEntryIndex + i);
            }
            offsets[i] = at;
            at += entryLength;
        }
        if (at != length) {
            return (length - at) + " bytes behind the last entry";
        }
        count = entryCount;
        return null;
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public long term(final int ordinal) {
        return buffer.getLong(offset(ordinal) + EntryDescriptor.TERM_OFFSET, LITTLE_ENDIAN);
    }

    @Override
    public int type(final int ordinal) {
        return buffer.getByte(offset(ordinal) + EntryDescriptor.TYPE_OFFSET) & 0xFF;
    }

    DirectBuffer buffer() {
        return buffer;
    }

    /** Offset in {@link #buffer} of the entry with this index. */
    int offsetOfIndex(final long index) {
        return offset((int) (index - firstIndex));
    }

    int lengthOfIndex(final long index) {
        return buffer.getInt(offsetOfIndex(index) + EntryDescriptor.LENGTH_OFFSET, LITTLE_ENDIAN);
    }

    private int offset(final int ordinal) {
        if (ordinal < 0 || ordinal >= count) {
            throw new IndexOutOfBoundsException("entry " + ordinal + " of " + count);
        }
        return offsets[ordinal];
    }
}
