package dev.cairn.bench.scale;

import dev.cairn.bench.load.LoadOptions;

/**
 * One point of an axis.
 *
 * @param at the axis' value
 * @param delayMs from node to node, each way; {@link #NO_PROXY} = nodes dial each other as they are
 * @param outstanding operations in flight, all connections together
 */
record ScalePoint(
        Axis axis, int at, int nodes, int delayMs, int valueBytes, int keys, int connections, int outstanding) {
    static final int NO_PROXY = -1;
    static final int KEY_BYTES = 16;

    private static final int BASE_NODES = 3;
    private static final int BASE_VALUE_BYTES = 256;
    private static final int BASE_OUTSTANDING = 256;

    /** What all axes have in common. */
    static ScalePoint base(Axis axis, int at, int keys) {
        return new ScalePoint(axis, at, BASE_NODES, NO_PROXY, BASE_VALUE_BYTES, keys, 1, BASE_OUTSTANDING);
    }

    ScalePoint withNodes(int newNodes) {
        return new ScalePoint(axis, at, newNodes, delayMs, valueBytes, keys, connections, outstanding);
    }

    ScalePoint withDelayMs(int newDelayMs) {
        return new ScalePoint(axis, at, nodes, newDelayMs, valueBytes, keys, connections, outstanding);
    }

    ScalePoint withValueBytes(int newValueBytes) {
        return new ScalePoint(axis, at, nodes, delayMs, newValueBytes, keys, connections, outstanding);
    }

    ScalePoint withKeys(int newKeys) {
        return new ScalePoint(axis, at, nodes, delayMs, valueBytes, newKeys, connections, outstanding);
    }

    ScalePoint withLoad(int newConnections, int newOutstanding) {
        return new ScalePoint(axis, at, nodes, delayMs, valueBytes, keys, newConnections, newOutstanding);
    }

    boolean proxied() {
        return delayMs != NO_PROXY;
    }

    /** True when a cluster made for the other one can serve this one. */
    boolean sameCluster(ScalePoint other) {
        return nodes == other.nodes && delayMs == other.delayMs;
    }

    /** What the load is to do. How many connections it has is the affair of whoever makes them. */
    LoadOptions load(String servers, boolean reads, int seconds, int warmupSeconds) {
        return new LoadOptions(
                servers,
                reads ? LoadOptions.Mode.GET : LoadOptions.Mode.PUT,
                reads ? 100 : 0,
                outstanding,
                0,
                seconds,
                warmupSeconds,
                keys,
                KEY_BYTES,
                valueBytes,
                Math.min(connections, LoadOptions.MAX_CONNECTIONS));
    }

    @Override
    public String toString() {
        return axis.word() + '=' + at + (axis == Axis.DELAY && !proxied() ? " (no proxy)" : "");
    }
}
