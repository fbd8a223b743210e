package dev.cairn.bench.measure;

import dev.cairn.client.CairnClient;
import dev.cairn.client.Scan;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A client in a process of its own that scans when it is told to: one scan of the prefix per line of standard input, one line about
 * it on standard output. So its memory can be seen, and its garbage collections do not appear in the latencies of the load.
 *
 * <p>Arguments: servers, prefix, bytes per chunk (0 = the server's default).
 */
final class ScanProcess {
    public static void main(String[] arguments) throws IOException {
        Scan scan =
                Scan.prefix(arguments[1].getBytes(StandardCharsets.UTF_8)).chunkBytes(Integer.parseInt(arguments[2]));
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (CairnClient client = CairnClient.builder().servers(arguments[0]).connect()) {
            while (commands.readLine() != null) {
                System.out.println(scanOnce(client, scan));
                System.out.flush();
            }
        }
    }

    private static String scanOnce(CairnClient client, Scan scan) {
        long beginNs = System.nanoTime();
        AtomicLong bytes = new AtomicLong();
        AtomicLong chunks = new AtomicLong();
        long count = client.scanAsync(scan, (entries, revision) -> {
                    entries.forEach(entry -> bytes.addAndGet(entry.key().length + entry.value().length));
                    chunks.incrementAndGet();
                    return true;
                })
                .join();
        long ms = (System.nanoTime() - beginNs) / 1_000_000;
        // What is left after a collection is what the scan has left behind.
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return String.format(
                Locale.ROOT,
                "scan count=%d bytes=%d chunks=%d ms=%d liveKb=%d",
                count,
                bytes.get(),
                chunks.get(),
                ms,
                (runtime.totalMemory() - runtime.freeMemory()) >> 10);
    }

    private ScanProcess() {}
}
