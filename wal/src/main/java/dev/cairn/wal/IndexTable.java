package dev.cairn.wal;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Where the live entry of each index starts. Written by the loop; other threads read it, and may see a mixture while the
 * loop truncates: they revalidate by the log's truncation epoch and check the record that they find.
 *
 * <p>{@value #ENTRY_BYTES} bytes per entry in pages of {@value #PAGE_ENTRIES}, outside of the heap: on it, a young
 * collection copies what was appended since the one before. Pages of a dropped prefix are used again, some of them; further
 * ones are left to the collector, for a reader may still look at them.
 */
final class IndexTable {
    private static final int PAGE_SHIFT = 12;
    static final int PAGE_ENTRIES = 1 << PAGE_SHIFT;
    private static final int PAGE_MASK = PAGE_ENTRIES - 1;
    static final int ENTRY_BYTES = Long.BYTES + Integer.BYTES;

    /** 48 MiB: a log that loses a few million entries at each snapshot needs no further memory. */
    private static final int MAX_POOLED_PAGES = 1024;

    private static final int TYPE_SHIFT = 24;
    private static final int LENGTH_MASK = (1 << TYPE_SHIFT) - 1;

    /** Starts first, then what says type and length. */
    private static final class Page {
        private static final int META_OFFSET = PAGE_ENTRIES * Long.BYTES;

        private final UnsafeBuffer memory = new UnsafeBuffer(ByteBuffer.allocateDirect(PAGE_ENTRIES * ENTRY_BYTES));

        void set(int slot, long start, int meta) {
            memory.putLong(slot * Long.BYTES, start);
            memory.putInt(META_OFFSET + slot * Integer.BYTES, meta);
        }

        long start(int slot) {
            return memory.getLong(slot * Long.BYTES);
        }

        int meta(int slot) {
            return memory.getInt(META_OFFSET + slot * Integer.BYTES);
        }
    }

    /** Slot of a page = page number - firstPage. */
    private static final class Pages {
        final long firstPage;
        final @Nullable Page[] slots;

        Pages(long firstPage, @Nullable Page[] slots) {
            this.firstPage = firstPage;
            this.slots = slots;
        }
    }

    private volatile Pages pages;
    private final ArrayDeque<Page> pool = new ArrayDeque<>();
    private long first;
    private long last;
    /** Where {@link #last} stands; null = not known, or there is none. */
    private @Nullable Page lastPage;

    /** @param previousIndex the index before the first that will be appended */
    IndexTable(long previousIndex) {
        this.pages = new Pages((previousIndex + 1) >>> PAGE_SHIFT, new @Nullable Page[8]);
        this.first = previousIndex + 1;
        this.last = previousIndex;
    }

    long first() {
        return first;
    }

    long last() {
        return last;
    }

    void append(long start, int type, int entryLength) {
        long index = last + 1;
        int slot = (int) index & PAGE_MASK;
        Page page = lastPage;
        if (page == null || slot == 0) {
            page = writablePage(index >>> PAGE_SHIFT);
            lastPage = page;
        }
        page.set(slot, start, (type << TYPE_SHIFT) | entryLength);
        last = index;
    }

    private Page writablePage(long number) {
        Pages now = pages;
        int slot = (int) (number - now.firstPage);
        if (slot >= now.slots.length) {
            now = new Pages(now.firstPage, Arrays.copyOf(now.slots, now.slots.length * 2));
            pages = now;
        }
        Page page = now.slots[slot];
        if (page == null) {
            page = pool.isEmpty() ? new Page() : pool.pop();
            now.slots[slot] = page;
        }
        return page;
    }

    void truncateSuffix(long fromIndex) {
        last = fromIndex - 1;
        lastPage = null;
    }

    /** Forgets everything and starts again behind {@code previousIndex}. */
    void reset(long previousIndex) {
        pages = new Pages((previousIndex + 1) >>> PAGE_SHIFT, new @Nullable Page[8]);
        first = previousIndex + 1;
        last = previousIndex;
        lastPage = null;
    }

    void truncatePrefix(long newFirst) {
        first = newFirst;
        Pages now = pages;
        int drop = (int) ((newFirst >>> PAGE_SHIFT) - now.firstPage);
        if (drop == 0) {
            return;
        }
        @Nullable Page[] kept = new @Nullable Page[now.slots.length];
        System.arraycopy(now.slots, drop, kept, 0, now.slots.length - drop);
        pages = new Pages(now.firstPage + drop, kept);
        for (int i = 0; i < drop; i++) {
            Page page = now.slots[i];
            if (page != null && pool.size() < MAX_POOLED_PAGES) {
                pool.push(page);
            }
        }
    }

    /** Start position, or 0 where nothing was ever stored. Any thread. */
    long start(long index) {
        Page page = page(index);
        return page == null ? 0 : page.start((int) index & PAGE_MASK);
    }

    /** Any thread; together with {@link #start} only as good as the caller's revalidation. */
    int entryLength(long index) {
        Page page = page(index);
        return page == null ? 0 : page.meta((int) index & PAGE_MASK) & LENGTH_MASK;
    }

    int type(long index) {
        Page page = page(index);
        return page == null ? 0 : page.meta((int) index & PAGE_MASK) >>> TYPE_SHIFT;
    }

    private @Nullable Page page(long index) {
        Pages now = pages;
        long slot = (index >>> PAGE_SHIFT) - now.firstPage;
        return slot < 0 || slot >= now.slots.length ? null : now.slots[(int) slot];
    }
}
