package dev.cairn.server;

/** Where threads of a node hand what they cannot survive. The node must not go on: a promise may be broken. */
@FunctionalInterface
public interface FatalErrorHandler {
    /** Called on the thread that failed; that thread does nothing more. */
    void onFatalError(String threadName, Throwable failure);
}
