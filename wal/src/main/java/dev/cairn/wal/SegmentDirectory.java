package dev.cairn.wal;

import java.util.List;

/**
 * The directory that holds segments or the hard-state file. Its methods may be called from any thread. Creations, renames
 * and deletions are durable only after {@link #force}; before that a crash keeps or loses each of them.
 */
public interface SegmentDirectory {
    /** Bytes that files may still grow by, as far as the system tells; may be out of date when this returns. */
    long freeBytes();

    /** Which writer this directory makes, and why: one line for the log. */
    String writer();

    /** Names of all files, sorted. */
    List<String> list();

    /**
     * Creates a file, which must not exist. Its content is undefined until the caller has written all {@code length} bytes.
     *
     * @throws NoSpaceException when the disk is full; nothing is left behind
     */
    SegmentFile create(String name, int length);

    /** Opens an existing file; its length is the one found. */
    SegmentFile open(String name);

    /** Renames; never replaces an existing file. Open {@link SegmentFile}s of it stay usable. */
    void rename(String from, String to);

    /** Deletes a file, which must exist. */
    void delete(String name);

    /** When this returns, all earlier creations, renames and deletions are durable. */
    void force();
}
