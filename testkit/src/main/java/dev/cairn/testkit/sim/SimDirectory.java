package dev.cairn.testkit.sim;

import dev.cairn.wal.SegmentDirectory;
import dev.cairn.wal.SegmentFile;
import dev.cairn.wal.WalException;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.nio.ByteBuffer;
import java.util.List;
import org.agrona.DirectBuffer;

/** A simulated directory whose every change first asks the node whether it still lives, and what else happens meanwhile. */
final class SimDirectory implements SegmentDirectory {
    /** The node that owns the disk. */
    interface Owner {
        /** Before anything that changes files; may throw {@link SimulatedCrash}. */
        void beforeChange();

        /** A force of a file is under way; other threads of the node may run now. */
        void duringForce(boolean persisted);

        /** Chance for what a crash leaves of an append: bytes in [0, length]. */
        int bytesBeforeCrash(int length);
    }

    private final SimulatedDirectory disk;
    private final Owner owner;
    // Planted.
    private final boolean forcesFiles;
    private final boolean forcesNames;
    private final boolean ignoresFailures;

    /** The directory of the log. */
    static SimDirectory ofLog(SimulatedDirectory disk, Owner owner, SimOptions options) {
        return new SimDirectory(
                disk,
                owner,
                !options.has(SimBug.LOG_NOT_FORCED),
                !options.has(SimBug.NAMES_NOT_FORCED),
                options.has(SimBug.FAILED_FORCE_IGNORED));
    }

    /** The directory that holds the hard state. */
    static SimDirectory ofNode(SimulatedDirectory disk, Owner owner, SimOptions options) {
        return new SimDirectory(disk, owner, !options.has(SimBug.HARD_STATE_NOT_FORCED), true, false);
    }

    private SimDirectory(
            SimulatedDirectory disk, Owner owner, boolean forcesFiles, boolean forcesNames, boolean ignoresFailures) {
        this.disk = disk;
        this.owner = owner;
        this.forcesFiles = forcesFiles;
        this.forcesNames = forcesNames;
        this.ignoresFailures = ignoresFailures;
    }

    @Override
    public long freeBytes() {
        return disk.freeBytes();
    }

    @Override
    public String writer() {
        return disk.writer();
    }

    @Override
    public List<String> list() {
        return disk.list();
    }

    @Override
    public SegmentFile create(String name, int length) {
        owner.beforeChange();
        return new File(disk.create(name, length));
    }

    @Override
    public SegmentFile open(String name) {
        return new File(disk.open(name));
    }

    @Override
    public void rename(String from, String to) {
        owner.beforeChange();
        disk.rename(from, to);
    }

    @Override
    public void delete(String name) {
        owner.beforeChange();
        disk.delete(name);
    }

    @Override
    public void force() {
        owner.beforeChange();
        if (forcesNames) {
            disk.force();
        }
    }

    private final class File implements SegmentFile {
        private static final int FIRST_STORED_LAST = Integer.BYTES;

        private final SegmentFile file;

        File(SegmentFile file) {
            this.file = file;
        }

        @Override
        public int length() {
            return file.length();
        }

        @Override
        public int read(int offset, ByteBuffer destination) {
            return file.read(offset, destination);
        }

        @Override
        public void write(int offset, ByteBuffer source) {
            owner.beforeChange();
            file.write(offset, source);
        }

        @Override
        public void zeroFill(int offset, int length) {
            owner.beforeChange();
            file.zeroFill(offset, length);
        }

        @Override
        public void force() {
            owner.beforeChange();
            owner.duringForce(false);
            owner.beforeChange();
            if (forcesFiles) {
                forceFile();
            }
            owner.duringForce(true);
        }

        private void forceFile() {
            try {
                file.force();
            } catch (WalException failure) {
                if (!ignoresFailures) {
                    throw failure;
                }
            }
        }

        @Override
        public void startAppending() {
            file.startAppending();
        }

        @Override
        public void append(int offset, DirectBuffer source, int sourceOffset, int length) {
            try {
                owner.beforeChange();
            } catch (SimulatedCrash crash) {
                leavePart(offset, source, sourceOffset, length);
                throw crash;
            }
            file.append(offset, source, sourceOffset, length);
        }

        /** The first four bytes are stored last: what is behind them may stand there without them. */
        private void leavePart(int offset, DirectBuffer source, int sourceOffset, int length) {
            int left = owner.bytesBeforeCrash(length);
            if (left > FIRST_STORED_LAST) {
                byte[] part = new byte[left - FIRST_STORED_LAST];
                source.getBytes(sourceOffset + FIRST_STORED_LAST, part);
                file.write(offset + FIRST_STORED_LAST, ByteBuffer.wrap(part));
            }
        }

        @Override
        public void flush() {
            file.flush();
        }

        @Override
        public DirectBuffer view() {
            return file.view();
        }

        @Override
        public void stopAppending() {
            file.stopAppending();
        }

        @Override
        public void close() {
            file.close();
        }
    }
}
