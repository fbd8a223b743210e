package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.Status;
import java.util.Arrays;
import org.agrona.BitUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * One client's stored answers, by sequence, from the lowest one that the client still waits for. Owned by the apply thread.
 *
 * <p>A ring indexed by sequence, which grows with the widest span in flight and is bounded by the window: 14 bytes a sequence, so 56 KiB for
 * a client that has had the whole window of 4096 open, 224 bytes for one that never had more than 16.
 */
final class ClientSession {
    private static final int INITIAL_CAPACITY = 16;
    private static final short FREE = -1;

    private final long id;
    private final long openedLogTimeMs;
    private long lastActiveLogTimeMs;
    private long lowestOpen = 1;
    /** Highest sequence ever answered; answers stand in [lowestOpen, highestAnswered]. */
    private long highestAnswered;

    private int answerCount;

    private short[] statuses;
    private int[] crcs = new int[INITIAL_CAPACITY];
    private long[] revisions = new long[INITIAL_CAPACITY];

    /** For the table: a row is due, respectively the session is still open. */
    private boolean touched;

    private boolean open = true;

    ClientSession(long id, long openedLogTimeMs) {
        this.id = id;
        this.openedLogTimeMs = openedLogTimeMs;
        this.lastActiveLogTimeMs = openedLogTimeMs;
        statuses = new short[INITIAL_CAPACITY];
        Arrays.fill(statuses, FREE);
    }

    long id() {
        return id;
    }

    long lowestOpen() {
        return lowestOpen;
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
            }
        }
        lowestOpen = sequence;
    }

    /** Stores the answer to a sequence within the window that has none. */
    void answer(long sequence, int crc, Status status, long revision) {
        ensureSpan(sequence - lowestOpen + 1);
        int slot = slot(sequence);
        statuses[slot] = (short) status.code();
        crcs[slot] = crc;
        revisions[slot] = revision;
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
        Arrays.fill(newStatuses, FREE);
        for (long sequence = lowestOpen; isUpTo(sequence, highestAnswered); sequence++) {
            int from = slot(sequence);
            int to = (int) sequence & (capacity - 1);
            newStatuses[to] = statuses[from];
            newCrcs[to] = crcs[from];
            newRevisions[to] = revisions[from];
        }
        statuses = newStatuses;
        crcs = newCrcs;
        revisions = newRevisions;
    }

    int rowLength() {
        return SessionRowDescriptor.BLOCK_LENGTH + answerCount * SessionRowDescriptor.ANSWER_LENGTH;
    }

    void encode(MutableDirectBuffer row) {
        row.putShort(SessionRowDescriptor.LAYOUT_OFFSET, (short) SessionRowDescriptor.LAYOUT, LITTLE_ENDIAN);
        row.putShort(
                SessionRowDescriptor.BLOCK_LENGTH_OFFSET, (short) SessionRowDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        row.putInt(SessionRowDescriptor.ANSWER_COUNT_OFFSET, answerCount, LITTLE_ENDIAN);
        row.putLong(SessionRowDescriptor.LOWEST_OPEN_OFFSET, lowestOpen, LITTLE_ENDIAN);
        row.putLong(SessionRowDescriptor.LAST_ACTIVE_OFFSET, lastActiveLogTimeMs, LITTLE_ENDIAN);
        row.putLong(SessionRowDescriptor.OPENED_OFFSET, openedLogTimeMs, LITTLE_ENDIAN);
        row.putLong(SessionRowDescriptor.NAME_LENGTH_OFFSET, 0, LITTLE_ENDIAN);
        int offset = SessionRowDescriptor.BLOCK_LENGTH;
        for (long sequence = lowestOpen; isUpTo(sequence, highestAnswered); sequence++) {
            int slot = slot(sequence);
            if (statuses[slot] != FREE) {
                row.putShort(
                        offset + SessionRowDescriptor.ANSWER_SEQUENCE_OFFSET,
                        (short) (sequence - lowestOpen),
                        LITTLE_ENDIAN);
                row.putShort(offset + SessionRowDescriptor.ANSWER_STATUS_OFFSET, statuses[slot], LITTLE_ENDIAN);
                row.putInt(offset + SessionRowDescriptor.ANSWER_CRC_OFFSET, crcs[slot], LITTLE_ENDIAN);
                row.putLong(offset + SessionRowDescriptor.ANSWER_REVISION_OFFSET, revisions[slot], LITTLE_ENDIAN);
                offset += SessionRowDescriptor.ANSWER_LENGTH;
            }
        }
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
        long answers = row.getInt(offset + SessionRowDescriptor.ANSWER_COUNT_OFFSET, LITTLE_ENDIAN);
        int nameLength = row.getInt(offset + SessionRowDescriptor.NAME_LENGTH_OFFSET, LITTLE_ENDIAN);
        long expected = blockLength + answers * SessionRowDescriptor.ANSWER_LENGTH;
        if (nameLength != 0 || blockLength != SessionRowDescriptor.BLOCK_LENGTH || answers < 0 || expected != length) {
            throw new BrokenInvariantException("session " + id + ": row of " + length + " bytes, expected " + expected
                    + " for " + answers + " answers, block " + blockLength + ", name " + nameLength);
        }
        ClientSession session =
                new ClientSession(id, row.getLong(offset + SessionRowDescriptor.OPENED_OFFSET, LITTLE_ENDIAN));
        session.lastActiveLogTimeMs = row.getLong(offset + SessionRowDescriptor.LAST_ACTIVE_OFFSET, LITTLE_ENDIAN);
        session.lowestOpen = row.getLong(offset + SessionRowDescriptor.LOWEST_OPEN_OFFSET, LITTLE_ENDIAN);
        session.highestAnswered = session.lowestOpen - 1;
        for (int at = offset + blockLength; at < offset + length; at += SessionRowDescriptor.ANSWER_LENGTH) {
            session.decodeAnswer(row, at);
        }
        return session;
    }

    private void decodeAnswer(DirectBuffer row, int at) {
        int delta = row.getShort(at + SessionRowDescriptor.ANSWER_SEQUENCE_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        int status = row.getShort(at + SessionRowDescriptor.ANSWER_STATUS_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        if ((status & SessionRowDescriptor.HAS_RESULT) != 0 || lowestOpen + delta <= highestAnswered) {
            throw new BrokenInvariantException("session " + id + ": answer for sequence " + (lowestOpen + delta)
                    + " behind " + highestAnswered + ", status " + status);
        }
        answer(
                lowestOpen + delta,
                row.getInt(at + SessionRowDescriptor.ANSWER_CRC_OFFSET, LITTLE_ENDIAN),
                Status.of(status),
                row.getLong(at + SessionRowDescriptor.ANSWER_REVISION_OFFSET, LITTLE_ENDIAN));
    }
}
