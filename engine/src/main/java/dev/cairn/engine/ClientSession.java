package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.Status;
import java.util.Arrays;
import org.agrona.BitUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One client's stored answers, by sequence, from the lowest one that the client still waits for. Owned by the apply thread.
 *
 * <p>A ring indexed by sequence, which grows with the widest span in flight and is bounded by the window: 14 bytes a sequence, so 56 KiB for
 * a client that has had the whole window of 4096 open, 224 bytes for one that never had more than 16. Result bytes come on top where an
 * answer has some; the first of them adds 4 or 8 bytes a sequence.
 */
final class ClientSession {
    private static final int INITIAL_CAPACITY = 16;
    private static final short FREE = -1;

    private static final byte[][] NO_RESULTS = new byte[0][];

    private final long id;
    private final byte[] name;
    private final long openedLogTimeMs;
    private long lastActiveLogTimeMs;
    private long lowestOpen = 1;
    /** Highest sequence ever answered; answers stand in [lowestOpen, highestAnswered]. */
    private long highestAnswered;

    private int answerCount;

    private short[] statuses;
    private int[] crcs = new int[INITIAL_CAPACITY];
    private long[] revisions = new long[INITIAL_CAPACITY];

    /** Result bytes by slot, null for none; of length 0 until the session has its first one. Nobody changes the bytes. */
    private byte[] @Nullable [] results = NO_RESULTS;

    private int resultBytes;

    /** For the table: a row is due, respectively the session is still open. */
    private boolean touched;

    private boolean open = true;

    /** For the table: neighbours in the order of activity. */
    @Nullable
    ClientSession idler;

    @Nullable
    ClientSession busier;

    /** @param name bytes of the name that the session was opened for, empty for none; nobody changes them */
    ClientSession(long id, byte[] name, long openedLogTimeMs) {
        this.id = id;
        this.name = name;
        this.openedLogTimeMs = openedLogTimeMs;
        this.lastActiveLogTimeMs = openedLogTimeMs;
        statuses = new short[INITIAL_CAPACITY];
        Arrays.fill(statuses, FREE);
    }

    long id() {
        return id;
    }

    boolean hasName(byte[] other) {
        return Arrays.equals(name, other);
    }

    long lowestOpen() {
        return lowestOpen;
    }

    /** Result bytes of all stored answers. */
    int resultBytes() {
        return resultBytes;
    }

    /** What {@link #resultBytes} would be if all answers below the sequence were forgotten. */
    int resultBytesFrom(long sequence) {
        int bytes = resultBytes;
        for (long dropped = lowestOpen; bytes > 0 && dropped < sequence && dropped <= highestAnswered; dropped++) {
            bytes -= result(slot(dropped)).length;
        }
        return bytes;
    }

    long lastActiveLogTimeMs() {
        return lastActiveLogTimeMs;
    }

    boolean isOpen() {
        return open;
    }

    void close() {
        open = false;
    }

    /** Notes activity. Returns true the first time since {@link #clearTouched}. */
    boolean touch(long logTimeMs) {
        lastActiveLogTimeMs = logTimeMs;
        boolean first = !touched;
        touched = true;
        return first;
    }

    void clearTouched() {
        touched = false;
    }

    /** Slot of the answer to a sequence at or above {@link #lowestOpen}, or -1 when there is none. */
    int find(long sequence) {
        if (sequence > highestAnswered) {
            return -1;
        }
        int slot = slot(sequence);
        return statuses[slot] == FREE ? -1 : slot;
    }

    int crc(int slot) {
        return crcs[slot];
    }

    Status status(int slot) {
        return Status.of(statuses[slot]);
    }

    long revision(int slot) {
        return revisions[slot];
    }

    byte[] result(int slot) {
        byte[] result = results.length == 0 ? null : results[slot];
        return result == null ? PendingResults.NO_BYTES : result;
    }

    /** The client has all answers below: forgets them. */
    void advanceLowestOpen(long sequence) {
        if (sequence <= lowestOpen) {
            return;
        }
        for (long dropped = lowestOpen; dropped < sequence && dropped <= highestAnswered; dropped++) {
            int slot = slot(dropped);
            if (statuses[slot] != FREE) {
                statuses[slot] = FREE;
                answerCount--;
                resultBytes -= result(slot).length;
                if (results.length != 0) {
                    results[slot] = null;
                }
            }
        }
        lowestOpen = sequence;
    }

