package dev.cairn.raft;

import java.util.Arrays;

/**
 * The terms of a log as runs: consecutive entries of one term are one row. Answers the term of an index and the ends of
 * a term in O(log runs), without touching the log.
 */
final class TermRuns {
    private long[] terms = new long[16];
    private long[] firstIndexes = new long[16];
    private int count;
    private long lastIndex;

    /** Starts behind (index, term): what was there before is only known as that one pair. */
    void reset(final long index, final long term) {
        count = 1;
        terms[0] = term;
        firstIndexes[0] = index;
        lastIndex = index;
    }

    void append(final long index, final long term) {
        if (index != lastIndex + 1) {
            throw new IllegalStateException("append of index " + index + " behind " + lastIndex);
        }
        lastIndex = index;
        final long lastTerm = terms[count - 1];
        if (term == lastTerm) {
            return;
        }
        if (term < lastTerm) {
            throw new IllegalStateException("term " + term + " at index " + index + " behind term " + lastTerm);
        }
        if (count == terms.length) {
            terms = Arrays.copyOf(terms, count * 2);
            firstIndexes = Arrays.copyOf(firstIndexes, count * 2);
        }
        terms[count] = term;
        firstIndexes[count++] = index;
    }

    /** Forgets all indexes of at least {@code fromIndex}. */
    void truncateSuffix(final long fromIndex) {
        if (fromIndex <= firstIndexes[0] || fromIndex > lastIndex) {
            throw new IllegalStateException(
                    "truncation from " + fromIndex + " in " + firstIndexes[0] + ".." + lastIndex);
        }
        lastIndex = fromIndex - 1;
        while (firstIndexes[count - 1] > lastIndex) {
            count--;
        }
    }

    /** Forgets all indexes below {@code newBase}, whose own term stays known. */
    void truncatePrefix(final long newBase) {
        if (newBase < firstIndexes[0] || newBase > lastIndex) {
            throw new IllegalStateException(
                    "truncation up to " + newBase + " in " + firstIndexes[0] + ".." + lastIndex);
        }
        final int run = runOf(newBase);
        System.arraycopy(terms, run, terms, 0, count - run);
        System.arraycopy(firstIndexes, run, firstIndexes, 0, count - run);
        count -= run;
        firstIndexes[0] = newBase;
    }

    /** First index whose term is known; it may lie just before the first entry of the log. */
    long firstIndex() {
        return firstIndexes[0];
    }

    long lastIndex() {
        return lastIndex;
    }

    long lastTerm() {
        return terms[count - 1];
    }

    long term(final long index) {
        if (index < firstIndexes[0] || index > lastIndex) {
            throw new IndexOutOfBoundsException("index " + index + " outside " + firstIndexes[0] + ".." + lastIndex);
        }
        return terms[runOf(index)];
    }

    /** First known index of the term that {@code index} has. */
    long firstIndexOfTermAt(final long index) {
        return firstIndexes[runOf(index)];
    }

    /** Last index of a term, or 0 when the log holds no entry of it. */
    long lastIndexOfTerm(final long term) {
        final int run = Arrays.binarySearch(terms, 0, count, term);
        if (run < 0) {
            return 0;
        }
        return run == count - 1 ? lastIndex : firstIndexes[run + 1] - 1;
    }

    private int runOf(final long index) {
        if (index >= firstIndexes[count - 1]) {
            return count - 1;
        }
        final int found = Arrays.binarySearch(firstIndexes, 0, count, index);
        return found >= 0 ? found : -found - 2;
    }
}
