package dev.cairn.wal;

import java.util.Arrays;

/** Term of each index as runs: (first index of the run, term), both rising. Loop thread. */
final class TermTable {
    private long[] firstIndex = new long[16];
    private long[] term = new long[16];
    private int runs;

    /** The index before the first entry has a term too: a leader compares against it. */
    TermTable(long previousIndex, long previousTerm) {
        reset(previousIndex, previousTerm);
    }

    void reset(long previousIndex, long previousTerm) {
        firstIndex[0] = previousIndex;
        term[0] = previousTerm;
        runs = 1;
    }

    void append(long index, long itsTerm) {
        if (term[runs - 1] == itsTerm) {
            return;
        }
        if (runs == firstIndex.length) {
            firstIndex = Arrays.copyOf(firstIndex, runs * 2);
            term = Arrays.copyOf(term, runs * 2);
        }
        firstIndex[runs] = index;
        term[runs++] = itsTerm;
    }

    void truncateSuffix(long fromIndex) {
        while (runs > 1 && firstIndex[runs - 1] >= fromIndex) {
            runs--;
        }
    }

    /** Keeps the term of {@code newPrevious} and of everything above it. */
    void truncatePrefix(long newPrevious) {
        int run = runOf(newPrevious);
        System.arraycopy(firstIndex, run, firstIndex, 0, runs - run);
        System.arraycopy(term, run, term, 0, runs - run);
        runs -= run;
        firstIndex[0] = newPrevious;
    }

    /** Index at or above the one before the first entry. */
    long term(long index) {
        return term[runOf(index)];
    }

    private int runOf(long index) {
        int run = runs - 1;
        if (firstIndex[run] <= index) {
            return run;
        }
        int low = 0;
        while (low < run) {
            int middle = (low + run + 1) >>> 1;
            if (firstIndex[middle] <= index) {
                low = middle;
            } else {
                run = middle - 1;
            }
        }
        return low;
    }
}
