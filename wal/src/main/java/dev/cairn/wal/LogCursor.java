package dev.cairn.wal;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads entries by index; one per thread, reusable, allocates nothing once its window has grown.
 *
 * <p>It finds an entry through the live index-to-position table, so it never yields a superseded record, and revalidates by
 * the truncation epoch after it has copied and checked the record: what it shows was the live entry at that index during
 * the call. Entries come from the file through a read-ahead window; a loop cursor reads the last two segments straight from
 * memory, without checking them again, and what it shows there is valid until the loop's next publish.
 */
public final class LogCursor {
    private static final int WINDOW_BYTES = 128 * 1024;

    private final Wal wal;
    private final boolean loop;
    private final boolean physicalOrder;
    private final CRC32C crc = new CRC32C();

    private ByteBuffer windowBytes = ByteBuffer.allocateDirect(0);
    private final UnsafeBuffer window = new UnsafeBuffer(windowBytes);
    private int windowSegment;
    private int windowOffset;
    private int windowLength;

    private DirectBuffer buffer = window;
    private int offset;
    private int length;
    private long index;
    private long recordEnd;

    LogCursor(Wal wal, boolean loop) {
        this.wal = wal;
        this.loop = loop;
        this.physicalOrder = wal.faults().contains(WalFault.CURSOR_IN_PHYSICAL_ORDER);
    }

    /**
     * Goes to the live entry at this index.
     *
     * @return false if it is below the first index, or above the published one (for a loop cursor: the appended one)
     * @throws WalDamagedException when the entry on disk is not what was written
     */
    public boolean seek(long wanted) {
        while (true) {
            long epoch = wal.truncationEpoch();
            long highest = loop ? wal.appendedIndex() : wal.publishedIndex();
            if (wanted < wal.firstIndex() || wanted > highest) {
                return false;
            }
            WalException failure = null;
            try {
                failure = load(wanted);
            } catch (WalException e) {
                failure = e;
            }
            VarHandle.acquireFence();
            boolean unchanged = wal.truncationEpoch() == epoch && wanted >= wal.firstIndex();
            if (unchanged && failure != null) {
                throw failure;
            }
            if (unchanged) {
                return true;
            }
        }
    }

    /**
     * Shows an entry as it stands in the read-ahead window, unchecked, for hints only: it may be damaged, or another one. {@link #index} stays.
     *
     * @return false if it does not stand there
     */
    public boolean glance(long wanted) {
        long start = wal.table().start(wanted);
        int entryLength = wal.table().entryLength(wanted);
        long in = (long) LogPosition.offset(start) - windowOffset;
        if (LogPosition.segment(start) != windowSegment
                || in < 0
                || entryLength < EntryDescriptor.HEADER_LENGTH
                || in + RecordDescriptor.HEADER_LENGTH + entryLength > windowLength) {
            return false;
        }
        buffer = window;
        offset = (int) in + RecordDescriptor.HEADER_LENGTH;
        length = entryLength;
        return true;
    }

