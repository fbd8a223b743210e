package dev.cairn.client;

import com.sun.management.ThreadMXBean;
import dev.cairn.protocol.Status;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;

/**
 * Measures what a request costs the client in CPU time and heap: a server that answers everything at once runs on a thread of its
 * own in this process. Arguments: operations per round, outstanding, rounds. Not a test; run it by hand.
 */
final class ClientCost {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    public static void main(String[] args) throws InterruptedException {
        int operations = args.length > 0 ? Integer.parseInt(args[0]) : 500_000;
        int outstanding = args.length > 1 ? Integer.parseInt(args[1]) : 256;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 6;
        try (FakeServer.Group group = new FakeServer.Group();
                FakeServer server = group.start(new FakeServer.Script() {
                    @Override
                    public void onCommand(FakeServer.Connection connection, FakeServer.Command command) {
                        connection.commandReply(command.requestId(), Status.OK, 5);
                    }
                });
                CairnClient client =
                        CairnClient.builder().servers(server.address()).connect()) {
            server.recording = false;
            for (int round = 0; round < rounds; round++) {
                round(client, operations, outstanding);
            }
        }
    }

    private static void round(CairnClient client, int operations, int outstanding) throws InterruptedException {
        byte[] key = new byte[16];
        byte[] value = new byte[256];
        Semaphore room = new Semaphore(outstanding);
        CountDownLatch done = new CountDownLatch(operations);
        client.put(key, value);
        long loop = loopThread();
        long own = Thread.currentThread().getId();
        long loopCpu = THREADS.getThreadCpuTime(loop);
        long ownCpu = THREADS.getThreadCpuTime(own);
        long loopBytes = THREADS.getThreadAllocatedBytes(loop);
        long ownBytes = THREADS.getThreadAllocatedBytes(own);
        long startNs = System.nanoTime();
        for (int i = 0; i < operations; i++) {
            room.acquire();
            var unused = client.putAsync(key, value).whenComplete((result, failure) -> {
                room.release();
                done.countDown();
            });
        }
        done.await();
        double seconds = (System.nanoTime() - startNs) / 1e9;
        System.out.println("ops_s=" + Math.round(operations / seconds)
                + " loop_us=" + microseconds(THREADS.getThreadCpuTime(loop) - loopCpu, operations)
                + " caller_us=" + microseconds(THREADS.getThreadCpuTime(own) - ownCpu, operations)
                + " loop_bytes=" + (THREADS.getThreadAllocatedBytes(loop) - loopBytes) / operations
                + " caller_bytes=" + (THREADS.getThreadAllocatedBytes(own) - ownBytes) / operations);
    }

    private static double microseconds(long totalNs, int operations) {
        return Math.round(totalNs / 10.0 / operations) / 100.0;
    }

    private static long loopThread() {
        for (ThreadInfo thread : THREADS.dumpAllThreads(false, false)) {
            if (thread.getThreadName().startsWith("cairn-client")) {
                return thread.getThreadId();
            }
        }
        throw new IllegalStateException("no client thread");
    }

    private ClientCost() {}
}
