package dev.cairn.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/** Reads a log as {@code docs/format.md} tells, section "Reading a log"; its numbers stand here as they stand there. */
public final class LogReader {
    /** A live entry and where its record stands: segment sequence in the high half, offset in the low one. */
    public record Entry(long position, long index, long term, long timeMs, int type, ByteBuffer payload) {}

    private LogReader() {}

    public static List<Entry> read(Path directory) throws IOException {
        TreeMap<Integer, ByteBuffer> segments = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
                if (file.getFileName().toString().matches("[0-9]{20}\\.wal|spare-.*") && isInUse(bytes)) {
                    segments.put(bytes.getInt(4096 + 8), bytes);
                }
            }
        }
        Deque<ByteBuffer> linked = new ArrayDeque<>();
        ByteBuffer next = segments.get(segments.lastKey());
        while (next != null) {
            linked.addFirst(next);
            next = next.getInt(4096 + 4) == 2 ? segments.get(next.getInt(4096 + 12)) : null;
        }
        TreeMap<Long, Entry> live = new TreeMap<>();
        while (!linked.isEmpty()) {
            ByteBuffer segment = linked.removeFirst();
            int end = linked.isEmpty()
                    ? segment.capacity()
                    : (int) linked.getFirst().getLong(4096 + 16);
            readSegment(segment, end, !linked.isEmpty(), live);
        }
        return new ArrayList<>(live.values());
    }

    private static boolean isInUse(ByteBuffer bytes) {
        return bytes.capacity() >= 8192
                && bytes.getLong(0) == text("CAIRNWAL").getLong(0)
                && bytes.getInt(8) == 1
                && bytes.getInt(48) == bytes.capacity()
                && bytes.getInt(60) == crc(bytes, 0, 60)
                && bytes.getInt(4096) == text("CACT").getInt(0)
                && bytes.getInt(4096 + 64) == crc(bytes, 4096, 64)
                && bytes.getLong(4096 + 56) == bytes.getLong(40);
    }

    private static void readSegment(ByteBuffer segment, int end, boolean endIsStated, NavigableMap<Long, Entry> live) {
        int at = 8192;
        int chain = segment.getInt(4096 + 48);
        for (int record = next(segment, at, end, chain); record >= 0; record = next(segment, at, end, chain)) {
            int body = record + 56;
            int bodyLength = segment.getInt(record) - 56;
            boolean empty = (segment.getInt(record + 4) & 4) != 0;
            int covered = empty ? 0 : 4;
            require(crc(segment, body + covered, bodyLength - covered) == segment.getInt(record + 44), "body", record);
            if (!empty) {
                long index = segment.getLong(record + 24);
                require(segment.getInt(body + 4) == bodyLength && segment.getLong(body + 8) == index, "entry", record);
                if ((segment.getInt(record + 4) & 1) != 0) {
                    live.tailMap(index, true).clear();
                }
                require(live.isEmpty() || live.lastKey() == index - 1, "index " + index, record);
                live.put(
                        index,
                        new Entry(
                                ((long) segment.getInt(4096 + 8) << 32) + record,
                                index,
                                segment.getLong(body + 16),
                                segment.getLong(body + 24),
                                segment.get(body + 32),
                                segment.slice(body + 40, bodyLength - 40)));
            }
            chain = segment.getInt(record + 52);
            at = record + (segment.getInt(record) + 7) / 8 * 8;
        }
        for (int zero = at; zero < end; zero++) {
            require(!endIsStated && segment.get(zero) == 0, "end of data", zero);
        }
    }

    /** Right here, or at the next block boundary; -1 = at neither. */
    private static int next(ByteBuffer segment, int at, int end, int chain) {
        int block = (at + 4095) / 4096 * 4096;
        return isRecord(segment, at, end, chain) ? at : isRecord(segment, block, end, chain) ? block : -1;
    }

    private static boolean isRecord(ByteBuffer segment, int at, int end, int chain) {
        return at + 56 <= end
                && segment.getInt(at) > 56
                && segment.getInt(at) <= end - at
                && segment.getInt(at + 52) == crc(segment, at, 52)
                && segment.getLong(at + 8) == segment.getLong(40)
                && segment.getInt(at + 32) == segment.getInt(4096 + 8)
                && segment.getInt(at + 36) == at
                && segment.getInt(at + 40) == chain;
    }

    private static int crc(ByteBuffer bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(from, length));
        return (int) crc.getValue();
    }

    private static ByteBuffer text(String ascii) {
        return ByteBuffer.wrap(ascii.getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void require(boolean holds, String what, int offset) {
        if (!holds) {
            throw new IllegalStateException("not as the format says: " + what + " at " + offset);
        }
    }
}
