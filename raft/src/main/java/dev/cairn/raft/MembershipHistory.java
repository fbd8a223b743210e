package dev.cairn.raft;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The configurations that may still count: the last one known as committed, and all behind it in the log. A node acts by
 * the last of them, committed or not (thesis 4.1); a truncation brings the one before it back.
 */
final class MembershipHistory {
    private record Row(long index, Membership membership) {}

    private final List<Row> rows = new ArrayList<>();

    /** Starts with a committed configuration. */
    MembershipHistory(final long index, final Membership membership) {
        rows.add(new Row(index, membership));
    }

    void append(final long index, final Membership membership) {
        if (index <= lastIndex()) {
            throw new IllegalStateException("configuration at " + index + " behind the one at " + lastIndex());
        }
        rows.add(new Row(index, membership));
    }

    /** Forgets configurations from this index on; true when there were any. */
    boolean truncateSuffix(final long fromIndex) {
        boolean forgot = false;
        while (lastIndex() >= fromIndex) {
            if (rows.size() == 1) {
                throw new IllegalStateException("committed configuration at " + lastIndex() + " truncated");
            }
            rows.remove(rows.size() - 1);
            forgot = true;
        }
        return forgot;
    }

    void onCommitted(final long commitIndex) {
        while (rows.size() > 1 && rows.get(1).index() <= commitIndex) {
            rows.remove(0);
        }
    }

    /** Index of the last configuration, 0 when it is that of the settings. */
    long lastIndex() {
        return rows.get(rows.size() - 1).index();
    }

    /** Index of the last configuration that is known to be committed, 0 when it is that of the settings. */
    long committedIndex() {
        return rows.get(0).index();
    }

    /** Every node of any of them, each once, ascending. */
    int[] members() {
        return rows.stream()
                .flatMapToInt(row -> Arrays.stream(row.membership().members()))
                .distinct()
                .sorted()
                .toArray();
    }

    Membership last() {
        return rows.get(rows.size() - 1).membership();
    }

    /** Index of the last configuration up to an index, or of the first that is still known. */
    int rowAt(final long index) {
        int row = rows.size() - 1;
        while (row > 0 && rows.get(row).index() > index) {
            row--;
        }
        return row;
    }

    Membership membership(final int row) {
        return rows.get(row).membership();
    }

    long index(final int row) {
        return rows.get(row).index();
    }

    /** Whether the node is a voter by any of them. */
    boolean hasVoter(final int nodeId) {
        for (int i = 0; i < rows.size(); i++) {
            if (rows.get(i).membership().isVoter(nodeId)) {
                return true;
            }
        }
        return false;
    }
}
