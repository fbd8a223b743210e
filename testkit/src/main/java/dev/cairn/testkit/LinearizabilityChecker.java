package dev.cairn.testkit;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Decides whether a history of puts, gets, deletes and additions, with conditions or without, is linearizable: whether each operation can be given one moment
 * between its invocation and its return, such that executing all in the order of these moments gives every result that was
 * seen. Keys are independent, so each is decided alone (Herlihy and Wing 1990: linearizability is local).
 *
 * <p>An operation whose outcome is not known may have happened at any moment after its invocation, or not at all: it stays
 * open for ever. Gets without an answer say nothing and should be left out.
 *
 * <p>Compare-and-set is a put or delete with a {@link Condition}: on the value, or on the revision, which tells apart two
 * writes of the same value. A put that answers with what it replaced is one too: the condition that the value was that one, which
 * held.
 *
 * <p>The search is Wing and Gong's (1993) with Lowe's memo of visited (set of executed operations, state) pairs (2017). Three
 * things make it fast where every put writes a value of its own, as it should: an operation that changes nothing and may go
 * next goes next; no value is replaced while a get that returned it waits (not for keys with counters or with a value put twice, where
 * it may come again); and where the order of effects is known, as by revisions, it is tried first. None of them changes the verdict.
 */
public final class LinearizabilityChecker {
    /** The value of a key that does not exist. */
    public static final long ABSENT = 0;

    /** When an operation returned whose outcome is not known. */
    public static final long NEVER = Long.MAX_VALUE;

    /** States visited before a key is given up as undecided. */
    public static final int MAX_VISITED = 50_000;

    /** What an operation does. */
    public enum Kind {
        /** Sets the value. */
        PUT,
        /** Reads the value. */
        GET,
        /** Removes the value and says whether there was one. */
        DELETE,
        /** Removes the value, if there is one, and does not say whether: a key within a range, or in a batch. */
        CLEAR,
        /** Adds to a number, where an absent key is 0 and 0 an absent key (so what removes a counter is a CLEAR), and says what the sum is. */
        ADD
    }

    /**
     * On which a put or delete depends.
     *
     * @param on what is compared
     * @param expected the value, or {@link #ABSENT}; or the revision, 0 for an absent key
     * @param held what the operation reported; ignored when its outcome is not known
     */
    public record Condition(On on, long expected, boolean held) {
        /** Unconditional. */
        public static final Condition NONE = new Condition(On.NOTHING, 0, true);

        /** What a condition compares. */
        public enum On {
            /** It always holds. */
            NOTHING,
            /** The value of the key. */
            VALUE,
            /** The {@link Operation#order} of the operation that wrote the value. */
            REVISION
        }

        /** Only if the key has this value. */
        public static Condition ifValue(long expected, boolean held) {
            return new Condition(On.VALUE, expected, held);
        }

        /** Only if the key's value was written by the operation of this {@link Operation#order}; 0 = only if there is none. */
        public static Condition ifRevision(long expected, boolean held) {
            return new Condition(On.REVISION, expected, held);
        }
    }

    /**
     * One operation of a history.
     *
     * @param key operations on different keys do not concern each other
     * @param value of a put: the value written, not {@link #ABSENT}, best different from all others of the history; of a get: the value read, or {@link #ABSENT}; of a
     *     delete: {@link #ABSENT} when it reported that nothing was there, else anything else; of an addition: what was added
     * @param invokedAt a moment before its first effect, in any unit; all moments of a history are different
     * @param returnedAt a moment behind its effect, or {@link #NEVER}: outcome unknown, {@code value} of a delete is then
     *     ignored
     * @param order where it is known: a number above 0 that rises in the order of the effects, as the revision; else {@link #NEVER}. It
     *     guides the search and proves nothing, but where a condition names it
     * @param name for messages
     * @param condition {@link Condition#NONE} for gets and additions
     * @param sum of an addition: the number that it reported; ignored for others and when the outcome is not known
     */
    public record Operation(
            Kind kind,
            String key,
            long value,
            long invokedAt,
            long returnedAt,
            long order,
            String name,
            Condition condition,
            long sum) {
        /** An operation without a condition. */
        public Operation(Kind kind, String key, long value, long invokedAt, long returnedAt, long order, String name) {
            this(kind, key, value, invokedAt, returnedAt, order, name, Condition.NONE, 0);
        }

        /** Checks that it makes sense. */
        public Operation {
            if (condition.on != Condition.On.NOTHING && (kind == Kind.GET || kind == Kind.ADD)) {
                throw new IllegalArgumentException(name + ": a condition on " + kind);
            }
            if (returnedAt <= invokedAt) {
                throw new IllegalArgumentException(name + " returned at " + returnedAt + ", invoked at " + invokedAt);
            }
            if (kind == Kind.PUT && value == ABSENT) {
                throw new IllegalArgumentException(name + " puts the value that stands for an absent key");
            }
        }

        boolean known() {
            return returnedAt != NEVER;
        }

        /** Reported that its condition did not hold, so it changed nothing. */
        boolean failed() {
            return known() && !condition.held;
        }
    }

