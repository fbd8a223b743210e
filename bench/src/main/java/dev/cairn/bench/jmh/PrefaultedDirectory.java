package dev.cairn.bench.jmh;

import dev.cairn.wal.SegmentDirectory;
import dev.cairn.wal.SegmentFile;
import java.nio.ByteBuffer;
import java.util.List;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A directory that can have every page of the file in use written to before a benchmark appends, so that it does not measure page
 * faults. For the mapped writer; a file that is never mapped for writing has no such pages.
 */
final class PrefaultedDirectory implements SegmentDirectory {
    private static final int PAGE_BYTES = 4096;

    private final SegmentDirectory below;
    private @Nullable SegmentFile appending;

    PrefaultedDirectory(SegmentDirectory below) {
        this.below = below;
    }

    /**
     * Each page gets its place in the page table and may be written without a fault until the next force. To be called behind the
     * last force, for that one makes the file's pages read-only again: the next store to each is a fault then.
     */
    void prefault() {
        SegmentFile file = appending;
        if (file == null || !(file.view() instanceof UnsafeBuffer pages)) {
            throw new IllegalStateException("no file is mapped for writing");
        }
        for (int at = 0; at < file.length(); at += PAGE_BYTES) {
            // Volatile: of a plain store of what was just loaded the compiler leaves nothing.
            pages.putIntVolatile(at, pages.getIntVolatile(at));
        }
    }

    @Override
    public String writer() {
        return below.writer();
    }

    @Override
    public long freeBytes() {
        return below.freeBytes();
    }

    @Override
    public List<String> list() {
        return below.list();
    }

    @Override
    public SegmentFile create(String name, int length) {
        return new PrefaultedFile(below.create(name, length));
    }

    @Override
    public SegmentFile open(String name) {
        return new PrefaultedFile(below.open(name));
    }

    @Override
    public void rename(String from, String to) {
        below.rename(from, to);
    }

    @Override
    public void delete(String name) {
        below.delete(name);
    }

    @Override
    public void force() {
        below.force();
    }

    private final class PrefaultedFile implements SegmentFile {
        private final SegmentFile below;

        PrefaultedFile(SegmentFile below) {
            this.below = below;
        }

        @Override
        public int length() {
            return below.length();
        }

        @Override
        public int read(int offset, ByteBuffer destination) {
            return below.read(offset, destination);
        }

        @Override
        public void write(int offset, ByteBuffer source) {
            below.write(offset, source);
        }

        @Override
        public void zeroFill(int offset, int length) {
            below.zeroFill(offset, length);
        }

        @Override
        public void force() {
            below.force();
        }

        @Override
        public void startAppending() {
            below.startAppending();
            appending = below;
        }

        @Override
        public void append(int offset, DirectBuffer source, int sourceOffset, int length) {
            below.append(offset, source, sourceOffset, length);
        }

        @Override
        public void flush() {
            below.flush();
        }

        @Override
        public DirectBuffer view() {
            return below.view();
        }

        @Override
        public void stopAppending() {
            below.stopAppending();
        }

        @Override
        public void close() {
            below.close();
        }
    }
}
