package dev.cairn.raft;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A log in memory over a journal of records, like the one on disk: a truncation writes nothing, a later record of the
 * same index supersedes the earlier ones. A crash keeps a prefix of the journal, so what was truncated can come back.
 */
final class TestLog implements RaftLog {
    static final int ENTRY_BYTES = 100;
    private static final long SEGMENT = 1L << 32;

    /** @param chain digest of this entry and all before it */
    record Row(long index, Message.Entry entry, long endPosition, long chain) {}

    private final Consumer<Row> onAppend;
    private long base;
    private long baseTerm;
    private long baseChain;
    private final List<Row> live = new ArrayList<>();
    private final List<Row> journal = new ArrayList<>();
    private long appendedPosition = SEGMENT;
    private long durablePosition = SEGMENT;
    private long stagedPayload;
    private int stagedBytes = ENTRY_BYTES;
    private long stagedPrevIndex;
    private int room = Integer.MAX_VALUE;
    private int roomForNoops = Integer.MAX_VALUE;
    private List<Message.Entry> stagedMessage = List.of();

    TestLog() {
        this(0, 0, record -> {});
    }

    TestLog(long base, long baseTerm, Consumer<Row> onAppend) {
        this.base = base;
        this.baseTerm = baseTerm;
        baseChain = baseTerm;
        this.onAppend = onAppend;
    }

    /** Fills a log before the core starts; all of it is durable. */
    static TestLog ofTerms(long... terms) {
        TestLog log = new TestLog();
        for (long term : terms) {
            log.stagePayload(term, ENTRY_BYTES);
            log.append(log.lastIndex() + 1, term, EntryType.COMMAND);
        }
        log.force(log.appendedPosition);
        return log;
    }

    void stagePayload(long payload, int bytes) {
        stagedPayload = payload;
        stagedBytes = bytes;
    }

    void stage(long prevIndex, List<Message.Entry> entries) {
        stagedPrevIndex = prevIndex;
        stagedMessage = entries;
    }

    void unstage() {
        stagedMessage = List.of();
        stagePayload(0, ENTRY_BYTES);
    }

    @Override
    public long firstIndex() {
        return base + 1;
    }

    @Override
    public long lastIndex() {
        return base + live.size();
    }

    @Override
    public long term(long index) {
        return index == base ? baseTerm : row(index).entry().term();
    }

    @Override
    public int entryBytes(long index) {
        return row(index).entry().bytes();
    }

    @Override
    public long endPosition(long index) {
        return row(index).endPosition();
    }

    /** From now on so many entries find room; a no-op finds always some. */
    void room(int entries) {
        room = entries;
    }

    /** As {@link #room}, for no-ops. */
    void roomForNoops(int entries) {
        roomForNoops = entries;
    }

    @Override
    public boolean hasRoom(long index, int type) {
        return (type == EntryType.NOOP ? roomForNoops : room) > 0;
    }

    @Override
    public boolean hasRoomAgain() {
        return room > 0;
    }

    @Override
    public void append(long index, long term, int type) {
        if (index != lastIndex() + 1) {
            throw new AssertionError("append of " + index + " behind " + lastIndex());
        }
        Message.Entry entry = stagedMessage.isEmpty()
                ? new Message.Entry(term, type, type == EntryType.NOOP ? 0 : stagedPayload, stagedBytes)
                : stagedMessage.get((int) (index - stagedPrevIndex - 1));
        if (entry.term() != term || entry.type() != type) {
            throw new AssertionError("staged " + entry + ", appended term " + term + " type " + type);
        }
        if (!hasRoom(index, type)) {
            throw new AssertionError("append of " + index + " without room");
        }
        if (type == EntryType.NOOP) {
            roomForNoops--;
        } else {
            room--;
        }
        appendedPosition += entry.bytes();
        Row record = new Row(index, entry, appendedPosition, mix(chain(index - 1), index, entry));
        live.add(record);
        journal.add(record);
        onAppend.accept(record);
    }

    @Override
    public void truncateSuffix(long fromIndex) {
        if (fromIndex <= base || fromIndex > lastIndex()) {
            throw new AssertionError("truncation from " + fromIndex + " in " + base + ".." + lastIndex());
        }
        live.subList((int) (fromIndex - base - 1), live.size()).clear();
    }

    /** Unlike a log of segments it drops exactly what it may. */
    @Override
    public void truncatePrefix(long upToIndex) {
        long newBaseTerm = term(upToIndex);
        baseChain = chain(upToIndex);
        live.subList(0, (int) (upToIndex - base)).clear();
        base = upToIndex;
        baseTerm = newBaseTerm;
    }

