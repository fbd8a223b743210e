package dev.cairn.raft;

import java.util.Arrays;

/** AppendEntries messages on their way to one peer: a circular list of (last index, bytes), oldest first. */
final class Inflights {
    private long[] lastIndexes = new long[16];
    private int[] bytes = new int[16];
    private int head;
    private int count;
    private long totalBytes;

    void add(final long lastIndex, final int messageBytes) {
        if (count == lastIndexes.length) {
            grow();
        }
        final int at = (head + count) & (lastIndexes.length - 1);
        lastIndexes[at] = lastIndex;
        bytes[at] = messageBytes;
        totalBytes += messageBytes;
        count++;
    }

    /** Drops all messages whose entries are acknowledged up to {@code matchIndex}. */
    void acknowledge(final long matchIndex) {
        while (count > 0 && lastIndexes[head] <= matchIndex) {
            totalBytes -= bytes[head];
            head = (head + 1) & (lastIndexes.length - 1);
            count--;
        }
    }

    void clear() {
        head = 0;
        count = 0;
        totalBytes = 0;
    }

    long totalBytes() {
        return totalBytes;
    }

    private void grow() {
        final int capacity = lastIndexes.length;
        final long[] newIndexes = Arrays.copyOf(lastIndexes, capacity * 2);
        final int[] newBytes = Arrays.copyOf(bytes, capacity * 2);
        for (int i = 0; i < count; i++) {
            newIndexes[i] = lastIndexes[(head + i) & (capacity - 1)];
            newBytes[i] = bytes[(head + i) & (capacity - 1)];
        }
        lastIndexes = newIndexes;
        bytes = newBytes;
        head = 0;
    }
}
