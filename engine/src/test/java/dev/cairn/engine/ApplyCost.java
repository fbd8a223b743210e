package dev.cairn.engine;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Prints what applying a put costs, by requests in flight, batch and header cache. Not a test; run with the module's test class path:
 * {@code java -cp ... dev.cairn.engine.ApplyCost DIRECTORY}, which must be empty or absent.
 */
final class ApplyCost {
    private static final int KEYS = 100_000;
    private static final int PUTS = 200_000;
    private static final int ROUNDS = 5;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private ApplyCost() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createDirectories(Path.of(arguments[0]));
        for (int cacheEntries : new int[] {KvStateMachine.DEFAULT_HEADER_CACHE_ENTRIES, 0}) {
            for (int outstanding : new int[] {1, 16, 256}) {
                Path kv = directory.resolve("kv-" + cacheEntries + "-" + outstanding);
                try (ApplyRig rig = new ApplyRig(kv, KEYS, cacheEntries, outstanding)) {
                    rig.fill();
                    measure(rig, outstanding);
                    for (int batch = 1; batch <= outstanding; batch *= 16) {
                        System.out.printf(
                                "cache=%d outstanding=%d batch=%d us/put=%s%n",
                                cacheEntries, outstanding, batch, measure(rig, batch));
                    }
                }
            }
        }
    }

    /** Median of wall clock and of this thread's CPU time: on a busy machine only the second means something. */
    private static String measure(ApplyRig rig, int batch) {
        double[] wall = new double[ROUNDS];
        double[] cpu = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            long wallStart = System.nanoTime();
            long cpuStart = THREADS.getCurrentThreadCpuTime();
            for (int i = 0; i < PUTS / batch; i++) {
                rig.batch(batch);
            }
            cpu[round] = (THREADS.getCurrentThreadCpuTime() - cpuStart) / 1e3 / PUTS;
            wall[round] = (System.nanoTime() - wallStart) / 1e3 / PUTS;
        }
        Arrays.sort(wall);
        Arrays.sort(cpu);
        return String.format("%.2f cpu=%.2f", wall[ROUNDS / 2], cpu[ROUNDS / 2]);
    }
}
