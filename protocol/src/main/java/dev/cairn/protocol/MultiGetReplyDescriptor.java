package dev.cairn.protocol;

/**
 * Block of MULTI_GET_REPLY, then one entry per key in the order asked.
 *
 * <pre>
 *   0 u16 status   2 u16 0   4 i32 entry count   8 i64 revision: applied index of the one moment that was read
 *
 *   an entry:
 *   0 i64 create revision   8 i64 modification revision   16 i64 version   24 i32 value length (-1 = absent)   28 value
 * </pre>
 */
public final class MultiGetReplyDescriptor {
    public static final int STATUS_OFFSET = 0;
    public static final int ENTRY_COUNT_OFFSET = 4;
    public static final int REVISION_OFFSET = 8;
    public static final int BLOCK_LENGTH = 16;

    /** Within an entry. */
    public static final int ENTRY_CREATE_REVISION_OFFSET = 0;

    public static final int ENTRY_MOD_REVISION_OFFSET = 8;
    public static final int ENTRY_VERSION_OFFSET = 16;
    public static final int ENTRY_VALUE_LENGTH_OFFSET = 24;
    public static final int ENTRY_VALUE_OFFSET = 28;

    /** In place of a value length: the key does not exist. */
    public static final int ABSENT = -1;

    private MultiGetReplyDescriptor() {}
}
