package dev.cairn.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The 64 bits that stand for a cluster id in headers. */
public final class ClusterIdHash {
    /** In HELLO: the client takes any cluster. */
    public static final long ANY = 0;

    /**
     * The first 8 bytes of the SHA-256 of the id's UTF-8 bytes, read as a little-endian number; 1 in place of 0, which means
     * "any".
     */
    public static long of(String clusterId) {
        byte[] hash = sha256().digest(clusterId.getBytes(StandardCharsets.UTF_8));
        long value = ByteBuffer.wrap(hash).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return value == ANY ? 1 : value;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks SHA-256, which every Java runtime must have", e);
        }
    }

    private ClusterIdHash() {}
}
