package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.nio.file.ExtendedOpenOption;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every segment file and directory must do, whatever is below. */
final class SegmentFileContractTest {
    private static final int LENGTH = 64 * 1024;
    private static final Path MAPS = Path.of("/proc/self/maps");

    @TempDir
    Path folder;

    private SegmentDirectory directory(String kind) {
        return switch (kind) {
            case "mapped" -> FileSegmentDirectory.open(folder, WriterChoice.MAPPED);
            case "channel" -> FileSegmentDirectory.open(folder, WriterChoice.CHANNEL);
            default -> new SimulatedDirectory();
        };
    }

    private static SegmentFile prepared(SegmentDirectory directory, String name) {
        SegmentFile file = directory.create(name, LENGTH);
        SegmentPreparation.writeZeros(file, 0, LENGTH);
        file.force();
        return file;
    }

    private static byte[] read(SegmentFile file, int offset, int count) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(count);
        int got = file.read(offset, bytes);
        byte[] result = new byte[got];
        bytes.flip().get(result);
        return result;
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void appendsAreReadAfterFlushAndLeaveTheRestZero(String kind) {
        SegmentDirectory directory = directory(kind);
        SegmentFile file = prepared(directory, "a");
        file.startAppending();
        byte[] record = LogFixture.payload(720, 1, 1);
        file.append(4096, new UnsafeBuffer(record), 0, 72);
        file.append(8192, new UnsafeBuffer(record), 0, 720);
        file.append(8192 + 720, new UnsafeBuffer(record), 8, 712);
        file.append(20480, new UnsafeBuffer(record), 0, 720);
        file.flush();
        byte[] expected = new byte[LENGTH];
        System.arraycopy(record, 0, expected, 4096, 72);
        System.arraycopy(record, 0, expected, 8192, 720);
        System.arraycopy(record, 8, expected, 8192 + 720, 712);
        System.arraycopy(record, 0, expected, 20480, 720);
        assertThat(read(file, 0, LENGTH)).isEqualTo(expected);
        byte[] viewed = new byte[LENGTH];
        file.view().getBytes(0, viewed);
        assertThat(viewed).isEqualTo(expected);
        file.force();
        file.stopAppending();
        file.stopAppending();
        assertThatThrownBy(file::view).isInstanceOf(IllegalStateException.class);
        assertThat(read(file, 0, LENGTH)).isEqualTo(expected);
        file.close();
        SegmentFile again = directory.open("a");
        assertThat(again.length()).isEqualTo(LENGTH);
        assertThat(read(again, 0, LENGTH)).isEqualTo(expected);
        again.close();
    }

    /** A mapping that stays keeps its deleted file's disk space. */
    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel"})
    void nothingStaysMappedAfterTheLastAppend(String kind) throws Exception {
        assumeTrue(Files.exists(MAPS), "only Linux tells what is mapped");
        SegmentFile file = prepared(directory(kind), "a");
        file.startAppending();
        file.append(4096, new UnsafeBuffer(LogFixture.payload(720, 1, 1)), 0, 72);
        file.flush();
        assertThat(isMapped()).isTrue();

        file.stopAppending();

        // Chronicle unmaps on a thread of its own.
        long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (isMapped() && System.nanoTime() - deadlineNs < 0) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(isMapped()).as("still mapped").isFalse();
        file.close();
    }

