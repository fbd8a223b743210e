package dev.cairn.engine;

/**
 * Layout of a data row's value, little-endian.
 *
 * <pre>
 *   0                8                16               24               32
 *  +----------------+----------------+----------------+----------------+------------
 *  | createRevision | modRevision    | version        | lease (0)      | value ...
 *  +----------------+----------------+----------------+----------------+------------
 * </pre>
 *
 * A revision is the log index of the command that wrote. {@code version} counts the writes of the key since it was created, from 1; a
 * deleted key begins again. {@code lease} is reserved and 0.
 */
public final class ValueDescriptor {
    public static final int CREATE_REVISION_OFFSET = 0;
    public static final int MOD_REVISION_OFFSET = 8;
    public static final int VERSION_OFFSET = 16;
    public static final int LEASE_OFFSET = 24;
    public static final int HEADER_LENGTH = 32;

    private ValueDescriptor() {}
}