    /** Stores the answer to a sequence within the window that has none. */
    void answer(long sequence, int crc, Status status, long revision, byte[] result) {
        ensureSpan(sequence - lowestOpen + 1);
        int slot = slot(sequence);
        statuses[slot] = (short) status.code();
        crcs[slot] = crc;
        revisions[slot] = revision;
        if (result.length != 0) {
            if (results.length == 0) {
                results = new byte[statuses.length][];
            }
            results[slot] = result;
            resultBytes += result.length;
        }
        answerCount++;
        highestAnswered = Math.max(highestAnswered, sequence);
    }

    /** By difference: the loop variable wraps when the highest sequence is the last one that there is. */
    private static boolean isUpTo(long sequence, long last) {
        return sequence - last <= 0;
    }

    private int slot(long sequence) {
        return (int) sequence & (statuses.length - 1);
    }

    private void ensureSpan(long span) {
        if (span <= statuses.length) {
            return;
        }
        int capacity = BitUtil.findNextPositivePowerOfTwo((int) span);
        short[] newStatuses = new short[capacity];
        int[] newCrcs = new int[capacity];
        long[] newRevisions = new long[capacity];
        byte[] @Nullable [] newResults = results.length == 0 ? NO_RESULTS : new byte[capacity][];
        Arrays.fill(newStatuses, FREE);
        for (long sequence = lowestOpen; isUpTo(sequence, highestAnswered); sequence++) {
            int from = slot(sequence);
            int to = (int) sequence & (capacity - 1);
            newStatuses[to] = statuses[from];
            newCrcs[to] = crcs[from];
            newRevisions[to] = revisions[from];
            if (results.length != 0) {
                newResults[to] = results[from];
            }
        }
        statuses = newStatuses;
        crcs = newCrcs;
        revisions = newRevisions;
        results = newResults;
    }

    int rowLength() {
        int length = SessionRowDescriptor.BLOCK_LENGTH + name.length + answerCount * SessionRowDescriptor.ANSWER_LENGTH;
        if (resultBytes != 0) {
            length += resultBytes;
            for (byte[] result : results) {
                length += result == null ? 0 : SessionRowDescriptor.RESULT_LENGTH_LENGTH;
            }
        }
        return length;
    }

