package dev.cairn.wal;

import dev.cairn.wal.RecoveredRecords.Cut;
import dev.cairn.wal.RecoveredRecords.Keep;
import dev.cairn.wal.RecoveredRecords.Remains;
import dev.cairn.wal.SegmentEvidence.Found;
import dev.cairn.wal.SegmentEvidence.Headless;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides at start what the log holds. Runs once, on the thread that opens the log.
 *
 * <p>Crash and corruption are different things: what a crash explains is cut, anything else stops the node with all files
 * as they were, or, where its owner asks for it because peers can bring back what is missing, is cut with hard state
 * saying so first. And what can be read is not what is durable: everything above the highest durable position that any valid
 * structure states is copied into a fresh segment and forced before anybody hears of it. Nothing is changed before the
 * verdict is known. Steps:
 *
 * <ol>
 *   <li>{@link SegmentEvidence}: read every file for itself: identity, activation, and all record headers, also those behind
 *       a damaged one, for the highest durable position, the highest term and the superseding records;
 *   <li>{@link SegmentLinks}: link the segments by their activation blocks, from the highest down;
 *   <li>{@link RecoveredRecords}: read the records in order; judge the first that fails;
 *   <li>{@link FreshSegment}: copy the tail into a fresh segment and force it; then write and force its activation block,
 *       which alone puts it in use; rename; force the directory;
 *   <li>delete what is not linked any more; rewrite hard state.
 * </ol>
 *
 * A crash anywhere leaves either the old links or the new ones, and both lead to the same entries.
 */
final class WalRecovery {
    static final String SPARE_PREFIX = "spare-";
    static final String CUT_PREFIX = "cut-";

    record Recovered(
            IndexTable table,
            TermTable terms,
            List<Segment> segments,
            int tail,
            int chain,
            int nextSpare,
            RecoveryReport report) {}

    private final WalConfig config;
    private final SegmentDirectory directory;
    private final HardStateFile hardState;
    private final LongSupplier salts;
    private final SegmentImage image = new SegmentImage();
    private final Floor floor;
    private final @Nullable Floor store;
    private final boolean listsLost;
    private SegmentEvidence evidence;
    private SegmentLinks linked;
    private RecoveredRecords records;
    private @Nullable DamagedFiles damaged;
    private final Set<String> droppedSpares = new HashSet<>();

    /**
     * What to recover.
     *
     * @param store what the state machine has flushed, where the log may go on around damage; null = it stops the node
     * @param listsLost whether all that is lost is looked for when it does
     */
    WalRecovery(
            WalConfig config,
            SegmentDirectory directory,
            HardStateFile hardState,
            Floor floor,
            @Nullable Floor store,
            boolean listsLost,
            LongSupplier salts) {
        this.config = config;
        this.directory = directory;
        this.hardState = hardState;
        this.salts = salts;
        this.floor = floor;
        this.store = store;
        this.listsLost = listsLost;
        this.evidence = new SegmentEvidence(config, directory, image, false);
        this.linked = newLinks(evidence);
        this.records = newRecords(evidence, linked);
    }

    private SegmentLinks newLinks(SegmentEvidence from) {
        return new SegmentLinks(from, hardState.created(), hardState.current().sequence());
    }

    private RecoveredRecords newRecords(SegmentEvidence from, SegmentLinks links) {
        boolean claimsAllDurable = config.faults().contains(WalFault.NO_COPY_AT_RECOVERY);
        return new RecoveredRecords(from, links, image, floor, claimsAllDurable);
    }

    Recovered recover() {
        try {
            try {
                evidence.collect();
                linked.link();
                records.read();
                records.checkFloor();
            } catch (WalDamagedException damage) {
                if (!listsLost) {
                    throw damage;
                }
                goAround(damage);
            }
            return rebuild();
        } catch (WalException e) {
            evidence.openFiles().forEach(SegmentFile::close);
            throw e;
        }
    }

    /**
     * Reads the log again, around its damage. Where acknowledged entries may be missing from what is left, hard state says so
     * before anything is changed, so that a crash in between finds it.
     *
     * @throws WalDamagedException when that is not wanted, or no peer could help; it lists what is lost
     */
    private void goAround(WalDamagedException damage) {
        evidence.openFiles().forEach(SegmentFile::close);
        evidence = new SegmentEvidence(config, directory, image, true);
        linked = newLinks(evidence);
        records = newRecords(evidence, linked);
        IndexRanges lost;
        try {
            evidence.collect();
            linked.linkAround();
            lost = records.survey();
        } catch (WalDamagedException another) {
            throw damage;
        }
        WalDamagedException full = damage.withLost(lost);
        if (store == null || hardState.created() || damage.isForeignFile()) {
            throw full;
        }
        Remains remains = records.readAround(store);
        if (remains == Remains.ALL_ABOVE_STORE && !fitsFresh()) {
            remains = Remains.STORE;
        }
        if (remains == Remains.STORE && !fitsFresh()) {
            records.forgetAll(store);
        }
        boolean repairing = remains == Remains.PREFIX || remains == Remains.STORE;
        HardState state = hardState.current();
        if (repairing) {
            hardState.write(state.term(), state.votedFor(), true, state.storageEpoch() + 1);
        }
        damaged = new DamagedFiles(directory, image, full, lost, remains);
        if (remains == Remains.PREFIX) {
            damaged.copyAside(
                    linked.links(), records.damagedSlot(), records.keep().slot());
        }
    }

