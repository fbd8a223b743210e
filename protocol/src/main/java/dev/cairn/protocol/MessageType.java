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

    private MessageType() {}
}
