package dev.cairn.protocol;

/**
 * The outcome of a request, as it stands on the wire (u16).
 *
 * <p>{@link #effect()} speaks of the <em>transmission</em> that the reply answers (one request id on one connection): an
 * earlier transmission of the same (session, sequence) may have had another fate.
 */
public enum Status {
    /** Done. */
    OK(0, Effect.APPLIED, false),
    /** Done; the key does not exist. */
    NOT_FOUND(1, Effect.APPLIED, false),
    /** This node does not lead; the reply names the leader if it is known. */
    NOT_LEADER(2, Effect.NONE, true),
    /** No room for this request now. */
    BUSY(3, Effect.NONE, true),
    /** The frame is whole, its content contradicts the layout. */
    BAD_REQUEST(4, Effect.NONE, false),
    /** Key of length 0. */
    KEY_EMPTY(5, Effect.NONE, false),
    /** Key longer than {@link Limits#MAX_KEY_BYTES}. */
    KEY_TOO_LARGE(6, Effect.NONE, false),
    /** Value longer than {@link Limits#MAX_VALUE_BYTES}. */
    VALUE_TOO_LARGE(7, Effect.NONE, false),
    /** The session is unknown; nothing was executed. Another attempt needs a new session. */
    SESSION_EXPIRED(8, Effect.NONE, false),
    /** The sequence was used for other bytes; nothing was executed now. */
    SEQUENCE_REUSED(9, Effect.NONE, false),
    /** The sequence is below the lowest open one, or too far above; nothing was executed now. */
    SEQUENCE_OUT_OF_WINDOW(10, Effect.NONE, false),
    /** No common protocol version. */
    UNSUPPORTED_VERSION(11, Effect.NONE, false),
    /** The server belongs to another cluster. */
    WRONG_CLUSTER(12, Effect.NONE, false),
    /** Message type that the receiver does not know. */
    UNKNOWN_TYPE(13, Effect.NONE, false),
    /** Frame longer than {@link Limits#MAX_FRAME_BYTES}; the connection ends. */
    FRAME_TOO_LARGE(14, Effect.NONE, false),
    /** Frame with a wrong checksum or an impossible length; the connection ends. */
    FRAME_CORRUPT(15, Effect.NONE, false),
    /** The disk is too full for writes; reads go on. */
    NO_SPACE(16, Effect.NONE, true),
    /** The node stops. */
    SHUTTING_DOWN(17, Effect.NONE, true),
    /** The node failed while it worked on the request. */
    INTERNAL(18, Effect.UNKNOWN, false),
    /** The node gave up waiting for the outcome. */
    DEADLINE(19, Effect.UNKNOWN, false),
    /** A stale read with a minimum revision that this node has not reached. */
    NOT_CAUGHT_UP(20, Effect.NONE, true),
    /** The command's condition did not hold; nothing was changed. */
    CONDITION_FAILED(21, Effect.APPLIED, false),
    /** ADD to a value that is no decimal 64-bit number; nothing was changed. */
    NOT_A_NUMBER(22, Effect.APPLIED, false),
    /** ADD beyond the 64-bit range; nothing was changed. */
    NUMBER_OVERFLOW(23, Effect.APPLIED, false),
    /** RESOLVE has cancelled this sequence: it was not executed and never will be. */
    CANCELLED(24, Effect.NONE, false),
    /** The stored answers of this session, or of all sessions, leave no room for another result; settle some first. */
    SESSION_FULL(25, Effect.NONE, true),
    /** Another name has the same session id. */
    SESSION_NAME_TAKEN(26, Effect.NONE, false),
    /** The scan's cursor is unknown: idle for too long, closed, or of another node. */
    CURSOR_EXPIRED(27, Effect.NONE, false),
    /** The result would not fit into one frame; ask for less. */
    RESULT_TOO_LARGE(28, Effect.NONE, false),
    /** Answer to RESOLVE: the command was not executed and never will be. */
    NOT_EXECUTED(29, Effect.APPLIED, false),
    /** What an operator asked for cannot be done, or was not done in time; the text says why. */
    REFUSED(30, Effect.NONE, false);

    /** What the answered transmission did to the replicated state. */
    public enum Effect {
        /** It was executed, or an earlier transmission of the same sequence was and this is its stored answer. */
        APPLIED,
        /** It was not executed and never will be. */
        NONE,
        /** Nobody can tell from this reply. */
        UNKNOWN
    }

    private static final Status[] BY_CODE = values();

    private final int code;
    private final Effect effect;
    private final boolean retrySafe;

    Status(int code, Effect effect, boolean retrySafe) {
        this.code = code;
        this.effect = effect;
        this.retrySafe = retrySafe;
    }

    /** The code on the wire, u16. */
    public int code() {
        return code;
    }

    /** What the answered transmission did. */
    public Effect effect() {
        return effect;
    }

    /** True when the same bytes may be sent again, here or to another node, and may then succeed. */
    public boolean retrySafe() {
        return retrySafe;
    }

    /** True for the outcomes of an executed request: {@link #OK}, {@link #NOT_FOUND}, {@link #CONDITION_FAILED} and the like. */
    public boolean isResult() {
        return effect == Effect.APPLIED;
    }

    /** The status with this code; {@link #INTERNAL} for a code of a later protocol version: its effect is unknown here. */
    public static Status of(int code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : INTERNAL;
    }
}
