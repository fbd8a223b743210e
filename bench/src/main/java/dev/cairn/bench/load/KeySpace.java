package dev.cairn.bench.load;

/** Keys of one fixed width: a letter, mostly {@code k}, and the key's number with leading zeros. Immutable. */
public final class KeySpace {
    private final int count;
    private final int keyBytes;
    private final char letter;

    public KeySpace(int count, int keyBytes) {
        this(count, keyBytes, 'k');
    }

    public KeySpace(int count, int keyBytes, char letter) {
        this.letter = letter;
        this.count = count;
        this.keyBytes = keyBytes;
    }

    /** Shortest width that tells so many keys apart. */
    static int minKeyBytes(int count) {
        return 1 + Integer.toString(Math.max(0, count - 1)).length();
    }

    int count() {
        return count;
    }

    public int keyBytes() {
        return keyBytes;
    }

    /** Overwrites the whole key. */
    public void encode(int number, byte[] key) {
        int rest = number;
        for (int i = keyBytes - 1; i > 0; i--) {
            key[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        key[0] = (byte) letter;
    }
}
