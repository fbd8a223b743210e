package dev.cairn.engine;

/** First byte of a row's key: which family of rows it belongs to. Never reused, never changed. */
public final class RowKind {
    /** User data; the rest is the user key, the value as in {@link ValueDescriptor}. */
    public static final byte DATA = 'd';

    /** Sessions; the rest is the session id, 8 bytes big-endian, the value as in {@link SessionRowDescriptor}. */
    public static final byte SESSION = 's';

    /** The state machine's own; the rest is a name: see {@link AppliedDescriptor#NAME} and {@link KvStateMachine#CONFIG_NAME}. */
    public static final byte META = 'm';

    private RowKind() {}
}
