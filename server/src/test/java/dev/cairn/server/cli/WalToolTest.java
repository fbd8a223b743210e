package dev.cairn.server.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.FileSegmentDirectory;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.LogPosition;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.WriterChoice;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code cairn wal} prints, and its exit codes. */
@Covers("W01")
final class WalToolTest {
    private static final WalConfig CONFIG =
            WalConfig.of(0xABCDL, 3, 0x123456789ABCDEF0L).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);
    private static final int ENTRIES = 100;

    @TempDir
    Path dataDirectory;

    private String segment = "";
    private int end;

    private record Ran(int exitCode, List<String> out, List<String> err) {}

    /** A data directory as a node leaves it: a log of some segments, all of it proven. */
    @BeforeEach
    void writeLog() {
        try (FileSegmentDirectory root = FileSegmentDirectory.open(dataDirectory, WriterChoice.CHANNEL);
                FileSegmentDirectory directory =
                        FileSegmentDirectory.open(dataDirectory.resolve("wal"), WriterChoice.CHANNEL);
                HardStateFile hardState = HardStateFile.open(CONFIG, root, "hard-state");
                Wal wal = Wal.open(CONFIG, directory, hardState, Floor.EMPTY, new SplittableRandom(1)::nextLong)) {
            UnsafeBuffer payload = new UnsafeBuffer(new byte[1000]);
            payload.setMemory(0, 1000, (byte) 7);
            for (int index = 1; index <= ENTRIES; index++) {
                wal.append(index, 2, 5000 + index, EntryDescriptor.TYPE_COMMAND, payload, 0, 1000);
            }
            wal.publish();
            wal.force();
            assertThat(wal.onIdle(ENTRIES)).isTrue();
            wal.publish();
            wal.force();
            int named = 1;
            while (named > 0) {
                named = wal.sparePreparer().doWork(0);
            }
            end = LogPosition.offset(wal.appendedPosition());
            segment = String.format("%020d.wal", LogPosition.segment(wal.appendedPosition()));
        }
    }

    private Ran run(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = WalTool.run(args, new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8));
        return new Ran(
                exitCode,
                out.toString(UTF_8).lines().toList(),
                err.toString(UTF_8).lines().toList());
    }

    private void overwrite(int offset, int... bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes.length);
        for (int value : bytes) {
            buffer.put((byte) value);
        }
        try (FileChannel channel =
                FileChannel.open(dataDirectory.resolve("wal").resolve(segment), StandardOpenOption.WRITE)) {
            assertThat(channel.write(buffer.flip(), offset)).isEqualTo(bytes.length);
        }
    }

    @Test
    void aCleanLogIsZero() {
        Ran ran = run("verify", dataDirectory.toString());
        assertThat(ran.exitCode()).isEqualTo(WalTool.EXIT_CLEAN);
        assertThat(ran.out())
                .singleElement()
                .satisfies(line ->
                        assertThat(line).matches("clean: segments=\\d first=1 last=100 unproven=0 durable=\\d+:\\d+"));
        assertThat(run("verify", dataDirectory.resolve("wal").toString())).isEqualTo(ran);
        assertThat(ran.err()).isEmpty();
    }

    @Test
    void aTornTailIsOneAndNamed() throws IOException {
        overwrite(end + 4, 1, 2, 3);
        Ran ran = run("verify", dataDirectory.toString());
        assertThat(ran.exitCode()).isEqualTo(WalTool.EXIT_TORN);
        assertThat(ran.out()).hasSize(2);
        assertThat(ran.out().get(0))
                .isEqualTo(
                        "torn: file=" + segment + " offset=" + end
                                + " index=101 expected=a whole record, or zeros found=bytes of a record that was not completed");
        assertThat(ran.out().get(1)).startsWith("torn tail: ").contains("last=100");
    }

    @Test
    void damageIsTwoAndEachPlaceIsNamed() throws IOException {
        overwrite(8192 + 500, 1, 2, 3);
        overwrite(end - 64 - 300, 1, 2, 3);
        Ran ran = run("verify", dataDirectory.toString());
        assertThat(ran.exitCode()).isEqualTo(WalTool.EXIT_DAMAGED);
        assertThat(ran.out()).hasSize(3);
        assertThat(ran.out().get(0))
                .startsWith("damage: file=" + segment + " offset=8192 index=")
                .contains(" expected=a record, for ", " found=a body that fails its crc");
        assertThat(ran.out().get(1)).startsWith("damage: file=" + segment).contains(" index=100 ");
        assertThat(ran.out().get(2)).startsWith("damaged: places=2 ");
    }

    @Test
    void aDumpHasALinePerPieceAndTheSameAsJson() {
        List<String> text = run("dump", dataDirectory.toString()).out();
        List<String> json = run("dump", "--json", dataDirectory.toString()).out();
        assertThat(json).hasSameSizeAs(text).hasSizeGreaterThan(ENTRIES + 6);
        long index = 0;
        for (int i = 0; i < json.size(); i++) {
            Map<String, @Nullable Object> piece = Json.parseObject(json.get(i));
            assertThat(text.get(i)).startsWith(piece.get("what") + " file=" + piece.get("file") + " offset=");
            if ("command".equals(piece.get("type"))) {
                assertThat(piece)
                        .containsEntry("crc", "ok")
                        .containsEntry("index", ++index)
                        .containsEntry("term", 2L)
                        .containsEntry("time", 5000 + index)
                        .containsEntry("size", 1096L)
                        .containsEntry("payload", 1000L);
            }
        }
        assertThat(index).isEqualTo(ENTRIES);
        assertThat(text.get(0))
                .contains(" crc=ok ", " node=3 ", " cluster=000000000000abcd ", " storage=123456789abcdef0 ");
        assertThat(text).anyMatch(line -> line.contains("type=empty") && line.endsWith(" commitHint=100"));
        assertThat(text).anyMatch(line -> line.startsWith("activation ") && line.contains(" kind=continue "));
    }

    @Test
    void oneFileIsDumpedAlone() {
        List<String> text = run(
                        "dump", dataDirectory.resolve("wal").resolve(segment).toString())
                .out();
        assertThat(text).hasSizeBetween(4, ENTRIES).allMatch(line -> line.contains(" file=" + segment + " "));
    }

    @Test
    void badInputIsSixtyFourWithOneOrTwoLines() throws IOException {
        Path file = Files.writeString(dataDirectory.resolve("notes.txt"), "nothing");
        Path empty = Files.createDirectory(dataDirectory.resolve("empty"));
        assertRefused(
                "does not exist", "verify", dataDirectory.resolve("nowhere").toString());
        assertRefused("is no directory", "verify", file.toString());
        assertRefused("no segment of a log", "verify", empty.toString());
        assertRefused("is no segment", "dump", file.toString());
        assertRefused("does not exist", "dump", dataDirectory.resolve("nowhere").toString());
        assertRefused("missing", "verify");
        assertRefused("is missing");
        assertRefused("Unmatched argument", "repair", "x");
        assertRefused("Unknown option", "dump", "--xml", dataDirectory.toString());
    }

    private void assertRefused(String reason, String... args) {
        Ran ran = run(args);
        assertThat(ran.exitCode()).isEqualTo(WalTool.EXIT_USAGE);
        assertThat(ran.out()).isEmpty();
        assertThat(ran.err()).hasSizeBetween(1, 2);
        assertThat(ran.err().get(0)).startsWith("cairn wal: ").containsIgnoringCase(reason);
    }

    @Test
    void helpSaysWhatTheExitCodesMean() {
        Ran ran = run("--help");
        assertThat(ran.exitCode()).isZero();
        assertThat(String.join("\n", ran.out())).contains("dump", "verify", "1 torn tail", "2 damage");
    }
}
