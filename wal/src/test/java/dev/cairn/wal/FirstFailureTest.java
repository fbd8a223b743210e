package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.cairn.wal.FaultyDirectory.Operation;
import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.agrona.MutableDirectBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The first write or force of log or hard state that fails is the last thing that is done to the files. */
@Tag("W12")
final class FirstFailureTest {
    private static final long CHILD_LIMIT_SECONDS = 60;

    @TempDir
    Path folder;

    /** Each operation of the loop and of log-sync, on each writer, with what the system may throw. */
    static Stream<Arguments> faults() {
        List<Supplier<? extends Throwable>> thrown = List.of(
                () -> new WalException("Input/output error"),
                () -> new NoSpaceException("No space left on device", null),
                () -> new InternalError("a fault occurred in an unsafe memory access operation"));
        List<Arguments> all = new ArrayList<>();
        for (WriterChoice writer : List.of(WriterChoice.MAPPED, WriterChoice.CHANNEL)) {
            for (Operation operation : List.of(Operation.APPEND, Operation.FLUSH, Operation.FORCE)) {
                thrown.forEach(each -> all.add(Arguments.of(writer, operation, each)));
            }
            // Of a segment that is made at once; want of room is no failure there.
            all.add(Arguments.of(writer, Operation.FORCE_DIRECTORY, thrown.get(0)));
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("faults")
    void nothingIsWrittenOrForcedBehindTheFirstFailure(
            WriterChoice writer, Operation operation, Supplier<? extends Throwable> thrown) {
        try (FileSegmentDirectory files = FileSegmentDirectory.open(folder, writer)) {
            FaultyDirectory directory = new FaultyDirectory(files);
            LogFixture log = new LogFixture(directory);
            log.makeSpares();
            log.appendMany(3, 1, 1000);
            log.publishAndForce();
            directory.failAfter(1, operation, thrown);
            Throwable failure = catchThrowable(() -> {
                while (true) {
                    log.appendMany(20, 1, 1000);
                    log.publishAndForce();
                }
            });
            assertThat(failure)
                    .isInstanceOf(LogFailedException.class)
                    .hasMessageContaining("check the disk")
                    .hasMessageContaining("start it again");
            long durable = log.wal.durablePosition();

            assertThatThrownBy(log.wal::force).isInstanceOf(LogFailedException.class);
            assertThatThrownBy(() -> log.appendMany(1, 1, 10)).isInstanceOf(LogFailedException.class);
            assertThatThrownBy(() -> log.wal.reset(1000, 2)).isInstanceOf(LogFailedException.class);
            assertThatThrownBy(() -> log.wal.ensureRoom(EntryDescriptor.MAX_ENTRY_BYTES))
                    .isInstanceOf(LogFailedException.class);
            assertThat(directory.afterFault()).isEmpty();
            assertThat(log.wal.durablePosition()).isEqualTo(durable);
            log.close();
        }
    }

    @Test
    void aNameThatCannotBeGivenEndsHousekeepingAndLosesNothing() {
        for (Operation operation : List.of(Operation.RENAME, Operation.FORCE_DIRECTORY)) {
            FaultyDirectory directory = new FaultyDirectory(new SimulatedDirectory());
            LogFixture log = new LogFixture(directory);
            log.makeSpares();
            List<Entry> written = log.appendMany(40, 1, 1000);
            log.publishAndForce();
            directory.failAfter(0, operation, () -> new WalException("Input/output error"));
            assertThatThrownBy(() -> log.wal.sparePreparer().doWork(log.nowNs)).isInstanceOf(WalException.class);
            assertThat(directory.afterFault()).isEmpty();
            log.reopen();
            assertThat(log.entries()).isEqualTo(written);
        }
    }

    @Test
    void theHardStateIsWrittenNoMoreBehindItsFirstFailure() {
        for (Operation operation : List.of(Operation.WRITE, Operation.FORCE)) {
            for (Supplier<WalException> thrown : List.<Supplier<WalException>>of(
                    () -> new WalException("Input/output error"),
                    () -> new NoSpaceException("No space left on device", null))) {
                FaultyDirectory directory = new FaultyDirectory(new SimulatedDirectory());
                HardStateFile file = HardStateFile.open(WalConfig.of(5, 1, 10), directory, "hard-state");
                file.write(1, 1, false, 0);
                directory.failAfter(0, operation, thrown);
                assertThatThrownBy(() -> file.write(2, 1, false, 0))
                        .isInstanceOf(LogFailedException.class)
                        .hasMessageContaining("check the disk");
                assertThatThrownBy(() -> file.write(2, 1, false, 0)).isInstanceOf(LogFailedException.class);
                assertThatThrownBy(file::mirror).isInstanceOf(LogFailedException.class);
                assertThat(directory.afterFault()).isEmpty();
                assertThat(file.current().term()).isEqualTo(1);
            }
        }
    }

    /** The JVM drops a store that has no file behind it, and throws an error at some later instruction. */
    @Test
    void aStoreThatIsNotThereAtTheEndOfItsGroupIsAFailedWrite() {
        try (FileSegmentDirectory directory = FileSegmentDirectory.open(folder, WriterChoice.MAPPED)) {
            LogFixture log = new LogFixture(directory);
            log.appendMany(3, 1, 100);
            log.publishAndForce();
            log.appendMany(1, 1, 100);
            MutableDirectBuffer page = (MutableDirectBuffer) log.wal.segments()[0].file.view();
            page.putInt(LogPosition.offset(log.wal.table().start(4)), 0);
            assertThatThrownBy(log.wal::publish)
                    .isInstanceOf(LogFailedException.class)
                    .hasStackTraceContaining("a store was lost");
            assertThatThrownBy(log.wal::force).isInstanceOf(LogFailedException.class);
            assertThat(log.wal.publishedIndex()).isEqualTo(3);
            log.close();
        }
    }

    /** Stores into a segment whose file somebody has cut, in a JVM of its own: it may die of it. */
    static final class CutFile {
        private CutFile() {}

        public static void main(String[] args) throws IOException {
            Path folder = Path.of(args[0]);
            FileSegmentDirectory directory = FileSegmentDirectory.open(folder, WriterChoice.MAPPED);
            LogFixture log = new LogFixture(directory);
            log.appendMany(3, 1, 100);
            log.publishAndForce();
            try (FileChannel file = FileChannel.open(folder.resolve(Segment.nameOf(1)), StandardOpenOption.WRITE)) {
                file.truncate(RecordDescriptor.BLOCK_BYTES);
            }
            long durable = log.wal.durablePosition();
            try {
                log.appendMany(1, 1, 1000);
                log.publishAndForce();
                System.out.println("stored");
            } catch (LogFailedException | InternalError e) {
                System.out.println("failed: " + e);
            }
            System.out.println(log.wal.durablePosition() == durable ? "nothing acknowledged" : "acknowledged");
        }
    }

    @Test
    void aStoreThroughAMappingThatHasNoFileBehindItIsAFailedWrite() throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.addAll(List.of(
                "-XX:-CreateCoredumpOnCrash",
                "-cp",
                System.getProperty("java.class.path"),
                CutFile.class.getName(),
                folder.toString()));
        Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor(CHILD_LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(output).contains("failed: ", "nothing acknowledged").doesNotContain("stored");
        assertThat(child.exitValue()).isZero();
    }
}
