package dev.cairn.wal;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A file channel whose failures carry file, offset and numbers. Any thread. */
final class ChannelFile {
    /** Apart, for only a log's writer needs them. */
    private static final class Zeros {
        /** For writes past the cache the address, too, must be that of a block. */
        static final ByteBuffer BLOCKS = ByteBuffer.allocateDirect(
                        SegmentPreparation.AWAITED_STEP_BYTES + RecordDescriptor.BLOCK_BYTES)
                .alignedSlice(RecordDescriptor.BLOCK_BYTES)
                .slice(0, SegmentPreparation.AWAITED_STEP_BYTES)
                .asReadOnlyBuffer();
    }

    private final Path path;
    private final FileChannel channel;

    // the thread that prepares the file
    private @Nullable FileChannel pastCache;
    private boolean triedPastCache;

    ChannelFile(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    Path path() {
        return path;
    }

    FileChannel channel() {
        return channel;
    }

    int read(int offset, ByteBuffer destination) {
        int asked = destination.remaining();
        int done = 0;
        try {
            while (destination.hasRemaining()) {
                int count = channel.read(destination, (long) offset + done);
                if (count < 0) {
                    break;
                }
                done += count;
            }
        } catch (IOException e) {
            throw new WalException("read failed: file=" + path + " offset=" + (offset + done) + " bytes=" + asked, e);
        }
        return done;
    }

    void write(int offset, ByteBuffer source) {
        int asked = source.remaining();
        int done = 0;
        try {
            while (source.hasRemaining()) {
                done += channel.write(source, (long) offset + done);
            }
        } catch (IOException e) {
            throw failure("write failed: file=" + path + " offset=" + (offset + done) + " bytes=" + asked, e);
        }
    }

    /**
     * Fills with zeros past the system's cache, so that a force of this file writes none of them. One thread at a time.
     *
     * @return false where the file system refuses that, now and from then on; the range is then as it was, or zero in part
     */
    boolean zeroPastCache(int offset, int length) {
        FileChannel to = pastCache();
        if (to == null) {
            return false;
        }
        int end = offset + length;
        try {
            for (int at = offset; at < end; ) {
                ByteBuffer zeros = Zeros.BLOCKS.duplicate();
                zeros.limit(Math.min(zeros.capacity(), end - at));
                at += to.write(zeros, at);
            }
        } catch (IOException e) {
            WalException failure =
                    failure("write of zeros failed: file=" + path + " offset=" + offset + " bytes=" + length, e);
            if (!isRefusal(e)) {
                throw failure;
            }
            endZeros();
            return false;
        }
        return true;
    }

    /** That a file opens past the cache does not say that it can be written there. Anything else is the disk's failure. */
    static boolean isRefusal(IOException e) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return text.contains("invalid argument") || text.contains("not supported") || text.contains("not a multiple");
    }

    private @Nullable FileChannel pastCache() {
        if (!triedPastCache) {
            triedPastCache = true;
            try {
                pastCache = FileChannel.open(path, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT);
            } catch (UnsupportedOperationException | IOException e) {
                // Not every file system can; then zeros go through the cache.
                pastCache = null;
            }
        }
        return pastCache;
    }

    /** After the last {@link #zeroPastCache}. */
    void endZeros() {
        FileChannel open = pastCache;
        pastCache = null;
        if (open != null) {
            close(open);
        }
    }

    void force() {
        try {
            channel.force(false);
        } catch (IOException e) {
            throw failure("force failed: file=" + path, e);
        }
    }

    void close() {
        try {
            endZeros();
        } finally {
            close(channel);
        }
    }

    private void close(FileChannel open) {
        try {
            open.close();
        } catch (IOException e) {
            throw new WalException("close failed: file=" + path, e);
        }
    }

    /** The JDK names a full disk only in the text of the message. */
    static WalException failure(String what, IOException e) {
        String text = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        boolean full =
                text.contains("no space left") || text.contains("quota exceeded") || text.contains("not enough space");
        return full ? new NoSpaceException(what + " cause=" + e.getMessage(), e) : new WalException(what, e);
    }
}
