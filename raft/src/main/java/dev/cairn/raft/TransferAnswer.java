package dev.cairn.raft;

/** What {@link RaftCore#transferLeadership} says to a request; only the first begins, or goes on with, a transfer. */
public enum TransferAnswer {
    STARTED("leadership is being handed over"),
    NOT_LEADER("this node does not lead"),
    TO_ITSELF("this node leads already"),
    NO_VOTER("the target is no voter of this cluster"),
    ANOTHER_UNDER_WAY("leadership is being handed to another node"),
    UNREACHABLE("the target was not heard for two heartbeats"),
    DISK_FULL("the target's disk is full"),
    NEEDS_SNAPSHOT("the target is so far behind that it needs a snapshot first"),
    REPAIRING("the target repairs its log and may not lead"),
    NOBODY_CAN("no other voter can take over now: unreachable, full, or far behind");

    private final String text;

    TransferAnswer(final String text) {
        this.text = text;
    }

    /** One line for people. */
    public String text() {
        return text;
    }
}
