package dev.cairn.raft;

import java.util.Arrays;

/**
 * Linearizable reads that wait for their leader's authority to be confirmed (thesis 6.4). Reads are numbered by the
 * driver, rising; a round takes all that wait, notes the commit index, and gets a read position of its own. A round is
 * confirmed by replies to messages sent after it began, and to those only: positions rise, and a reply echoes the
 * position of what it answers. So acknowledgements of an older round confirm nothing newer.
 */
final class ReadOnlyQueue {
    private final int maxRounds;
    private final long[] positions;
    private final long[] readIndexes;
    private final long[] lastReadIds;
    private int head;
    private int count;
    private long waitingReadId;
    private long startedReadId;
    private long toldReadId;
    private long position;

    ReadOnlyQueue(final int maxRounds) {
        this.maxRounds = maxRounds;
        positions = new long[maxRounds];
        readIndexes = new long[maxRounds];
        lastReadIds = new long[maxRounds];
    }

    void request(final long readId) {
        if (readId <= waitingReadId) {
            throw new IllegalStateException("read id " + readId + " is not above " + waitingReadId);
        }
        waitingReadId = readId;
    }

    boolean canStartRound() {
        return waitingReadId > startedReadId && hasRoomForRound();
    }

    boolean hasRoomForRound() {
        return count < maxRounds;
    }

    /** A position of its own for what is no round of reads; messages that carry it must leave after this call. */
    long nextPosition() {
        return ++position;
    }

    /** Starts a round of all waiting reads; its messages must leave after this call. */
    void startRound(final long readIndex) {
        final int at = (head + count) % maxRounds;
        positions[at] = ++position;
        readIndexes[at] = readIndex;
        lastReadIds[at] = waitingReadId;
        startedReadId = waitingReadId;
        count++;
    }

    /** The position that messages sent now must carry. */
    long position() {
        return position;
    }

    /** Tells the output about all rounds that a quorum has echoed. */
    void confirm(final long confirmedPosition, final RaftOutput output) {
        while (count > 0 && positions[head] <= confirmedPosition) {
            if (lastReadIds[head] > toldReadId) {
                toldReadId = lastReadIds[head];
                output.onReadsConfirmed(toldReadId, readIndexes[head]);
            }
            head = (head + 1) % maxRounds;
            count--;
        }
    }

    /** Forgets all reads. Positions go on rising, so that late replies confirm nothing. */
    void clear() {
        count = 0;
        startedReadId = waitingReadId;
        Arrays.fill(positions, 0);
    }
}