    /** Returns what is wrong with it, which counts only if the log was not truncated meanwhile. */
    private @Nullable WalException load(long wanted) {
        long start = physicalOrder && wanted == index + 1 && recordEnd != 0
                ? recordEnd
                : wal.table().start(wanted);
        int entryLength = physicalOrder && start == recordEnd ? -1 : wal.table().entryLength(wanted);
        Segment[] segments = wal.segments();
        int slot = slotOf(segments, LogPosition.segment(start));
        if (slot < 0) {
            return new WalException("no segment at position=" + LogPosition.toString(start) + " index=" + wanted);
        }
        Segment segment = segments[slot];
        int at = LogPosition.offset(start);
        if (loop && segment.inMemory && entryLength >= 0) {
            segment.file.flush();
            show(segment.file.view(), at, entryLength, wanted);
            recordEnd = start + RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + entryLength);
            return null;
        }
        return entryLength < 0
                ? loadPhysical(segment, at, wanted)
                : loadChecked(segment, at, RecordDescriptor.HEADER_LENGTH + entryLength, wanted);
    }

    private static int slotOf(Segment[] segments, int sequence) {
        for (int i = segments.length - 1; i >= 0; i--) {
            if (segments[i].sequence == sequence) {
                return i;
            }
        }
        return -1;
    }

    private @Nullable WalException loadChecked(Segment segment, int at, int recordLength, long wanted) {
        if (!fill(segment, at, recordLength)) {
            return damaged(segment, at, wanted, recordLength + " bytes", "fewer");
        }
        int in = at - windowOffset;
        int headerCrc = checksum(in, RecordDescriptor.HEADER_CRC_OFFSET);
        if (RecordDescriptor.headerCrc(window, in) != headerCrc) {
            return damaged(segment, at, wanted, "header crc", Integer.toHexString(headerCrc));
        }
        if (RecordDescriptor.length(window, in) != recordLength
                || RecordDescriptor.index(window, in) != wanted
                || RecordDescriptor.offset(window, in) != at
                || RecordDescriptor.segment(window, in) != segment.sequence) {
            return damaged(segment, at, wanted, "the record of this index", "another record");
        }
        int entry = in + RecordDescriptor.HEADER_LENGTH;
        int entryLength = recordLength - RecordDescriptor.HEADER_LENGTH;
        int entryCrc = checksum(entry + EntryDescriptor.LENGTH_OFFSET, entryLength - EntryDescriptor.LENGTH_OFFSET);
        if (entryCrc != EntryDescriptor.crc(window, entry) || entryCrc != RecordDescriptor.bodyCrc(window, in)) {
            return damaged(
                    segment,
                    at,
                    wanted,
                    "entry crc " + Integer.toHexString(RecordDescriptor.bodyCrc(window, in)),
                    Integer.toHexString(entryCrc));
        }
        show(window, in, entryLength, wanted);
        recordEnd = LogPosition.of(segment.sequence, at + RecordDescriptor.alignedLength(recordLength));
        return null;
    }

    /** The planted bug: whatever stands behind the last record is taken for the next entry. */
    private @Nullable WalException loadPhysical(Segment segment, int at, long wanted) {
        if (loop) {
            segment.file.flush();
        }
        if (fill(segment, at, RecordDescriptor.HEADER_LENGTH)) {
            int in = at - windowOffset;
            int recordLength = RecordDescriptor.length(window, in);
            boolean entry = recordLength > RecordDescriptor.HEADER_LENGTH
                    && (RecordDescriptor.flags(window, in) & RecordDescriptor.FLAG_EMPTY) == 0;
            if (entry && fill(segment, at, recordLength)) {
                show(window, at - windowOffset, recordLength - RecordDescriptor.HEADER_LENGTH, wanted);
                recordEnd = LogPosition.of(segment.sequence, at + RecordDescriptor.alignedLength(recordLength));
                return null;
            }
        }
        recordEnd = 0;
        return load(wanted);
    }

    private static WalDamagedException damaged(Segment segment, int at, long index, String expected, String found) {
        return new WalDamagedException(segment.name, at, index, expected, found);
    }

    private int checksum(int from, int count) {
        windowBytes.limit(from + count).position(from);
        crc.reset();
        crc.update(windowBytes);
        return (int) crc.getValue();
    }

    /** Brings a range of the file into the window, and as much behind it as is complete. */
    private boolean fill(Segment segment, int at, int count) {
        if (segment.sequence == windowSegment
                && at >= windowOffset
                && (long) at + count <= (long) windowOffset + windowLength) {
            return true;
        }
        int end = completeEnd(segment);
        if (count <= 0 || at < 0 || at > end - count) {
            return false;
        }
        if (windowBytes.capacity() < Math.max(count, WINDOW_BYTES)) {
            windowBytes = ByteBuffer.allocateDirect(Math.max(WINDOW_BYTES, Integer.highestOneBit(count) * 2));
            window.wrap(windowBytes);
        }
        windowLength = 0;
        windowBytes.clear().limit(Math.min(windowBytes.capacity(), end - at));
        int got = segment.file.read(at, windowBytes);
        windowSegment = segment.sequence;
        windowOffset = at;
        windowLength = got;
        return got >= count;
    }

    /** Bytes below this offset never change again. */
    private int completeEnd(Segment segment) {
        // In this order: a segment is sealed before anything behind it is published.
        long published = loop ? wal.appendedPosition() : wal.publishedPosition();
        return LogPosition.segment(published) == segment.sequence ? LogPosition.offset(published) : segment.sealedEnd;
    }

    private void show(DirectBuffer from, int recordAt, int entryLength, long itsIndex) {
        buffer = from;
        offset = recordAt + RecordDescriptor.HEADER_LENGTH;
        length = entryLength;
        index = itsIndex;
    }

    /** Where the entry stands: header and payload at {@link #offset()}, {@link #length()} bytes. Valid until the next seek. */
    public DirectBuffer buffer() {
        return buffer;
    }

    public int offset() {
        return offset;
    }

    public int length() {
        return length;
    }

    public long index() {
        return index;
    }

    public long term() {
        return EntryDescriptor.term(buffer, offset);
    }

    public long logTimeMs() {
        return EntryDescriptor.logTimeMs(buffer, offset);
    }

    public int type() {
        return EntryDescriptor.type(buffer, offset);
    }

    public int payloadOffset() {
        return offset + EntryDescriptor.HEADER_LENGTH;
    }

    public int payloadLength() {
        return length - EntryDescriptor.HEADER_LENGTH;
    }

    public int crc() {
        return EntryDescriptor.crc(buffer, offset);
    }
}
