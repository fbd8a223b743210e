package dev.cairn.raft;

/** The entries of one AppendEntries message as the core sees them: no payload bytes, only what the rules need. */
public interface EntrySource {
    /** A message without entries: a heartbeat, a probe, or the carrier of a read position. */
    EntrySource EMPTY = new EntrySource() {
        @Override
        public int count() {
            return 0;
        }

        @Override
        public long term(final int ordinal) {
            throw new IndexOutOfBoundsException(ordinal);
        }

        @Override
        public int type(final int ordinal) {
            throw new IndexOutOfBoundsException(ordinal);
        }
    };

    int count();

    /** Term of the entry with index {@code prevLogIndex + 1 + ordinal}. */
    long term(int ordinal);

    /** Type of that entry, see {@link EntryType}. */
    int type(int ordinal);
}
