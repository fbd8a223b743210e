package dev.cairn.wal;

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

    /**
     * @param file name within the log's directory
     * @param offset byte offset of the first damaged structure
     * @param index first index that can no longer be read, 0 if unknown
     */
    public WalDamagedException(String file, long offset, long index, String expected, String found) {
        super("log damaged: file=" + file + " offset=" + offset + " index=" + index + " expected=" + expected
                + " found=" + found + "; all files were kept as found");
        this.file = file;
        this.offset = offset;
        this.index = index;
        this.expected = expected;
        this.found = found;
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
