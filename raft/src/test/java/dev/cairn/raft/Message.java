package dev.cairn.raft;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A message between two nodes of a test. */
sealed interface Message {
    int from();

    int to();

    void deliverTo(TestNode node);

    record VoteRequest(
            int from, int to, long term, boolean preVote, boolean byTransfer, long lastLogIndex, long lastLogTerm)
            implements Message {
        VoteRequest(int from, int to, long term, boolean preVote, long lastLogIndex, long lastLogTerm) {
            this(from, to, term, preVote, false, lastLogIndex, lastLogTerm);
        }

        @Override
        public void deliverTo(TestNode node) {
            node.core().onRequestVote(from, term, preVote, byTransfer, lastLogIndex, lastLogTerm);
        }
    }

    record ReadIndexRequest(int from, int to, long term, long requestId) implements Message {
        @Override
        public void deliverTo(TestNode node) {
            node.core().onReadIndexRequest(from, term, requestId);
        }
    }

    record ReadIndexReply(int from, int to, long term, long requestId, long readIndex) implements Message {
        @Override
        public void deliverTo(TestNode node) {
            node.core().onReadIndexReply(from, term, requestId, readIndex);
        }
    }

    record TimeoutNow(int from, int to, long term) implements Message {
        @Override
        public void deliverTo(TestNode node) {
            node.core().onTimeoutNow(from, term);
        }
    }

    /** An answer of a node whose log has lost something once; all others come from epoch 0. */
    record OfStorage(Message answer, long storageEpoch, boolean repairing) implements Message {
        @Override
        public int from() {
            return answer.from();
        }

        @Override
        public int to() {
            return answer.to();
        }

        @Override
        public void deliverTo(TestNode node) {
            long term = answer instanceof Accepted accepted ? accepted.term() : ((Rejected) answer).term();
            if (node.core().onPeerStorage(from(), term, storageEpoch, repairing)) {
                answer.deliverTo(node);
            }
        }
    }

    record RepairTarget(int from, int to, long term, long storageEpoch, long index) implements Message {
        @Override
        public void deliverTo(TestNode node) {
            node.core().onRepairTarget(from, term, storageEpoch, index);
        }
    }

    record Vote(int from, int to, long term, boolean preVote, long requestTerm, boolean granted) implements Message {
        @Override
        public void deliverTo(TestNode node) {
            node.core().onVote(from, term, preVote, requestTerm, granted);
        }
    }

    record Append(
            int from,
            int to,
            long term,
            long prevLogIndex,
            long prevLogTerm,
            long leaderCommit,
            long readPosition,
            List<Entry> entries)
            implements Message, EntrySource {
        @Override
        public void deliverTo(TestNode node) {
            node.log.stage(prevLogIndex, entries);
            node.core().onAppendEntries(from, term, prevLogIndex, prevLogTerm, leaderCommit, readPosition, this);
            node.log.unstage();
        }

        @Override
        public int count() {
            return entries.size();
        }

        @Override
        public long term(int ordinal) {
            return entries.get(ordinal).term();
        }

        @Override
        public int type(int ordinal) {
            return entries.get(ordinal).type();
        }

        long lastIndex() {
            return prevLogIndex + entries.size();
        }
    }

    record Accepted(int from, int to, long term, long matchIndex, long verifiedIndex, long readPosition, boolean full)
            implements Message {
        Accepted(int from, int to, long term, long matchIndex, long verifiedIndex, long readPosition) {
            this(from, to, term, matchIndex, verifiedIndex, readPosition, false);
        }

        @Override
        public void deliverTo(TestNode node) {
            node.core().onAppendEntriesAccepted(from, term, matchIndex, verifiedIndex, readPosition, full);
        }
    }

    record Rejected(
            int from, int to, long term, long prevLogIndex, long conflictIndex, long conflictTerm, long readPosition)
            implements Message {
        @Override
        public void deliverTo(TestNode node) {
            node.core().onAppendEntriesRejected(from, term, prevLogIndex, conflictIndex, conflictTerm, readPosition);
        }
    }

    /** The leader's offer and, in this world, at once the snapshot itself. */
    record Snapshot(
            int from,
            int to,
            long term,
            long index,
            long indexTerm,
            long chain,
            long membershipIndex,
            Membership membership)
            implements Message {
        @Override
        public void deliverTo(TestNode node) {
            if (node.core().onInstallSnapshot(from, term, index)) {
                node.install(index, indexTerm, chain, membershipIndex, membership);
            }
        }
    }

    /** An entry as it travels: what the core sees, and a payload that tells two entries apart. */
    record Entry(
            long term,
            int type,
            long payload,
            int bytes,
            @Nullable Membership membership) {
        Entry(long term, int type, long payload, int bytes) {
            this(term, type, payload, bytes, null);
        }
    }
}