    private boolean fitsFresh() {
        IndexTable table = records.table();
        return FreshSegment.lengthFor(table, table.first()) <= WalConfig.MAX_SEGMENT_BYTES;
    }

    private Recovered rebuild() {
        IndexTable table = records.table();
        CutCopies cutCopies = new CutCopies(directory, image, config.cutCopyCapBytes());
        if (damaged == null) {
            cutCopies.keep(linked.links(), records.cut(), linked.torn(), records.headless());
        }

        long firstCopied = firstCopied();
        long copiedBytes = FreshSegment.copiedBytes(table, firstCopied);
        FreshSegment fresh = new FreshSegment(
                directory,
                prepareFresh(FreshSegment.lengthFor(table, firstCopied)),
                evidence.highestSequence() + 1,
                records.keep().chain(),
                evidence.highestDurable());
        fresh.copy(linked.links(), records.keep(), table, firstCopied);
        Activation activation = activation(fresh, firstCopied);
        fresh.putInUse(activation);
        fresh.appendEmptyRecord(table.last(), records.commitHint());

        List<Segment> segments = segments(fresh.prepared(), activation);
        int dropped = dropUnlinked(segments);
        long hardStateSequence = rewriteHardState();
        RecoveryReport report = report(firstCopied, copiedBytes, cutCopies, dropped, hardStateSequence);
        int nextSpare = evidence.nextSpare() + 1;
        return new Recovered(table, records.terms(), segments, fresh.tail(), fresh.chain(), nextSpare, report);
    }

    /** Lowest live index that lies above what stays in old segments; one above the last if all stay. */
    private long firstCopied() {
        IndexTable table = records.table();
        if (linked.links().isEmpty()) {
            return table.first();
        }
        Keep keep = records.keep();
        long keepEnd = LogPosition.of(linked.links().get(keep.slot()).sequence(), keep.end());
        long index = table.last() + 1;
        while (index > table.first() && table.start(index - 1) >= keepEnd) {
            index--;
        }
        return index;
    }

    private PreparedSegment prepareFresh(long neededLength) {
        long length = Math.max(config.segmentBytes(), neededLength);
        if (length > WalConfig.MAX_SEGMENT_BYTES) {
            throw new WalException("the tail to copy does not fit one segment: bytes=" + length + " most="
                    + WalConfig.MAX_SEGMENT_BYTES);
        }
        PreparedSegment prepared;
        try {
            prepared = prepareFile((int) length);
        } catch (NoSpaceException e) {
            // The spares of the process before are of no use to this one, but their room is.
            dropSpares();
            prepared = prepareFile((int) length);
        }
        prepared.file().startAppending();
        return prepared;
    }

    private PreparedSegment prepareFile(int length) {
        return SegmentPreparation.prepare(
                directory, config, SPARE_PREFIX + evidence.nextSpare(), length, salts.getAsLong());
    }

    private void dropSpares() {
        for (String name : evidence.unused()) {
            if (name.startsWith(SPARE_PREFIX)) {
                evidence.close(name);
                directory.delete(name);
                droppedSpares.add(name);
            }
        }
    }

    private Activation activation(FreshSegment fresh, long firstCopied) {
        if (damaged != null && damaged.beginsBehindStore()) {
            return behindStore(fresh);
        }
        return keepsNothing() ? inPlaceOfAll(fresh) : behindKept(fresh, firstCopied);
    }

    /** The log begins anew, as behind a snapshot. */
    private Activation behindStore(FreshSegment fresh) {
        long previousIndex = records.table().first() - 1;
        return new Activation(
                ActivationDescriptor.KIND_RESET,
                fresh.sequence(),
                0,
                0,
                previousIndex,
                records.terms().term(previousIndex),
                evidence.highestDurable(),
                records.keep().chain(),
                fresh.sequence(),
                fresh.prepared().salt());
    }

    private boolean keepsNothing() {
        Keep keep = records.keep();
        return keep.slot() == 0 && keep.end() == ActivationDescriptor.RECORDS_OFFSET;
    }

    /** No record stays in an old segment: the fresh one takes the place of the lowest. */
    private Activation inPlaceOfAll(FreshSegment fresh) {
        List<Found> links = linked.links();
        Activation lowest = links.isEmpty() ? null : links.get(0).activation();
        long previousIndex = records.table().first() - 1;
        return new Activation(
                lowest == null ? ActivationDescriptor.KIND_START : lowest.kind(),
                fresh.sequence(),
                lowest == null ? 0 : lowest.previousSegment(),
                lowest == null ? 0 : lowest.previousEnd(),
                previousIndex,
                records.terms().term(previousIndex),
                evidence.highestDurable(),
                records.keep().chain(),
                lowest == null ? fresh.sequence() : lowest.replacedFrom(),
                fresh.prepared().salt());
    }

