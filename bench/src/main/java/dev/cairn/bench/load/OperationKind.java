package dev.cairn.bench.load;

/** What an operation of a load does. */
public enum OperationKind {
    /** Writes a key that is there, or shall be. */
    PUT("put"),
    /** Reads a key linearizably. */
    GET("get"),
    /** Writes a key that has never been written. */
    INSERT("insert"),
    /** Reads entries in the order of their keys. */
    SCAN("scan"),
    /** Reads a key, and writes it if nobody else has written it meanwhile; else again. */
    READ_MODIFY_WRITE("rmw");

    private final String word;

    OperationKind(String word) {
        this.word = word;
    }

    /** In files and in the result line. */
    String word() {
        return word;
    }
}
