package dev.cairn.wal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import org.agrona.concurrent.UnsafeBuffer;

/** One log over some directory, stepped by hand, and the entries as a plain list. */
final class LogFixture {
    record Entry(long index, long term, long logTimeMs, int type, ByteBuffer payload) {
        static Entry of(long index, long term, long logTimeMs, int type, byte[] payload) {
            return new Entry(index, term, logTimeMs, type, ByteBuffer.wrap(payload));
        }

        @Override
        public String toString() {
            return index + "/" + term + "[" + payload.remaining() + "]";
        }
    }

    static final String HARD_STATE = "hard-state";

    final SegmentDirectory directory;
    final WalConfig config;
    final LongSupplier salts;
    HardStateFile hardState;
    Wal wal;
    long nowNs;

    LogFixture(SegmentDirectory directory) {
        this(
                directory,
                WalConfig.of(77, 1, 99).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES),
                new SplittableRandom(1)::nextLong);
    }

    LogFixture(SegmentDirectory directory, WalConfig config, LongSupplier salts) {
        this(directory, config, salts, Floor.UNKNOWN);
    }

    LogFixture(SegmentDirectory directory, WalConfig config, LongSupplier salts, Floor floor) {
        this.directory = directory;
        this.config = config;
        this.salts = salts;
        this.hardState = HardStateFile.open(config, directory, HARD_STATE);
        this.wal = Wal.open(config, directory, hardState, floor, salts);
    }

    void reopen() {
        reopen(Floor.UNKNOWN);
    }

    void reopen(Floor floor) {
        hardState = HardStateFile.open(config, directory, HARD_STATE);
        wal = Wal.open(config, directory, hardState, floor, salts);
    }

    void close() {
        wal.close();
        hardState.close();
    }

    Entry append(long term, byte[] payload) {
        Entry entry = Entry.of(
                wal.appendedIndex() + 1, term, 1000 + wal.appendedIndex(), EntryDescriptor.TYPE_COMMAND, payload);
        append(entry);
        return entry;
    }

    void append(Entry entry) {
        wal.append(
                entry.index(),
                entry.term(),
                entry.logTimeMs(),
                entry.type(),
                new UnsafeBuffer(entry.payload()),
                0,
                entry.payload().remaining());
    }

    List<Entry> appendMany(int count, long term, int payloadBytes) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(append(term, payload(payloadBytes, wal.appendedIndex() + 1, term)));
        }
        return entries;
    }

    /** Never zero, so that no sector of a record is. */
    static byte[] payload(int bytes, long index, long term) {
        byte[] payload = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            payload[i] = (byte) (1 + (i * 31L + index * 17 + term * 7) % 255);
        }
        return payload;
    }

    void publishAndForce() {
        wal.publish();
        wal.force();
    }

    /** Housekeeping until there is nothing left for it: segments have their names, dropped ones are gone, spares stand ready. */
    void makeSpares() {
        while (wal.sparePreparer().doWork(nowNs) > 0 || wal.sparePreparer().readyCount() < config.spareCount()) {
            nowNs += SparePreparer.PAUSE_NS;
        }
    }

    List<Entry> entries() {
        return read(wal, wal.newCursor());
    }

    static List<Entry> read(Wal wal, LogCursor cursor) {
        List<Entry> entries = new ArrayList<>();
        for (long index = wal.firstIndex(); cursor.seek(index); index++) {
            entries.add(read(cursor));
        }
        return entries;
    }

    static Entry read(LogCursor cursor) {
        byte[] payload = new byte[cursor.payloadLength()];
        cursor.buffer().getBytes(cursor.payloadOffset(), payload);
        return Entry.of(
                EntryDescriptor.index(cursor.buffer(), cursor.offset()),
                cursor.term(),
                cursor.logTimeMs(),
                cursor.type(),
                payload);
    }
}
