package dev.cairn.protocol;

/** Message types of the client protocol (u16 in {@link FrameHeader}). Numbers from 100 belong to the peer protocol. */
public final class MessageType {
    /** Client to server, first frame of a connection: {@link HelloDescriptor}. */
    public static final int HELLO = 1;

    /** Answer to HELLO: {@link HelloReplyDescriptor}. */
    public static final int HELLO_REPLY = 2;

    /** A command for the replicated state machine: {@link CommandDescriptor}, stored verbatim in the log. */
    public static final int COMMAND = 3;

    /** Result of a command: {@link CommandReplyDescriptor}. */
    public static final int COMMAND_REPLY = 4;

    /** Point read: {@link GetDescriptor}. */
    public static final int GET = 5;

    /** Result of a point read: {@link GetReplyDescriptor}. */
    public static final int GET_REPLY = 6;

    /** Refusal of any request, or word about the whole connection: {@link ErrorReplyDescriptor}. */
    public static final int ERROR_REPLY = 7;

    /** Asks a node about itself; empty block. */
    public static final int STATUS = 8;

    /** Answer to STATUS: {@link StatusReplyDescriptor}. */
    public static final int STATUS_REPLY = 9;

    /** Reads several keys of one moment: {@link MultiGetDescriptor}. */
    public static final int MULTI_GET = 10;

    /** Answer to MULTI_GET: {@link MultiGetReplyDescriptor}. */
    public static final int MULTI_GET_REPLY = 11;

    /** Begins a range read: {@link ScanDescriptor}. */
    public static final int SCAN = 12;

    /** One chunk of a range: {@link ScanReplyDescriptor}. */
    public static final int SCAN_REPLY = 13;

    /** Asks for a scan's next chunk: {@link ScanCursorDescriptor}. */
    public static final int SCAN_NEXT = 14;

    /** Gives a scan up: {@link ScanCursorDescriptor}. */
    public static final int SCAN_CLOSE = 15;

    /** Waits until a node has applied an index: {@link WaitAppliedDescriptor}. */
    public static final int WAIT_APPLIED = 16;

    /** Answer to WAIT_APPLIED: {@link WaitAppliedReplyDescriptor}. */
    public static final int WAIT_APPLIED_REPLY = 17;

    /** Asks a node for everything about itself; empty block. */
    public static final int NODE_DETAILS = 18;

    /** Answer to NODE_DETAILS: empty block, then one JSON object in UTF-8. */
    public static final int NODE_DETAILS_REPLY = 19;

    /** Asks for a checkpoint to read and pins it; empty block. */
    public static final int CHECKPOINT_OPEN = 20;

    /** Answer to CHECKPOINT_OPEN: {@link CheckpointOpenReplyDescriptor}. */
    public static final int CHECKPOINT_OPEN_REPLY = 21;

    /** Reads a piece of a checkpoint's file: {@link CheckpointReadDescriptor}. */
    public static final int CHECKPOINT_READ = 22;

    /** Answer to CHECKPOINT_READ: {@link CheckpointReadReplyDescriptor}. */
    public static final int CHECKPOINT_READ_REPLY = 23;

    /** Asks the leader to hand leadership over: {@link TransferLeaderDescriptor}; answered by STATUS_REPLY. */
    public static final int TRANSFER_LEADER = 24;

    /** Asks the leader to change who belongs to the cluster: {@link ChangeMembershipDescriptor}. */
    public static final int CHANGE_MEMBERSHIP = 25;

    /** Answer to CHANGE_MEMBERSHIP: {@link MembershipReplyDescriptor}. */
    public static final int MEMBERSHIP_REPLY = 26;

    private MessageType() {}
}
