package dev.cairn.wal;

import dev.cairn.wal.RecoveredRecords.Keep;
import dev.cairn.wal.SegmentEvidence.Found;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Fourth step of recovery: the segment that the log goes on in. It begins with a copy of every live entry that is not known
 * to be durable, verbatim under new record headers. Its activation block, which alone puts it in use, is written when the
 * copy has been forced; and nothing in it claims that the copy is durable before that block and the name are.
 */
final class FreshSegment {
    private final SegmentDirectory directory;
    private final PreparedSegment prepared;
    private final int sequence;
    private final Checksum checksum = new Checksum();
    private final EntryValidator validator = new EntryValidator();
    /** The block in which {@code offset} is: what is copied into it so far, and zeros. */
    private final UnsafeBuffer block = new UnsafeBuffer(new byte[RecordDescriptor.BLOCK_BYTES]);

    private UnsafeBuffer record = new UnsafeBuffer(new byte[RecordDescriptor.BLOCK_BYTES]);
    private int offset = ActivationDescriptor.RECORDS_OFFSET;
    private int chain;
    private long durablePosition;

    /**
     * A prepared file becomes the segment of this sequence.
     *
     * @param seed chain behind the last record that stays in an old segment
     * @param durablePosition highest known
     */
    FreshSegment(SegmentDirectory directory, PreparedSegment prepared, int sequence, int seed, long durablePosition) {
        this.directory = directory;
        this.prepared = prepared;
        this.sequence = sequence;
        this.chain = seed;
        this.durablePosition = durablePosition;
    }

    /** Bytes that a file must have to take these entries. */
    static long lengthFor(IndexTable table, long firstCopied) {
        return Wal.blocks(ActivationDescriptor.RECORDS_OFFSET
                + copiedBytes(table, firstCopied)
                + RecordDescriptor.BLOCK_BYTES
                + Wal.TAIL_RESERVE_BYTES);
    }

    static long copiedBytes(IndexTable table, long firstCopied) {
        long bytes = 0;
        for (long index = firstCopied; index <= table.last(); index++) {
            bytes += RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + table.entryLength(index));
        }
        return bytes;
    }

    int sequence() {
        return sequence;
    }

    PreparedSegment prepared() {
        return prepared;
    }

    /** Where the next record goes. */
    int tail() {
        return offset;
    }

    int chain() {
        return chain;
    }

    /** Copies and forces; the table leads to the copies afterwards. */
    void copy(List<Found> links, Keep keep, IndexTable table, long firstCopied) {
        int count = (int) (table.last() - firstCopied + 1);
        long[] starts = new long[count];
        for (int i = 0; i < count; i++) {
            long index = firstCopied + i;
            int entryLength = table.entryLength(index);
            readEntry(links, index, table.start(index), entryLength);
            int flags = i == 0 && index <= keep.lastIndex() ? RecordDescriptor.FLAG_SUPERSEDES : 0;
            starts[i] = LogPosition.of(sequence, offset);
            write(entryLength, flags, index, EntryDescriptor.crc(record, RecordDescriptor.HEADER_LENGTH));
        }
        writeBlock();
        relocate(table, firstCopied, starts);
        prepared.file().force();
    }

    private void readEntry(List<Found> links, long index, long start, int entryLength) {
        Found from = links.stream()
                .filter(link -> link.sequence() == LogPosition.segment(start))
                .findFirst()
                .orElseThrow();
        int need = RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + entryLength);
        if (record.capacity() < need) {
            record = new UnsafeBuffer(new byte[need]);
        }
        int length = RecordDescriptor.HEADER_LENGTH + entryLength;
        int at = LogPosition.offset(start);
        from.file().read(at, ByteBuffer.wrap(record.byteArray(), 0, length));
        record.setMemory(length, need - length, (byte) 0);
        BooleanSupplier whole = () -> validator.isValid(record, RecordDescriptor.HEADER_LENGTH, entryLength);
        int zeroWords = RecordDescriptor.zeroWords(record, 0);
        if (!whole.getAsBoolean() && !ZeroTails.restoreByte(record, 0, length, at, zeroWords, whole)) {
            throw new WalDamagedException(from.name(), at, index, "the entry read before", "other bytes");
        }
    }

    private void write(int bodyLength, int flags, long index, int bodyCrc) {
        int length = RecordDescriptor.HEADER_LENGTH + bodyLength;
        int aligned = RecordDescriptor.alignedLength(length);
        record.setMemory(length, aligned - length, (byte) 0);
        chain = RecordWriter.seal(
                record,
                length,
                flags,
                prepared.salt(),
                durablePosition,
                index,
                sequence,
                offset,
                chain,
                bodyCrc,
                checksum);
        for (int done = 0; done < aligned; ) {
            int inBlock = offset % RecordDescriptor.BLOCK_BYTES;
            int step = Math.min(aligned - done, RecordDescriptor.BLOCK_BYTES - inBlock);
            block.putBytes(inBlock, record, done, step);
            done += step;
            if (inBlock + step == RecordDescriptor.BLOCK_BYTES) {
                writeBlock();
                block.setMemory(0, RecordDescriptor.BLOCK_BYTES, (byte) 0);
            }
            offset += step;
        }
    }

    /** Whole, for of a part the system would first read the rest; and by itself, so that its cache makes small folios. */
    private void writeBlock() {
        prepared.file().write(offset & -RecordDescriptor.BLOCK_BYTES, ByteBuffer.wrap(block.byteArray()));
    }

    private static void relocate(IndexTable table, long firstCopied, long[] starts) {
        int[] types = new int[starts.length];
        int[] lengths = new int[starts.length];
        for (int i = 0; i < starts.length; i++) {
            types[i] = table.type(firstCopied + i);
            lengths[i] = table.entryLength(firstCopied + i);
        }
        table.truncateSuffix(firstCopied);
        for (int i = 0; i < starts.length; i++) {
            table.append(starts[i], types[i], lengths[i]);
        }
    }

    /** Activation block, then the name, each forced: from here on the log is linked through this segment. */
    void putInUse(Activation activation) {
        UnsafeBuffer whole = new UnsafeBuffer(new byte[RecordDescriptor.BLOCK_BYTES]);
        ActivationDescriptor.encode(whole, activation, checksum);
        prepared.file().write(ActivationDescriptor.FILE_OFFSET, ByteBuffer.wrap(whole.byteArray()));
        prepared.file().force();
        directory.rename(prepared.name(), Segment.nameOf(sequence));
        directory.force();
    }

    /** The first record to say that the copy is durable. A crash before it copies the tail again. */
    void appendEmptyRecord(long lastIndex, long commitHint) {
        durablePosition = LogPosition.of(sequence, offset);
        int crc = RecordWriter.encodeHint(record, commitHint, checksum);
        write(RecordDescriptor.EMPTY_BODY_LENGTH, RecordDescriptor.FLAG_EMPTY, lastIndex, crc);
        writeBlock();
        prepared.file().force();
    }
}
