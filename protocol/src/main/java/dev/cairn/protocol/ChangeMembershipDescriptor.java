package dev.cairn.protocol;

/**
 * Block of CHANGE_MEMBERSHIP, the changes one behind the other after it.
 *
 * <pre>
 *   0 i32 number of changes, 0 = only asks who the members are    4 i32 0
 *   each:
 *   0 u8 kind    1 u8 0    2 u16 node id    4 u16 node id that is replaced, else 0
 *   6 u16 length of the address, 0 = none    8 address, host:peerPort:clientPort[:httpPort] in UTF-8
 * </pre>
 */
public final class ChangeMembershipDescriptor {
    public static final int COUNT_OFFSET = 0;
    public static final int BLOCK_LENGTH = 8;

    public static final int KIND_OFFSET = 0;
    public static final int NODE_ID_OFFSET = 2;
    public static final int REPLACED_ID_OFFSET = 4;
    public static final int ADDRESS_LENGTH_OFFSET = 6;
    public static final int CHANGE_LENGTH = 8;

    /** A node that gets everything and has no vote. */
    public static final int KIND_ADD_LEARNER = 1;
    /** A node that gets its vote by itself once it has caught up. */
    public static final int KIND_ADD_VOTER = 2;
    /** A learner gets its vote now. */
    public static final int KIND_PROMOTE = 3;

    public static final int KIND_REMOVE = 4;
    /** A node that takes a voter's place by itself once it has caught up. */
    public static final int KIND_REPLACE = 5;

    private ChangeMembershipDescriptor() {}
}
