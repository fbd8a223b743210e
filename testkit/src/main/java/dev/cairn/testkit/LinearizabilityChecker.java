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
 * Decides whether a history of puts, gets and deletes is linearizable: whether each operation can be given one moment
 * between its invocation and its return, such that executing all in the order of these moments gives every result that was
 * seen. Keys are independent, so each is decided alone (Herlihy and Wing 1990: linearizability is local).
 *
 * <p>An operation whose outcome is not known may have happened at any moment after its invocation, or not at all: it stays
 * open for ever. Gets without an answer say nothing and should be left out.
 *
 * <p>The search is Wing and Gong's (1993) with Lowe's memo of visited (set of executed operations, value) pairs (2017). Three
 * things make it fast where every put writes a value of its own, as it must: an operation that changes nothing and may go
 * next goes next; no value is replaced while a get that returned it waits; and where the order of effects is known, as by
 * revisions, it is tried first. None of them changes the verdict.
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
        DELETE
    }

    /**
     * One operation of a history.
     *
     * @param key operations on different keys do not concern each other
     * @param value of a put: the value written, not {@link #ABSENT}, different from all others of the history; of a get: the value read, or {@link #ABSENT}; of a
     *     delete: {@link #ABSENT} when it reported that nothing was there, else anything else
     * @param invokedAt a moment before its first effect, in any unit; all moments of a history are different
     * @param returnedAt a moment behind its effect, or {@link #NEVER}: outcome unknown, {@code value} of a delete is then
     *     ignored
     * @param order where it is known: a number that rises in the order of the effects; else {@link #NEVER}. It guides the
     *     search and proves nothing
     * @param name for messages
     */
    public record Operation(
            Kind kind, String key, long value, long invokedAt, long returnedAt, long order, String name) {
        /** Checks that it makes sense. */
        public Operation {
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
    }

    /** Operations executed so far, and the value that they lead to. */
    private record Visited(BitSet executed, long value) {}

    /** The search on one key. */
    private static final class Search {
        private final List<Operation> operations;
        private final BitSet executed = new BitSet();
        private final Set<Visited> visited = new HashSet<>();
        private final Map<Long, Integer> waitingGets = new HashMap<>();
        private long value = ABSENT;
        private int open;

        Search(List<Operation> operations) {
            this.operations = operations.stream()
                    .sorted(Comparator.comparingLong(Operation::invokedAt))
                    .toList();
            for (Operation operation : operations) {
                open += operation.known() ? 1 : 0;
                if (operation.kind == Kind.GET && operation.known()) {
                    waitingGets.merge(operation.value, 1, Integer::sum);
                }
            }
        }

        /** Whether the operations that are not executed yet can follow. Executes them if so, else leaves all as it was. */
        boolean search() {
            int before = open;
            BitSet idle = executeIdle();
            if (open == 0) {
                return true;
            }
            boolean found = false;
            if (visited.size() < MAX_VISITED && visited.add(new Visited((BitSet) executed.clone(), value))) {
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
                boolean changesNothing = operation.known()
                        && ((operation.kind == Kind.GET && operation.value == value)
                                || (operation.kind == Kind.DELETE && operation.value == ABSENT && value == ABSENT));
                if (changesNothing) {
                    mark(i);
                    idle.set(i);
                    before = firstReturn();
                    i = -1;
                }
            }
            return idle;
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
            if (value != ABSENT && waitingGets.getOrDefault(value, 0) > 0) {
                // Its value is about to go for ever, but a get that returned it has not been executed.
                return next;
            }
            long before = firstReturn();
            for (int i = executed.nextClearBit(0); i < operations.size(); i = executed.nextClearBit(i + 1)) {
                Operation operation = operations.get(i);
                if (operation.invokedAt > before) {
                    break;
                }
                boolean deletes = operation.kind == Kind.DELETE
                        && value != ABSENT
                        && (!operation.known() || operation.value != ABSENT);
                if (operation.kind == Kind.PUT || deletes) {
                    next.add(i);
                }
            }
            next.sort(Comparator.comparingLong(number -> operations.get(number).order));
            return next;
        }

        private boolean execute(int number) {
            long valueBefore = value;
            mark(number);
            value = operations.get(number).kind == Kind.PUT ? operations.get(number).value : ABSENT;
            if (search()) {
                return true;
            }
            value = valueBefore;
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
                        .append('\n'));
        return text.toString();
    }
}
