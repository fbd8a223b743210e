package dev.cairn.client;

/**
 * A key with its value as read. The arrays are the caller's own (equality is by identity, as always with arrays).
 *
 * @param key the key asked for
 * @param value its value, may be empty
 * @param createRevision revision (log index) of the write that created the key
 * @param modRevision revision of its last write
 * @param version number of writes since creation, 1 = just created
 */
// Bytes are arrays because a copy or a wrapper per read would cost more than the read; equality by identity is
// documented.
@SuppressWarnings("ArrayRecordComponent")
public record KeyValue(byte[] key, byte[] value, long createRevision, long modRevision, long version) {}
