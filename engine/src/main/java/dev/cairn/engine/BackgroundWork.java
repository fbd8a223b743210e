package dev.cairn.engine;

/**
 * Learns when a store moves rows by itself: a flush writes what was gathered in memory to a file, a compaction merges files. Both take
 * disk and processor from those who wait for an answer, which is why somebody may want to know the moments.
 *
 * <p>Threads: the store's own, a flush and a compaction at once. Whoever is told holds them up, so it must return at once, and must
 * not throw nor call the store. The numbers of jobs go up from the opening of the store on, of flushes and compactions together; work
 * that failed, or that the end of the store has cut, may have a begin without an end.
 */
public interface BackgroundWork {
    void onFlushBegin(int job);

    /**
     * The file is there and its rows are read from it.
     *
     * @param bytes rows in the new file, before the file's own headers and indexes
     */
    void onFlushEnd(int job, long bytes);

    void onCompactionBegin(int job);

    /**
     * What was made has taken the place of what was merged, or the compaction has failed.
     *
     * @param readBytes size of the files that were merged
     * @param writtenBytes size of the files made of them
     */
    void onCompactionEnd(int job, long readBytes, long writtenBytes);
}
