package dev.cairn.client;

import dev.cairn.protocol.CommandDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * What a put or delete asks beyond the plain one: at most one condition, and the entry that stood there. Immutable; each
 * method returns a changed copy.
 *
 * <pre>{@code
 * WriteOptions options = WriteOptions.none().ifRevision(17).returnEntry();
 * }</pre>
 */
public final class WriteOptions {
    private static final byte[] NOTHING = new byte[0];
    private static final WriteOptions NONE = new WriteOptions(0, 0, NOTHING);
    private static final int CONDITIONS = CommandDescriptor.FLAG_IF_REVISION | CommandDescriptor.FLAG_IF_VALUE;

    private final int flags;
    private final long expectedRevision;
    private final byte[] expectedValue;

    private WriteOptions(int flags, long expectedRevision, byte @Nullable [] expectedValue) {
        this.flags = flags;
        this.expectedRevision = expectedRevision;
        this.expectedValue = expectedValue == null ? NOTHING : expectedValue;
    }

    /** No condition, no entry. */
    public static WriteOptions none() {
        return NONE;
    }

    /** Only if the key's last write has this revision; 0 = only if the key does not exist. Replaces any other condition. */
    public WriteOptions ifRevision(long revision) {
        if (revision < 0) {
            throw new IllegalArgumentException("revision: " + revision + ", allowed are 0 (absent) and more");
        }
        return new WriteOptions((flags & ~CONDITIONS) | CommandDescriptor.FLAG_IF_REVISION, revision, NOTHING);
    }

    /** Only if the key does not exist. Replaces any other condition. */
    public WriteOptions ifAbsent() {
        return ifRevision(0);
    }

    /** Only if the key exists with exactly this value (not copied). Replaces any other condition. */
    public WriteOptions ifValue(byte[] value) {
        return new WriteOptions((flags & ~CONDITIONS) | CommandDescriptor.FLAG_IF_VALUE, 0, value);
    }

    /** The result carries the entry before the write, or the one there when the condition does not hold. */
    public WriteOptions returnEntry() {
        return new WriteOptions(flags | CommandDescriptor.FLAG_WANT_PREVIOUS, expectedRevision, expectedValue);
    }

    boolean isConditional() {
        return (flags & CONDITIONS) != 0;
    }

    int flags() {
        return flags;
    }

    long expectedRevision() {
        return expectedRevision;
    }

    byte[] expectedValue() {
        return expectedValue;
    }
}
