package dev.cairn.bench.targets;

import java.util.List;

/**
 * A kind of system that the load generator can be put on. Kinds that are not part of this module, for whose libraries nobody else
 * should pay, are found by {@link java.util.ServiceLoader} on the class path of the process that puts the load on them.
 */
public interface TargetKind {
    /** As on the command line. */
    String word();

    /** Whether its targets know scans and read-modify-writes. */
    default boolean scansAndSwaps() {
        return false;
    }

    /**
     * Connects, without waiting for servers that do not answer.
     *
     * @param servers {@code host:port} separated by commas; an {@link IllegalArgumentException} says what is wrong with it
     * @param connections how many targets are wanted
     * @param maxOutstanding operations that will be in flight at most, all targets together
     */
    Connected connect(String servers, int connections, int maxOutstanding);

    /**
     * What {@link #connect} found.
     *
     * @param durability when a write is acknowledged, one word as {@link Durability} has them; {@code unknown} = no server answered
     * @param answered what stands behind that word, such as how many servers have said it
     * @param servers a line about each server
     */
    record Connected(List<LoadTarget> targets, String durability, String answered, List<String> servers)
            implements AutoCloseable {
        @Override
        public void close() {
            targets.forEach(LoadTarget::close);
        }
    }
}
