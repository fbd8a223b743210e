package dev.cairn.bench.load;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;

/**
 * Which keys the operations of one load take: those that were there at its begin, and those that it inserts. Of the inserted ones only
 * what lies below all that are still under way is chosen, as in YCSB. Any thread.
 *
 * <p>When several processes share a load, each inserts every n-th new number, and chooses among its own.
 */
final class KeyNumbers {
    /** YCSB draws ranks out of so many and takes the remainder of their hash, so the shares do not depend on the number of keys. */
    private static final long ZIPFIAN_RANKS = 10_000_000_000L;

    private static final long FNV_OFFSET_BASIS = 0xCBF29CE484222325L;
    private static final long FNV_PRIME = 1_099_511_628_211L;

    private final KeyDistribution distribution;
    private final int keys;
    private final int share;
    private final int shares;
    private final Zipfian ranks;
    private final AtomicLong cursor;
    private final AtomicInteger claimed;
    private final ReentrantLock lock = new ReentrantLock();
    private final Set<Integer> early = new HashSet<>();
    private volatile int known;

    /**
     * @param keys that are there, from 0
     * @param share of this process among {@code shares}, from 0
     */
    KeyNumbers(KeyDistribution distribution, int keys, int share, int shares) {
        this.distribution = distribution;
        this.keys = keys;
        this.share = share;
        this.shares = shares;
        this.ranks = new Zipfian(
                switch (distribution) {
                    case UNIFORM, SEQUENTIAL -> 1;
                    case ZIPFIAN -> ZIPFIAN_RANKS;
                    case LATEST -> keys;
                });
        this.cursor = new AtomicLong((long) keys * share / shares);
        this.claimed = new AtomicInteger(keys);
        this.known = keys;
    }

    /** Gives the number of a key to take, again and again; for one operation at a time. */
    IntSupplier chooser(SplittableRandom random) {
        return switch (distribution) {
            case UNIFORM -> () -> number(random.nextInt(known));
            case ZIPFIAN -> () -> (int) Long.remainderUnsigned(scattered(ranks.next(random)), keys);
            case SEQUENTIAL -> () -> number((int) (cursor.getAndIncrement() % known));
            case LATEST -> () -> number(known - 1 - (int) ranks.next(random));
        };
    }

    /** FNV-1a of the rank's eight bytes. */
    private static long scattered(long rank) {
        long hash = FNV_OFFSET_BASIS;
        for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
            hash ^= rank >>> shift & 0xFF;
            hash *= FNV_PRIME;
        }
        return hash;
    }

    /** The place of a key to insert, which nobody else gets; {@link #number} makes its number of it. */
    int claim() {
        return claimed.getAndIncrement();
    }

    /** The number of the key at a place: the first ones are shared by all processes, the others are this one's. */
    int number(int place) {
        return place < keys
                ? place
                : Math.addExact(Math.addExact(keys, share), Math.multiplyExact(place - keys, shares));
    }

    /** The insert of a claimed key has ended; a failed one too, else nothing behind it would ever be chosen. */
    void ended(int place) {
        lock.lock();
        try {
            if (place != known) {
                early.add(place);
                return;
            }
            int next = place + 1;
            while (early.remove(next)) {
                next++;
            }
            known = next;
        } finally {
            lock.unlock();
        }
    }

    /** How many keys there are to choose from. */
    int known() {
        return known;
    }
}
