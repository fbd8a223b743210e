package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.wal.SegmentEvidence.Found;
import dev.cairn.wal.SegmentEvidence.Headless;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** Third step of recovery: the records in order, and the verdict on the first that fails. Changes nothing on disk. */
final class RecoveredRecords {
    /** Where the log that stays in old segments ends. */
    record Keep(int slot, int end, int chain, long lastIndex) {}

    /** Where a torn tail begins. */
    record Cut(int slot, int offset) {}

    private static final long UNKNOWN_TERM = -1;

    private final SegmentEvidence evidence;
    private final SegmentLinks linked;
    private final SegmentImage image;
    private final Floor floor;
    private final boolean claimsAllDurable;
    private final Set<Long> stillLive = new HashSet<>();

    private IndexTable table = new IndexTable(0);
    private TermTable terms = new TermTable(0, 0);
    private Keep keep = new Keep(0, ActivationDescriptor.RECORDS_OFFSET, 0, 0);
    private @Nullable Cut cut;
    private int supersededDamage;
    private int restored;
    private long commitHint;

    // Only in a log that is read around damage.
    private boolean around;
    private boolean joined;
    private boolean restarted;
    private boolean stoppedAtDamage;
    private int restartSlot;
    private int damagedSlot;
    private int chain;
    private IndexRanges lost = new IndexRanges();

    /** The last argument is a planted bug: it takes what can be read for durable. */
    RecoveredRecords(
            SegmentEvidence evidence, SegmentLinks linked, SegmentImage image, Floor floor, boolean claimsAllDurable) {
        this.evidence = evidence;
        this.linked = linked;
        this.image = image;
        this.floor = floor;
        this.claimsAllDurable = claimsAllDurable;
    }

    /** Live entries and where they stand. */
    IndexTable table() {
        return table;
    }

    TermTable terms() {
        return terms;
    }

    /** The last entry that is known to be durable, and the chain behind it. */
    Keep keep() {
        return keep;
    }

    @Nullable
    Cut cut() {
        return cut;
    }

    /** Files whose activation block did not reach the disk, though entries did that the log does not hold now. */
    List<Headless> headless() {
        List<Found> links = linked.links();
        // A dropped segment on its way to be a spare has lost its block, too: it lies below.
        int last = links.isEmpty() ? 0 : links.get(links.size() - 1).sequence();
        if (around) {
            return List.of();
        }
        return evidence.headless().stream()
                .filter(file -> file.sequence() > last && !holds(file.lastIndex(), file.lastTerm()))
                .toList();
    }

    private boolean holds(long index, long term) {
        return index < table.first() || (index <= table.last() && terms.term(index) == term);
    }

    /** Damaged records that later ones supersede. */
    int supersededDamage() {
        return supersededDamage;
    }

    /** Records above all that is known to be durable that lacked their length, or a single byte, and are whole again. */
    int restored() {
        return restored;
    }

    /** Of the last empty record, capped by the log. */
    long commitHint() {
        return Math.min(commitHint, table.last());
    }

