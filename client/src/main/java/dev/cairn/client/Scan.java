package dev.cairn.client;

import dev.cairn.protocol.Limits;
import dev.cairn.protocol.ScanDescriptor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * What a range read asks for. Immutable; each method returns a changed copy. Bounds are copied.
 *
 * <pre>{@code
 * Scan lastTen = Scan.prefix(prefix).reverse().limit(10);
 * }</pre>
 *
 * <p>Keys are ordered by their unsigned bytes, a shorter one before its extensions. All entries of one scan show one moment of
 * the data, whatever is written meanwhile (but see {@link #resuming}).
 */
public final class Scan {
    private static final byte ASCENDING = 'a';
    private static final byte DESCENDING = 'd';

    private byte[] from;
    private byte[] to;
    private boolean reverse;
    private boolean keysOnly;
    private boolean resuming;
    private boolean exhausted;
    private long limit;
    private int chunkBytes;
    private long minRevision;
    private @Nullable ReadMode mode;

    private Scan(byte[] from, byte[] to) {
        this.from = from;
        this.to = to;
    }

    private Scan copy() {
        Scan copy = new Scan(from, to);
        copy.reverse = reverse;
        copy.keysOnly = keysOnly;
        copy.resuming = resuming;
        copy.exhausted = exhausted;
        copy.limit = limit;
        copy.chunkBytes = chunkBytes;
        copy.minRevision = minRevision;
        copy.mode = mode;
        return copy;
    }

    /** All keys. */
    public static Scan all() {
        return new Scan(KeyBounds.OPEN, KeyBounds.OPEN);
    }

    /**
     * The keys from {@code from} (inclusive, empty = from the first) to {@code to} (exclusive, empty = to the last). Bounds that
     * are not in this order make the call fail with {@link RequestRejectedException}.
     */
    public static Scan range(byte[] from, byte[] to) {
        return new Scan(from.clone(), to.clone());
    }

    /** All keys that begin so; an empty prefix means all keys. */
    public static Scan prefix(byte[] prefix) {
        return new Scan(prefix.clone(), KeyBounds.behindPrefix(prefix));
    }

    /** Descending, from the last key of the range on. */
    public Scan reverse() {
        Scan copy = copy();
        copy.reverse = true;
        return copy;
    }

    /** Entries come with empty values. */
    public Scan keysOnly() {
        Scan copy = copy();
        copy.keysOnly = true;
        return copy;
    }

    /** At most so many entries; 0 = no limit. For a page: entries per page. */
    public Scan limit(long entries) {
        if (entries < 0) {
            throw new IllegalArgumentException("limit: " + entries + ", allowed are 0 (none) and more");
        }
        Scan copy = copy();
        copy.limit = entries;
        return copy;
    }

    /** Bytes of entries that a server sends at once, up to {@link Limits#MAX_SCAN_CHUNK_BYTES}; 0 = the server's default. */
    public Scan chunkBytes(int bytes) {
        if (bytes < 0 || bytes > Limits.MAX_SCAN_CHUNK_BYTES) {
            throw new IllegalArgumentException(
                    "chunkBytes: " + bytes + ", allowed are 0 to " + Limits.MAX_SCAN_CHUNK_BYTES);
        }
        Scan copy = copy();
        copy.chunkBytes = bytes;
        return copy;
    }

    /** How fresh it must be; else the client's default counts. */
    public Scan readMode(ReadMode readMode) {
        Scan copy = copy();
        copy.mode = readMode;
        return copy;
    }

    /** The server must have applied this revision, else the scan fails with NOT_CAUGHT_UP; 0 = any. */
    public Scan minRevision(long revision) {
        Scan copy = copy();
        copy.minRevision = revision;
        return copy;
    }

    /**
     * Goes on by itself when it is interrupted, behind the last entry, instead of failing with {@link ScanInterruptedException}.
     * Its entries then show more than one moment; each key is still delivered at most once.
     */
    public Scan resuming() {
        Scan copy = copy();
        copy.resuming = true;
        return copy;
    }

    /**
     * Only what lies behind the place that a {@link ScanPage#next} or {@link ScanInterruptedException#token} names. The scan must
     * otherwise be the one that the token came from.
     *
     * @throws IllegalArgumentException when the text is no token of a scan in this direction, or its place lies outside of
     *     this range
     */
    public Scan after(String token) {
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(token.getBytes(StandardCharsets.ISO_8859_1));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("token: not one of a scan: " + token, e);
        }
        if (bytes.length < 2 || bytes.length > 1 + Limits.MAX_KEY_BYTES || bytes[0] != direction()) {
            throw new IllegalArgumentException("token: not one of a scan in this direction: " + token);
        }
        byte[] lastKey = Arrays.copyOfRange(bytes, 1, bytes.length);
        if (Arrays.compareUnsigned(lastKey, from) < 0 || (to.length > 0 && Arrays.compareUnsigned(lastKey, to) >= 0)) {
            throw new IllegalArgumentException("token: of another scan, its place is outside of this range: " + token);
        }
        return behind(lastKey);
    }

    /** The rest of this scan when {@code lastKey} has been delivered. */
    Scan behind(byte[] lastKey) {
        Scan copy = copy();
        if (reverse) {
            copy.to = lastKey;
        } else {
            copy.from = KeyBounds.behind(lastKey);
        }
        // An empty bound is an open one: here nothing lies behind the key.
        copy.exhausted = (!reverse && copy.from.length == 0)
                || (copy.to.length > 0 && Arrays.compareUnsigned(copy.from, copy.to) >= 0);
        return copy;
    }

    /** The same with a limit that is lower by this count; without limit the same. */
    Scan reducedBy(long delivered) {
        if (limit == 0) {
            return this;
        }
        Scan copy = copy();
        copy.limit = limit - delivered;
        copy.exhausted = exhausted || copy.limit <= 0;
        return copy;
    }

    /** Names the place behind this key. */
    String tokenAt(byte[] key) {
        byte[] bytes = new byte[1 + key.length];
        bytes[0] = direction();
        System.arraycopy(key, 0, bytes, 1, key.length);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private byte direction() {
        return reverse ? DESCENDING : ASCENDING;
    }

    /** True when a token or the last key has left nothing of the range. */
    boolean isExhausted() {
        return exhausted;
    }

    /** Why the range cannot be asked for; null = it can. */
    @Nullable
    RequestRejectedException check() {
        return KeyBounds.check(from, to);
    }

    long limit() {
        return limit;
    }

    boolean isResuming() {
        return resuming;
    }

    ReadMode modeOr(ReadMode defaultMode) {
        return mode == null ? defaultMode : mode;
    }

    ScanRequest request(ReadMode defaultMode, boolean countOnly) {
        int flags = (reverse ? ScanDescriptor.FLAG_REVERSE : 0)
                | (keysOnly ? ScanDescriptor.FLAG_KEYS_ONLY : 0)
                | (countOnly ? ScanDescriptor.FLAG_COUNT_ONLY : 0);
        return new ScanRequest(modeOr(defaultMode), flags, chunkBytes, minRevision, limit, from, to);
    }
}