    /** Operations executed so far, and the state that they lead to. */
    private record Visited(BitSet executed, long value, long revision) {}

    /** The search on one key. */
    private static final class Search {
        /** Of a value whose writer's order is not known. */
        private static final long ANY = -1;

        private final List<Operation> operations;
        private final BitSet executed = new BitSet();
        private final Set<Visited> visited = new HashSet<>();
        private final Map<Long, Integer> waitingGets = new HashMap<>();
        private final Set<Long> knownRevisions = new HashSet<>();
        private final boolean valuesReturn;
        private long value = ABSENT;
        private long revision;
        /** The highest order executed so far. */
        private long reached;

        private int open;

        Search(List<Operation> operations) {
            this.operations = operations.stream()
                    .sorted(Comparator.comparingLong(Operation::invokedAt))
                    .toList();
            Set<Long> put = new HashSet<>();
            boolean again = false;
            for (Operation operation : operations) {
                again |= operation.kind == Kind.ADD || (operation.kind == Kind.PUT && !put.add(operation.value));
                if (operation.order != NEVER && operation.kind != Kind.GET) {
                    knownRevisions.add(operation.order);
                }
                open += operation.known() ? 1 : 0;
                if (operation.kind == Kind.GET && operation.known()) {
                    waitingGets.merge(operation.value, 1, Integer::sum);
                }
            }
            valuesReturn = again;
        }

        /** Whether the operations that are not executed yet can follow. Executes them if so, else leaves all as it was. */
        boolean search() {
            int before = open;
            BitSet idle = executeIdle();
            if (open == 0) {
                return true;
            }
            boolean found = false;
            if (visited.size() < MAX_VISITED && visited.add(new Visited((BitSet) executed.clone(), value, revision))) {
                for (int next : changesThatMayGoNext()) {
                    found = found || execute(next);
                }
            }
            if (!found) {
                idle.stream().forEach(this::undo);
                check(before == open);
            }
            return found;
        }

        private static void check(boolean restored) {
            if (!restored) {
                throw new IllegalStateException("the search did not restore its state");
            }
        }

        /** What changes nothing now may go now: nothing else is hindered by that. */
        private BitSet executeIdle() {
            BitSet idle = new BitSet();
            long before = firstReturn();
            for (int i = executed.nextClearBit(0); i < operations.size(); i = executed.nextClearBit(i + 1)) {
                Operation operation = operations.get(i);
                if (operation.invokedAt > before) {
                    break;
                }
                if (operation.known() && changesNothing(operation)) {
                    mark(i);
                    idle.set(i);
                    before = firstReturn();
                    i = -1;
                }
            }
            return idle;
        }

        /** Whether a known operation is right in this state and leaves it as it is. */
        private boolean changesNothing(Operation operation) {
            if (operation.failed()) {
                return mayFail(operation.condition);
            }
            return switch (operation.kind) {
                case GET -> operation.value == value;
                case DELETE -> operation.value == ABSENT && value == ABSENT && mayHold(operation.condition);
                // A clear that finds nothing now may have to find something later.
                case PUT, ADD, CLEAR -> false;
            };
        }

        private boolean mayHold(Condition condition) {
            return switch (condition.on) {
                case NOTHING -> true;
                case VALUE -> condition.expected == value;
                case REVISION ->
                    condition.expected == revision || (revision == ANY && mayBeOfUnknown(condition.expected));
            };
        }

        /** A revision that another operation has cannot be the one of an operation whose revision is not known. */
        private boolean mayBeOfUnknown(long expected) {
            return expected != 0 && !knownRevisions.contains(expected);
        }

        private boolean mayFail(Condition condition) {
            return switch (condition.on) {
                case NOTHING -> false;
                case VALUE -> condition.expected != value;
                case REVISION -> condition.expected != revision;
            };
        }

        /** Whether an operation may go now, and changes the state or, like a clear, might at another moment. */
        private boolean changes(Operation operation) {
            if (operation.failed() || !mayHold(operation.condition)) {
                return false;
            }
            return switch (operation.kind) {
                case GET -> false;
                case PUT -> true;
                case DELETE -> value != ABSENT && (!operation.known() || operation.value != ABSENT);
                case CLEAR -> operation.known() || value != ABSENT || revision != 0;
                case ADD -> !operation.known() || value + operation.value == operation.sum;
            };
        }

