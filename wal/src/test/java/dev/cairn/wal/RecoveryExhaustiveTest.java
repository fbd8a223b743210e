package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.cairn.covers.Covers;
import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.CrashKind;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every byte, every sector and every cut of a small log: several segments, groups, a suffix superseded across a roll, a
 * deleted prefix, and a last group that is forced, but that nothing on the disk proves to be.
 */
@Covers({"W01", "W03", "W12", "X06"})
final class RecoveryExhaustiveTest {
    private static final int SECTOR = RecordDescriptor.SECTOR_BYTES;
    private static final int ROLLING_BYTES = 40_900;
    private static final Floor APPLIED = new Floor(4, 1);
    private static final boolean STRESS = Boolean.getBoolean("cairn.stress");

    /** Where the last group lies: behind others in one segment, or across a roll. */
    enum Tail {
        IN_ONE_SEGMENT,
        BEHIND_A_HOLE,
        ACROSS_A_ROLL
    }

    /** A place within the files. */
    private record Place(String file, int offset) {}

    /** What a record or an activation block that ends here says of durability. */
    private record Statement(long end, long durable) {}

    /** What the stores up to this position amount to. */
    private record Snapshot(long end, List<Entry> entries) {}

    /** How an open went: what the log holds, or the message that refused it. */
    private record Outcome(List<Entry> entries, String refusal, boolean torn, long cutBytes, long cutBytesKept) {
        static Outcome of(LogFixture log) {
            RecoveryReport report = log.wal.recovery();
            return new Outcome(log.entries(), "", report.torn(), report.cutBytes(), report.cutBytesKept());
        }

        static Outcome refused(WalException e) {
            return new Outcome(List.of(), String.valueOf(e.getMessage()), false, 0, 0);
        }
    }

