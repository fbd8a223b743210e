package dev.cairn.bench;

/** Keys of one fixed width: a letter, mostly {@code k}, and the key's number with leading zeros. Immutable. */
final class KeySpace {
    private final int count;
    private final int keyBytes;
    private final char letter;

    KeySpace(int count, int keyBytes) {
        this(count, keyBytes, 'k');
    }

    KeySpace(int count, int keyBytes, char letter) {
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

    int keyBytes() {
        return keyBytes;
    }

    /** Overwrites the whole key. */
    void encode(int number, byte[] key) {
        int rest = number;
        for (int i = keyBytes - 1; i > 0; i--) {
            key[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        key[0] = (byte) letter;
    }
}
