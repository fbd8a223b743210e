package dev.cairn.bench.scale;

import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.testkit.FaultProxy;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A proxy on each link from node to node, all on one thread of this process, with the same delay in each direction. */
final class DelayedLinks implements AutoCloseable {
    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("delayed-links", true), NioIoHandler.newFactory());
    private final List<FaultProxy> proxies = new ArrayList<>();
    private final int[][] ports;

    DelayedLinks(MeasuredNodes nodes, int delayMs) {
        int size = nodes.size();
        ports = new int[size][size];
        for (int from = 1; from <= size; from++) {
            for (int to = 1; to <= size; to++) {
                ports[from - 1][to - 1] = from == to ? nodes.peerPort(to) : link(nodes.peerPort(to), delayMs);
            }
        }
    }

    private int link(int target, int delayMs) {
        FaultProxy proxy = new FaultProxy(group.next(), target);
        proxies.add(proxy);
        if (delayMs > 0) {
            proxy.delay(Duration.ofMillis(delayMs));
        }
        return proxy.port();
    }

    /** Peer ports of nodes 1, 2, ... as this node dials them. */
    int[] portsSeenBy(int id) {
        return ports[id - 1].clone();
    }

    /** Processor time of the proxies' thread so far. */
    long usedNs() {
        return group.next()
                .submit(() -> ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime())
                .syncUninterruptibly()
                .getNow();
    }

    @Override
    public void close() {
        proxies.forEach(FaultProxy::close);
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