    private final SimulatedDirectory disk = new SimulatedDirectory();
    private final LogFixture log = new LogFixture(
            disk,
            WalConfig.of(77, 1, 99)
                    .withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES)
                    .withSpareCount(1),
            new SplittableRandom(1)::nextLong);
    private final List<Entry> written = new ArrayList<>();
    /** Entries that stand below the last durable position that the disk states. */
    private int proven;

    private long provenPosition;
    private int lastSegment;
    private final List<Statement> statements = new ArrayList<>();
    private final List<Snapshot> snapshots = new ArrayList<>();
    private final Map<String, byte[]> files = new TreeMap<>();
    private final Map<String, Integer> dataEnd = new TreeMap<>();
    private final Map<String, Integer> sequenceOf = new TreeMap<>();

    private void build(Tail tail) {
        group(4, 1, 60);
        roll();
        group(3, 1, 700);
        group(9, 1, 150);
        log.makeSpares();
        roll();
        group(6, 1, 333);
        group(2, 1, 5300);
        roll();
        group(3, 2, 240);
        // Back across two rolls: what supersedes begins a segment of its own.
        log.wal.truncateSuffix(12);
        cut(12);
        log.makeSpares();
        group(4, 3, 95);
        log.wal.truncateSuffix(15);
        cut(15);
        group(8, 4, 610);
        log.wal.truncatePrefix(4);
        log.wal.publish();
        log.makeSpares();
        group(1, 4, 20);
        proven = written.size();
        provenPosition = log.wal.durablePosition();
        if (tail == Tail.IN_ONE_SEGMENT) {
            append(3, 4, 701);
            appendSparse(4, 1033);
            append(2, 4, 60);
            group(1, 4, 1);
        } else if (tail == Tail.BEHIND_A_HOLE) {
            append(3, 4, 701);
            log.wal.publish();
            // Published and not forced yet: the next record begins a block.
            append(2, 4, 450);
            group(1, 4, 20);
        } else {
            append(2, 4, 450);
            appendSparse(4, 425);
            append(1, 4, 60);
            roll();
            append(3, 4, 701);
            group(2, 4, 60);
        }
        written.removeIf(entry -> entry.index() < log.wal.firstIndex());
        proven -= (int) (log.wal.firstIndex() - 1);
        for (String name : disk.list()) {
            files.put(name, disk.bytes(name));
        }
        for (Segment segment : log.wal.segments()) {
            boolean current = segment.sealedEnd == 0;
            dataEnd.put(segment.name, current ? LogPosition.offset(log.wal.appendedPosition()) : segment.sealedEnd);
            sequenceOf.put(segment.name, segment.sequence);
        }
        assertThat(log.wal.firstIndex()).isEqualTo(5);
        assertThat(dataEnd).hasSizeBetween(4, 6);
        assertThat(outcomeOf(disk.copyForced())).isEqualTo(new Outcome(written, "", false, 0, 0));
    }

    private void roll() {
        assertThat(log.wal.ensureRoom(ROLLING_BYTES)).isTrue();
    }

    private void append(int count, long term, int payloadBytes) {
        for (int i = 0; i < count; i++) {
            append(term, LogFixture.payload(payloadBytes, log.wal.appendedIndex() + 1, term));
        }
    }

    /** One byte in each word, and none at all for some: what one damaged byte makes of it looks like what a crash leaves. */
    private void appendSparse(long term, int payloadBytes) {
        byte[] payload = new byte[payloadBytes];
        for (int at = 0; at < payloadBytes; at += Long.BYTES) {
            payload[at] = (byte) (at % 3 == 0 ? 0 : at / Long.BYTES);
        }
        append(term, payload);
    }

    private void append(long term, byte[] payload) {
        written.add(log.append(term, payload));
        long end = log.wal.appendedPosition();
        long start = log.wal.table().start(log.wal.appendedIndex());
        long durable = log.wal.durablePosition();
        if (LogPosition.segment(start) != lastSegment) {
            lastSegment = LogPosition.segment(start);
            int block = ActivationDescriptor.FILE_OFFSET + ActivationDescriptor.LENGTH;
            statements.add(new Statement(LogPosition.of(lastSegment, block), durable));
        }
        statements.add(new Statement(start + RecordDescriptor.HEADER_LENGTH, durable));
        snapshots.add(new Snapshot(end, List.copyOf(written)));
    }

    private void group(int count, long term, int payloadBytes) {
        append(count, term, payloadBytes);
        log.publishAndForce();
    }

    private void cut(long from) {
        written.removeIf(entry -> entry.index() >= from);
    }

    private Outcome outcomeOf(SegmentDirectory changed) {
        try {
            return Outcome.of(new LogFixture(changed, log.config, new SplittableRandom(4)::nextLong, APPLIED));
        } catch (WalDamagedException e) {
            return Outcome.refused(e);
        }
    }

    /** Whether a change from here on touches nothing below the last durable position that the disk states. */
    private boolean isUnproven(Place place) {
        Integer sequence = sequenceOf.get(place.file);
        return sequence != null
                && (LogPosition.of(sequence, place.offset) >= provenPosition
                        || sequence > LogPosition.segment(provenPosition));
    }

    private List<Place> places(int step, boolean onlyData) {
        List<Place> places = new ArrayList<>();
        for (String name : dataEnd.keySet()) {
            int end = dataEnd.get(name);
            for (int at = 0; at < end; at += step) {
                boolean unused = at < ActivationDescriptor.RECORDS_OFFSET
                        && at % RecordDescriptor.BLOCK_BYTES >= ActivationDescriptor.LENGTH;
                if (!unused || !onlyData) {
                    places.add(new Place(name, at));
                }
            }
        }
        return places;
    }

    /** Everything durable is there, or the message names a place and no file was touched. */
    private Outcome checkNoSilentLoss(String what, SimulatedDirectory changed) {
        Map<String, byte[]> before = contents(changed);
        Outcome outcome = outcomeOf(changed);
        if (!outcome.refusal.isEmpty()) {
            assertThat(outcome.refusal)
                    .as(what)
                    .containsPattern("log damaged: file=\\S+ offset=\\d+ index=\\d+ expected=.+ found=.+");
            checkUnchanged(what, before, contents(changed));
        } else if (!outcome.entries.equals(written)) {
            fail(what + ": silent loss: " + outcome.entries.size() + " of " + written.size() + " entries: "
                    + outcome.entries);
        }
        return outcome;
    }

    private static Map<String, byte[]> contents(SimulatedDirectory directory) {
        Map<String, byte[]> contents = new TreeMap<>();
        directory.list().forEach(name -> contents.put(name, directory.bytes(name)));
        return contents;
    }

    private static void checkUnchanged(String what, Map<String, byte[]> before, Map<String, byte[]> after) {
        assertThat(after.keySet()).as(what).isEqualTo(before.keySet());
        after.forEach((name, bytes) -> {
            if (!Arrays.equals(bytes, before.get(name))) {
                fail(what + " changed " + name);
            }
        });
    }

    // ---- every byte

    @ParameterizedTest
    @EnumSource(Tail.class)
    void noFlippedByteLosesADurableEntry(Tail tail) {
        build(tail);
        List<Place> places = places(1, true);
        AtomicInteger refused = new AtomicInteger();
        AtomicInteger states = new AtomicInteger();
        InParallel.forEach(places, place -> {
            byte old = file(place)[place.offset];
            // All bits, and whatever makes it zero; in a long run each bit, too.
            IntStream bits = STRESS ? IntStream.range(0, 8).map(bit -> 1 << bit) : IntStream.empty();
            IntStream.concat(IntStream.of(0xFF, old & 0xFF), bits)
                    .distinct()
                    .filter(flip -> flip != 0)
                    .forEach(flip -> {
                        SimulatedDirectory copy = disk.copyForced();
                        copy.overwrite(place.file, place.offset, new byte[] {(byte) (old ^ flip)});
                        states.incrementAndGet();
                        Outcome outcome = checkNoSilentLoss(place + " ^ " + flip, copy);
                        refused.addAndGet(outcome.refusal.isEmpty() ? 0 : 1);
                    });
        });
        System.out.println("flips " + tail + ": bytes=" + places.size() + " states=" + states + " refused=" + refused);
        assertThat(refused.get()).isGreaterThan(states.get() / 3);
    }

    private byte[] file(Place place) {
        return java.util.Objects.requireNonNull(files.get(place.file));
    }

    // ---- every sector

    @ParameterizedTest
    @EnumSource(Tail.class)
    void aZeroSectorIsTornInTheLastGroupAndDamageBefore(Tail tail) {
        build(tail);
        AtomicInteger torn = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        List<Place> places = places(SECTOR, false);
        InParallel.forEach(places, place -> {
            SimulatedDirectory copy = disk.copyForced();
            copy.overwrite(place.file, place.offset, new byte[SECTOR]);
            if (isUnproven(place) && !isPreparation(place)) {
                torn.addAndGet(checkTorn("zero " + place, copy) ? 1 : 0);
            } else {
                refused.addAndGet(
                        checkNoSilentLoss("zero " + place, copy).refusal.isEmpty() ? 0 : 1);
            }
        });
        System.out.println(
                "zero sectors " + tail + ": sectors=" + places.size() + " torn=" + torn + " refused=" + refused);
        assertThat(torn.get()).isGreaterThan(5);
        assertThat(refused.get()).isGreaterThan(20);
    }

    /** Was forced before the segment was used: no crash takes it. */
    private static boolean isPreparation(Place place) {
        return place.offset < ActivationDescriptor.FILE_OFFSET;
    }

    /** Opens with all that is proven and a prefix of the rest; says and keeps what it cut; lives on. Returns whether it cut. */
    private boolean checkTorn(String what, SimulatedDirectory changed) {
        Map<String, byte[]> before = contents(changed);
        Outcome outcome = outcomeOf(changed);
        assertThat(outcome.refusal).as(what).isEmpty();
        List<Entry> found = outcome.entries;
        assertThat(found.size()).as(what).isBetween(proven, written.size());
        assertThat(found).as(what).isEqualTo(written.subList(0, found.size()));
        assertThat(outcome.cutBytes > 0).as(what).isEqualTo(holdsMoreThan(found, before));
        assertThat(outcome.cutBytesKept).as(what).isEqualTo(outcome.cutBytes);
        boolean copies = changed.list().stream().anyMatch(name -> name.startsWith(WalRecovery.CUT_PREFIX));
        assertThat(copies).as(what).isEqualTo(outcome.cutBytes > 0);
        assertThat(outcome.torn).as(what).isEqualTo(outcome.cutBytes > 0);
        for (CrashKind kind : CrashKind.values()) {
            SimulatedDirectory again = changed.afterCrash(kind, new SplittableRandom(5));
            assertThat(outcomeOf(again)).as(what).isEqualTo(new Outcome(found, "", false, 0, 0));
        }
        return outcome.torn;
    }

    /** Whether any byte of a record stands behind the last of these entries. */
    private boolean holdsMoreThan(List<Entry> entries, Map<String, byte[]> contents) {
        long end = log.wal.endPosition(entries.get(entries.size() - 1).index());
        for (String name : dataEnd.keySet()) {
            int sequence = sequence(name);
            int from = sequence == LogPosition.segment(end)
                    ? LogPosition.offset(end)
                    : ActivationDescriptor.RECORDS_OFFSET;
            byte[] bytes = contents.get(name);
            if (bytes != null && sequence >= LogPosition.segment(end) && !isZero(bytes, from)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isZero(byte[] bytes, int from) {
        for (int at = from; at < bytes.length; at++) {
            if (bytes[at] != 0) {
                return false;
            }
        }
        return true;
    }

    // ---- every cut

    /** Behind the cut the file is zero; the segments behind stay, or are gone as well. */
    @ParameterizedTest
    @EnumSource(Tail.class)
    void aCutLosesNothingThatWhatIsLeftProves(Tail tail) {
        build(tail);
        AtomicInteger torn = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        List<Place> places = places(SECTOR, false);
        InParallel.forEach(places, place -> {
            for (boolean alone : new boolean[] {true, false}) {
                String what = (alone ? "cut " : "cut with all behind ") + place;
                SimulatedDirectory copy = disk.copyForced();
                copy.overwrite(place.file, place.offset, new byte[file(place).length - place.offset]);
                if (!alone) {
                    dataEnd.keySet().stream()
                            .filter(name -> name.compareTo(place.file) > 0)
                            .forEach(copy::delete);
                }
                if (isUnproven(place) && !isPreparation(place)) {
                    torn.addAndGet(checkTorn(what, copy) ? 1 : 0);
                } else {
                    refused.addAndGet(checkWhatIsLeft(what, place, alone, copy) ? 0 : 1);
                }
            }
        });
        System.out.println("cuts " + tail + ": states=" + 2 * places.size() + " torn=" + torn + " refused=" + refused);
        assertThat(torn.get()).isGreaterThan(2);
        assertThat(refused.get()).isGreaterThan(20);
    }

    /** Refused, or at least all that was stored before the highest durable position that is still stated. */
    private boolean checkWhatIsLeft(String what, Place place, boolean alone, SimulatedDirectory changed) {
        int sequence = sequence(place.file);
        long cut = LogPosition.of(sequence, place.offset);
        long behind = alone ? LogPosition.of(sequence + 1, 0) : Long.MAX_VALUE;
        long durable = statements.stream()
                .filter(statement -> statement.end <= cut || statement.end >= behind)
                .mapToLong(Statement::durable)
                .max()
                .orElse(0);
        Map<String, byte[]> before = contents(changed);
        Outcome outcome = outcomeOf(changed);
        if (!outcome.refusal.isEmpty()) {
            checkUnchanged(what, before, contents(changed));
            return false;
        }
        boolean explained = false;
        for (int i = snapshots.size() - 1; i >= 0 && !explained; i--) {
            boolean enough = i == snapshots.size() - 1 || snapshots.get(i + 1).end > durable;
            explained = enough
                    && snapshots.get(i).entries.stream()
                            .filter(entry -> entry.index() > APPLIED.index())
                            .toList()
                            .equals(outcome.entries);
        }
        if (!explained) {
            fail(what + ": silent loss below " + LogPosition.toString(durable) + ", left " + outcome.entries);
        }
        return true;
    }

    private int sequence(String name) {
        return java.util.Objects.requireNonNull(sequenceOf.get(name));
    }

    /** A segment has its full length before it is used: no crash makes it short. */
    @Test
    void aShortFileIsDamage() {
        build(Tail.IN_ONE_SEGMENT);
        InParallel.forEach(places(SECTOR, false), place -> {
            SimulatedDirectory copy = disk.copyForced();
            copy.truncate(place.file, place.offset);
            assertThat(checkNoSilentLoss("short " + place, copy).refusal)
                    .as("short " + place)
                    .contains(place.file);
        });
    }

    // ---- what is no damage

    @Test
    void staleBytesOfARecycledSegmentAreACleanEnd() {
        build(Tail.IN_ONE_SEGMENT);
        LogFixture other = new LogFixture(new SimulatedDirectory(), log.config, new SplittableRandom(99)::nextLong);
        other.appendMany(60, 1, 500);
        other.wal.publish();
        Segment before = other.wal.segments()[0];
        byte[] stale = ((SimulatedDirectory) other.directory).bytes(before.name);
        Segment current = log.wal.segments()[log.wal.segments().length - 1];
        int end = LogPosition.offset(log.wal.appendedPosition());
        for (int index = 1; index < 40; index++) {
            int start = LogPosition.offset(other.wal.table().start(index));
            SimulatedDirectory copy = disk.copyForced();
            copy.overwrite(
                    current.name,
                    end,
                    Arrays.copyOfRange(stale, start, Math.min(stale.length, start + stale.length - end)));
            assertThat(outcomeOf(copy)).as("stale " + index).isEqualTo(new Outcome(written, "", false, 0, 0));
        }
    }

    @Test
    void aSupersededSuffixStaysSupersededAcrossARollAndTwoCrashes() {
        build(Tail.ACROSS_A_ROLL);
        int states = 0;
        for (int from = 8; from <= 19; from++) {
            for (CrashKind first : CrashKind.values()) {
                for (CrashKind second : CrashKind.values()) {
                    SplittableRandom random = new SplittableRandom(states++);
                    SimulatedDirectory directory = disk.copyForced();
                    LogFixture opened = new LogFixture(directory, log.config, random::nextLong);
                    List<Entry> model = new ArrayList<>(written.subList(0, from - 5));
                    opened.wal.truncateSuffix(from);
                    model.addAll(opened.appendMany(2, 7, 300));
                    opened.publishAndForce();
                    assertThat(opened.wal.ensureRoom(ROLLING_BYTES)).isTrue();
                    opened.appendMany(3, 7, 300);
                    directory = directory.afterCrash(first, random);
                    opened = new LogFixture(directory, log.config, random::nextLong);
                    List<Entry> found = opened.entries();
                    assertThat(found.subList(0, model.size())).isEqualTo(model);
                    directory = directory.afterCrash(second, random);
                    opened = new LogFixture(directory, log.config, random::nextLong);
                    assertThat(opened.entries()).isEqualTo(found);
                }
            }
        }
        assertThat(states).isEqualTo(12 * 36);
    }

    // ---- real files

    /** The verdict of the model is that of real files, through both writers. */
    @ParameterizedTest
    @EnumSource(
            value = WriterChoice.class,
            names = {"MAPPED", "CHANNEL"})
    void realFilesAreJudgedAlike(WriterChoice writer, @TempDir Path path) throws IOException {
        build(Tail.ACROSS_A_ROLL);
        long seed = Seeds.first();
        System.out.println("real files: seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        List<Place> places = places(1, true);
        int refused = 0;
        for (int i = 0; i < (STRESS ? 2000 : 100); i++) {
            Place place = places.get(random.nextInt(places.size()));
            SimulatedDirectory copy = disk.copyForced();
            if (random.nextBoolean()) {
                copy.overwrite(place.file, place.offset, new byte[] {(byte) ~file(place)[place.offset]});
            } else {
                int from = place.offset / SECTOR * SECTOR;
                int count = random.nextBoolean() ? SECTOR : file(place).length - from;
                copy.overwrite(place.file, from, new byte[count]);
            }
            Path real = Files.createDirectory(path.resolve("log-" + i));
            for (String name : copy.list()) {
                Files.write(real.resolve(name), copy.bytes(name));
            }
            Outcome expected = outcomeOf(copy);
            assertThat(realOutcome(real, writer)).as(place.toString()).isEqualTo(expected);
            refused += expected.refusal.isEmpty() ? 0 : 1;
        }
        assertThat(refused).isBetween(10, 1990);
    }

    private Outcome realOutcome(Path path, WriterChoice writer) {
        try (FileSegmentDirectory directory = FileSegmentDirectory.open(path, writer)) {
            LogFixture opened = new LogFixture(
                    directory, log.config.withWriter(writer), new SplittableRandom(4)::nextLong, APPLIED);
            Outcome outcome = Outcome.of(opened);
            opened.close();
            return outcome;
        } catch (WalDamagedException e) {
            return Outcome.refused(e);
        }
    }
}