    void encode(MutableDirectBuffer row) {
        row.putShort(SessionRowDescriptor.LAYOUT_OFFSET, (short) SessionRowDescriptor.LAYOUT, LITTLE_ENDIAN);
        row.putShort(
                SessionRowDescriptor.BLOCK_LENGTH_OFFSET, (short) SessionRowDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        row.putInt(SessionRowDescriptor.ANSWER_COUNT_OFFSET, answerCount, LITTLE_ENDIAN);
        row.putLong(SessionRowDescriptor.LOWEST_OPEN_OFFSET, lowestOpen, LITTLE_ENDIAN);
        row.putLong(SessionRowDescriptor.LAST_ACTIVE_OFFSET, lastActiveLogTimeMs, LITTLE_ENDIAN);
        row.putLong(SessionRowDescriptor.OPENED_OFFSET, openedLogTimeMs, LITTLE_ENDIAN);
        row.putLong(SessionRowDescriptor.NAME_LENGTH_OFFSET, name.length, LITTLE_ENDIAN);
        row.putBytes(SessionRowDescriptor.BLOCK_LENGTH, name);
        int offset = SessionRowDescriptor.BLOCK_LENGTH + name.length;
        for (long sequence = lowestOpen; isUpTo(sequence, highestAnswered); sequence++) {
            int slot = slot(sequence);
            if (statuses[slot] != FREE) {
                offset = encodeAnswer(row, offset, sequence, slot);
            }
        }
    }

    private int encodeAnswer(MutableDirectBuffer row, int offset, long sequence, int slot) {
        byte[] result = result(slot);
        int hasResult = result.length == 0 ? 0 : SessionRowDescriptor.HAS_RESULT;
        row.putShort(
                offset + SessionRowDescriptor.ANSWER_SEQUENCE_OFFSET, (short) (sequence - lowestOpen), LITTLE_ENDIAN);
        row.putShort(
                offset + SessionRowDescriptor.ANSWER_STATUS_OFFSET,
                (short) (statuses[slot] | hasResult),
                LITTLE_ENDIAN);
        row.putInt(offset + SessionRowDescriptor.ANSWER_CRC_OFFSET, crcs[slot], LITTLE_ENDIAN);
        row.putLong(offset + SessionRowDescriptor.ANSWER_REVISION_OFFSET, revisions[slot], LITTLE_ENDIAN);
        int end = offset + SessionRowDescriptor.ANSWER_LENGTH;
        if (hasResult == 0) {
            return end;
        }
        row.putInt(end, result.length, LITTLE_ENDIAN);
        row.putBytes(end + SessionRowDescriptor.RESULT_LENGTH_LENGTH, result);
        return end + SessionRowDescriptor.RESULT_LENGTH_LENGTH + result.length;
    }

    /** Reads a row that {@link #encode} wrote; anything that it cannot have written is refused, never skipped. */
    static ClientSession decode(long id, DirectBuffer row, int offset, int length) {
        if (length < SessionRowDescriptor.BLOCK_LENGTH
                || row.getShort(offset + SessionRowDescriptor.LAYOUT_OFFSET, LITTLE_ENDIAN)
                        != SessionRowDescriptor.LAYOUT) {
            throw new BrokenInvariantException(
                    "session " + id + ": row of " + length + " bytes is not of layout " + SessionRowDescriptor.LAYOUT);
        }
        int blockLength = row.getShort(offset + SessionRowDescriptor.BLOCK_LENGTH_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        int answers = row.getInt(offset + SessionRowDescriptor.ANSWER_COUNT_OFFSET, LITTLE_ENDIAN);
        int nameLength = row.getInt(offset + SessionRowDescriptor.NAME_LENGTH_OFFSET, LITTLE_ENDIAN);
        if (blockLength != SessionRowDescriptor.BLOCK_LENGTH
                || answers < 0
                || nameLength < 0
                || nameLength > length - blockLength) {
            throw new BrokenInvariantException("session " + id + ": row of " + length + " bytes with block "
                    + blockLength + ", name " + nameLength + ", answers " + answers);
        }
        byte[] name = new byte[nameLength];
        row.getBytes(offset + blockLength, name);
        ClientSession session =
                new ClientSession(id, name, row.getLong(offset + SessionRowDescriptor.OPENED_OFFSET, LITTLE_ENDIAN));
        session.lastActiveLogTimeMs = row.getLong(offset + SessionRowDescriptor.LAST_ACTIVE_OFFSET, LITTLE_ENDIAN);
        session.lowestOpen = row.getLong(offset + SessionRowDescriptor.LOWEST_OPEN_OFFSET, LITTLE_ENDIAN);
        session.highestAnswered = session.lowestOpen - 1;
        int end = offset + length;
        int at = offset + blockLength + nameLength;
        for (int left = answers; left > 0; left--) {
            at = session.decodeAnswer(row, at, end);
        }
        if (at != end) {
            throw new BrokenInvariantException(
                    "session " + id + ": row of " + length + " bytes, " + answers + " answers end at " + (at - offset));
        }
        return session;
    }

    private int decodeAnswer(DirectBuffer row, int at, int end) {
        requireRoom(at, SessionRowDescriptor.ANSWER_LENGTH, end);
        int delta = row.getShort(at + SessionRowDescriptor.ANSWER_SEQUENCE_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        int status = row.getShort(at + SessionRowDescriptor.ANSWER_STATUS_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        long sequence = lowestOpen + delta;
        if (sequence <= highestAnswered) {
            throw new BrokenInvariantException(
                    "session " + id + ": answer for sequence " + sequence + " behind " + highestAnswered);
        }
        int crc = row.getInt(at + SessionRowDescriptor.ANSWER_CRC_OFFSET, LITTLE_ENDIAN);
        long revision = row.getLong(at + SessionRowDescriptor.ANSWER_REVISION_OFFSET, LITTLE_ENDIAN);
        byte[] result = PendingResults.NO_BYTES;
        int next = at + SessionRowDescriptor.ANSWER_LENGTH;
        if ((status & SessionRowDescriptor.HAS_RESULT) != 0) {
            requireRoom(next, SessionRowDescriptor.RESULT_LENGTH_LENGTH, end);
            int resultLength = row.getInt(next, LITTLE_ENDIAN);
            next += SessionRowDescriptor.RESULT_LENGTH_LENGTH;
            requireRoom(next, resultLength, end);
            result = new byte[resultLength];
            row.getBytes(next, result);
            next += resultLength;
        }
        answer(sequence, crc, Status.of(status & ~SessionRowDescriptor.HAS_RESULT), revision, result);
        return next;
    }

    private void requireRoom(int at, int length, int end) {
        if (length < 0 || length > end - at) {
            throw new BrokenInvariantException(
                    "session " + id + ": row ends " + (end - at) + " bytes behind a field of " + length + " bytes");
        }
    }
}
