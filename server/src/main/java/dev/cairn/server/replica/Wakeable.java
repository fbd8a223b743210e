package dev.cairn.server.replica;

/** A duty cycle that may be parked and must look again. Any thread; cheap when it is awake. */
@FunctionalInterface
public interface Wakeable {
    void wake();
}
