package dev.cairn.wal;

import org.jspecify.annotations.Nullable;

/**
 * The files are damaged where data may have been acknowledged, or in a way that a crash does not explain. Nothing was
 * changed: all files are as they were found.
 */
public final class WalDamagedException extends WalException {
    private static final long serialVersionUID = 1L;

    private final String file;
    private final long offset;
    private final long index;
    private final String expected;
    private final String found;
    private final boolean foreign;

    /** What cannot be read, where that was looked for. */
    private final @Nullable IndexRanges lost;

    /**
     * @param file name within the log's directory
     * @param offset byte offset of the first damaged structure
     * @param index first index that can no longer be read, 0 if unknown
     */
    public WalDamagedException(String file, long offset, long index, String expected, String found) {
        this(file, offset, index, expected, found, false, null);
    }

    private WalDamagedException(
            String file,
            long offset,
            long index,
            String expected,
            String found,
            boolean foreign,
            @Nullable IndexRanges lost) {
        super("log damaged: file=" + file + " offset=" + offset + " index=" + index + " expected=" + expected
                + " found=" + found + (lost == null ? "" : " lost=" + lost) + "; all files were kept as found");
        this.foreign = foreign;
        this.lost = lost;
        this.file = file;
        this.offset = offset;
        this.index = index;
        this.expected = expected;
        this.found = found;
    }

    /** The same, of a file that is whole but belongs to another log or version: nothing that a peer could mend. */
    WalDamagedException ofForeignFile() {
        return new WalDamagedException(file, offset, index, expected, found, true, lost);
    }

    /** The same, with all entries that cannot be read. */
    WalDamagedException withLost(IndexRanges ranges) {
        return new WalDamagedException(file, offset, index, expected, found, foreign, ranges);
    }

    boolean isForeignFile() {
        return foreign;
    }

    /** All entries that cannot be read, as far as the files still tell; null where only the first place is known. */
    public @Nullable IndexRanges lost() {
        return lost;
    }

    public String file() {
        return file;
    }

    public long offset() {
        return offset;
    }

    public long index() {
        return index;
    }

    public String expected() {
        return expected;
    }

    public String found() {
        return found;
    }
}
