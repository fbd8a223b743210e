package dev.cairn.wal;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Makes a segment file ready for use, step by step: zeros, each step on its way to the disk before the next (ADR 24), a
 * force, the header and another, then the directory. One thread.
 */
final class SegmentPreparation {
    /** To write more holds up the log's own forces for longer (256 KiB for 0.9 ms); smaller steps are more of them. ADR 13. */
    static final int STEP_BYTES = 128 * 1024;

    /** When the log waits for the file: on a disk that is busy each write costs a turn in the queue, whatever its length. */
    static final int AWAITED_STEP_BYTES = 1024 * 1024;

    private static final ByteBuffer ZEROS =
            ByteBuffer.allocateDirect(RecordDescriptor.BLOCK_BYTES).asReadOnlyBuffer();

    private final SegmentDirectory directory;
    private final WalConfig config;
    private final String name;
    private final long salt;
    private final SegmentFile file;
    private int zeroed;

    /** Makes the file; a full disk is a {@link NoSpaceException}. */
    SegmentPreparation(SegmentDirectory directory, WalConfig config, String name, int length, long salt) {
        this(directory, config, name, directory.create(name, length), salt);
    }

    private SegmentPreparation(SegmentDirectory directory, WalConfig config, String name, SegmentFile file, long salt) {
        this.directory = directory;
        this.config = config;
        this.name = name;
        this.salt = salt;
        this.file = file;
    }

    /**
     * Makes a dropped segment, just renamed to a spare, into raw material that no recovery takes for a part of the log. Two
     * forces; a crash in between leaves the segment as it was, be it under another name, so that no hole is among the segments.
     */
    static void discharge(SegmentDirectory directory, String spareName) {
        directory.force();
        try (SegmentFile file = directory.open(spareName)) {
            writeZeros(file, ActivationDescriptor.FILE_OFFSET, RecordDescriptor.BLOCK_BYTES);
            file.force();
        }
    }

    /** A further life for a file that was {@link #discharge}d: all of it is written with zeros before it gets a header. */
    static SegmentPreparation again(SegmentDirectory directory, WalConfig config, String name, long salt) {
        return new SegmentPreparation(directory, config, name, directory.open(name), salt);
    }

    /**
     * Unpaced, for a log that cannot go on without it, and in large steps, but not in one: a force of it all would hold up the
     * forces of everyone on this disk. On a full disk nothing is left behind.
     */
    static PreparedSegment prepare(SegmentDirectory directory, WalConfig config, String name, int length, long salt) {
        SegmentPreparation preparation = new SegmentPreparation(directory, config, name, length, salt);
        try {
            boolean more = true;
            while (more) {
                more = preparation.step(AWAITED_STEP_BYTES);
            }
            return preparation.result();
        } catch (NoSpaceException e) {
            preparation.abandon();
            throw e;
        }
    }

    /** One bounded step; returns whether there is more to do. */
    boolean step() {
        return step(STEP_BYTES);
    }

    private boolean step(int bytes) {
        if (zeroed < file.length()) {
            fill(Math.min(bytes, file.length() - zeroed));
            return true;
        }
        // A header vouches for the zeros behind it.
        file.force();
        // A whole block: of a part the system would first read the rest, which is past its cache.
        UnsafeBuffer header = new UnsafeBuffer(new byte[RecordDescriptor.BLOCK_BYTES]);
        SegmentHeaderDescriptor.encode(header, config, salt, file.length(), new Checksum());
        file.write(0, ByteBuffer.wrap(header.byteArray()));
        file.force();
        directory.force();
        return false;
    }

    private void fill(int count) {
        file.zeroFill(zeroed, count);
        zeroed += count;
    }

    /** Bytes that are filled. */
    int zeroed() {
        return zeroed;
    }

    PreparedSegment result() {
        return new PreparedSegment(name, file, salt);
    }

    void abandon() {
        file.close();
        directory.delete(name);
    }

    /** In writes of 4 KiB: of larger ones the system's cache makes large folios, and a store through a mapping dirties a whole one. */
    static void writeZeros(SegmentFile file, int offset, int length) {
        ByteBuffer zeros = ZEROS.duplicate();
        for (int done = 0; done < length; ) {
            int step = Math.min(RecordDescriptor.BLOCK_BYTES, length - done);
            zeros.clear().limit(step);
            file.write(offset + done, zeros);
            done += step;
        }
    }
}