    private boolean isMapped() throws IOException {
        return Files.readString(MAPS).contains(folder.toRealPath().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void anAppendLargerThanAnyBufferArrivesWhole(String kind) {
        SegmentDirectory directory = directory(kind);
        int length = 4 * 1024 * 1024;
        SegmentFile file = directory.create("a", length);
        SegmentPreparation.writeZeros(file, 0, length);
        file.startAppending();
        byte[] record = LogFixture.payload(1024 * 1024, 1, 1);
        file.append(8192, new UnsafeBuffer(record), 0, 64);
        file.append(8192 + 64, new UnsafeBuffer(record), 0, record.length);
        file.flush();
        assertThat(read(file, 8192 + 64, record.length)).isEqualTo(record);
        file.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void zerosTakeThePlaceOfWhatStoodThereAndOfNothingElse(String kind) {
        SegmentDirectory directory = directory(kind);
        SegmentFile file = directory.create("a", LENGTH);
        byte[] expected = LogFixture.payload(LENGTH, 1, 1);
        file.write(0, ByteBuffer.wrap(expected));
        file.zeroFill(8192, 12288);
        file.zeroFill(LENGTH - 4096, 4096);
        file.force();
        Arrays.fill(expected, 8192, 8192 + 12288, (byte) 0);
        Arrays.fill(expected, LENGTH - 4096, LENGTH, (byte) 0);
        assertThat(read(file, 0, LENGTH)).isEqualTo(expected);
        file.close();
        SegmentFile again = directory.open("a");
        assertThat(read(again, 0, LENGTH)).isEqualTo(expected);
        again.close();
    }

    /** A file that cannot be opened a second time stands for a file system that knows no writes past its cache. */
    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel"})
    void zerosThatCannotGoPastTheCacheGoThroughIt(String kind) throws IOException {
        SegmentFile file = directory(kind).create("a", LENGTH);
        file.write(0, ByteBuffer.wrap(LogFixture.payload(LENGTH, 1, 1)));
        Files.delete(folder.resolve("a"));
        file.zeroFill(0, LENGTH);
        assertThat(read(file, 0, LENGTH)).isEqualTo(new byte[LENGTH]);
        file.close();
    }

    /** Half a sector stands for what a file system refuses past its cache although it opened the file. */
    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void zerosThatAreRefusedPastTheCacheGoThroughIt(String kind) {
        SegmentFile file = directory(kind).create("a", LENGTH);
        byte[] expected = LogFixture.payload(LENGTH, 1, 1);
        file.write(0, ByteBuffer.wrap(expected));
        file.zeroFill(0, 256);
        Arrays.fill(expected, 0, 256, (byte) 0);
        assertThat(read(file, 0, LENGTH)).isEqualTo(expected);
        file.close();
    }

    @Test
    void zerosGoPastTheCacheWhereTheFileSystemCanDoSo() throws IOException {
        boolean can;
        Path probe = folder.resolve("probe");
        try (FileChannel channel = FileChannel.open(
                probe, StandardOpenOption.CREATE, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT)) {
            channel.write(ByteBuffer.allocateDirect(2 * 4096).alignedSlice(4096).limit(4096), 0);
            can = true;
        } catch (IOException | UnsupportedOperationException refused) {
            can = false;
        }
        FileChannel channel = FileChannel.open(
                folder.resolve("a"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        ChannelFile file = new ChannelFile(folder.resolve("a"), channel);
        assertThat(file.zeroPastCache(0, LENGTH)).isEqualTo(can);
        file.close();
    }

    @Test
    void groupsInWholeBlocksMustAscend() {
        SegmentFile file = directory("channel").create("a", LENGTH);
        file.zeroFill(0, LENGTH);
        file.startAppending();
        file.append(1024, new UnsafeBuffer(new byte[64]), 0, 64);
        file.flush();
        assertThatThrownBy(() -> file.append(0, new UnsafeBuffer(new byte[64]), 0, 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("offset=0 end=1088");
        file.close();
    }

    /** Half a block was written, and the file is appended to once more. */
    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void aSecondStartGoesOnBehindTheFirst(String kind) {
        SegmentFile file = prepared(directory(kind), "a");
        byte[] record = LogFixture.payload(128, 1, 1);
        file.startAppending();
        file.append(8192, new UnsafeBuffer(record), 0, 64);
        file.flush();
        file.force();
        file.stopAppending();

        file.startAppending();
        file.append(8192 + 64, new UnsafeBuffer(record), 64, 64);
        file.flush();

        byte[] expected = new byte[LENGTH];
        System.arraycopy(record, 0, expected, 8192, 128);
        assertThat(read(file, 0, LENGTH)).isEqualTo(expected);
        file.close();
    }

    @Test
    void onlyWhatAFileSystemCannotDoIsARefusal() {
        assertThat(ChannelFile.isRefusal(new IOException("Invalid argument"))).isTrue();
        assertThat(ChannelFile.isRefusal(new IOException("Operation not supported")))
                .isTrue();
        assertThat(ChannelFile.isRefusal(new IOException("Input/output error"))).isFalse();
        assertThat(ChannelFile.isRefusal(new IOException("No space left on device")))
                .isFalse();
        assertThat(ChannelFile.isRefusal(new IOException((String) null))).isFalse();
    }

    /** Appends as a log makes them: behind each other or from the next block on, flushed now and then. */
    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void whatIsFlushedIsReadWhereverGroupsBeginAndEnd(String kind) {
        long first = Seeds.first();
        for (long seed = first; seed < first + Seeds.count(20); seed++) {
            appendAtRandom(directory(kind), "file-" + seed, new SplittableRandom(seed), "seed=" + seed);
        }
    }

    private static void appendAtRandom(SegmentDirectory directory, String name, SplittableRandom random, String what) {
        int length = 2 * 1024 * 1024;
        SegmentFile file = directory.create(name, length);
        file.zeroFill(0, length);
        file.startAppending();
        byte[] expected = new byte[length];
        int at = 8 * random.nextInt(2000);
        while (true) {
            int count = 8 + 8 * random.nextInt(random.nextInt(20) == 0 ? 40_000 : 200);
            if (at + count > length) {
                break;
            }
            byte[] record = new byte[count];
            random.nextBytes(record);
            file.append(at, new UnsafeBuffer(record), 0, count);
            System.arraycopy(record, 0, expected, at, count);
            at += count;
            if (random.nextInt(3) == 0) {
                file.flush();
                assertThat(read(file, 0, length)).as(what).isEqualTo(expected);
            }
            if (random.nextInt(3) == 0) {
                at = (int) Wal.blocks(at);
            }
        }
        file.flush();
        file.force();
        assertThat(read(file, 0, length)).as(what).isEqualTo(expected);
        file.close();
        SegmentFile again = directory.open(name);
        assertThat(read(again, 0, length)).as(what).isEqualTo(expected);
        again.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void readsEndAtTheEndOfTheFile(String kind) {
        SegmentFile file = prepared(directory(kind), "a");
        assertThat(read(file, LENGTH - 10, 100)).hasSize(10);
        assertThat(read(file, LENGTH, 100)).isEmpty();
        file.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void aClosedFileRefusesToBeRead(String kind) {
        SegmentFile file = prepared(directory(kind), "a");
        file.close();
        file.close();
        assertThatThrownBy(() -> read(file, 0, 1)).isInstanceOf(WalException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void namesAreNeverReplaced(String kind) {
        SegmentDirectory directory = directory(kind);
        SegmentFile a = prepared(directory, "a");
        prepared(directory, "b").close();
        assertThatThrownBy(() -> directory.rename("a", "b")).isInstanceOf(WalException.class);
        assertThatThrownBy(() -> directory.create("b", 1)).isInstanceOf(WalException.class);
        assertThatThrownBy(() -> directory.open("c")).isInstanceOf(WalException.class);
        assertThatThrownBy(() -> directory.delete("c")).isInstanceOf(WalException.class);
        a.startAppending();
        directory.rename("a", "c");
        a.append(0, new UnsafeBuffer(LogFixture.payload(8, 1, 1)), 0, 8);
        a.flush();
        a.force();
        directory.force();
        assertThat(directory.list()).containsExactly("b", "c");
        SegmentFile c = directory.open("c");
        assertThat(read(c, 0, 8)).isEqualTo(LogFixture.payload(8, 1, 1));
        c.close();
        a.close();
        directory.delete("c");
        assertThat(directory.list()).containsExactly("b");
    }

    /** The bytes reach the disk by the port's force and by nothing else: each durable position costs one. */
    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel"})
    void aDurablePositionIsBackedByARealForce(String kind) {
        AtomicInteger forces = new AtomicInteger();
        SegmentDirectory counted = new CountingDirectory(directory(kind), forces);
        LogFixture log = new LogFixture(counted);
        for (int i = 0; i < 10; i++) {
            log.appendMany(3, 1, 100);
            log.wal.publish();
            int before = forces.get();
            assertThat(log.wal.durablePosition()).isLessThan(log.wal.appendedPosition());
            log.wal.force();
            assertThat(forces.get()).isEqualTo(before + 1);
            assertThat(log.wal.durablePosition()).isEqualTo(log.wal.appendedPosition());
            log.wal.force();
            assertThat(forces.get()).isEqualTo(before + 1);
        }
        int before = forces.get();
        log.hardState.write(5, 2, false, 0);
        assertThat(forces.get()).isEqualTo(before + 1);
        log.close();
    }

    private record CountingDirectory(SegmentDirectory inner, AtomicInteger forces) implements SegmentDirectory {
        @Override
        public long freeBytes() {
            return inner.freeBytes();
        }

        @Override
        public String writer() {
            return inner.writer();
        }

        @Override
        public java.util.List<String> list() {
            return inner.list();
        }

        @Override
        public SegmentFile create(String name, int length) {
            return new CountingFile(inner.create(name, length), forces);
        }

        @Override
        public SegmentFile open(String name) {
            return new CountingFile(inner.open(name), forces);
        }

        @Override
        public void rename(String from, String to) {
            inner.rename(from, to);
        }

        @Override
        public void delete(String name) {
            inner.delete(name);
        }

        @Override
        public void force() {
            inner.force();
        }
    }

    private record CountingFile(SegmentFile inner, AtomicInteger forces) implements SegmentFile {
        @Override
        public int length() {
            return inner.length();
        }

        @Override
        public int read(int offset, ByteBuffer destination) {
            return inner.read(offset, destination);
        }

        @Override
        public void write(int offset, ByteBuffer source) {
            inner.write(offset, source);
        }

        @Override
        public void zeroFill(int offset, int length) {
            inner.zeroFill(offset, length);
        }

        @Override
        public void force() {
            inner.force();
            forces.incrementAndGet();
        }

        @Override
        public void startAppending() {
            inner.startAppending();
        }

        @Override
        public void append(int offset, org.agrona.DirectBuffer source, int sourceOffset, int length) {
            inner.append(offset, source, sourceOffset, length);
        }

        @Override
        public void flush() {
            inner.flush();
        }

        @Override
        public org.agrona.DirectBuffer view() {
            return inner.view();
        }

        @Override
        public void stopAppending() {
            inner.stopAppending();
        }

        @Override
        public void close() {
            inner.close();
        }
    }
}