    private Activation behindKept(FreshSegment fresh, long firstCopied) {
        Keep keep = records.keep();
        int kept = linked.links().get(keep.slot()).sequence();
        return new Activation(
                ActivationDescriptor.KIND_CONTINUE,
                fresh.sequence(),
                kept,
                keep.end(),
                firstCopied - 1,
                records.terms().term(firstCopied - 1),
                evidence.highestDurable(),
                keep.chain(),
                kept + 1,
                fresh.prepared().salt());
    }

    private List<Segment> segments(PreparedSegment prepared, Activation activation) {
        List<Found> links = linked.links();
        List<Segment> segments = new ArrayList<>();
        int kept = keepsNothing() ? 0 : records.keep().slot() + 1;
        for (int slot = 0; slot < kept; slot++) {
            Segment segment = segment(links.get(slot).file(), links.get(slot).activation());
            nameInOrder(links.get(slot));
            boolean lastKept = slot == kept - 1;
            segment.sealedEnd = lastKept
                    ? records.keep().end()
                    : links.get(slot + 1).activation().previousEnd();
            segments.add(segment);
        }
        Segment fresh = segment(prepared.file(), activation);
        fresh.inMemory = true;
        fresh.madeHere = true;
        segments.add(fresh);
        noteLastLive(segments);
        return segments;
    }

    private static Segment segment(SegmentFile file, Activation activation) {
        String name = Segment.nameOf(activation.segment());
        return new Segment(activation.segment(), file, name, activation.salt(), activation.previousIndex());
    }

    /** A segment gets its name some time after it is in use, and a crash may have undone that. */
    private void nameInOrder(Found found) {
        String name = Segment.nameOf(found.sequence());
        if (!name.equals(found.name())) {
            directory.rename(found.name(), name);
        }
    }

    private void noteLastLive(List<Segment> segments) {
        IndexTable table = records.table();
        long index = table.last();
        for (int i = segments.size() - 1; i >= 0; i--) {
            Segment segment = segments.get(i);
            segment.lastLiveIndex = index;
            while (index >= table.first() && LogPosition.segment(table.start(index)) == segment.sequence) {
                index--;
            }
        }
    }

    private int dropUnlinked(List<Segment> segments) {
        List<String> drop = new ArrayList<>(evidence.unused());
        drop.removeAll(droppedSpares);
        for (Found found : evidence.activated()) {
            if (segments.stream().noneMatch(kept -> kept.file == found.file())) {
                drop.add(found.name());
            }
        }
        drop.addAll(evidence.unreadable());
        drop.forEach(evidence::close);
        for (String name : drop) {
            if (isOfDamage(name)) {
                DamagedFiles.setAside(directory, name);
            } else {
                directory.delete(name);
            }
        }
        directory.force();
        return drop.size() + droppedSpares.size();
    }

    /** Also what a recovery before this one was about to set aside when it crashed. */
    private boolean isOfDamage(String name) {
        if (name.startsWith(SPARE_PREFIX) && !evidence.unreadable().contains(name)) {
            return false;
        }
        if (damaged == null) {
            return hardState.current().repairing();
        }
        List<Found> links = linked.links();
        int from = Math.min(records.damagedSlot(), links.size());
        return evidence.unreadable().contains(name)
                || links.subList(from, links.size()).stream()
                        .anyMatch(found -> found.name().equals(name));
    }

    private long rewriteHardState() {
        HardState state = hardState.current();
        return hardState.write(state.term(), state.votedFor(), state.repairing(), state.storageEpoch());
    }

    private RecoveryReport report(
            long firstCopied, long copiedBytes, CutCopies cutCopies, int dropped, long hardStateSequence) {
        IndexTable table = records.table();
        Cut cut = records.cut();
        List<Found> torn = linked.torn();
        List<Headless> lost = records.headless();
        String cutFile = lost.isEmpty() ? "" : lost.get(0).name();
        cutFile = torn.isEmpty() ? cutFile : torn.get(0).name();
        return new RecoveryReport(
                directory.writer(),
                linked.links().size(),
                table.first(),
                table.last(),
                records.terms().term(table.last()),
                Math.max(evidence.highestTerm(), records.terms().term(table.last())),
                evidence.highestDurable(),
                table.last() - firstCopied + 1,
                copiedBytes,
                cut == null ? cutFile : linked.links().get(cut.slot()).name(),
                cut == null ? 0 : cut.offset(),
                cutCopies.cutBytes(),
                cutCopies.keptBytes(),
                records.supersededDamage(),
                records.restored(),
                dropped,
                records.commitHint(),
                hardStateSequence,
                damaged == null ? null : damaged.report(hardState.current()));
    }
}