        private void mark(int number) {
            Operation operation = operations.get(number);
            executed.set(number);
            if (operation.known()) {
                open--;
                if (operation.kind == Kind.GET) {
                    waitingGets.merge(operation.value, -1, Integer::sum);
                }
            }
        }

        private void undo(int number) {
            Operation operation = operations.get(number);
            executed.clear(number);
            if (operation.known()) {
                open++;
                if (operation.kind == Kind.GET) {
                    waitingGets.merge(operation.value, 1, Integer::sum);
                }
            }
        }

        private long firstReturn() {
            long first = NEVER;
            for (int i = executed.nextClearBit(0); i < operations.size(); i = executed.nextClearBit(i + 1)) {
                if (operations.get(i).invokedAt > first) {
                    break;
                }
                first = Math.min(first, operations.get(i).returnedAt);
            }
            return first;
        }

        private List<Integer> changesThatMayGoNext() {
            List<Integer> next = new ArrayList<>();
            if (!valuesReturn && value != ABSENT && waitingGets.getOrDefault(value, 0) > 0) {
                // Its value is about to go for ever, but a get that returned it has not been executed.
                return next;
            }
            long before = firstReturn();
            for (int i = executed.nextClearBit(0); i < operations.size(); i = executed.nextClearBit(i + 1)) {
                Operation operation = operations.get(i);
                if (operation.invokedAt > before) {
                    break;
                }
                if (changes(operation)) {
                    next.add(i);
                }
            }
            next.sort(Comparator.comparingLong(this::turn));
            return next;
        }

        /** A clear without an answer that found nothing when it was its turn would otherwise go first from then on. */
        private long turn(int number) {
            long order = operations.get(number).order;
            return order < reached ? NEVER : order;
        }

        private boolean execute(int number) {
            long valueBefore = value;
            long revisionBefore = revision;
            long reachedBefore = reached;
            Operation operation = operations.get(number);
            mark(number);
            if (operation.order != NEVER) {
                reached = Math.max(reached, operation.order);
            }
            value = switch (operation.kind) {
                case PUT -> operation.value;
                case ADD -> value + operation.value;
                case DELETE, CLEAR, GET -> ABSENT;
            };
            revision = value == ABSENT && operation.kind != Kind.ADD
                    ? 0
                    : operation.order == NEVER ? ANY : operation.order;
            if (search()) {
                return true;
            }
            value = valueBefore;
            revision = revisionBefore;
            reached = reachedBefore;
            undo(number);
            return false;
        }

        boolean gaveUp() {
            return visited.size() >= MAX_VISITED;
        }
    }

    private LinearizabilityChecker() {}

    /**
     * Checks a history.
     *
     * @return empty when it is linearizable, else the key and its operations in the order of their invocations
     */
    public static Optional<String> check(List<Operation> history) {
        Map<String, List<Operation>> byKey = new TreeMap<>();
        for (Operation operation : history) {
            byKey.computeIfAbsent(operation.key, key -> new ArrayList<>()).add(operation);
        }
        for (Map.Entry<String, List<Operation>> entry : byKey.entrySet()) {
            Search search = new Search(entry.getValue());
            if (!search.search()) {
                String verdict = search.gaveUp() ? "undecided after " + MAX_VISITED + " states" : "not linearizable";
                return Optional.of(describe(entry.getKey() + ": " + verdict, entry.getValue()));
            }
        }
        return Optional.empty();
    }

    private static String describe(String what, List<Operation> operations) {
        StringBuilder text = new StringBuilder("key ").append(what).append('\n');
        operations.stream()
                .sorted(Comparator.comparingLong(Operation::invokedAt))
                .forEach(operation -> text.append("  [")
                        .append(operation.invokedAt)
                        .append(", ")
                        .append(operation.known() ? operation.returnedAt : "unknown")
                        .append("] ")
                        .append(operation.name)
                        .append(' ')
                        .append(operation.kind)
                        .append(' ')
                        .append(operation.value)
                        .append(describe(operation))
                        .append('\n'));
        return text.toString();
    }

    private static String describe(Operation operation) {
        String sum = operation.kind == Kind.ADD && operation.known() ? " = " + operation.sum : "";
        Condition condition = operation.condition;
        return condition.on == Condition.On.NOTHING
                ? sum
                : sum + " if " + condition.on + " " + condition.expected
                        + (operation.known() ? condition.held ? ": held" : ": failed" : "");
    }
}
