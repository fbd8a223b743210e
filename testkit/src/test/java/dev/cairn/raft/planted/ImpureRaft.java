package dev.cairn.raft.planted;

import dev.cairn.wal.WalConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/** Touches file names, time, randomness, threads, the clock and another module. */
public final class ImpureRaft {
    private ImpureRaft() {}

    public static List<Object> everythingForbidden(Random random) {
        return List.of(Path.of("x"), Duration.ZERO, random, Thread.currentThread(), System.nanoTime(), WalConfig.class);
    }
}
