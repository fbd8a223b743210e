package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.cairn.covers.Covers;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ApplyAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    Path directory;

    @Test
    @Covers({"L03", "X08"})
    void puttingAllocatesNothingWhateverTheBatch() {
        try (ApplyRig rig = new ApplyRig(directory.resolve("kv"), 2_000, 1 << 14, 64)) {
            rig.fill();
            for (int batch : new int[] {1, 16, 256}) {
                int batches = 20_000 / batch;
                run(rig, batches, batch);
                long before = THREADS.getCurrentThreadAllocatedBytes();
                run(rig, batches, batch);
                long perPut = (THREADS.getCurrentThreadAllocatedBytes() - before) / ((long) batches * batch);
                System.out.println("batch=" + batch + " bytesPerPut=" + perPut);
                assertThat(perPut).as("bytes per put in batches of %d", batch).isLessThan(16);
            }
        }
    }

    private static void run(ApplyRig rig, int batches, int batch) {
        for (int i = 0; i < batches; i++) {
            rig.batch(batch);
        }
    }

    @Test
    void readingAllocatesNothing() {
        try (ApplyRig rig = new ApplyRig(directory.resolve("kv"), 2_000, 0, 64)) {
            rig.fill();
            UnsafeBuffer key = new UnsafeBuffer(new byte[16]);
            try (KvReader reader = rig.store.newReader()) {
                long found = read(reader, key);
                long before = THREADS.getCurrentThreadAllocatedBytes();
                found += read(reader, key);
                long perGet = (THREADS.getCurrentThreadAllocatedBytes() - before) / 20_000;
                System.out.println("bytesPerGet=" + perGet);
                assertThat(found).isEqualTo(40_000);
                assertThat(perGet).isLessThan(16);
            }
        }
    }

    private static long read(KvReader reader, UnsafeBuffer key) {
        long found = 0;
        for (int i = 0; i < 20_000; i++) {
            key.putLong(0, 0x6B65792D6B65792DL);
            key.putLong(8, Mix.mix(i % 2_000));
            found += reader.get(key, 0, 16, true) > 0 ? 1 : 0;
        }
        return found;
    }
}
