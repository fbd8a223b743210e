package dev.cairn.engine;

import org.agrona.DirectBuffer;

/**
 * A walk over user keys of one {@link KvSnapshot}. It stands before its first row until {@link #next} is called. Same thread as the
 * snapshot. Key and value are copied out only when they are asked for, so counting copies nothing.
 */
public interface KvIterator extends AutoCloseable {
    /** Moves to the next row, in the walk's direction; may wait for the disk. False when there is none: the walk has ended. */
    boolean next();

    /** Copies the key (without kind byte) into {@link #key} and returns its length. Only after {@link #next} returned true. */
    int readKey();

    /** The key from offset 0; valid until the next {@link #readKey}. */
    DirectBuffer key();

    /**
     * Copies the stored value into {@link #value}, but at most its first {@code maxBytes}: {@link ValueDescriptor#HEADER_LENGTH} suffice
     * for the revisions. Only after {@link #next} returned true.
     *
     * @return length of the whole stored value, its {@link ValueDescriptor} header included
     */
    int readValue(int maxBytes);

    /** The value from offset 0, its header included; valid until the next {@link #readValue}. */
    DirectBuffer value();

    @Override
    void close();
}
