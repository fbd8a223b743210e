package dev.cairn.wal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What recovery found and did; all of it durable when the log is open.
 *
 * @param writer the directory's writer and why it was chosen
 * @param segments segment files found in use
 * @param firstIndex first live index, one above the last where the log is empty
 * @param lastIndex last live index
 * @param lastTerm its term
 * @param highestTerm of any valid record, superseded ones too: currentTerm is at least this
 * @param durablePosition highest durable position that any valid structure stated
 * @param copiedEntries entries above it, copied into a fresh segment and forced
 * @param copiedBytes of these
 * @param cutFile file of the torn tail, empty if none
 * @param cutOffset where it began
 * @param cutBytes bytes dropped up to the last that is not zero, later segments included
 * @param cutBytesKept of these, kept in {@code cut-...} files
 * @param supersededDamage damaged records that later ones had superseded; nothing was lost with them
 * @param restored records above the durable position that lacked their length or a single byte, and are whole again
 * @param droppedFiles files deleted: unused spares, replaced and superseded segments
 * @param commitHint commit index of the last empty record, capped by the log: where a start may begin, never evidence
 * @param hardStateSequence of the write that ended recovery
 * @param damage that was found and dealt with, null = none
 */
public record RecoveryReport(
        String writer,
        int segments,
        long firstIndex,
        long lastIndex,
        long lastTerm,
        long highestTerm,
        long durablePosition,
        long copiedEntries,
        long copiedBytes,
        String cutFile,
        int cutOffset,
        long cutBytes,
        long cutBytesKept,
        int supersededDamage,
        int restored,
        int droppedFiles,
        long commitHint,
        long hardStateSequence,
        @Nullable Damage damage) {
    /**
     * Damage that did not stop the node.
     *
     * @param text what a node that stops at it says
     * @param lost every entry that could not be read
     * @param repairing whether something that was acknowledged may be missing now; else what is missing is applied and
     *     flushed, and the log was shortened as a snapshot would have it
     * @param storageEpoch of the log from now on
     * @param keptAside files with what was damaged, and all that stood behind it
     */
    public record Damage(String text, IndexRanges lost, boolean repairing, long storageEpoch, List<String> keptAside) {
        public Damage {
            keptAside = List.copyOf(keptAside);
        }
    }

    /** Whether the tail of a crash was dropped. */
    public boolean torn() {
        return !cutFile.isEmpty();
    }
}
