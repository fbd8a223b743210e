package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.engine.KvReader;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.RowKind;
import dev.cairn.engine.ValueDescriptor;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.ScanDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.server.metrics.ReplicaMetrics;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A block of the database that cannot be read fails the requests that need it, and nothing else. */
@Tag("O04")
class DamagedStoreReadTest {
    private static final int KEYS = 2000;

    @TempDir
    Path directory;

    private static byte[] key(final int number) {
        return "key%05d".formatted(number).getBytes(UTF_8);
    }

    private void writeAndDamageTheMiddle() throws IOException {
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory))) {
            for (int i = 0; i < KEYS; i++) {
                final MutableDirectBuffer row = store.valueBuffer(ValueDescriptor.HEADER_LENGTH + 100);
                row.setMemory(0, ValueDescriptor.HEADER_LENGTH + 100, (byte) i);
                store.put(
                        RowKind.DATA, new UnsafeBuffer(key(i)), 0, key(i).length, ValueDescriptor.HEADER_LENGTH + 100);
            }
            store.write();
        }
        final Path table;
        try (Stream<Path> files = Files.list(directory)) {
            table = files.filter(file -> file.toString().endsWith(".sst"))
                    .findFirst()
                    .orElseThrow();
        }
        try (RandomAccessFile file = new RandomAccessFile(table.toFile(), "rw")) {
            final long middle = file.length() / 2;
            file.seek(middle);
            final int old = file.read();
            file.seek(middle);
            file.write(old ^ 0x55);
        }
    }

    @Test
    void onlyTheRequestThatNeedsTheBlockFails() throws IOException {
        writeAndDamageTheMiddle();
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory));
                KvReader reader = store.newReader()) {
            final ReaderAgent agent = new ReaderAgent(reader, () -> {}, Capacities.NODE, ReplicaMetrics.unread());
            final List<Integer> answers = new ArrayList<>();
            for (int i = 0; i < KEYS; i++) {
                assertThat(agent.offer(1, i + 1, new UnsafeBuffer(key(i)), 0, key(i).length))
                        .isTrue();
                assertThat(agent.doWork()).isEqualTo(1);
                agent.pollResults((type, buffer, offset, length) -> answers.add(type));
            }

            assertThat(answers).hasSize(KEYS).contains(ReaderAgent.FAILED_MESSAGE);
            assertThat(answers.stream().filter(type -> type == ReaderAgent.ROW_MESSAGE))
                    .hasSizeGreaterThan(KEYS - 200);
        }
    }

    @Test
    void scanOverTheBlockIsAnsweredWithInternalAndTheNextScanIsServed() throws IOException {
        writeAndDamageTheMiddle();
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory));
                KvReader reader = store.newReader()) {
            final RangeReaderAgent agent =
                    new RangeReaderAgent(reader, () -> {}, Capacities.NODE, () -> 1, ReplicaMetrics.unread());

            assertThat(count(agent, "")).isEqualTo(Status.INTERNAL);
            assertThat(count(agent, "key00100")).isEqualTo(Status.OK);
            agent.close();
        }
    }

    /** Counts everything below {@code to}. */
    private static Status count(final RangeReaderAgent agent, final String to) {
        final UnsafeBuffer request = new UnsafeBuffer(new byte[ScanDescriptor.BLOCK_LENGTH + to.length()]);
        request.putByte(ScanDescriptor.FLAGS_OFFSET, (byte) ScanDescriptor.FLAG_COUNT_ONLY);
        request.putInt(ScanDescriptor.TO_LENGTH_OFFSET, to.length(), LITTLE_ENDIAN);
        request.putStringWithoutLengthUtf8(ScanDescriptor.BLOCK_LENGTH, to);
        assertThat(agent.offer(MessageType.SCAN, 1, 1, 0, request, 0, request.capacity()))
                .isTrue();
        assertThat(agent.doWork()).isEqualTo(1);
        final List<Status> statuses = new ArrayList<>();
        agent.pollReplies((type, buffer, offset, length) ->
                statuses.add(Status.of(buffer.getShort(offset + RangeReaderAgent.BODY_OFFSET, LITTLE_ENDIAN))));
        assertThat(statuses).hasSize(1);
        return statuses.get(0);
    }
}