    /**
     * Reads until no damaged entry is live: one that counted as superseded is judged after all when what superseded it turns
     * out to be cut.
     */
    void read() {
        if (linked.links().isEmpty()) {
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
        restored = 0;
        commitHint = 0;
        Activation lowest = linked.links().get(0).activation();
        table = new IndexTable(lowest.previousIndex());
        terms = new TermTable(lowest.previousIndex(), lowest.previousTerm());
        keep = new Keep(0, ActivationDescriptor.RECORDS_OFFSET, lowest.seed(), lowest.previousIndex());
        int chain = lowest.seed();
        for (int slot = 0; slot < linked.links().size() && cut == null; slot++) {
            Found found = linked.links().get(slot);
            image.load(found.name(), found.file());
            checkLink(found, chain, slot);
            boolean last = slot == linked.links().size() - 1;
            int end = last
                    ? image.length()
                    : linked.links().get(slot + 1).activation().previousEnd();
            chain = readSegment(slot, ActivationDescriptor.RECORDS_OFFSET, chain, end, last);
        }
    }

    // ---- around damage

    /** What a log is that has damage in it. */
    enum Remains {
        /** All of it: what is damaged belongs to it no longer. */
        ALL,
        /** All above what the store holds; below it something is damaged, which the store does not need. */
        ALL_ABOVE_STORE,
        /** An intact beginning, which reaches what the store holds. */
        PREFIX,
        /** What the store holds, and perhaps some entries behind it. */
        STORE
    }

    /**
     * Reads what can be read although something is damaged: behind damage it goes on with the next record that proves
     * itself. Nothing that is read so is believed further than {@link Remains} says.
     *
     * @param store what the state machine has flushed
     */
    Remains readAround(Floor store) {
        readAround(store, false);
        boolean reachesStore = table.first() - 1 <= store.index() && table.last() >= store.index();
        boolean sameTerm = reachesStore && terms.term(store.index()) == store.term();
        // Whatever stood before the first entry read, it was live before that one; the store's index is applied, so it
        // is
        // the entry that the store holds.
        boolean follows = restarted && store.index() == table.first() - 1;
        boolean whole = joined && !stoppedAtDamage && nothingUnreadableAbove();
        if (whole && reachesStore && (sameTerm || follows)) {
            if (!restarted) {
                return Remains.ALL;
            }
            beginBehind(store);
            return Remains.ALL_ABOVE_STORE;
        }
        if (sameTerm && !restarted) {
            return Remains.PREFIX;
        }
        if (!sameTerm) {
            forgetAll(store);
        }
        beginBehind(store);
        return Remains.STORE;
    }

    /** Every entry that cannot be read, as far as the files still tell. */
    IndexRanges survey() {
        readAround(Floor.UNKNOWN, true);
        return lost;
    }

    /** First segment, among the links, in which or before which something is damaged. */
    int damagedSlot() {
        return damagedSlot;
    }

    /** Nothing stays but what the store holds. */
    void forgetAll(Floor store) {
        cut = null;
        table = new IndexTable(store.index());
        terms = new TermTable(store.index(), store.term());
    }

    /** The log begins behind what the store holds; everything that is left above is to be copied. */
    private void beginBehind(Floor store) {
        IndexTable all = table;
        TermTable allTerms = terms;
        table = new IndexTable(store.index());
        terms = new TermTable(store.index(), store.term());
        for (long index = store.index() + 1; index <= all.last(); index++) {
            table.append(all.start(index), all.type(index), all.entryLength(index));
            terms.append(index, allTerms.term(index));
        }
        keep = new Keep(0, ActivationDescriptor.RECORDS_OFFSET, 0, store.index());
    }

    private void readAround(Floor store, boolean survey) {
        List<Found> links = linked.links();
        around = true;
        restarted = false;
        stoppedAtDamage = false;
        joined = !links.isEmpty();
        damagedSlot = links.size();
        lost = new IndexRanges();
        cut = null;
        restored = 0;
        supersededDamage = 0;
        commitHint = 0;
        table = new IndexTable(joined ? links.get(0).activation().previousIndex() : 0);
        terms = new TermTable(table.last(), joined ? links.get(0).activation().previousTerm() : 0);
        chain = joined ? links.get(0).activation().seed() : 0;
        keep = new Keep(0, ActivationDescriptor.RECORDS_OFFSET, chain, table.last());
        for (int slot = 0; slot < links.size() && cut == null && !stoppedAtDamage; slot++) {
            readAround(slot, store, survey);
        }
        if (!joined && !stoppedAtDamage) {
            lost.add(table.last() + 1, Long.MAX_VALUE);
        }
    }

    private void readAround(int slot, Floor store, boolean survey) {
        Found found = linked.links().get(slot);
        image.load(found.name(), found.file());
        int at = ActivationDescriptor.RECORDS_OFFSET;
        boolean begun = joins(slot);
        while (true) {
            if (!joined) {
                damagedSlot = Math.min(damagedSlot, slot);
                stoppedAtDamage = !survey && holds(store);
                if (stoppedAtDamage) {
                    return;
                }
                at = begun ? rejoin(slot, at) : rejoinAtStart(slot);
                begun = true;
                if (!joined) {
                    return;
                }
            }
            try {
                chain = readSegment(slot, at, chain, endOf(slot), !continues(slot));
                return;
            } catch (WalDamagedException damage) {
                joined = false;
                // A record that proves itself but fits nowhere is passed over.
                boolean again = restarted && at == damage.offset();
                at = (int) damage.offset() + (again ? RecordDescriptor.ALIGNMENT : 0);
            }
        }
    }

    /** Whether the next segment states where this one ends. */
    private boolean continues(int slot) {
        return slot < linked.links().size() - 1 && linked.isLinked(slot + 1);
    }

    private int endOf(int slot) {
        int stated = continues(slot) ? linked.links().get(slot + 1).activation().previousEnd() : image.length();
        return Math.min(stated, image.length());
    }

    /** Goes on from the segment before, if that was read to its end and this one follows it. */
    private boolean joins(int slot) {
        if (slot == 0) {
            return true;
        }
        if (joined) {
            try {
                checkLink(linked.links().get(slot), chain, slot);
                joined = linked.isLinked(slot);
            } catch (WalDamagedException damage) {
                joined = false;
            }
        }
        return joined;
    }

    private int rejoinAtStart(int slot) {
        Activation activation = linked.links().get(slot).activation();
        restart(slot, activation.previousIndex(), activation.previousTerm(), false);
        chain = activation.seed();
        return ActivationDescriptor.RECORDS_OFFSET;
    }

    /** At the next record that proves itself, or behind it when only its header does. */
    private int rejoin(int slot, int from) {
        UnsafeBuffer buffer = image.buffer();
        int end = endOf(slot);
        for (int at = from; at <= end - RecordDescriptor.HEADER_LENGTH; at += RecordDescriptor.ALIGNMENT) {
            if (image.hasRecordHeader(at, end)
                    && RecordDescriptor.segment(buffer, at)
                            == linked.links().get(slot).sequence()) {
                boolean whole = image.bodyIsValid(at);
                boolean empty = image.isEmptyRecord(at);
                long index = RecordDescriptor.index(buffer, at);
                restart(slot, whole && !empty ? index - 1 : index, UNKNOWN_TERM, !whole && !empty);
                chain = whole ? RecordDescriptor.previousCrc(buffer, at) : RecordDescriptor.headerCrc(buffer, at);
                return whole ? at : image.recordEnd(at);
            }
        }
        return end;
    }

    private void restart(int slot, long previousIndex, long previousTerm, boolean previousIsDamaged) {
        long next = table.last() + 1;
        lost.add(
                previousIsDamaged || previousIndex < table.last() ? Math.min(next, previousIndex) : next,
                previousIndex);
        beginAt(previousIndex, previousTerm);
        restartSlot = slot;
        joined = true;
    }

    private void beginAt(long previousIndex, long previousTerm) {
        table = new IndexTable(previousIndex);
        terms = new TermTable(previousIndex, previousTerm);
        restarted = true;
    }

    private boolean holds(Floor store) {
        return table.first() - 1 <= store.index()
                && table.last() >= store.index()
                && terms.term(store.index()) == store.term();
    }

    /** Whether no file that says nothing for itself can hold anything of what was read last, or behind it. */
    private boolean nothingUnreadableAbove() {
        List<Found> links = linked.links();
        int from = links.get(restarted ? restartSlot : 0).sequence();
        int last = links.get(links.size() - 1).sequence();
        return LogPosition.segment(evidence.highestDurable()) <= last
                && evidence.unreadable().stream()
                        .allMatch(name -> Segment.isSegmentName(name) && Segment.sequenceOf(name) < from);
    }

    // ---- records

    private void checkLink(Found found, int chain, int slot) {
        Activation activation = found.activation();
        if (slot > 0 && activation.previousIndex() < table.first() - 1) {
            // All that the segments below hold was superseded, by entries whose predecessors are deleted already: those
            // segments were about to follow. Whether that much may be missing, the floor says.
            table = new IndexTable(activation.previousIndex());
            terms = new TermTable(activation.previousIndex(), activation.previousTerm());
        }
        boolean continues = activation.seed() == chain
                && activation.previousIndex() <= table.last()
                && (isDamaged(activation.previousIndex())
                        || activation.previousTerm() == terms.term(activation.previousIndex()));
        int stated = slot < linked.links().size() - 1
                ? linked.links().get(slot + 1).activation().previousEnd()
                : 0;
        if (stated > image.length()) {
            throw image.damaged(image.length(), table.last() + 1, stated + " bytes", image.length() + " bytes");
        }
        if (slot > 0 && !continues) {
            throw image.damaged(
                    ActivationDescriptor.FILE_OFFSET,
                    table.last() + 1,
                    "chain=" + Integer.toHexString(chain) + " last=" + table.last(),
                    "chain=" + Integer.toHexString(activation.seed()) + " previous=" + activation.previousIndex() + "/"
                            + activation.previousTerm());
        }
    }

    /** A damaged entry that is superseded further on: its term is not known. */
    private boolean isDamaged(long index) {
        return index >= table.first() && index <= table.last() && table.type(index) == 0;
    }

    /** Reads records up to the end or the first that fails; returns the chain behind the last one. */
    private int readSegment(int slot, int from, int seed, int end, boolean last) {
        Activation activation = linked.links().get(slot).activation();
        int chain = seed;
        int at = from;
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

    /** The next record of the chain; in the unproven tail also one that lacks nothing but its length. -1 if there is none. */
    private int nextRecord(int at, int end, int chain, int sequence) {
        int record = image.nextRecord(at, end, chain);
        if (record >= 0 || !isUnproven(sequence, at)) {
            return record;
        }
        int block = (int) Wal.blocks(at);
        if (image.restoreLength(at, end, chain)) {
            record = at;
        } else if (image.restoreLength(block, end, chain)) {
            record = block;
        }
        restored += record < 0 ? 0 : 1;
        return record;
    }

    /** Not known to be durable: what is whole there is copied, never kept in place. */
    private boolean isUnproven(int sequence, int at) {
        return LogPosition.of(sequence, at) >= evidence.highestDurable();
    }

    /**
     * Takes the record into the table; false if its body is damaged and no later record supersedes it. Only what was durable
     * is rescued so: a damaged record above was torn, if anything, and then nothing behind it was forced either.
     */
    private boolean accept(int slot, int at) {
        UnsafeBuffer buffer = image.buffer();
        int body = at + RecordDescriptor.HEADER_LENGTH;
        boolean whole = image.bodyIsValid(at);
        if (!whole && isUnproven(linked.links().get(slot).sequence(), at) && image.restoreByte(at)) {
            whole = true;
            restored++;
        }
        if (image.isEmptyRecord(at)) {
            if (whole) {
                commitHint = buffer.getLong(body, LITTLE_ENDIAN);
            }
            return whole;
        }
        long index = RecordDescriptor.index(buffer, at);
        long position = LogPosition.of(linked.links().get(slot).sequence(), at);
        boolean superseded = !around
                && position < evidence.highestDurable()
                && !stillLive.contains(position)
                && evidence.isSuperseded(position, index);
        if (!whole && !superseded) {
            return false;
        }
        if (restarted && image.supersedes(at) && index < table.first()) {
            beginAt(index - 1, UNKNOWN_TERM);
        }
        boolean follows = image.supersedes(at)
                ? index <= table.last() + 1
                        && index > linked.links().get(slot).activation().previousIndex()
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

    private void noteKept(int slot, int record, int end, int chain) {
        long endPosition = LogPosition.of(linked.links().get(slot).sequence(), end);
        if (!restarted
                && !image.isEmptyRecord(record)
                && (endPosition <= evidence.highestDurable() || claimsAllDurable)) {
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
        long position = LogPosition.of(linked.links().get(slot).sequence(), at);
        long index = table.last() + 1;
        if (position < evidence.highestDurable()) {
            throw image.damaged(
                    at,
                    index,
                    "a record, for " + LogPosition.toString(evidence.highestDurable()) + " was durable",
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
        int block = (int) Wal.blocks(at);
        if (nothingHere && image.hasDamagedHeader(block, end) && image.isZero(at, block)) {
            // Behind the hole that the block rule leaves: zeros in front of it tell nothing.
            throw image.damaged(block, index, "a record", found(block, end));
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
        Found last = linked.links().get(linked.links().size() - 1);
        if (cut == null && LogPosition.segment(evidence.highestDurable()) > last.sequence()) {
            throw new WalDamagedException(
                    Segment.nameOf(LogPosition.segment(evidence.highestDurable())),
                    0,
                    table.last() + 1,
                    "this segment, for " + LogPosition.toString(evidence.highestDurable()) + " was durable",
                    "the log ends in " + last.name());
        }
    }

    void checkFloor() {
        if (floor.index() < 0) {
            return;
        }
        String file = linked.links().isEmpty()
                ? Segment.nameOf(1)
                : linked.links().get(0).name();
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
}
