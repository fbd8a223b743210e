package dev.cairn.wal.simulated;

import java.util.random.RandomGenerator;

/** Makes the files of a directory remember what each store left in each sector until that sector is forced. */
final class Recording {
    final RandomGenerator random;
    final CrashPoints points;
    private long time;

    Recording(RandomGenerator random, CrashPoints points) {
        this.random = random;
        this.points = points;
    }

    /** Counts stores. */
    long time() {
        return time;
    }

    long tick() {
        return ++time;
    }
}
