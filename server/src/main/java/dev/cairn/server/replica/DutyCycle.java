package dev.cairn.server.replica;

/** An agent that is stepped by one thread, its own in a node. */
public interface DutyCycle {
    /** One cycle; never waits for other agents. Returns how much was done. */
    int doWork();

    /** True when {@link #doWork} would find something; the stepping thread asks before it parks. */
    boolean hasWork();
}
