package dev.cairn.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.MappedBytes;
import net.openhft.chronicle.core.io.ReferenceOwner;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Appends are stores through a mapping of the whole, prepared file; force is the channel's. Chronicle's own sync is never
 * used: it is asynchronous by default. The only class that knows Chronicle.
 */
final class MappedSegmentFile implements SegmentFile {
    private final ChannelFile file;
    private final int length;
    private @Nullable MappedBytes mapped;
    private @Nullable UnsafeBuffer view;
    /** Of the last append since the last flush, -1 when there was none; loop thread. */
    private int lastOffset = -1;

    private int lastStored;

    MappedSegmentFile(ChannelFile file, int length) {
        this.file = file;
        this.length = length;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public int read(int offset, ByteBuffer destination) {
        return file.read(offset, destination);
    }

    @Override
    public void write(int offset, ByteBuffer source) {
        file.write(offset, source);
    }

    @Override
    public void zeroFill(int offset, int count) {
        SegmentPreparation.writeZeros(this, offset, count);
        file.force();
    }

    @Override
    public void force() {
        file.force();
    }

    @Override
    public void startAppending() {
        if (mapped != null) {
            throw new IllegalStateException("already appending: file=" + file.path());
        }
        MappedBytes bytes;
        try {
            // Chronicle would create a file that is not there and extend one that is short: sparse, in both cases.
            if (Files.size(file.path()) != length) {
                throw new WalException("not prepared: file=" + file.path() + " expectedBytes=" + length);
            }
            bytes = MappedBytes.singleMappedBytes(file.path().toFile(), length);
        } catch (IOException e) {
            throw new WalException("cannot map: file=" + file.path() + " bytes=" + length, e);
        }
        bytes.singleThreadedCheckDisabled(true);
        mapped = bytes;
        view = new UnsafeBuffer(bytes.addressForWrite(0), length);
    }

    @Override
    public void append(int offset, DirectBuffer source, int sourceOffset, int count) {
        UnsafeBuffer to = attached();
        to.putInt(offset + Integer.BYTES, source.getInt(sourceOffset + Integer.BYTES));
        // From a multiple of 8 the JVM copies by longs, from one of 4 by ints.
        to.putBytes(offset + Long.BYTES, source, sourceOffset + Long.BYTES, count - Long.BYTES);
        lastOffset = offset;
        lastStored = source.getInt(sourceOffset);
        to.putIntRelease(offset, lastStored);
    }

    @Override
    public void flush() {
        // A store through the mapping is in the page cache already. Where no file is behind the mapping the JVM drops
        // it
        // and throws an InternalError some time later: that may be too late, so the store is looked for here.
        if (lastOffset >= 0 && attached().getIntVolatile(lastOffset) != lastStored) {
            throw new WalException("a store was lost: file=" + file.path() + " offset=" + lastOffset);
        }
        lastOffset = -1;
    }

    @Override
    public DirectBuffer view() {
        return attached();
    }

    private UnsafeBuffer attached() {
        UnsafeBuffer buffer = view;
        if (buffer == null) {
            throw new IllegalStateException("not appending: file=" + file.path());
        }
        return buffer;
    }

    @Override
    public void stopAppending() {
        MappedBytes bytes = mapped;
        if (bytes != null) {
            mapped = null;
            view = null;
            unmap(bytes);
        }
    }

    /**
     * Chronicle holds its store once more than it releases it when a file is mapped as a whole: left to itself, the mapping, and
     * with it the disk space of a deleted file, would stay until the process ends.
     */
    private static void unmap(MappedBytes bytes) {
        BytesStore<?, ?> store = bytes.bytesStore();
        if (store != null && store.refCount() > 1) {
            store.release(ReferenceOwner.INIT);
        }
        bytes.releaseLast();
    }

    @Override
    public void close() {
        stopAppending();
        file.close();
    }
}
