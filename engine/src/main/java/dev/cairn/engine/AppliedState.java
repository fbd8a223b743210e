package dev.cairn.engine;

/**
 * How far a store's content goes.
 *
 * @param index log index of the last applied entry; 0 = none
 * @param term that entry's term
 * @param logTimeMs highest log time applied, in milliseconds
 * @param digest running mix over all applied entries
 */
public record AppliedState(long index, long term, long logTimeMs, long digest) {
    /** An empty store. */
    public static final AppliedState NONE = new AppliedState(0, 0, 0, 0);
}
