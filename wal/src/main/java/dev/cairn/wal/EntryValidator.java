package dev.cairn.wal;

import org.agrona.DirectBuffer;

/** Checks entries without allocating; one per thread. The buffer must not be a file mapping. */
public final class EntryValidator {
    private final Checksum checksum = new Checksum();

    /** Whether {@code length} bytes at {@code offset} are one whole entry with a matching CRC. */
    public boolean isValid(DirectBuffer buffer, int offset, int length) {
        return length >= EntryDescriptor.HEADER_LENGTH
                && length <= EntryDescriptor.MAX_ENTRY_BYTES
                && offset >= 0
                && offset <= buffer.capacity() - length
                && EntryDescriptor.length(buffer, offset) == length
                && EntryDescriptor.crc(buffer, offset)
                        == checksum.compute(
                                buffer, offset + EntryDescriptor.LENGTH_OFFSET, length - EntryDescriptor.LENGTH_OFFSET);
    }
}
