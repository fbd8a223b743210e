package dev.cairn.server.snapshot;

/**
 * When checkpoints are taken, and what they and their transfer may use.
 *
 * @param logBytes log behind the newest checkpoint that makes the next one due
 * @param entries entries behind it that make the next one due; 0 = never for that reason
 * @param intervalNs time since it that makes the next one due if anything was applied; 0 = never for that reason
 * @param keptLogBytes log that stays below a checkpoint
 * @param transferBytesPerSecond bound of what this node sends of checkpoints, all transfers together; 0 = none
 * @param maxRetainedLogBytes log that a transfer may keep from going
 */
public record SnapshotConfig(
        long logBytes,
        long entries,
        long intervalNs,
        long keptLogBytes,
        long transferBytesPerSecond,
        long maxRetainedLogBytes) {}
