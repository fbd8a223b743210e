package dev.cairn.bench.etcd;

import dev.cairn.bench.targets.LoadTarget;
import dev.cairn.bench.targets.TargetKind;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/** etcd. The load goes to the leader, which spares etcd a hop for each operation. */
public final class EtcdKind implements TargetKind {
    private static final long LEADER_DEADLINE_NS = TimeUnit.SECONDS.toNanos(30);
    private static final long STATUS_DEADLINE_SECONDS = 2;
    private static final long RETRY_MS = 100;

    /** For the loader of services. */
    public EtcdKind() {}

    @Override
    public String word() {
        return "etcd";
    }

    @Override
    public Connected connect(String servers, int connections, int maxOutstanding) {
        String leader = awaitLeader(List.of(servers.split(",")));
        List<LoadTarget> targets = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            targets.add(new EtcdTarget(channel(leader)));
        }
        return new Connected(
                targets, "forced", "etcd's default; it cannot be asked", List.of(leader + " leader of " + servers));
    }

    private static ManagedChannel channel(String server) {
        return NettyChannelBuilder.forTarget("dns:///" + server)
                .usePlaintext()
                .directExecutor()
                .build();
    }

    private static String awaitLeader(List<String> servers) {
        long deadlineNs = System.nanoTime() + LEADER_DEADLINE_NS;
        try {
            while (System.nanoTime() - deadlineNs < 0) {
                for (String server : servers) {
                    if (leads(server)) {
                        return server;
                    }
                }
                TimeUnit.MILLISECONDS.sleep(RETRY_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new IllegalStateException("none of " + servers + " says that it leads");
    }

    private static boolean leads(String server) {
        ManagedChannel channel = channel(server);
        try {
            CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(STATUS_DEADLINE_SECONDS, TimeUnit.SECONDS);
            byte[] status = EtcdTarget.call(channel, EtcdMessages.STATUS, new byte[0], options)
                    .join();
            return EtcdMessages.isLeader(status);
        } catch (CompletionException notYet) {
            return false;
        } finally {
            channel.shutdownNow();
        }
    }
}
