package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.nio.charset.StandardCharsets;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Layout of the row {@code 'm' "applied"}, written in every batch, little-endian.
 *
 * <pre>
 *   0       8      16          24       32            36     40
 *  +-------+------+-----------+--------+-------------+------+
 *  | index | term | logTimeMs | digest | i32 layout 1| 0    |
 *  +-------+------+-----------+--------+-------------+------+
 * </pre>
 */
public final class AppliedDescriptor {
    public static final int INDEX_OFFSET = 0;
    public static final int TERM_OFFSET = 8;
    public static final int LOG_TIME_OFFSET = 16;
    public static final int DIGEST_OFFSET = 24;
    public static final int LAYOUT_OFFSET = 32;
    public static final int LENGTH = 40;

    /** Value of the layout field. A store with another one was written by another release. */
    public static final int LAYOUT = 1;

    /** The row's name behind its kind byte; never written to. */
    public static final DirectBuffer NAME = new UnsafeBuffer("applied".getBytes(StandardCharsets.US_ASCII));

    private AppliedDescriptor() {}

    static void encode(MutableDirectBuffer row, long index, long term, long logTimeMs, long digest) {
        row.putLong(INDEX_OFFSET, index, LITTLE_ENDIAN);
        row.putLong(TERM_OFFSET, term, LITTLE_ENDIAN);
        row.putLong(LOG_TIME_OFFSET, logTimeMs, LITTLE_ENDIAN);
        row.putLong(DIGEST_OFFSET, digest, LITTLE_ENDIAN);
        row.putInt(LAYOUT_OFFSET, LAYOUT, LITTLE_ENDIAN);
        row.putInt(LAYOUT_OFFSET + 4, 0, LITTLE_ENDIAN);
    }

    /** Decodes a row of the given length. Stores use it too, for {@link KvStore#flushedApplied}. */
    public static AppliedState decode(DirectBuffer row, int offset, int length) {
        if (length < LENGTH || row.getInt(offset + LAYOUT_OFFSET, LITTLE_ENDIAN) != LAYOUT) {
            throw new BrokenInvariantException("applied row: length " + length + ", expected " + LENGTH + ", layout "
                    + (length < LENGTH ? "unreadable" : row.getInt(offset + LAYOUT_OFFSET, LITTLE_ENDIAN))
                    + ", expected " + LAYOUT);
        }
        return new AppliedState(
                row.getLong(offset + INDEX_OFFSET, LITTLE_ENDIAN),
                row.getLong(offset + TERM_OFFSET, LITTLE_ENDIAN),
                row.getLong(offset + LOG_TIME_OFFSET, LITTLE_ENDIAN),
                row.getLong(offset + DIGEST_OFFSET, LITTLE_ENDIAN));
    }
}
