package dev.cairn.raft;

/** What a node is in its current term (Raft figure 4, and the pre-candidate of thesis 9.6). */
public enum Role {
    FOLLOWER,
    PRE_CANDIDATE,
    CANDIDATE,
    LEADER
}
