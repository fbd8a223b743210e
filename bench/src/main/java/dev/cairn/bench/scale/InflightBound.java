package dev.cairn.bench.scale;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.raft.RaftConfig;
import java.util.Set;

/** How many writes per second the leader's window of entries on their way allows when the way is long. */
final class InflightBound {
    private static final RaftConfig NODE = RaftConfig.of(1, Set.of(1), 1, 2, 4);

    private InflightBound() {}

    /** Entries that may be under way to a follower at once; what the clients have outstanding bounds it too. */
    static double entries(ScalePoint point) {
        double byBytes = (double) NODE.maxInflightBytes()
                / (CommandDescriptor.BLOCK_LENGTH + ScalePoint.KEY_BYTES + point.valueBytes());
        return Math.min(point.outstanding(), Math.min(NODE.maxInflightEntries(), byBytes));
    }

    /** Not a number without a delay. */
    static double perSecond(ScalePoint point) {
        return point.delayMs() > 0 ? entries(point) * 1000 / (2.0 * point.delayMs()) : Double.NaN;
    }
}
