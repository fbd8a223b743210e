package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.nio.ByteBuffer;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Term and vote on disk. Alternate writes to two slots, each forced before the call returns; {@link #mirror} brings the
 * other slot up to date later, off the path. Owned by the log-sync thread after it is opened; {@link #current} is for it too.
 *
 * <p>A slot that cannot be read may have held a newer vote, so one bad slot refuses the file.
 */
public final class HardStateFile implements AutoCloseable {
    private static final String TEMPORARY_SUFFIX = ".new";

    private final SegmentFile file;
    private final WalConfig config;
    private final boolean created;
    private final Checksum checksum = new Checksum();
    private final UnsafeBuffer scratch = new UnsafeBuffer(new byte[HardStateDescriptor.LENGTH]);
    private final ByteBuffer slot = ByteBuffer.allocateDirect(HardStateDescriptor.LENGTH);
    private HardState current;
    private boolean mirrored;
    private boolean failed;

    private HardStateFile(SegmentFile file, WalConfig config, HardState current, boolean mirrored, boolean created) {
        this.file = file;
        this.config = config;
        this.current = current;
        this.mirrored = mirrored;
        this.created = created;
    }

    /**
     * Opens the file, or creates it durably with term 0 and no vote.
     *
     * @throws HardStateInDoubtException when a slot is unreadable or belongs to other storage
     */
    public static HardStateFile open(WalConfig config, SegmentDirectory directory, String name) {
        List<String> names = directory.list();
        if (names.contains(name)) {
            // A crash between the rename and its force leaves a name that a power cut could still take.
            directory.force();
            return read(config, directory.open(name), name);
        }
        String temporary = name + TEMPORARY_SUFFIX;
        if (names.contains(temporary)) {
            directory.delete(temporary);
        }
        SegmentFile file = directory.create(temporary, HardStateDescriptor.FILE_LENGTH);
        file.write(0, ByteBuffer.allocateDirect(HardStateDescriptor.FILE_LENGTH));
        HardStateFile hardState = new HardStateFile(file, config, new HardState(0, 0, false, 0, 1), true, true);
        hardState.writeSlot(hardState.current, 0);
        hardState.writeSlot(hardState.current, 1);
        file.force();
        directory.rename(temporary, name);
        directory.force();
        return hardState;
    }

    /** What an existing file holds; changes nothing, and the file stays with the result. */
    static HardStateFile read(WalConfig config, SegmentFile file, String name) {
        byte[] bytes = new byte[HardStateDescriptor.FILE_LENGTH];
        int count = file.read(0, ByteBuffer.wrap(bytes));
        if (count != bytes.length) {
            throw new HardStateInDoubtException("hard state cut short: file=" + name + " expectedBytes=" + bytes.length
                    + " foundBytes=" + count + "; the last vote is in doubt");
        }
        UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        Checksum checksum = new Checksum();
        for (int i = 0; i < 2; i++) {
            int at = i * HardStateDescriptor.SLOT_STRIDE;
            if (!HardStateDescriptor.isValid(buffer, at, checksum)) {
                throw new HardStateInDoubtException("hard state slot unreadable: file=" + name + " slot=" + i
                        + " offset=" + at + "; the last vote is in doubt");
            }
            long cluster = buffer.getLong(at + HardStateDescriptor.CLUSTER_OFFSET, LITTLE_ENDIAN);
            int node = buffer.getInt(at + HardStateDescriptor.NODE_OFFSET, LITTLE_ENDIAN);
            long storage = buffer.getLong(at + HardStateDescriptor.STORAGE_OFFSET, LITTLE_ENDIAN);
            if (cluster != config.clusterIdHash() || node != config.nodeId() || storage != config.storageId()) {
                throw new HardStateInDoubtException("hard state of other storage: file=" + name + " expected="
                        + config.clusterIdHash() + "/" + config.nodeId() + "/" + config.storageId() + " found="
                        + cluster + "/" + node + "/" + storage);
            }
        }
        HardState first = HardStateDescriptor.decode(buffer, 0);
        HardState second = HardStateDescriptor.decode(buffer, HardStateDescriptor.SLOT_STRIDE);
        boolean same = first.equals(second);
        return new HardStateFile(file, config, first.sequence() > second.sequence() ? first : second, same, false);
    }

    /** The last state written; at first the one found in the file. */
    public HardState current() {
        return current;
    }

    /** Whether {@link #open} found no file and made one. */
    public boolean created() {
        return created;
    }

    /**
     * Writes the next state. When this returns it is durable. The first failure is final.
     *
     * @return its sequence
     * @throws LogFailedException when the write or force failed, now or earlier
     */
    public long write(long term, int votedFor, boolean repairing, long storageEpoch) {
        checkNotFailed();
        HardState next = new HardState(term, votedFor, repairing, storageEpoch, current.sequence() + 1);
        writeForced(next, (int) (next.sequence() & 1));
        current = next;
        mirrored = false;
        return next.sequence();
    }

    private void writeForced(HardState state, int slotIndex) {
        try {
            writeSlot(state, slotIndex);
            file.force();
        } catch (WalException e) {
            failed = true;
            throw new LogFailedException(
                    "hard state write or force failed: term=" + state.term() + " sequence=" + state.sequence()
                            + "; it may be lost: stop the process, check the disk, start it again",
                    e);
        }
    }

    /** Brings the other slot up to date and forces it, if it is not. For idle moments of the log-sync thread. */
    public boolean mirror() {
        if (mirrored) {
            return false;
        }
        checkNotFailed();
        writeForced(current, (int) ((current.sequence() + 1) & 1));
        mirrored = true;
        return true;
    }

    private void checkNotFailed() {
        if (failed) {
            throw new LogFailedException(
                    "hard state failed before: sequence=" + current.sequence(),
                    new IllegalStateException("a write or force of the hard state failed earlier"));
        }
    }

    private void writeSlot(HardState state, int index) {
        HardStateDescriptor.encode(scratch, config, state, checksum);
        slot.clear();
        scratch.getBytes(0, slot, 0, HardStateDescriptor.LENGTH);
        slot.position(0).limit(HardStateDescriptor.LENGTH);
        file.write(index * HardStateDescriptor.SLOT_STRIDE, slot);
    }

    @Override
    public void close() {
        file.close();
    }
}
