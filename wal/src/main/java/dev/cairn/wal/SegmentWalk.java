package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.wal.SegmentItem.Activated;
import dev.cairn.wal.SegmentItem.End;
import dev.cairn.wal.SegmentItem.Header;
import dev.cairn.wal.SegmentItem.Stored;
import dev.cairn.wal.SegmentItem.Unreadable;
import java.util.function.Consumer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * One segment file by itself, from front to back, whatever is broken in it: behind a record that fails it goes on at the next
 * one whose header proves itself. What that means for the log is not its business: {@link RecoveredRecords} judges.
 */
final class SegmentWalk {
    private final SegmentImage image;
    private final Consumer<? super SegmentItem> sink;

    SegmentWalk(SegmentImage image, Consumer<? super SegmentItem> sink) {
        this.image = image;
        this.sink = sink;
    }

    /** Whether the loaded file is a segment or a spare, be it a damaged one. */
    boolean isSegment() {
        return image.length() >= ActivationDescriptor.RECORDS_OFFSET
                && (SegmentHeaderDescriptor.magic(image.buffer()) == SegmentHeaderDescriptor.MAGIC
                        || image.hasActivation());
    }

    /** The whole file. */
    void walk() {
        UnsafeBuffer buffer = image.buffer();
        sink.accept(new Header(
                image.name(),
                0,
                image.hasHeader(),
                image.length(),
                buffer.getInt(SegmentHeaderDescriptor.VERSION_OFFSET, LITTLE_ENDIAN),
                buffer.getInt(SegmentHeaderDescriptor.GROUP_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(SegmentHeaderDescriptor.CLUSTER_OFFSET, LITTLE_ENDIAN),
                buffer.getInt(SegmentHeaderDescriptor.NODE_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(SegmentHeaderDescriptor.STORAGE_OFFSET, LITTLE_ENDIAN),
                SegmentHeaderDescriptor.salt(buffer)));
        Activation activation = image.activation();
        Activated.State state = activated();
        sink.accept(new Activated(
                image.name(),
                ActivationDescriptor.FILE_OFFSET,
                state,
                activation.kind(),
                activation.segment(),
                activation.previousSegment(),
                activation.previousEnd(),
                activation.previousIndex(),
                activation.previousTerm(),
                activation.durablePosition(),
                activation.seed(),
                activation.replacedFrom()));
        records(image.length(), activation.seed());
    }

    private Activated.State activated() {
        if (image.hasActivation() && image.activation().salt() == image.salt()) {
            return Activated.State.OK;
        }
        return image.activationMissing() && !image.hasActivation() ? Activated.State.MISSING : Activated.State.BAD;
    }

    /**
     * The records up to an end that the next segment states, or up to the end of the file.
     *
     * @param seed of the activation block
     */
    void records(int end, int seed) {
        int chain = seed;
        int at = ActivationDescriptor.RECORDS_OFFSET;
        while (true) {
            int next = nextProven(at, end, chain);
            if (next < 0) {
                endOfData(at, end);
                return;
            }
            boolean follows = image.continuesChain(next, end, chain);
            if (!follows && next > at) {
                sink.accept(new Unreadable(image.name(), at, next, found(at, next)));
            }
            sink.accept(stored(next, follows));
            chain = RecordDescriptor.headerCrc(image.buffer(), next);
            at = image.recordEnd(next);
        }
    }

    /** The successor in the chain, at once or behind the hole of the block rule, else the next that proves itself; -1 = none. */
    private int nextProven(int at, int end, int chain) {
        int successor = image.nextRecord(at, end, chain);
        if (successor >= 0) {
            return successor;
        }
        for (int offset = at; offset <= end - RecordDescriptor.HEADER_LENGTH; offset += RecordDescriptor.ALIGNMENT) {
            if (image.hasRecordHeader(offset, end)) {
                return offset;
            }
        }
        return -1;
    }

    private void endOfData(int at, int end) {
        if (image.isZero(at, end)) {
            sink.accept(new End(image.name(), at));
            return;
        }
        int last = Math.min(end, image.lastNonZero(at));
        sink.accept(new Unreadable(image.name(), at, last, found(at, last)));
        sink.accept(new End(image.name(), last));
    }

    private String found(int from, int to) {
        if (image.isZero(from, to)) {
            return "zeros";
        }
        int length = to - from < Integer.BYTES ? 0 : RecordDescriptor.length(image.buffer(), from);
        if (length == 0) {
            return "length 0 and data behind it";
        }
        return image.hasForeignHeader(from, image.length())
                ? "a record of another life of the file"
                : "length " + length + " and no valid header";
    }

    private Stored stored(int at, boolean follows) {
        UnsafeBuffer buffer = image.buffer();
        boolean whole = image.bodyIsValid(at);
        boolean empty = image.isEmptyRecord(at);
        int body = at + RecordDescriptor.HEADER_LENGTH;
        int bodyLength = RecordDescriptor.length(buffer, at) - RecordDescriptor.HEADER_LENGTH;
        boolean entry = !empty && bodyLength >= EntryDescriptor.HEADER_LENGTH;
        Stored.Verdict inChain = follows ? Stored.Verdict.OK : Stored.Verdict.NOT_IN_CHAIN;
        return new Stored(
                image.name(),
                at,
                whole ? inChain : Stored.Verdict.BAD_BODY,
                RecordDescriptor.segment(buffer, at),
                image.recordEnd(at) - at,
                RecordDescriptor.index(buffer, at),
                entry ? EntryDescriptor.term(buffer, body) : 0,
                entry ? EntryDescriptor.type(buffer, body) : 0,
                entry ? EntryDescriptor.logTimeMs(buffer, body) : 0,
                entry ? bodyLength - EntryDescriptor.HEADER_LENGTH : 0,
                RecordDescriptor.durablePosition(buffer, at),
                image.supersedes(at),
                empty,
                empty && whole ? buffer.getLong(body, LITTLE_ENDIAN) : 0);
    }
}
