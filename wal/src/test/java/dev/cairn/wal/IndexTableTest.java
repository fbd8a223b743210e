package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The table against a map, across the borders of its pages. */
final class IndexTableTest {
    private static final int PAGE = IndexTable.PAGE_ENTRIES;

    /** What stands for an index: its start, which no other entry has. */
    private final TreeMap<Long, Long> expected = new TreeMap<>();

    private IndexTable table = new IndexTable(0);
    private long starts;

    @Test
    void holdsWhatWasAppendedLast() {
        long first = Seeds.first();
        for (long seed = first; seed < first + Seeds.count(40); seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            long previous = random.nextInt(3 * PAGE);
            table = new IndexTable(previous);
            expected.clear();
            append(1 + random.nextInt(3 * PAGE));
            for (int step = 0; step < 30; step++) {
                step(random);
                check("seed=" + seed + " step=" + step);
            }
        }
    }

    private void step(SplittableRandom random) {
        switch (random.nextInt(5)) {
            case 0 -> truncateSuffix(near(random, table.last() + 1));
            case 1 -> truncatePrefix(near(random, table.last() + 1));
            case 2 -> reset(random.nextInt(5 * PAGE));
            default -> append(random.nextBoolean() ? 1 : random.nextInt(2 * PAGE));
        }
    }

    /** Some index in use or the one given; often the border of a page, where there is one. */
    private long near(SplittableRandom random, long end) {
        long any = table.first() + random.nextLong(end - table.first() + 1);
        long border = any & -PAGE;
        return random.nextBoolean() && border >= table.first() ? border : any;
    }

    private void append(int count) {
        for (int i = 0; i < count; i++) {
            starts += 8;
            table.append(starts, EntryDescriptor.TYPE_COMMAND, EntryDescriptor.HEADER_LENGTH + (int) (starts % 1000));
            expected.put(table.last(), starts);
        }
    }

    private void truncateSuffix(long from) {
        table.truncateSuffix(from);
        expected.tailMap(from).clear();
    }

    private void truncatePrefix(long newFirst) {
        table.truncatePrefix(newFirst);
        expected.headMap(newFirst).clear();
    }

    private void reset(long previous) {
        table.reset(previous);
        expected.clear();
    }

    private void check(String what) {
        assertThat(table.last() - table.first() + 1).as(what).isEqualTo(expected.size());
        expected.forEach((index, start) -> {
            assertThat(table.start(index)).as("%s index=%d", what, index).isEqualTo(start);
            assertThat(table.entryLength(index))
                    .as("%s index=%d", what, index)
                    .isEqualTo(EntryDescriptor.HEADER_LENGTH + (int) (start % 1000));
            assertThat(table.type(index)).as("%s index=%d", what, index).isEqualTo(EntryDescriptor.TYPE_COMMAND);
        });
    }
}
