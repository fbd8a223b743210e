package dev.cairn.testkit;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Addresses of a cluster on loopback and, where asked for, a {@link FaultProxy} on each link: from each node to each other
 * one and from clients to each node. Nodes are numbered from 1. The ports are this cluster's own until {@link #close}.
 */
public final class ClusterNetwork implements AutoCloseable {
    /** A directed link between nodes: requests go this way, the replies to them come back on it. */
    private record Link(int from, int to) {}

    private final int size;
    private final PortLease ports;
    private final Map<Link, FaultProxy> links =
            new TreeMap<>(Comparator.comparingInt(Link::from).thenComparingInt(Link::to));
    private final Map<Integer, FaultProxy> clientLinks = new TreeMap<>();
    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("fault-proxy", true), NioIoHandler.newFactory());

    private ClusterNetwork(final int size) {
        this.size = size;
        ports = PortLease.of(2 * size);
    }

    /** Nodes and clients dial each other as they are. */
    static ClusterNetwork direct(final int size) {
        return new ClusterNetwork(size);
    }

    /** All traffic goes through proxies. */
    static ClusterNetwork throughProxies(final int size) {
        final ClusterNetwork network = new ClusterNetwork(size);
        for (int to = 1; to <= size; to++) {
            for (int from = 1; from <= size; from++) {
                if (from != to) {
                    network.links.put(new Link(from, to), new FaultProxy(network.group.next(), network.peerPort(to)));
                }
            }
            network.clientLinks.put(to, new FaultProxy(network.group.next(), network.listeningClientPort(to)));
        }
        return network;
    }

    /** What a node must be told of the network: members as it sees them, and where it listens itself. */
    List<String> settings(final int id) {
        final String members = IntStream.rangeClosed(1, size)
                .mapToObj(to -> to + "=127.0.0.1:" + dialledPeerPort(id, to) + ":" + clientPort(to))
                .collect(Collectors.joining(","));
        return List.of("cluster.members=" + members, "client.listen=127.0.0.1:" + listeningClientPort(id));
    }

    private int dialledPeerPort(final int from, final int to) {
        final FaultProxy link = links.get(new Link(from, to));
        return link == null ? peerPort(to) : link.port();
    }

    /** Where a node listens for its peers. */
    int peerPort(final int id) {
        return ports.port(2 * id - 2);
    }

    /** Of the node itself, past any link. */
    int listeningClientPort(final int id) {
        return ports.port(2 * id - 1);
    }

    /** Where clients dial a node. */
    int clientPort(final int id) {
        final FaultProxy link = clientLinks.get(id);
        return link == null ? listeningClientPort(id) : link.port();
    }

    /** The link on which {@code from} sends its requests to {@code to}. */
    public FaultProxy link(final int from, final int to) {
        final FaultProxy link = links.get(new Link(from, to));
        if (link == null) {
            throw new IllegalArgumentException("no proxy from node " + from + " to node " + to + ": nodes are 1 to "
                    + size + ", and the cluster must be made with links");
        }
        return link;
    }

    /** The link on which clients reach a node. */
    public FaultProxy clientLink(final int id) {
        final FaultProxy link = clientLinks.get(id);
        if (link == null) {
            throw new IllegalArgumentException("no proxy in front of node " + id + ": nodes are 1 to " + size
                    + ", and the cluster must be made with links");
        }
        return link;
    }

    /** Cuts the node off from all other nodes, in both directions; clients still reach it. */
    public void isolate(final int id) {
        linksOf(id).forEach(FaultProxy::cut);
    }

    /** The links between a node and the others, in both directions. */
    public List<FaultProxy> linksOf(final int id) {
        final List<FaultProxy> all = new ArrayList<>();
        for (int other = 1; other <= size; other++) {
            if (other != id) {
                all.add(link(id, other));
                all.add(link(other, id));
            }
        }
        return all;
    }

    /** Cuts every link between these nodes and the rest; links inside both groups work. */
    public void partition(final Integer... group) {
        final Set<Integer> inside = new TreeSet<>(Arrays.asList(group));
        links.forEach((link, proxy) -> {
            if (inside.contains(link.from) == inside.contains(link.to)) {
                proxy.heal();
            } else {
                proxy.cut();
            }
        });
    }

    /** All links work, also those of clients. */
    public void heal() {
        links.values().forEach(FaultProxy::heal);
        clientLinks.values().forEach(FaultProxy::heal);
    }

    @Override
    public void close() {
        links.values().forEach(FaultProxy::close);
        clientLinks.values().forEach(FaultProxy::close);
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
        ports.close();
    }
}
