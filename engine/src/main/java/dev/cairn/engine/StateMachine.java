package dev.cairn.engine;

import dev.cairn.protocol.Limits;
import dev.cairn.protocol.ResolvedAnswerDescriptor;
import dev.cairn.protocol.ResultEntryDescriptor;
import org.agrona.DirectBuffer;

/**
 * What the replicated log drives. One thread, the apply thread, calls everything here.
 *
 * <p>Two steps make a batch: any number of {@link #apply} calls, which change nothing that a reader or a restart can see, then one
 * {@link #commit}, which writes all of it atomically together with the applied index and only then hands out the results. A crash between
 * the two leaves the state of the previous commit, and the same entries are applied again.
 *
 * <p>The state after a commit is a function of the entries applied since the empty state, and of nothing else: not of where the batch
 * edges lay, not of cache sizes, not of restarts.
 */
public interface StateMachine {
    /** The reply slot of an entry for whose result nobody waits on this node. */
    long NOBODY_WAITS = -1;

    /** Most bytes of a result that is stored for repeats: a whole entry. */
    int MAX_STORED_RESULT_BYTES = ResultEntryDescriptor.VALUE_OFFSET + Limits.MAX_VALUE_BYTES;

    /** Most bytes of any result: a stored one within the answer to a RESOLVE. */
    int MAX_RESULT_BYTES = ResolvedAnswerDescriptor.RESULT_OFFSET + MAX_STORED_RESULT_BYTES;

    /** Commands ahead that {@link #expect} keeps; so many reads from memory at once are about what a processor has under way. */
    int MOST_EXPECTED = 16;

    /** Entry types of the log, as stored. An unknown type stops the node. */
    int ENTRY_NOOP = 1;

    int ENTRY_COMMAND = 2;
    int ENTRY_CONFIG = 3;
    int ENTRY_CLOCK = 4;

    /**
     * Applies the entry behind the last applied one. The payload is copied where it is needed later; the buffer is the caller's again on
     * return.
     *
     * @param index exactly one above the last applied index
     * @param entryCrc the entry's checksum as stored in the log; it enters the digest
     * @param replySlot handed to the sink with the result; {@link #NOBODY_WAITS} for none
     * @return bytes of the result that the next {@link #commit} will hand to the sink for this entry; 0 too when nobody waits for it
     * @throws BrokenInvariantException for a gap, an unknown type or kind, or a command that does not parse: the node must stop
     */
    int apply(
            long index,
            long term,
            long logTimeMs,
            int type,
            int entryCrc,
            DirectBuffer payload,
            int offset,
            int length,
            long replySlot);

    /**
     * Says which command will soon be applied: what it needs of memory is on its way to the processor meanwhile, together with what others need.
     * A hint, of any bytes: nothing is changed by it.
     */
    void expect(DirectBuffer payload, int offset, int length);

    /**
     * Writes everything applied since the last commit in one atomic step, then delivers the results in the order of the log. Does nothing
     * when nothing was applied. When it throws {@link KvStoreException} nothing was written or delivered, and it may be called again to try
     * the same batch; {@link #apply} is refused until it succeeds.
     */
    void commit(ResultSink sink);

    /** As of the last commit; 0 = nothing yet. */
    long appliedIndex();

    /** Term of the entry at {@link #appliedIndex()}. */
    long appliedTerm();

    /** Running mix over (index, term, entry checksum) of every applied entry, as of the last commit; equal on all nodes at equal index. */
    long digest();

    /** Highest log time applied, in milliseconds, as of the last commit. */
    long lastLogTimeMs();

    /**
     * Log time in milliseconds at which an entry, whatever its type, will make something expire, as of the last commit;
     * {@link Long#MAX_VALUE} = nothing. A leader without traffic appends a CLOCK entry once its log time has reached this.
     */
    long nextExpiryLogTimeMs();

    /** Open sessions, as of the last commit. */
    int sessionCount();
}
