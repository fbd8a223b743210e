package dev.cairn.wal;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A file channel whose failures carry file, offset and numbers. Any thread. */
final class ChannelFile {
    /** For writes past the cache the address, too, must be that of a block. */
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(
                    SegmentPreparation.AWAITED_STEP_BYTES + RecordDescriptor.BLOCK_BYTES)
            .alignedSlice(RecordDescriptor.BLOCK_BYTES)
            .slice(0, SegmentPreparation.AWAITED_STEP_BYTES)
            .asReadOnlyBuffer();

    private final Path path;
    private final FileChannel channel;

    // housekeeping thread
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
     * Fills with zeros past the system's cache, so that a force of this file writes none of them.
     *
     * @return false where the file system cannot do so; nothing was written then
     */
    boolean zeroPastCache(int offset, int length) {
        FileChannel to = pastCache();
        if (to == null) {
            return false;
        }
        int end = offset + length;
        try {
            for (int at = offset; at < end; ) {
                ByteBuffer zeros = ZEROS.duplicate();
                zeros.limit(Math.min(zeros.capacity(), end - at));
                at += to.write(zeros, at);
            }
        } catch (IOException e) {
            throw failure("write of zeros failed: file=" + path + " offset=" + offset + " bytes=" + length, e);
        }
        return true;
    }

    private @Nullable FileChannel pastCache() {
        if (!triedPastCache) {
            triedPastCache = true;
            try {
                if (RecordDescriptor.BLOCK_BYTES % Files.getFileStore(path).getBlockSize() == 0) {
                    pastCache = FileChannel.open(path, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT);
                }
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
        endZeros();
        close(channel);
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
