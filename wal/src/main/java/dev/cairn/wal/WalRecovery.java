package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Decides at start what the log holds. Runs once, on the thread that opens the log.
 *
 * <p>Crash and corruption are different things: what a crash explains is cut, anything else stops the node with all files
 * as they were. And what can be read is not what is durable: everything above the highest durable position that any valid
 * structure states is copied into a fresh segment and forced before anybody hears of it. Nothing is changed before the
 * verdict is known. Steps, in {@link #recover}:
 *
 * <ol>
 *   <li>read every file: identity, activation, and all record headers, also those behind a damaged one, for the highest
 *       durable position, the highest term and the superseding records;
 *   <li>link the segments by their activation blocks, from the highest down;
 *   <li>read the records in order; judge the first that fails;
 *   <li>copy the tail into a fresh segment; force it; then write and force its activation block, which alone puts it in
 *       use; rename; force the directory;
 *   <li>delete what is not linked any more; rewrite hard state.
 * </ol>
 *
 * A crash anywhere leaves either the old links or the new ones, and both lead to the same entries.
 */
final class WalRecovery {
    static final String SPARE_PREFIX = "spare-";
    static final String CUT_PREFIX = "cut-";
    private static final int COPY_BYTES = 256 * 1024;

    record Recovered(
            IndexTable table,
            TermTable terms,
            List<Segment> segments,
            int tail,
            int chain,
            int nextSpare,
            RecoveryReport report) {}

    /** A file with its activation block. */
    private record Found(String name, SegmentFile file, Activation activation) {}

    /** A superseding record that is whole. */
    private record Superseding(long position, long index) {}

    /** Where the log that stays in old segments ends. */
    private record Keep(int slot, int end, int chain, long lastIndex) {}

    /** Where a torn tail begins. */
    private record Cut(int slot, int offset) {}

    private final WalConfig config;
    private final SegmentDirectory directory;
    private final HardStateFile hardState;
    private final Floor floor;
    private final LongSupplier salts;
    private final SegmentImage image = new SegmentImage();
    private final Checksum checksum = new Checksum();
    private final Map<String, SegmentFile> opened = new HashMap<>();

    // evidence
    private final List<Found> activated = new ArrayList<>();
    private final List<String> unused = new ArrayList<>();
    private final List<Superseding> superseding = new ArrayList<>();
    private long highestDurable;
    private long highestTerm;
    private int highestSequence;
    private int nextSpare;

    // the chain and what it holds
    private List<Found> links = new ArrayList<>();
    /** Linked among themselves, but not to what is below: dropped with the torn tail. */
    private final List<Found> torn = new ArrayList<>();

    private IndexTable table = new IndexTable(0);
    private TermTable terms = new TermTable(0, 0);
    private Keep keep = new Keep(0, ActivationDescriptor.RECORDS_OFFSET, 0, 0);
    private @Nullable Cut cut;
    private final Set<Long> stillLive = new HashSet<>();
    private int supersededDamage;
    private long commitHint;

    WalRecovery(
            WalConfig config, SegmentDirectory directory, HardStateFile hardState, Floor floor, LongSupplier salts) {
        this.config = config;
        this.directory = directory;
        this.hardState = hardState;
        this.floor = floor;
        this.salts = salts;
    }

    Recovered recover() {
        try {
            collectEvidence();
            link();
            readRecords();
            checkFloor();
            return rebuild();
        } catch (WalException e) {
            opened.values().forEach(SegmentFile::close);
            throw e;
        }
    }

    // ---- 1. evidence

    private void collectEvidence() {
        for (String name : directory.list()) {
            boolean spare = name.startsWith(SPARE_PREFIX);
            if (!spare && !Segment.isSegmentName(name)) {
                continue;
            }
            SegmentFile file = directory.open(name);
            opened.put(name, file);
            image.load(name, file);
            if (spare) {
                noteSpareName(name);
            } else {
                noteSegmentName(name);
            }
            collectFrom(name, file, spare);
        }
        activated.sort(Comparator.comparingInt(found -> found.activation().segment()));
    }

    private void noteSpareName(String name) {
        String number = name.substring(SPARE_PREFIX.length());
        if (!number.isEmpty() && number.length() < 10 && number.chars().allMatch(c -> c >= '0' && c <= '9')) {
            nextSpare = Math.max(nextSpare, Integer.parseInt(number) + 1);
        }
    }

    /** A file whose activation was lost has only its name to tell that its sequence was used. */
    private void noteSegmentName(String name) {
        String digits = name.substring(0, name.indexOf('.'));
        highestSequence = Math.max(highestSequence, Integer.parseInt(digits));
    }

    private void collectFrom(String name, SegmentFile file, boolean spare) {
        boolean active = image.hasActivation();
        if (!image.hasHeader()) {
            if (spare && !active) {
                unused.add(name);
                return;
            }
            throw image.damaged(0, 0, "a preparation header", "none that is valid");
        }
        checkIdentity();
        if (active && image.activation().salt() == image.salt()) {
            Activation activation = image.activation();
            activated.add(new Found(name, file, activation));
            highestDurable = Math.max(highestDurable, activation.durablePosition());
            highestSequence = Math.max(highestSequence, activation.segment());
        } else if (active || image.activationMissing()) {
            unused.add(name);
        } else {
            throw image.damaged(ActivationDescriptor.FILE_OFFSET, 0, "an activation block", "bytes that are none");
        }
        collectFromRecords();
    }

    private void checkIdentity() {
        UnsafeBuffer expected = new UnsafeBuffer(new byte[SegmentHeaderDescriptor.LENGTH]);
        SegmentHeaderDescriptor.encode(expected, config, image.salt(), image.length(), checksum);
        for (int i = 0; i < SegmentHeaderDescriptor.CRC_OFFSET; i++) {
            if (expected.getByte(i) != image.buffer().getByte(i)) {
                throw image.damaged(
                        i,
                        0,
                        "version=" + SegmentHeaderDescriptor.VERSION + " group=" + config.group() + " cluster="
                                + config.clusterIdHash() + " node=" + config.nodeId() + " storage="
                                + config.storageId(),
                        "a file of another version or owner");
            }
        }
    }

    private void collectFromRecords() {
        int end = image.length();
        UnsafeBuffer buffer = image.buffer();
        int at = ActivationDescriptor.RECORDS_OFFSET;
        while (at <= end - RecordDescriptor.HEADER_LENGTH) {
            if (!image.hasRecordHeader(at, end)) {
                at += RecordDescriptor.ALIGNMENT;
                continue;
            }
            highestDurable = Math.max(highestDurable, RecordDescriptor.durablePosition(buffer, at));
            highestSequence = Math.max(highestSequence, RecordDescriptor.segment(buffer, at));
            boolean whole = image.bodyIsValid(at);
            if (whole && !image.isEmptyRecord(at)) {
                highestTerm = Math.max(highestTerm, EntryDescriptor.term(buffer, at + RecordDescriptor.HEADER_LENGTH));
                if (image.supersedes(at)) {
                    long position = LogPosition.of(RecordDescriptor.segment(buffer, at), at);
                    superseding.add(new Superseding(position, RecordDescriptor.index(buffer, at)));
                }
            }
            at = image.recordEnd(at);
        }
    }

    // ---- 2. links

    /** From the highest activation block down; a recovery that replaced segments skips their sequences. */
    private void link() {
        if (activated.isEmpty()) {
            checkNothingWasThere();
            return;
        }
        Map<Integer, Found> bySequence = new HashMap<>();
        for (Found found : activated) {
            Found other = bySequence.put(found.activation().segment(), found);
            if (other != null) {
                throw new WalDamagedException(
                        found.name(),
                        ActivationDescriptor.FILE_OFFSET,
                        0,
                        "one segment of this sequence",
                        other.name());
            }
        }
        if (hardState.created()) {
            throw new HardStateInDoubtException("hard state is gone although the log is there: segment="
                    + activated.get(0).name());
        }
        int top = activated.size() - 1;
        linkFrom(activated.get(top), bySequence);
        while (brokenByCrash()) {
            // Two rolls and no force between them: the later activation block reached the disk, the earlier did not.
            torn.addAll(0, links);
            int below = links.get(0).activation().segment();
            while (activated.get(top).activation().segment() >= below) {
                top--;
            }
            linkFrom(activated.get(top), bySequence);
        }
        activated.forEach(this::checkAccountedFor);
    }

    /** A segment in use that is not linked was replaced by a recovery, lies below a reset, or is part of the torn tail. */
    private void checkAccountedFor(Found found) {
        int sequence = found.activation().segment();
        boolean linked = links.contains(found) || torn.contains(found);
        boolean replaced = links.stream()
                .map(Found::activation)
                .anyMatch(link -> sequence >= link.replacedFrom() && sequence < link.segment());
        boolean aboveLinks = sequence > links.get(links.size() - 1).activation().segment();
        boolean belowReset = sequence < links.get(0).activation().segment();
        if (!linked && !replaced && !aboveLinks && !belowReset) {
            throw new WalDamagedException(
                    found.name(),
                    ActivationDescriptor.FILE_OFFSET,
                    found.activation().previousIndex() + 1,
                    "a segment that the next one links to",
                    "one that nothing accounts for");
        }
    }

    private void linkFrom(Found top, Map<Integer, Found> bySequence) {
        links = new ArrayList<>();
        Found next = top;
        while (next != null) {
            links.add(0, next);
            Activation activation = next.activation();
            next = activation.kind() == ActivationDescriptor.KIND_CONTINUE
                    ? bySequence.get(activation.previousSegment())
                    : null;
        }
    }

    /**
     * Whether the lowest link does not reach a segment that is there below it. Prefix deletion goes in sequence order, each
     * step forced, so what stands below a missing segment was not left over by it.
     *
     * @throws WalDamagedException when the missing one held durable records
     */
    private boolean brokenByCrash() {
        Activation lowest = links.get(0).activation();
        if (lowest.kind() != ActivationDescriptor.KIND_CONTINUE) {
            return false;
        }
        Found below = null;
        for (Found found : activated) {
            if (found.activation().segment() < lowest.replacedFrom()) {
                below = found;
            }
        }
        if (below == null) {
            return false;
        }
        if (highestDurable >= LogPosition.of(lowest.previousSegment(), ActivationDescriptor.RECORDS_OFFSET)) {
            throw new WalDamagedException(
                    Segment.nameOf(lowest.previousSegment()),
                    0,
                    lowest.previousIndex(),
                    "the segment before " + links.get(0).name(),
                    "no such segment in use, but " + below.name());
        }
        return true;
    }

    private void checkNothingWasThere() {
        boolean startedBefore = !hardState.created() && hardState.current().sequence() > 1;
        if (highestDurable != 0 || startedBefore) {
            throw new WalDamagedException(
                    Segment.nameOf(1),
                    0,
                    1,
                    "a log, for hard state has sequence=" + hardState.current().sequence(),
                    "no segment in use");
        }
    }

    // ---- 3. records

    /**
     * Reads until no damaged entry is live: one that counted as superseded is judged after all when what superseded it turns
     * out to be cut.
     */
    private void readRecords() {
        if (links.isEmpty()) {
            return;
        }
        long damagedLive;
        do {
            readOnce();
            damagedLive = firstDamagedLive();
            stillLive.add(damagedLive);
        } while (damagedLive != 0);
        checkAllDurableWasRead();
    }

    private long firstDamagedLive() {
        for (long index = table.first(); supersededDamage > 0 && index <= table.last(); index++) {
            if (table.type(index) == 0) {
                return table.start(index);
            }
        }
        return 0;
    }

    private void readOnce() {
        cut = null;
        supersededDamage = 0;
        commitHint = 0;
        Activation lowest = links.get(0).activation();
        table = new IndexTable(lowest.previousIndex());
        terms = new TermTable(lowest.previousIndex(), lowest.previousTerm());
        keep = new Keep(0, ActivationDescriptor.RECORDS_OFFSET, lowest.seed(), lowest.previousIndex());
        int chain = lowest.seed();
        for (int slot = 0; slot < links.size() && cut == null; slot++) {
            Found found = links.get(slot);
            image.load(found.name(), found.file());
            checkLink(found, chain, slot);
            boolean last = slot == links.size() - 1;
            int end = last ? image.length() : links.get(slot + 1).activation().previousEnd();
            chain = readSegment(slot, end, last);
        }
    }

    private void checkLink(Found found, int chain, int slot) {
        Activation activation = found.activation();
        if (slot > 0 && activation.previousIndex() < table.first() - 1) {
            // All that the segments below hold was superseded, by entries whose predecessors are deleted already: those
            // segments were about to follow. Whether that much may be missing, the floor says.
            table = new IndexTable(activation.previousIndex());
            terms = new TermTable(activation.previousIndex(), activation.previousTerm());
        }
        boolean linked = activation.seed() == chain
                && activation.previousIndex() <= table.last()
                && activation.previousTerm() == terms.term(activation.previousIndex());
        int stated = slot < links.size() - 1 ? links.get(slot + 1).activation().previousEnd() : 0;
        if (stated > image.length()) {
            throw image.damaged(image.length(), table.last() + 1, stated + " bytes", image.length() + " bytes");
        }
        if (slot > 0 && !linked) {
            throw image.damaged(
                    ActivationDescriptor.FILE_OFFSET,
                    table.last() + 1,
                    "chain=" + Integer.toHexString(chain) + " last=" + table.last(),
                    "chain=" + Integer.toHexString(activation.seed()) + " previous=" + activation.previousIndex() + "/"
                            + activation.previousTerm());
        }
    }

    /** Reads records up to the end or the first that fails; returns the chain behind the last one. */
    private int readSegment(int slot, int end, boolean last) {
        Activation activation = links.get(slot).activation();
        int chain = activation.seed();
        int at = ActivationDescriptor.RECORDS_OFFSET;
        while (last || at < end) {
            int record = nextRecord(at, end, chain, activation.segment());
            if (record >= 0 && accept(slot, record)) {
                chain = RecordDescriptor.headerCrc(image.buffer(), record);
                at = image.recordEnd(record);
                noteKept(slot, record, at, chain);
                continue;
            }
            if (!judge(slot, record < 0 ? at : record, end, last)) {
                cut = new Cut(slot, at);
            }
            return chain;
        }
        if (at != end) {
            throw image.damaged(at, table.last() + 1, "records up to offset " + end, "one beyond it");
        }
        return chain;
    }

    /** At the offset, or behind the hole that the block rule leaves where the chain proves it; -1 if there is none. */
    private int nextRecord(int at, int end, int chain, int sequence) {
        if (continuesChain(at, end, chain, sequence)) {
            return at;
        }
        int block = (int) Wal.blocks(at);
        return block != at && continuesChain(block, end, chain, sequence) ? block : -1;
    }

    private boolean continuesChain(int at, int end, int chain, int sequence) {
        return image.hasRecordHeader(at, end)
                && RecordDescriptor.segment(image.buffer(), at) == sequence
                && RecordDescriptor.previousCrc(image.buffer(), at) == chain;
    }

    /** Takes the record into the table; false if its body is damaged and no later record supersedes it. */
    private boolean accept(int slot, int at) {
        UnsafeBuffer buffer = image.buffer();
        int body = at + RecordDescriptor.HEADER_LENGTH;
        boolean whole = image.bodyIsValid(at);
        if (image.isEmptyRecord(at)) {
            if (whole) {
                commitHint = buffer.getLong(body, LITTLE_ENDIAN);
            }
            return whole;
        }
        long index = RecordDescriptor.index(buffer, at);
        long position = LogPosition.of(links.get(slot).activation().segment(), at);
        if (!whole && !isSuperseded(position, index)) {
            return false;
        }
        boolean follows = image.supersedes(at)
                ? index <= table.last() + 1
                        && index > links.get(slot).activation().previousIndex()
                : index == table.last() + 1;
        if (!follows) {
            throw image.damaged(at, index, "index " + (table.last() + 1), "index " + index);
        }
        table.truncateSuffix(index);
        terms.truncateSuffix(index);
        long before = terms.term(index - 1);
        // The term of a damaged entry is not known; it is superseded further on, until then the one before stands for
        // it.
        long term = whole ? EntryDescriptor.term(buffer, body) : before;
        if (term < before) {
            throw image.damaged(at, index, "a term of at least " + before, "term " + term);
        }
        supersededDamage += whole ? 0 : 1;
        table.append(
                position,
                whole ? EntryDescriptor.type(buffer, body) : 0,
                RecordDescriptor.length(buffer, at) - RecordDescriptor.HEADER_LENGTH);
        terms.append(index, term);
        return true;
    }

    private boolean isSuperseded(long position, long index) {
        return !stillLive.contains(position)
                && superseding.stream().anyMatch(later -> later.position() > position && later.index() <= index);
    }

    private void noteKept(int slot, int record, int end, int chain) {
        long endPosition = LogPosition.of(links.get(slot).activation().segment(), end);
        boolean claimsAll = config.faults().contains(WalFault.NO_COPY_AT_RECOVERY);
        if (!image.isEmptyRecord(record) && (endPosition <= highestDurable || claimsAll)) {
            keep = new Keep(slot, end, chain, table.last());
        }
    }

    /**
     * The first record that fails, by the evidence.
     *
     * @return true if it is the clean end of the log, false if a crash tore it
     * @throws WalDamagedException if it is neither, or cannot be told
     */
    private boolean judge(int slot, int at, int end, boolean last) {
        long position = LogPosition.of(links.get(slot).activation().segment(), at);
        long index = table.last() + 1;
        if (position < highestDurable) {
            throw image.damaged(
                    at,
                    index,
                    "a record, for " + LogPosition.toString(highestDurable) + " was durable",
                    found(at, end));
        }
        if (floor.index() >= index) {
            throw image.damaged(at, index, "entries up to " + floor.index() + ", which are applied", found(at, end));
        }
        boolean nothingHere =
                at > end - RecordDescriptor.HEADER_LENGTH || RecordDescriptor.length(image.buffer(), at) == 0;
        if (nothingHere && last && image.isZero(at, end)) {
            return true;
        }
        if (nothingHere || image.hasLostSector(at, end)) {
            return false;
        }
        if (image.hasForeignHeader(at, end)) {
            return true;
        }
        throw image.damaged(at, index, "a record, zeros, or a sector that was not written", found(at, end));
    }

    private String found(int at, int end) {
        if (at > end - RecordDescriptor.HEADER_LENGTH) {
            return "the end of the segment";
        }
        if (!image.hasRecordHeader(at, end)) {
            return image.isZero(at, end)
                    ? "zeros"
                    : "length=" + RecordDescriptor.length(image.buffer(), at) + " and no valid header";
        }
        return image.bodyIsValid(at) ? "a record that does not continue the chain" : "a body that fails its crc";
    }

    private void checkAllDurableWasRead() {
        Found last = links.get(links.size() - 1);
        if (cut == null
                && LogPosition.segment(highestDurable) > last.activation().segment()) {
            throw new WalDamagedException(
                    Segment.nameOf(LogPosition.segment(highestDurable)),
                    0,
                    table.last() + 1,
                    "this segment, for " + LogPosition.toString(highestDurable) + " was durable",
                    "the log ends in " + last.name());
        }
    }

    private void checkFloor() {
        if (floor.index() < 0) {
            return;
        }
        String file = links.isEmpty() ? Segment.nameOf(1) : links.get(0).name();
        if (floor.index() > table.last() || floor.index() < table.first() - 1) {
            throw new WalDamagedException(
                    file,
                    0,
                    floor.index(),
                    "a log that holds or follows applied index " + floor.index(),
                    "indexes " + table.first() + ".." + table.last());
        }
        long term = terms.term(floor.index());
        if (term != floor.term()) {
            throw new WalDamagedException(
                    file, 0, floor.index(), "term " + floor.term() + " of the applied index", "term " + term);
        }
    }

    // ---- 4. the fresh segment

    private Recovered rebuild() {
        long firstCopied = firstCopied();
        long copiedBytes = bytesOf(firstCopied);
        commitHint = Math.min(commitHint, table.last());
        long durableFound = highestDurable;
        int found = links.size();
        long[] cutBytes = keepCutAside();

        PreparedSegment prepared = prepareFresh(copiedBytes);
        prepared.file().startAppending();
        int sequence = highestSequence + 1;
        boolean keepsNothing = keep.slot() == 0 && keep.end() == ActivationDescriptor.RECORDS_OFFSET;
        Activation links0 = links.isEmpty() ? null : links.get(0).activation();
        int seed = keep.chain();
        FreshWriter writer = new FreshWriter(prepared, sequence, seed);
        long copied = writer.copy(firstCopied);
        prepared.file().force();
        Activation activation;
        if (keepsNothing) {
            activation = new Activation(
                    links0 == null ? ActivationDescriptor.KIND_START : links0.kind(),
                    sequence,
                    links0 == null ? 0 : links0.previousSegment(),
                    links0 == null ? 0 : links0.previousEnd(),
                    table.first() - 1,
                    terms.term(table.first() - 1),
                    highestDurable,
                    seed,
                    links0 == null ? sequence : links0.replacedFrom(),
                    prepared.salt());
        } else {
            long previousIndex = firstCopied - 1;
            activation = new Activation(
                    ActivationDescriptor.KIND_CONTINUE,
                    sequence,
                    links.get(keep.slot()).activation().segment(),
                    keep.end(),
                    previousIndex,
                    terms.term(previousIndex),
                    highestDurable,
                    seed,
                    links.get(keep.slot()).activation().segment() + 1,
                    prepared.salt());
        }
        putInUse(prepared, activation);
        writer.appendEmptyRecord();
        prepared.file().force();
        List<Segment> segments = segments(keepsNothing, prepared, activation);
        int dropped = dropUnlinked(segments);
        long hardStateSequence = rewriteHardState();
        Cut where = cut;
        RecoveryReport report = new RecoveryReport(
                directory.writer(),
                found,
                table.first(),
                table.last(),
                terms.term(table.last()),
                highestTerm,
                durableFound,
                copied,
                copiedBytes,
                where != null
                        ? links.get(where.slot()).name()
                        : torn.isEmpty() ? "" : torn.get(0).name(),
                where != null ? where.offset() : 0,
                cutBytes[0],
                cutBytes[1],
                supersededDamage,
                dropped,
                commitHint,
                hardStateSequence);
        return new Recovered(table, terms, segments, writer.offset, writer.chain, nextSpare, report);
    }

    /** Lowest live index that lies above what stays in old segments; one above the last if all stay. */
    private long firstCopied() {
        if (links.isEmpty()) {
            return table.first();
        }
        long keepEnd = LogPosition.of(links.get(keep.slot()).activation().segment(), keep.end());
        long index = table.last() + 1;
        while (index > table.first() && table.start(index - 1) >= keepEnd) {
            index--;
        }
        return index;
    }

    private long bytesOf(long fromIndex) {
        long bytes = 0;
        for (long index = fromIndex; index <= table.last(); index++) {
            bytes += RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + table.entryLength(index));
        }
        return bytes;
    }

    private PreparedSegment prepareFresh(long copiedBytes) {
        long need = ActivationDescriptor.RECORDS_OFFSET
                + copiedBytes
                + RecordDescriptor.BLOCK_BYTES
                + Wal.TAIL_RESERVE_BYTES;
        long length = Math.max(config.segmentBytes(), Wal.blocks(need));
        if (length > WalConfig.MAX_SEGMENT_BYTES) {
            throw new WalException(
                    "tail of " + copiedBytes + " bytes does not fit one segment of " + WalConfig.MAX_SEGMENT_BYTES);
        }
        return SegmentPreparation.prepare(
                directory, config, SPARE_PREFIX + nextSpare++, (int) length, salts.getAsLong());
    }

    /** Writes the tail's entries verbatim, under new headers, into the fresh segment. */
    private final class FreshWriter {
        private final PreparedSegment fresh;
        private final int sequence;
        private final ByteBuffer staged = ByteBuffer.allocateDirect(COPY_BYTES);
        private UnsafeBuffer record = new UnsafeBuffer(new byte[RecordDescriptor.BLOCK_BYTES]);
        private int offset = ActivationDescriptor.RECORDS_OFFSET;
        private int chain;

        FreshWriter(PreparedSegment fresh, int sequence, int seed) {
            this.fresh = fresh;
            this.sequence = sequence;
            this.chain = seed;
        }

        long copy(long firstCopied) {
            long lastCopied = table.last();
            int count = (int) (lastCopied - firstCopied + 1);
            long[] starts = new long[count];
            for (int i = 0; i < count; i++) {
                long index = firstCopied + i;
                int entryLength = table.entryLength(index);
                readEntry(index, entryLength);
                int flags = i == 0 && index <= keep.lastIndex() ? RecordDescriptor.FLAG_SUPERSEDES : 0;
                starts[i] = LogPosition.of(sequence, offset);
                write(entryLength, flags, index, EntryDescriptor.crc(record, RecordDescriptor.HEADER_LENGTH));
            }
            relocate(firstCopied, starts);
            return count;
        }

        private void readEntry(long index, int entryLength) {
            long start = table.start(index);
            Found from = links.stream()
                    .filter(link -> link.activation().segment() == LogPosition.segment(start))
                    .findFirst()
                    .orElseThrow();
            int need = RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + entryLength);
            if (record.capacity() < need) {
                record = new UnsafeBuffer(new byte[need]);
            }
            ByteBuffer entry = ByteBuffer.wrap(record.byteArray(), RecordDescriptor.HEADER_LENGTH, entryLength);
            from.file().read(LogPosition.offset(start) + RecordDescriptor.HEADER_LENGTH, entry);
            if (!EntryDescriptor.isValid(record, RecordDescriptor.HEADER_LENGTH, entryLength)) {
                throw new WalDamagedException(
                        from.name(), LogPosition.offset(start), index, "the entry read before", "other bytes");
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
                    fresh.salt(),
                    highestDurable,
                    index,
                    sequence,
                    offset,
                    chain,
                    bodyCrc,
                    checksum);
            writeInBlocks(offset, aligned);
            offset += aligned;
        }

        /** In pieces of a block, so that the page cache keeps the small folios of the preparation. */
        private void writeInBlocks(int at, int count) {
            for (int done = 0; done < count; ) {
                int step = Math.min(count - done, RecordDescriptor.BLOCK_BYTES);
                staged.clear();
                record.getBytes(done, staged, 0, step);
                staged.position(0).limit(step);
                fresh.file().write(at + done, staged);
                done += step;
            }
        }

        /**
         * Only now, with the activation block and the name forced, is the copy durable: this record is the first to say so.
         * A crash before it copies the tail again.
         */
        void appendEmptyRecord() {
            highestDurable = LogPosition.of(sequence, offset);
            int crc = RecordWriter.encodeHint(record, commitHint, checksum);
            write(RecordDescriptor.EMPTY_BODY_LENGTH, RecordDescriptor.FLAG_EMPTY, table.last(), crc);
        }
    }

    private void relocate(long firstCopied, long[] starts) {
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

    private void putInUse(PreparedSegment prepared, Activation activation) {
        UnsafeBuffer block = new UnsafeBuffer(new byte[ActivationDescriptor.LENGTH]);
        ActivationDescriptor.encode(block, activation, checksum);
        prepared.file().write(ActivationDescriptor.FILE_OFFSET, ByteBuffer.wrap(block.byteArray()));
        prepared.file().force();
        directory.rename(prepared.name(), Segment.nameOf(activation.segment()));
        directory.force();
    }

    private List<Segment> segments(boolean keepsNothing, PreparedSegment prepared, Activation activation) {
        List<Segment> segments = new ArrayList<>();
        int kept = keepsNothing ? 0 : keep.slot() + 1;
        for (int slot = 0; slot < kept; slot++) {
            Found found = links.get(slot);
            Segment segment = new Segment(
                    found.activation().segment(),
                    found.file(),
                    nameInOrder(found),
                    found.activation().salt(),
                    found.activation().previousIndex());
            segment.sealedEnd = slot == kept - 1
                    ? keep.end()
                    : links.get(slot + 1).activation().previousEnd();
            segment.nameForced = true;
            segments.add(segment);
        }
        Segment fresh = new Segment(
                activation.segment(),
                prepared.file(),
                Segment.nameOf(activation.segment()),
                prepared.salt(),
                activation.previousIndex());
        fresh.nameForced = true;
        fresh.inMemory = true;
        segments.add(fresh);
        noteLastLive(segments);
        return segments;
    }

    /** A crash may have undone a rename: a spare that is in use gets its name now. */
    private String nameInOrder(Found found) {
        String name = Segment.nameOf(found.activation().segment());
        if (!name.equals(found.name())) {
            directory.rename(found.name(), name);
            opened.remove(found.name());
            opened.put(name, found.file());
        }
        return name;
    }

    private void noteLastLive(List<Segment> segments) {
        long index = table.last();
        for (int i = segments.size() - 1; i >= 0; i--) {
            Segment segment = segments.get(i);
            segment.lastLiveIndex = index;
            while (index >= table.first() && LogPosition.segment(table.start(index)) == segment.sequence) {
                index--;
            }
        }
    }

    // ---- 5. what is left over

    /** Returns the bytes cut and the bytes of these that were kept. */
    private long[] keepCutAside() {
        long room = config.cutCopyCapBytes() - bytesAside();
        Cut where = cut;
        long[] bytes = new long[2];
        if (where != null) {
            for (int slot = where.slot(); slot < links.size(); slot++) {
                keepAside(links.get(slot), slot == where.slot() ? where.offset() : 0, room, bytes);
            }
        }
        for (Found found : torn) {
            keepAside(found, 0, room, bytes);
        }
        return bytes;
    }

    private void keepAside(Found found, int offset, long room, long[] bytes) {
        image.load(found.name(), found.file());
        int from = Math.max(offset, ActivationDescriptor.RECORDS_OFFSET);
        int count = image.lastNonZero(from) - from;
        bytes[0] += count;
        int keepBytes = (int) Math.min(count, room - bytes[1]);
        if (keepBytes > 0 && copyAside(found, from, keepBytes)) {
            bytes[1] += keepBytes;
        }
    }

    private long bytesAside() {
        long bytes = 0;
        for (String name : directory.list()) {
            if (name.startsWith(CUT_PREFIX)) {
                try (SegmentFile file = directory.open(name)) {
                    bytes += file.length();
                }
            }
        }
        return bytes;
    }

    private boolean copyAside(Found found, int from, int bytes) {
        String name = CUT_PREFIX + found.activation().segment() + "-" + from + "-" + bytes;
        if (directory.list().contains(name)) {
            return true;
        }
        try (SegmentFile aside = directory.create(name, bytes)) {
            aside.write(0, ByteBuffer.wrap(image.buffer().byteArray(), from, bytes));
            aside.force();
            return true;
        } catch (NoSpaceException e) {
            // A copy for the curious is worth less than a node that starts; the report says that it is missing.
            if (directory.list().contains(name)) {
                directory.delete(name);
            }
            return false;
        }
    }

    private int dropUnlinked(List<Segment> segments) {
        List<String> drop = new ArrayList<>(unused);
        for (Found found : activated) {
            if (segments.stream().noneMatch(kept -> kept.file == found.file())) {
                drop.add(found.name());
            }
        }
        for (String name : drop) {
            SegmentFile file = opened.remove(name);
            if (file != null) {
                file.close();
            }
            directory.delete(name);
        }
        directory.force();
        return drop.size();
    }

    private long rewriteHardState() {
        HardState state = hardState.current();
        return hardState.write(state.term(), state.votedFor(), state.repairing(), state.storageEpoch());
    }
}
