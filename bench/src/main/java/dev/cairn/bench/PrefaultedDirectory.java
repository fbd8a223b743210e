package dev.cairn.bench;

import dev.cairn.wal.SegmentDirectory;
import dev.cairn.wal.SegmentFile;
import java.nio.ByteBuffer;
import java.util.List;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A directory whose files have every page of their mapping touched before the first append, so that a benchmark of appending does
 * not measure page faults. For the mapped writer; a file that is never mapped for writing has nothing to touch.
 */
record PrefaultedDirectory(SegmentDirectory below) implements SegmentDirectory {
    private static final int PAGE_BYTES = 4096;

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

    private record PrefaultedFile(SegmentFile below) implements SegmentFile {
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
        public void force() {
            below.force();
        }

        @Override
        public void startAppending() {
            below.startAppending();
            if (below.view() instanceof UnsafeBuffer pages) {
                for (int at = 0; at < below.length(); at += PAGE_BYTES) {
                    // The byte that is there; the page gets its place in the page table and may be written.
                    pages.putByte(at, pages.getByte(at));
                }
            }
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