    /** What a restart behind a snapshot makes: the suffix stays if the log holds the snapshot's entry; all is durable. */
    void installSnapshot(long index, long term, long chain) {
        if (index >= base && index <= lastIndex() && term(index) == term) {
            truncatePrefix(index);
        } else {
            live.clear();
            base = index;
            baseTerm = term;
            baseChain = chain;
        }
        journal.clear();
        journal.addAll(live);
        appendedPosition = (appendedPosition / SEGMENT + 1) * SEGMENT;
        durablePosition = appendedPosition;
        unstage();
    }

    /** Recovery kept no more than this; what is left is durable. */
    void loseBehind(long lastKept) {
        live.subList((int) (lastKept - base), live.size()).clear();
        journal.clear();
        journal.addAll(live);
        appendedPosition = (appendedPosition / SEGMENT + 1) * SEGMENT;
        durablePosition = appendedPosition;
    }

    Row row(long index) {
        if (index <= base || index > lastIndex()) {
            throw new AssertionError("index " + index + " outside " + (base + 1) + ".." + lastIndex());
        }
        return live.get((int) (index - base - 1));
    }

    long chain(long index) {
        return index == base ? baseChain : row(index).chain();
    }

    List<Message.Entry> entries(long fromIndex, long lastIndex) {
        List<Message.Entry> entries = new ArrayList<>();
        for (long index = fromIndex; index <= lastIndex; index++) {
            entries.add(row(index).entry());
        }
        return List.copyOf(entries);
    }

    List<Long> terms() {
        return live.stream().map(record -> record.entry().term()).toList();
    }

    long appendedPosition() {
        return appendedPosition;
    }

    long durablePosition() {
        return durablePosition;
    }

    /** Whether a crash now cannot take this entry away. */
    boolean isDurable(long index) {
        return index <= base || row(index).endPosition() <= durablePosition;
    }

    /** The disk has everything up to here. */
    void force(long position) {
        durablePosition = Math.max(durablePosition, Math.min(position, appendedPosition));
    }

    /** What a restart finds when the disk kept the records up to {@code survivingPosition}; all of it is durable then. */
    void recover(long survivingPosition) {
        if (survivingPosition < durablePosition) {
            throw new AssertionError("a crash cannot lose what is durable");
        }
        journal.removeIf(record -> record.endPosition() > survivingPosition);
        live.clear();
        for (Row record : journal) {
            if (record.index() <= base) {
                // What it superseded may lie above the start of the log.
                live.clear();
                continue;
            }
            while (lastIndex() >= record.index()) {
                live.remove(live.size() - 1);
            }
            live.add(record);
        }
        appendedPosition = (appendedPosition / SEGMENT + 1) * SEGMENT;
        durablePosition = appendedPosition;
        unstage();
    }

    long base() {
        return base;
    }

    /** Highest term of any record, superseded ones included. */
    long highestTerm() {
        return Math.max(
                baseTerm,
                journal.stream()
                        .mapToLong(record -> record.entry().term())
                        .max()
                        .orElse(0));
    }

    @Override
    public boolean appendMembership(long index, long term, Membership membership) {
        if (!hasRoom(index, EntryType.CONFIG)) {
            return false;
        }
        stagedMessage =
                List.of(new Message.Entry(term, EntryType.CONFIG, membership.hashCode(), ENTRY_BYTES, membership));
        stagedPrevIndex = index - 1;
        append(index, term, EntryType.CONFIG);
        unstage();
        return true;
    }

    @Override
    public Membership membership(long index) {
        return requireNonNull(row(index).entry().membership(), () -> "no configuration at " + index);
    }

    @Override
    public long nextMembership(long fromIndex) {
        for (long index = Math.max(fromIndex, base + 1); index <= lastIndex(); index++) {
            if (row(index).entry().type() == EntryType.CONFIG) {
                return index;
            }
        }
        return 0;
    }

    private static long mix(long chain, long index, Message.Entry entry) {
        long hash = chain * 0x9E3779B97F4A7C15L + index;
        hash = (hash ^ (hash >>> 29)) * 0xBF58476D1CE4E5B9L + entry.term();
        hash = (hash ^ (hash >>> 32)) * 0x94D049BB133111EBL + entry.payload();
        return hash ^ (hash >>> 31);
    }
}
