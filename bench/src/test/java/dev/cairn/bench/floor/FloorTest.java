package dev.cairn.bench.floor;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The floor's parts, and the four processes once; without a word about time. */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
final class FloorTest {
    @TempDir
    Path directory;

    private final CRC32C crc = new CRC32C();

    /** Notes what it is given. */
    private static final class Noted extends FloorConnection {
        final List<Long> numbers = new ArrayList<>();
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Nullable
        Throwable cause;

        Noted(Channel channel) {
            super(channel);
        }

        @Override
        void onFrame(ByteBuf buffer, int offset, int length) {
            numbers.add(buffer.getLongLE(offset + FloorFrame.NUMBER_OFFSET));
        }

        @Override
        void onFrames(ByteBuf buffer, int offset, int length) {
            for (int i = 0; i < length; i++) {
                bytes.write(buffer.getByte(offset + i));
            }
        }

        @Override
        void onCycleEnd() {}

        @Override
        void onEnd(@Nullable Throwable cause) {
            this.cause = this.cause == null ? cause : this.cause;
        }
    }

    private ByteBuf frames(int count) {
        ByteBuf all = Unpooled.directBuffer();
        for (int i = 0; i < count; i++) {
            FloorFrame.write(all, crc, i, new byte[16], new byte[i]);
        }
        return all;
    }

    @Test
    void framesArriveWholeHoweverReadsDivideThem() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
        System.out.println("FloorTest -Dseed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int most : new int[] {1, 7, 100, 5000}) {
            EmbeddedChannel channel = new EmbeddedChannel();
            Noted noted = new Noted(channel);
            channel.pipeline().addLast(noted);
            ByteBuf all = frames(50);
            byte[] expected = new byte[all.readableBytes()];
            all.getBytes(0, expected);
            while (all.isReadable()) {
                int length = Math.min(all.readableBytes(), 1 + random.nextInt(most));
                channel.writeInbound(all.readBytes(length));
            }
            assertThat(noted.cause).isNull();
            assertThat(noted.numbers).hasSize(50).isSorted().endsWith(49L);
            assertThat(noted.bytes.toByteArray()).isEqualTo(expected);
            all.release();
            channel.finishAndReleaseAll();
        }
    }

    @Test
    void aFrameWithAWrongBitEndsTheConnection() {
        EmbeddedChannel channel = new EmbeddedChannel();
        Noted noted = new Noted(channel);
        channel.pipeline().addLast(noted);
        ByteBuf all = frames(3);
        all.setByte(all.writerIndex() - 1, 1 + all.getByte(all.writerIndex() - 1));
        channel.writeInbound(all);
        assertThat(noted.cause).hasMessageContaining("wrong checksum");
        assertThat(noted.numbers).containsExactly(0L, 1L);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void theLogWritesAllThatIsHandedOverAlsoOverTheEndOfItsRing() throws Exception {
        LinkedBlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
        LinkedBlockingQueue<Long> told = new LinkedBlockingQueue<>();
        Path file = directory.resolve("log");
        FloorLog log = FloorLog.create(file, true, () -> told.add(1L), failures::add);
        byte[] bytes = new byte[3 << 20];
        new SplittableRandom(1).nextBytes(bytes);
        ByteBuf source = Unpooled.directBuffer().writeBytes(bytes);
        long end = 0;
        // Three MiB do not divide the ring, so the third goes over its end; and together they are more than the ring.
        for (int i = 0; i < 7; i++) {
            end = log.append(source, 0, bytes.length);
            log.publish();
        }
        while (log.durable() < end) {
            assertThat(told.poll(30, TimeUnit.SECONDS))
                    .as("failures " + failures)
                    .isNotNull();
        }
        source.release();
        assertThat(end).isEqualTo(7L * bytes.length);
        byte[] written = Files.readAllBytes(file);
        for (int i = 0; i < 7; i++) {
            assertThat(Arrays.copyOfRange(written, i * bytes.length, (i + 1) * bytes.length))
                    .isEqualTo(bytes);
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void twoOfThreeAreAMajority() {
        for (long[] order : new long[][] {{1, 5, 9}, {1, 9, 5}, {5, 1, 9}, {5, 9, 1}, {9, 1, 5}, {9, 5, 1}}) {
            assertThat(FloorNode.majority(order[0], order[1], order[2])).isEqualTo(5);
        }
        assertThat(FloorNode.majority(7, 0, 0)).isZero();
        assertThat(FloorNode.majority(0, 7, 7)).isEqualTo(7);
    }

    private record Run(int exitCode, String out, String err) {
        String lastLine() {
            List<String> lines = out.lines().toList();
            return lines.get(lines.size() - 1);
        }

        double number(String field) {
            Matcher matcher = Pattern.compile("\"" + field + "\":(-?[0-9.]+)").matcher(lastLine());
            assertThat(matcher.find()).as("%s in %s", field, lastLine()).isTrue();
            return Double.parseDouble(matcher.group(1));
        }
    }

    private static Run floor(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = FloorCommand.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        int exitCode = commandLine.execute(arguments);
        return new Run(exitCode, out.toString(), err.toString());
    }

    @Test
    void fourProcessesAnswerAndLeaveOnlyResultsBehind() throws IOException {
        Path files = directory.resolve("files");
        Path results = directory.resolve("results");
        Run run = floor(
                "--dir",
                files.toString(),
                "--out",
                results.toString(),
                "--outstanding",
                "32",
                "--seconds",
                "1",
                "--warmup",
                "0",
                "--connections",
                "2");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("# cairn floor ", "# durability forced", "no consensus, no database");
        assertThat(run.lastLine()).startsWith("{\"mode\":\"put\",").contains("\"durability\":\"forced\"");
        // On a machine that is busy enough none may end within the second; those that began in it end later and count
        // here.
        assertThat(run.number("latency_count")).isPositive();
        assertThat(run.number("errors")).isZero();
        assertThat(run.number("unfinished")).isZero();
        assertThat(run.number("p50_us")).isPositive();
        assertThat(run.number("server_cpu_ms")).isPositive();
        assertThat(files).doesNotExist();
        try (var left = Files.list(results)) {
            assertThat(left.map(file -> file.getFileName().toString().replaceAll("-\\d+T\\d+Z", "")))
                    .containsExactlyInAnyOrder("floor-put-o32.hlog", "floor-put-o32.hgrm", "floor-put-o32.json");
        }
    }

    @Test
    void wrongOptionsAreSaidBeforeAnythingIsStarted() {
        assertThat(floor("--dir", directory.toString()).err()).contains("--dir: " + directory + " exists");
        Path files = directory.resolve("files");
        Run run = floor("--dir", files.toString(), "--outstanding", "0");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--outstanding: 0");
        assertThat(files).doesNotExist();
    }
}
