package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.format.LogReader;
import dev.cairn.wal.LogFixture.Entry;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code docs/format.md} says what the code does: a reader made from it reads what {@link Wal} wrote. */
@Covers({"W01", "W12"})
final class FormatDocumentTest {
    private static final Path PAGE = Path.of("..", "docs", "format.md");
    private static final Path READER = Path.of("src", "test", "java", "dev", "cairn", "format", "LogReader.java");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| (\\d+) \\| [^|]*\\| ([^|]*?) \\|$");
    private static final WalConfig CONFIG = WalConfig.of(77, 1, 99).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);

    @TempDir
    Path folder;

    // ---- the reader

    @Test
    void theReaderUsesNothingOfCairnAndIsShort() throws IOException {
        String source = Files.readString(READER);
        List<String> imports =
                source.lines().filter(line -> line.startsWith("import")).toList();
        assertThat(imports).isNotEmpty().allMatch(line -> line.startsWith("import java."));
        assertThat(source.lines().filter(line -> line.contains("dev.cairn"))).hasSize(1);
        assertThat(source.lines().count()).isLessThan(160);
    }

    @ParameterizedTest
    @EnumSource(
            value = WriterChoice.class,
            names = {"MAPPED", "CHANNEL"})
    void aReaderMadeFromThePageReadsWhatTheLogHolds(WriterChoice writer) throws IOException {
        long first = Seeds.first();
        for (long seed = first; seed < first + Seeds.count(8); seed++) {
            Path here = Files.createDirectory(folder.resolve("seed" + seed));
            LogFixture log = new LogFixture(
                    FileSegmentDirectory.open(here, writer), CONFIG, new SplittableRandom(seed)::nextLong);
            SplittableRandom random = new SplittableRandom(seed);
            for (int step = 0; step < 60; step++) {
                step(log, random);
                if (step % 15 == 14) {
                    log.wal.publish();
                    log.close();
                    log.reopen();
                    compare(log, here, "seed=" + seed + " step=" + step + ", opened again");
                }
            }
            log.wal.publish();
            compare(log, here, "seed=" + seed);
            log.close();
        }
    }

    private static void step(LogFixture log, SplittableRandom random) {
        switch (random.nextInt(10)) {
            case 0 -> {
                if (log.wal.appendedIndex() > log.wal.firstIndex()) {
                    long back = random.nextLong(log.wal.appendedIndex() - log.wal.firstIndex());
                    log.wal.truncateSuffix(log.wal.appendedIndex() - Math.min(back, 40));
                    log.appendMany(1, log.wal.appendedTerm() + 1, 20);
                }
            }
            case 1 -> log.wal.onIdle(log.wal.appendedIndex());
            case 2 -> log.wal.publish();
            case 3, 4 -> log.publishAndForce();
            case 5 -> {
                log.publishAndForce();
                log.wal.truncatePrefix(Math.max(log.wal.firstIndex() - 1, log.wal.appendedIndex() - 30));
            }
            case 6 -> log.makeSpares();
            case 7 ->
                log.append(Entry.of(
                        log.wal.appendedIndex() + 1,
                        log.wal.appendedTerm(),
                        3,
                        EntryDescriptor.TYPE_NOOP,
                        new byte[random.nextInt(3000)]));
            default -> log.appendMany(1 + random.nextInt(12), log.wal.appendedTerm(), random.nextInt(3000));
        }
    }

    private static void compare(LogFixture log, Path here, String what) throws IOException {
        List<Entry> expected = log.entries();
        List<LogReader.Entry> read = LogReader.read(here);
        int below = (int) read.stream()
                .filter(entry -> entry.index() < log.wal.firstIndex())
                .count();
        List<LogReader.Entry> live = read.subList(below, read.size());
        assertThat(live).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < live.size(); i++) {
            LogReader.Entry entry = live.get(i);
            assertThat(new Entry(entry.index(), entry.term(), entry.timeMs(), entry.type(), entry.payload()))
                    .as(what)
                    .isEqualTo(expected.get(i));
            assertThat(entry.position()).as(what).isEqualTo(log.wal.table().start(entry.index()));
        }
    }

    @Test
    void theReaderNoticesADamagedRecord() throws IOException {
        LogFixture log = new LogFixture(
                FileSegmentDirectory.open(folder, WriterChoice.MAPPED), CONFIG, new SplittableRandom(1)::nextLong);
        log.appendMany(10, 1, 300);
        log.wal.publish();
        assertThat(LogReader.read(folder)).hasSize(10);
        int body = LogPosition.offset(log.wal.table().start(5)) + 200;
        log.close();
        try (FileChannel file = FileChannel.open(folder.resolve(Segment.nameOf(1)), StandardOpenOption.WRITE)) {
            assertThat(file.write(ByteBuffer.wrap(new byte[1]), body)).isEqualTo(1);
        }
        assertThatThrownBy(() -> LogReader.read(folder)).hasMessageContaining("body");
    }

    // ---- the page's numbers

    @Test
    void everyFieldOfThePageStandsAtItsOffsetInTheCode() throws IOException, IllegalAccessException {
        compareFields("### Preparation header, at 0", SegmentHeaderDescriptor.class, 0);
        compareFields("### Activation block, at 4096", ActivationDescriptor.class, 0);
        compareFields("### Record", RecordDescriptor.class, RecordDescriptor.HEADER_LENGTH);
        compareFields("### Entry", EntryDescriptor.class, EntryDescriptor.HEADER_LENGTH);
        compareFields("## Hard state", HardStateDescriptor.class, 0);
    }

    /** @param behindHeader offset of what follows the fields, 0 = nothing does */
    private static void compareFields(String heading, Class<?> descriptor, int behindHeader)
            throws IOException, IllegalAccessException {
        Set<Integer> inCode = new TreeSet<>();
        for (Field field : descriptor.getDeclaredFields()) {
            boolean isField = field.getName().endsWith("_OFFSET")
                    && !Set.of("FILE_OFFSET", "RECORDS_OFFSET", "RESERVED_OFFSET")
                            .contains(field.getName());
            if (isField) {
                inCode.add(field.getInt(null));
            }
        }
        if (behindHeader > 0) {
            inCode.add(behindHeader);
        }
        Set<Integer> onPage = new TreeSet<>();
        Matcher row = ROW.matcher(section(heading));
        while (row.find()) {
            if (!row.group(2).trim().equals("0")) {
                onPage.add(Integer.parseInt(row.group(1)));
            }
        }
        assertThat(onPage).as(heading).isEqualTo(inCode);
    }

    @Test
    void theConstantsOfThePageAreThoseOfTheCode() throws IOException {
        String page = Files.readString(PAGE);
        assertThat(page)
                .contains("format version " + SegmentHeaderDescriptor.VERSION)
                .contains("A *sector* is " + RecordDescriptor.SECTOR_BYTES + " bytes, a *block* "
                        + RecordDescriptor.BLOCK_BYTES + ".")
                .contains("\n" + ActivationDescriptor.FILE_OFFSET + "     activation block   ("
                        + ActivationDescriptor.LENGTH + " bytes")
                .contains("\n0        preparation header (" + SegmentHeaderDescriptor.LENGTH + " bytes")
                .contains("\n" + ActivationDescriptor.RECORDS_OFFSET + "     records, each at a multiple of "
                        + RecordDescriptor.ALIGNMENT);
        assertThat(section("### Preparation header, at 0"))
                .contains("the bytes `" + ascii(SegmentHeaderDescriptor.MAGIC, 8) + "`")
                .contains("CRC of [0, " + SegmentHeaderDescriptor.CRC_OFFSET + ")");
        assertThat(section("### Activation block, at 4096"))
                .contains("the bytes `" + ascii(ActivationDescriptor.MAGIC, 4) + "`")
                .contains(ActivationDescriptor.KIND_START + " start of a log, " + ActivationDescriptor.KIND_CONTINUE
                        + " continue, " + ActivationDescriptor.KIND_RESET + " reset after a snapshot")
                .contains("CRC of [0, " + ActivationDescriptor.CRC_OFFSET + ")");
        assertThat(section("### Record"))
                .contains("flags, " + RecordDescriptor.FLAG_SUPERSEDES + " supersedes, " + RecordDescriptor.FLAG_EMPTY
                        + " empty. Bits " + RecordDescriptor.ZERO_WORDS_SHIFT + " and up")
                .contains("CRC of its " + RecordDescriptor.EMPTY_BODY_LENGTH + " bytes")
                .contains("CRC of [0, " + RecordDescriptor.HEADER_CRC_OFFSET + ")");
        assertThat(section("### Entry"))
                .contains("CRC of [" + EntryDescriptor.LENGTH_OFFSET + ", length)")
                .contains(EntryDescriptor.HEADER_LENGTH + " to " + (EntryDescriptor.MAX_ENTRY_BYTES >> 20) + " MiB")
                .contains(EntryDescriptor.TYPE_NOOP + " no-op, " + EntryDescriptor.TYPE_COMMAND + " command, "
                        + EntryDescriptor.TYPE_CONFIG + " configuration, " + EntryDescriptor.TYPE_CLOCK + " clock");
        assertThat(section("## Hard state"))
                .contains(HardStateDescriptor.FILE_LENGTH + " bytes: two slots, at 0 and "
                        + HardStateDescriptor.SLOT_STRIDE + ", each " + HardStateDescriptor.LENGTH + " bytes")
                .contains("the bytes `" + ascii(HardStateDescriptor.MAGIC, 4) + "`")
                .contains("flags: " + HardStateDescriptor.FLAG_REPAIRING + " repairing")
                .contains("format version, " + HardStateDescriptor.VERSION)
                .contains("CRC of [0, " + HardStateDescriptor.CRC_OFFSET + ")");
    }

    private static String ascii(long magic, int bytes) {
        ByteBuffer buffer =
                ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, magic);
        return new String(buffer.array(), 0, bytes, StandardCharsets.US_ASCII);
    }

    private static String section(String heading) throws IOException {
        String page = Files.readString(PAGE);
        int from = page.indexOf("\n" + heading + "\n");
        assertThat(from).as(heading).isNotNegative();
        int to = page.indexOf("\n##", from + heading.length() + 2);
        return page.substring(from, to < 0 ? page.length() : to);
    }
}
