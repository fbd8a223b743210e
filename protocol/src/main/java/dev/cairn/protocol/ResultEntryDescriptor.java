package dev.cairn.protocol;

/**
 * An entry within the result of a command: what the key held before, or holds instead of what was expected. An empty
 * result says that the key did not exist.
 *
 * <pre>
 *   0                8              16           24
 *  +----------------+--------------+------------+-------+
 *  | createRevision | modRevision  | version    | value |
 *  +----------------+--------------+------------+-------+
 * </pre>
 */
public final class ResultEntryDescriptor {
    public static final int CREATE_REVISION_OFFSET = 0;
    public static final int MOD_REVISION_OFFSET = 8;
    public static final int VERSION_OFFSET = 16;
    public static final int VALUE_OFFSET = 24;

    private ResultEntryDescriptor() {}
}
