package dev.cairn.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Locale;

/** A file channel whose failures carry file, offset and numbers. Any thread. */
final class ChannelFile {
    private final Path path;
    private final FileChannel channel;

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

    void force() {
        try {
            channel.force(false);
        } catch (IOException e) {
            throw failure("force failed: file=" + path, e);
        }
    }

    void close() {
        try {
            channel.close();
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
