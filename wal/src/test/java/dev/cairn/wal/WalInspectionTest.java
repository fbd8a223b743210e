package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.SegmentItem.Activated;
import dev.cairn.wal.SegmentItem.Header;
import dev.cairn.wal.SegmentItem.Stored;
import dev.cairn.wal.SegmentItem.Unreadable;
import dev.cairn.wal.WalInspection.NothingToReadException;
import dev.cairn.wal.WalInspection.Place;
import dev.cairn.wal.WalInspection.Report;
import dev.cairn.wal.WalInspection.Verdict;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a look at a log says, and that it is only a look. */
@Covers({"W01", "W03"})
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class WalInspectionTest {
    private static final int SECTOR = RecordDescriptor.SECTOR_BYTES;

    @TempDir
    Path folder;

    // ---- verify against recovery

    /** Random logs with crashes, each changed at a random place, judged by both. */
    @Test
    void verifyAndRecoveryGiveTheSameVerdictAndTheSamePlace() {
        long first = Seeds.first();
        Map<Verdict, Integer> seen = new EnumMap<>(Verdict.class);
        int count = Seeds.count(150);
        for (int i = 0; i < count; i++) {
            long seed = first + i;
            SimulatedDirectory log = randomLog(new SplittableRandom(seed));
            for (int change = 0; change < 12; change++) {
                SimulatedDirectory changed = log.copyForced();
                change(changed, new SplittableRandom(seed * 31 + change), change);
                seen.merge(compare(changed, "seed=" + seed + " change=" + change), 1, Integer::sum);
            }
        }
        if (!Seeds.given()) {
            assertThat(seen.keySet()).containsExactlyInAnyOrder(Verdict.values());
            assertThat(seen.values()).allMatch(times -> times > 30, "each verdict more than 30 times: " + seen);
        }
    }

    private static Verdict compare(SimulatedDirectory log, String what) {
        Map<String, ByteBuffer> before = contents(log);
        Report report = WalInspection.verify(log, LogFixture.HARD_STATE);
        assertThat(contents(log)).as(what).isEqualTo(before);
        try {
            LogFixture opened = new LogFixture(log, CONFIG, new SplittableRandom(4)::nextLong);
            RecoveryReport recovery = opened.wal.recovery();
            assertThat(report.verdict()).as(what).isEqualTo(recovery.torn() ? Verdict.TORN : Verdict.CLEAN);
            assertThat(report.lastIndex()).as(what).isEqualTo(recovery.lastIndex());
            assertThat(report.firstIndex()).as(what).isEqualTo(recovery.firstIndex());
            assertThat(report.durablePosition()).as(what).isEqualTo(recovery.durablePosition());
            assertThat(report.superseded()).as(what).hasSize(recovery.supersededDamage());
            if (recovery.torn()) {
                assertThat(report.places().get(0).file()).as(what).isEqualTo(recovery.cutFile());
                assertThat(recovery.cutOffset() == 0 || report.places().get(0).offset() == recovery.cutOffset())
                        .as(what)
                        .isTrue();
            }
        } catch (WalDamagedException e) {
            assertThat(report.verdict()).as(what).isEqualTo(Verdict.DAMAGED);
            assertThat(report.places().get(0))
                    .as(what)
                    .isEqualTo(new Place(e.file(), e.offset(), e.index(), e.expected(), e.found()));
        } catch (HardStateInDoubtException e) {
            assertThat(report.verdict()).as(what).isEqualTo(Verdict.DAMAGED);
            assertThat(report.places().get(0).file()).as(what).isEqualTo(LogFixture.HARD_STATE);
        }
        return report.verdict();
    }

    private static final WalConfig CONFIG = WalConfig.of(77, 1, 99).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);

    private static SimulatedDirectory randomLog(SplittableRandom random) {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory, CONFIG, random.split()::nextLong);
        int steps = 2 + random.nextInt(14);
        for (int step = 0; step < steps; step++) {
            switch (random.nextInt(8)) {
                case 0 -> {
                    if (log.wal.appendedIndex() > log.wal.firstIndex()) {
                        log.wal.truncateSuffix(log.wal.appendedIndex() - random.nextInt(2));
                        log.appendMany(1, log.wal.appendedTerm() + 1, 300);
                    }
                }
                case 1 -> {
                    log.publishAndForce();
                    log.wal.truncatePrefix(log.wal.appendedIndex());
                }
                case 2 -> log.makeSpares();
                case 3 -> log.wal.onIdle(log.wal.appendedIndex());
                default -> log.appendMany(1 + random.nextInt(8), log.wal.appendedTerm() + 1, 50 + random.nextInt(4000));
            }
            if (random.nextInt(3) == 0) {
                log.publishAndForce();
            } else if (random.nextInt(6) == 0) {
                log.wal.publish();
                directory.crashHost(random);
                log.reopen();
            }
        }
        log.wal.publish();
        if (random.nextBoolean()) {
            directory.crashHost(random);
        } else {
            directory.crashProcess();
        }
        return directory.copyForced();
    }

    /** Nothing at first; then rot, lost sectors, cuts, lost files, a damaged hard state. */
    private static void change(SimulatedDirectory log, SplittableRandom random, int kind) {
        List<String> names = log.list().stream()
                .filter(name -> Segment.isSegmentName(name) || name.startsWith("spare"))
                .toList();
        String name = names.get(random.nextInt(names.size()));
        int end = endOfData(log.bytes(name));
        int at = random.nextInt(Math.max(1, end));
        int sector = at / SECTOR * SECTOR;
        switch (kind) {
            case 0 -> {}
            case 1, 2, 3 ->
                log.overwrite(name, at, new byte[] {(byte) (log.bytes(name)[at] ^ (1 + random.nextInt(255)))});
            case 4, 5, 6 -> log.overwrite(name, sector, new byte[SECTOR]);
            case 7, 8 -> log.overwrite(name, sector, new byte[log.bytes(name).length - sector]);
            case 9 -> log.delete(name);
            case 10 -> log.overwrite(name, Math.min(end, WalConfig.MIN_SEGMENT_BYTES - 8), new byte[] {1, 2, 3, 4, 5});
            default ->
                log.overwrite(
                        LogFixture.HARD_STATE, random.nextInt(2) * 4096 + random.nextInt(72), new byte[] {(byte) 0x5A});
        }
    }

    private static int endOfData(byte[] bytes) {
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] == 0) {
            end--;
        }
        return end;
    }

    private static Map<String, ByteBuffer> contents(SimulatedDirectory directory) {
        Map<String, ByteBuffer> contents = new TreeMap<>();
        directory.list().forEach(name -> contents.put(name, ByteBuffer.wrap(directory.bytes(name))));
        return contents;
    }

    @Test
    void everyDamagedPlaceIsNamed() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        log.appendMany(90, 1, 1000);
        log.publishAndForce();
        log.wal.onIdle(90);
        log.publishAndForce();
        List<Place> damaged = new ArrayList<>();
        for (int index : new int[] {5, 6, 40, 77}) {
            long start = log.wal.table().start(index);
            String name = fileAt(log, start);
            directory.overwrite(name, LogPosition.offset(start) + 500, new byte[] {0, 0, 0});
            damaged.add(new Place(name, LogPosition.offset(start), index, "", ""));
        }
        Report report = WalInspection.verify(directory, LogFixture.HARD_STATE);
        assertThat(report.verdict()).isEqualTo(Verdict.DAMAGED);
        assertThat(report.places())
                .usingRecursiveFieldByFieldElementComparatorIgnoringFields("expected", "found")
                .containsExactlyElementsOf(damaged);
    }

    @Test
    void aDamagedRecordThatIsSupersededIsNamedAndTheLogIsClean() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        log.appendMany(10, 1, 300);
        log.publishAndForce();
        int start = LogPosition.offset(log.wal.table().start(8));
        log.wal.truncateSuffix(6);
        log.appendMany(3, 2, 300);
        log.publishAndForce();
        String name = Segment.nameOf(1);
        directory.overwrite(name, start + 120, new byte[] {0, 0, 0});
        Report report = WalInspection.verify(directory, LogFixture.HARD_STATE);
        assertThat(report.verdict()).isEqualTo(Verdict.CLEAN);
        assertThat(report.superseded()).singleElement().satisfies(place -> {
            assertThat(place.file()).isEqualTo(name);
            assertThat(place.offset()).isEqualTo(start);
            assertThat(place.index()).isEqualTo(8);
        });
    }

    // ---- dump

    @Test
    void aDumpHasEveryRecordAndGoesOnBehindADamagedOne() throws IOException {
        LogFixture log = realLog(WriterChoice.MAPPED);
        List<Entry> written = log.appendMany(120, 1, 1000);
        log.publishAndForce();
        written.addAll(log.appendMany(3, 2, 10));
        log.publishAndForce();
        long damaged = log.wal.table().start(50);
        overwrite(fileAt(log, damaged), LogPosition.offset(damaged) + 700, 0);
        long destroyed = log.wal.table().start(70);
        overwrite(fileAt(log, destroyed), LogPosition.offset(destroyed) + 3, 0x7F);
        List<SegmentItem> items = dump(folder);
        List<Stored> entries = items.stream()
                .filter(Stored.class::isInstance)
                .map(Stored.class::cast)
                .filter(stored -> !stored.empty())
                .toList();
        assertThat(entries).hasSize(122);
        for (Stored stored : entries) {
            Entry entry = written.get((int) stored.index() - 1);
            assertThat(LogPosition.of(stored.segment(), stored.offset()))
                    .isEqualTo(log.wal.table().start(stored.index()));
            assertThat(stored.term()).isEqualTo(entry.term());
            assertThat(stored.type()).isEqualTo(entry.type());
            assertThat(stored.logTimeMs()).isEqualTo(entry.logTimeMs());
            assertThat(stored.payloadBytes()).isEqualTo(entry.payload().remaining());
            assertThat(stored.bytes()).isEqualTo((96 + entry.payload().remaining() + 7) / 8 * 8);
            assertThat(stored.verdict())
                    .as("index %s", stored.index())
                    .isEqualTo(
                            stored.index() == 50
                                    ? Stored.Verdict.BAD_BODY
                                    : stored.index() == 71 ? Stored.Verdict.NOT_IN_CHAIN : Stored.Verdict.OK);
        }
        assertThat(entries.get(121).durablePosition()).isEqualTo(log.wal.endPosition(120));
        assertThat(items.stream().filter(Unreadable.class::isInstance).map(SegmentItem::offset))
                .containsExactly(LogPosition.offset(destroyed));
        assertThat(items.stream().filter(Header.class::isInstance)).hasSizeGreaterThan(2);
        assertThat(items.stream().filter(Activated.class::isInstance))
                .allMatch(item -> ((Activated) item).state() == Activated.State.OK);
        log.close();
    }

    @Test
    void oneFileIsDumpedByItselfEvenWithoutItsHeader() throws IOException {
        LogFixture log = realLog(WriterChoice.CHANNEL);
        log.appendMany(5, 1, 100);
        log.publishAndForce();
        log.close();
        String name = Segment.nameOf(1);
        overwrite(name, 50, 0x11);
        List<SegmentItem> items = dump(folder.resolve(name));
        assertThat(items.get(0))
                .isInstanceOfSatisfying(
                        Header.class, header -> assertThat(header.valid()).isFalse());
        assertThat(items.stream().filter(Stored.class::isInstance)).hasSize(6);
        assertThat(WalInspection.verify(folder).places().get(0).offset()).isZero();
    }

    // ---- only a look

    @Test
    void lookingChangesNothing() throws IOException {
        for (Verdict verdict : Verdict.values()) {
            Path here = Files.createDirectory(folder.resolve("log-" + verdict));
            LogFixture log = new LogFixture(
                    FileSegmentDirectory.open(here, WriterChoice.MAPPED), CONFIG, new SplittableRandom(1)::nextLong);
            log.appendMany(150, 1, 1000);
            log.publishAndForce();
            log.makeSpares();
            if (verdict != Verdict.CLEAN) {
                log.wal.onIdle(verdict == Verdict.TORN ? 0 : 150);
                log.publishAndForce();
            }
            int end = LogPosition.offset(log.wal.appendedPosition());
            String last = Segment.nameOf(LogPosition.segment(log.wal.appendedPosition()));
            log.close();
            if (verdict != Verdict.CLEAN) {
                overwrite(here.resolve(last), verdict == Verdict.TORN ? end + 20 : end - 60, 0x33);
            }
            Map<String, String> before = files(here);
            assertThat(WalInspection.verify(here).verdict()).isEqualTo(verdict);
            assertThat(dump(here)).hasSizeGreaterThan(150);
            dump(here.resolve(last));
            assertThat(files(here)).isEqualTo(before);
        }
    }

    private static Map<String, String> files(Path directory) throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.toList()) {
                String content = Files.isDirectory(path)
                        ? ""
                        : " " + ByteBuffer.wrap(Files.readAllBytes(path)).hashCode();
                files.put(
                        path.toString(),
                        Files.readAttributes(path, "unix:ino,mode,size,lastModifiedTime,ctime") + content);
            }
        }
        return files;
    }

    /** One thread appends, forces, rolls, supersedes and drops; what another sees meanwhile is a clean log at each moment. */
    @Test
    void aLogIsCleanWhileItsOwnerWorksOnIt() throws Exception {
        for (WriterChoice writer : List.of(WriterChoice.MAPPED, WriterChoice.CHANNEL)) {
            Path here = Files.createDirectory(folder.resolve(writer.name()));
            LogFixture log =
                    new LogFixture(FileSegmentDirectory.open(here, writer), CONFIG, new SplittableRandom(1)::nextLong);
            AtomicBoolean stop = new AtomicBoolean();
            AtomicInteger sequence = new AtomicInteger();
            ExecutorService owner = Executors.newSingleThreadExecutor();
            try {
                Future<?> working = owner.submit(() -> work(log, stop, sequence));
                long lastIndex = 0;
                int looks = 0;
                while ((looks < 25 || sequence.get() < 30) && !working.isDone()) {
                    Report report = WalInspection.verify(here);
                    assertThat(report.verdict()).as("%s", report).isEqualTo(Verdict.CLEAN);
                    lastIndex = Math.max(lastIndex, report.lastIndex());
                    assertThat(dump(here)).isNotEmpty();
                    looks++;
                }
                stop.set(true);
                assertThat(working.get(30, TimeUnit.SECONDS)).isNull();
                assertThat(lastIndex).isGreaterThan(100);
            } finally {
                stop.set(true);
                owner.shutdown();
                assertThat(owner.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
                log.close();
            }
        }
    }

    private static void work(LogFixture log, AtomicBoolean stop, AtomicInteger sequence) {
        SplittableRandom random = new SplittableRandom(5);
        while (!stop.get()) {
            log.appendMany(1 + random.nextInt(20), log.wal.appendedTerm(), 1 + random.nextInt(3000));
            if (random.nextInt(20) == 0) {
                log.wal.truncateSuffix(log.wal.appendedIndex());
                log.appendMany(1, log.wal.appendedTerm() + 1, 200);
            }
            log.wal.publish();
            if (random.nextInt(3) > 0) {
                log.wal.force();
            }
            if (random.nextInt(10) == 0) {
                log.wal.truncatePrefix(Math.max(log.wal.firstIndex() - 1, log.wal.appendedIndex() - 200));
            }
            log.wal.sparePreparer().doWork(log.nowNs += SparePreparer.PAUSE_NS);
            sequence.set(log.wal.segments()[log.wal.segments().length - 1].sequence);
        }
    }

    // ---- bad input

    @Test
    void whatIsNoLogIsRefusedWithAdvice() throws IOException {
        Path file = Files.writeString(folder.resolve("notes.txt"), "no segment".repeat(2000));
        Path empty = Files.createDirectory(folder.resolve("empty"));
        refused(folder.resolve("nowhere"), "does not exist");
        refused(file, "is no directory");
        refused(empty, "no segment of a log");
        assertThatThrownBy(() -> dump(file))
                .isInstanceOf(NothingToReadException.class)
                .hasMessageContaining("is no segment");
        assertThatThrownBy(() -> dump(empty)).isInstanceOf(NothingToReadException.class);
    }

    private static void refused(Path path, String reason) {
        assertThatThrownBy(() -> WalInspection.verify(path))
                .isInstanceOf(NothingToReadException.class)
                .hasMessageContaining(reason)
                .hasMessageContaining("data.dir");
    }

    @Test
    void aDataDirectoryWithoutItsHardStateIsDamage() throws IOException {
        Path wal = Files.createDirectory(folder.resolve("wal"));
        try (FileSegmentDirectory root = FileSegmentDirectory.open(folder, WriterChoice.CHANNEL);
                FileSegmentDirectory log = FileSegmentDirectory.open(wal, WriterChoice.CHANNEL);
                HardStateFile hardState = HardStateFile.open(CONFIG, root, "hard-state");
                Wal opened = Wal.open(CONFIG, log, hardState, Floor.EMPTY, new SplittableRandom(1)::nextLong)) {
            assertThat(opened.appendedIndex()).isZero();
        }
        assertThat(WalInspection.verify(folder).verdict()).isEqualTo(Verdict.CLEAN);
        assertThat(WalInspection.verify(wal).hardState()).isTrue();
        Files.delete(folder.resolve("hard-state"));
        Report report = WalInspection.verify(folder);
        assertThat(report.verdict()).isEqualTo(Verdict.DAMAGED);
        assertThat(report.places().get(0).file()).isEqualTo("hard-state");
        assertThat(WalInspection.verify(wal).verdict()).isEqualTo(Verdict.CLEAN);
        assertThat(WalInspection.verify(wal).hardState()).isFalse();
    }

    // ---- helpers

    private LogFixture realLog(WriterChoice writer) {
        return new LogFixture(FileSegmentDirectory.open(folder, writer), CONFIG, new SplittableRandom(1)::nextLong);
    }

    /** Housekeeping may not have given the segment its name yet. */
    private static String fileAt(LogFixture log, long position) {
        return Arrays.stream(log.wal.segments())
                .filter(segment -> segment.sequence == LogPosition.segment(position))
                .findFirst()
                .orElseThrow()
                .name;
    }

    private static List<SegmentItem> dump(Path path) {
        List<SegmentItem> items = new ArrayList<>();
        WalInspection.dump(path, items::add);
        return items;
    }

    private void overwrite(String name, int offset, int value) throws IOException {
        overwrite(folder.resolve(name), offset, value);
    }

    private static void overwrite(Path file, int offset, int value) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            assertThat(channel.write(ByteBuffer.wrap(new byte[] {(byte) value}), offset))
                    .isEqualTo(1);
        }
    }
}
