package dev.cairn.protocol;

/**
 * Block of SCAN_REPLY, then the chunk's entries.
 *
 * <pre>
 *   0 u16 status   2 u16 flags   4 i32 entry count   8 i64 cursor id (0 = finished)
 *   16 i64 revision: applied index of the one moment that all chunks show
 *   24 i64 count of entries up to here, those of earlier chunks included
 *
 *   an entry:
 *   0 i32 key length   4 i32 value length   8 i64 create revision   16 i64 modification revision   24 i64 version   32 key, value
 * </pre>
 */
public final class ScanReplyDescriptor {
    public static final int STATUS_OFFSET = 0;
    public static final int FLAGS_OFFSET = 2;
    public static final int ENTRY_COUNT_OFFSET = 4;
    public static final int CURSOR_ID_OFFSET = 8;
    public static final int REVISION_OFFSET = 16;
    public static final int COUNT_OFFSET = 24;
    public static final int BLOCK_LENGTH = 32;

    /** Further chunks wait behind the cursor; this one may be empty. */
    public static final int FLAG_MORE = 1;

    /** Within an entry. */
    public static final int ENTRY_KEY_LENGTH_OFFSET = 0;

    public static final int ENTRY_VALUE_LENGTH_OFFSET = 4;
    public static final int ENTRY_CREATE_REVISION_OFFSET = 8;
    public static final int ENTRY_MOD_REVISION_OFFSET = 16;
    public static final int ENTRY_VERSION_OFFSET = 24;
    public static final int ENTRY_KEY_OFFSET = 32;

    private ScanReplyDescriptor() {}
}
