package dev.cairn.server.snapshot;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.CheckpointManifest;
import dev.cairn.engine.DurableFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;

/**
 * A checkpoint as one file, for backups. Little-endian:
 *
 * <pre>
 *   0 8 bytes "CAIRNSNP"    8 i32 format version 1    12 i32 length of the manifest
 *  16 manifest, text: see {@link CheckpointManifest}
 *     the files of the manifest, one behind the other, without padding
 *     i32 CRC32C of all bytes before it      8 bytes "CAIRNEND"
 * </pre>
 */
public final class SnapshotFile {
    static final int FORMAT_VERSION = 1;
    static final int HEADER_BYTES = 16;
    static final int TRAILER_BYTES = 12;

    private static final byte[] MAGIC = "CAIRNSNP".getBytes(US_ASCII);
    private static final byte[] END = "CAIRNEND".getBytes(US_ASCII);
    private static final int CHUNK_BYTES = 256 << 10;

    private SnapshotFile() {}

    /** Receives the files of a snapshot while it is read; what it was given counts only if the reading ends well. */
    public interface Visitor {
        void onManifest(CheckpointManifest manifest) throws IOException;

        /** Bytes of a file of the manifest, in order. */
        void onBytes(CheckpointManifest.Entry file, ByteBuffer bytes) throws IOException;

        void onFileEnd(CheckpointManifest.Entry file) throws IOException;
    }

    /** Writes a snapshot file under a temporary name beside it; without {@link #finish} nothing is left behind. */
    public static final class Writer implements AutoCloseable {
        private final Path target;
        private final Path temporary;
        private final FileChannel channel;
        private final CRC32C crc = new CRC32C();
        private boolean finished;

        public Writer(final Path target, final CheckpointManifest manifest) throws IOException {
            this.target = target;
            temporary = target.resolveSibling(target.getFileName() + ".partial");
            channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.TRUNCATE_EXISTING);
            final byte[] text = manifest.encode();
            final ByteBuffer header =
                    ByteBuffer.allocate(HEADER_BYTES + text.length).order(LITTLE_ENDIAN);
            header.put(MAGIC).putInt(FORMAT_VERSION).putInt(text.length).put(text);
            write(header.flip());
        }

        /** The next bytes of the files. */
        public void write(final ByteBuffer bytes) throws IOException {
            crc.update(bytes.duplicate());
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }

        /** All files are written: from now on the snapshot exists, also after a crash. */
        public void finish() throws IOException {
            final ByteBuffer trailer = ByteBuffer.allocate(TRAILER_BYTES).order(LITTLE_ENDIAN);
            trailer.putInt((int) crc.getValue()).put(END).flip();
            while (trailer.hasRemaining()) {
                channel.write(trailer);
            }
            channel.force(true);
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            DurableFiles.forceDirectory(directoryOf(target));
            finished = true;
        }

        private static Path directoryOf(final Path file) {
            final Path parent = file.toAbsolutePath().getParent();
            return parent == null ? file : parent;
        }

        @Override
        public void close() throws IOException {
            channel.close();
            if (!finished) {
                Files.deleteIfExists(temporary);
            }
        }
    }

    /**
     * Reads a snapshot file from its first to its last byte and checks all of it.
     *
     * @param progress told how many bytes have been read
     * @throws CheckpointException when it is of another format, cut or altered
     */
    public static CheckpointManifest read(final Path file, final Visitor visitor, final LongConsumer progress)
            throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return new Reader(file, channel, progress).read(visitor);
        }
    }

    private static final class Reader {
        private final Path file;
        private final FileChannel channel;
        private final LongConsumer progress;
        private final CRC32C crc = new CRC32C();
        private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
        private long read;

        Reader(final Path file, final FileChannel channel, final LongConsumer progress) {
            this.file = file;
            this.channel = channel;
            this.progress = progress;
        }

        CheckpointManifest read(final Visitor visitor) throws IOException {
            final CheckpointManifest manifest = readManifest();
            final long expected = read + manifest.totalBytes() + TRAILER_BYTES;
            if (channel.size() != expected) {
                throw new CheckpointException(
                        file + " is cut or altered: it has " + channel.size() + " bytes, expected " + expected);
            }
            visitor.onManifest(manifest);
            for (final CheckpointManifest.Entry entry : manifest.files()) {
                readFile(entry, visitor);
            }
            final int found = (int) crc.getValue();
            final ByteBuffer trailer = next(TRAILER_BYTES);
            final int stated = trailer.getInt();
            final byte[] end = new byte[END.length];
            trailer.get(end);
            if (!Arrays.equals(end, END)) {
                throw new CheckpointException(file + " is altered: its last " + END.length + " bytes are "
                        + HexFormat.of().formatHex(end) + ", expected "
                        + HexFormat.of().formatHex(END));
            }
            if (stated != found) {
                throw new CheckpointException(file + " is altered: its checksum is " + Integer.toHexString(found)
                        + ", stated is " + Integer.toHexString(stated));
            }
            return manifest;
        }

        private CheckpointManifest readManifest() throws IOException {
            if (channel.size() < HEADER_BYTES) {
                throw new CheckpointException(file + " is no snapshot of Cairn: it has " + channel.size() + " bytes");
            }
            final ByteBuffer header = next(HEADER_BYTES);
            final byte[] magic = new byte[MAGIC.length];
            header.get(magic);
            if (!Arrays.equals(magic, MAGIC)) {
                throw new CheckpointException(file + " is no snapshot of Cairn");
            }
            final int version = header.getInt();
            if (version != FORMAT_VERSION) {
                throw new CheckpointException(file + " has snapshot format version " + version
                        + ", this program reads version " + FORMAT_VERSION);
            }
            final int length = header.getInt();
            if (length < 1 || length > CheckpointManifest.MAX_BYTES || length > channel.size() - HEADER_BYTES) {
                throw new CheckpointException(
                        file + " is cut or altered: it states a manifest of " + length + " bytes");
            }
            final byte[] text = new byte[length];
            for (int at = 0; at < length; ) {
                final ByteBuffer piece = next(Math.min(CHUNK_BYTES, length - at));
                final int bytes = piece.remaining();
                piece.get(text, at, bytes);
                at += bytes;
            }
            return CheckpointManifest.decode(text, file.toString());
        }

        private void readFile(final CheckpointManifest.Entry entry, final Visitor visitor) throws IOException {
            final CRC32C fileCrc = new CRC32C();
            for (long at = 0; at < entry.length(); ) {
                final ByteBuffer piece = next((int) Math.min(CHUNK_BYTES, entry.length() - at));
                at += piece.remaining();
                fileCrc.update(piece.duplicate());
                visitor.onBytes(entry, piece);
                progress.accept(read);
            }
            if ((int) fileCrc.getValue() != entry.crc()) {
                throw new CheckpointException(file + " is altered: the part " + entry.name() + " has checksum "
                        + Integer.toHexString((int) fileCrc.getValue()) + ", expected "
                        + Integer.toHexString(entry.crc()));
            }
            visitor.onFileEnd(entry);
        }

        private ByteBuffer next(final int bytes) throws IOException {
            chunk.clear().limit(bytes);
            while (chunk.hasRemaining()) {
                if (channel.read(chunk) < 0) {
                    throw new CheckpointException(file + " is cut: it ends at byte " + (read + chunk.position()));
                }
            }
            read += bytes;
            chunk.flip();
            crc.update(chunk.duplicate());
            return chunk.order(LITTLE_ENDIAN);
        }
    }
}
