package dev.cairn.testkit;

import static dev.cairn.testkit.LinearizabilityChecker.ABSENT;
import static dev.cairn.testkit.LinearizabilityChecker.NEVER;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.cairn.testkit.LinearizabilityChecker.Condition;
import dev.cairn.testkit.LinearizabilityChecker.Kind;
import dev.cairn.testkit.LinearizabilityChecker.Operation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class LinearizabilityCheckerTest {
    private static final List<Kind> KINDS = List.of(Kind.values());

    private static Operation put(long value, long from, long to) {
        return new Operation(Kind.PUT, "k", value, from, to, NEVER, "put" + value);
    }

    private static Operation get(long value, long from, long to) {
        return new Operation(Kind.GET, "k", value, from, to, NEVER, "get" + from);
    }

    private static Operation delete(boolean found, long from, long to) {
        return new Operation(Kind.DELETE, "k", found ? 1 : ABSENT, from, to, NEVER, "delete" + from);
    }

    private static void good(Operation... history) {
        assertEquals(Optional.empty(), LinearizabilityChecker.check(List.of(history)));
    }

    private static void bad(Operation... history) {
        String verdict = LinearizabilityChecker.check(List.of(history)).orElse("right: " + Arrays.toString(history));
        assertTrue(verdict.startsWith("key k: not linearizable"), verdict);
    }

    @Test
    void readsSeeTheLastWriteBeforeThem() {
        good(put(1, 1, 2), get(1, 3, 4), put(2, 5, 6), get(2, 7, 8));
        bad(put(1, 1, 2), put(2, 3, 4), get(1, 5, 6));
    }

    @Test
    void readOfNothingIsRightBeforeTheFirstWriteOnly() {
        good(get(ABSENT, 1, 2), put(1, 3, 4));
        bad(put(1, 1, 2), get(ABSENT, 3, 4));
    }

    @Test
    void concurrentOperationsMayTakeEitherOrder() {
        good(put(1, 1, 4), put(2, 2, 3), get(1, 5, 6));
        good(put(1, 1, 4), put(2, 2, 3), get(2, 5, 6));
        good(put(1, 1, 6), get(ABSENT, 2, 3), get(1, 4, 5));
    }

    @Test
    void oneReadThatSawAWriteMakesItVisibleToAllLaterOnes() {
        bad(put(1, 1, 2), put(2, 3, 10), get(2, 4, 5), get(1, 6, 7));
    }

    @Test
    void twoReadersSeeConcurrentWritesInTheSameOrder() {
        bad(put(1, 1, 20), put(2, 2, 21), get(1, 3, 4), get(2, 5, 6), get(1, 7, 8));
    }

    @Test
    void valueThatNobodyWroteIsNeverRight() {
        bad(put(1, 1, 2), get(9, 3, 4));
    }

    @Test
    void unknownWriteMayHappenLaterOrNever() {
        good(put(1, 1, 2), put(2, 3, NEVER), get(1, 4, 5), get(2, 6, 7));
        good(put(1, 1, 2), put(2, 3, NEVER), get(1, 4, 5), get(1, 6, 7));
        bad(put(1, 1, 2), put(2, 3, NEVER), get(2, 4, 5), get(1, 6, 7));
        bad(put(2, 5, NEVER), get(2, 1, 4));
    }

    @Test
    void deleteSaysWhetherSomethingWasThere() {
        good(put(1, 1, 2), delete(true, 3, 4), get(ABSENT, 5, 6), delete(false, 7, 8));
        bad(put(1, 1, 2), delete(false, 3, 4));
        bad(delete(true, 1, 2));
        bad(put(1, 1, 2), delete(true, 3, 4), delete(true, 5, 6));
        good(put(1, 1, 2), put(2, 3, NEVER), delete(true, 4, 5), delete(true, 6, 7));
    }

    @Test
    void unknownDeleteMayHaveHappened() {
        good(put(1, 1, 2), delete(true, 3, NEVER), get(ABSENT, 4, 5));
        good(put(1, 1, 2), delete(true, 3, NEVER), get(1, 4, 5));
        bad(put(1, 1, 2), delete(true, 3, NEVER), get(ABSENT, 4, 5), get(1, 6, 7));
    }

    private static Operation putIf(Condition condition, long value, long revision, long from, long to) {
        return new Operation(Kind.PUT, "k", value, from, to, revision, "put" + value, condition, 0);
    }

    private static Operation deleteIf(Condition condition, boolean found, long from, long to) {
        return new Operation(Kind.DELETE, "k", found ? 1 : ABSENT, from, to, NEVER, "delete" + from, condition, 0);
    }

    private static Operation add(long difference, long sum, long from, long to) {
        return new Operation(Kind.ADD, "k", difference, from, to, NEVER, "add" + from, Condition.NONE, sum);
    }

    private static Condition value(long expected) {
        return Condition.ifValue(expected, true);
    }

    private static Condition notValue(long expected) {
        return Condition.ifValue(expected, false);
    }

    @Test
    void ofTwoSwapsOfTheSameValueOneSucceeds() {
        good(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, 6), putIf(notValue(1), 3, NEVER, 4, 7), get(2, 8, 9));
        bad(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, 6), putIf(value(1), 3, NEVER, 4, 7));
        bad(put(1, 1, 2), putIf(notValue(1), 2, NEVER, 3, 6), putIf(notValue(1), 3, NEVER, 4, 7));
        bad(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, 4), get(1, 5, 6));
        bad(put(1, 1, 2), putIf(notValue(1), 2, NEVER, 3, 4));
        bad(put(1, 1, 2), putIf(notValue(2), 2, NEVER, 3, 4), get(2, 5, 6));
    }

    @Test
    void putIfAbsentAndDeleteIfValue() {
        good(putIf(value(ABSENT), 1, NEVER, 1, 2), putIf(notValue(ABSENT), 2, NEVER, 3, 4), get(1, 5, 6));
        bad(putIf(value(ABSENT), 1, NEVER, 1, 2), putIf(value(ABSENT), 2, NEVER, 3, 4));
        good(put(1, 1, 2), deleteIf(value(1), true, 3, 4), get(ABSENT, 5, 6));
        bad(put(1, 1, 2), deleteIf(value(1), true, 3, 4), get(1, 5, 6));
        bad(put(1, 1, 2), deleteIf(value(2), true, 3, 4));
        good(deleteIf(value(ABSENT), false, 1, 2));
    }

    @Test
    void unknownSwapMayHaveHappenedIfItCould() {
        good(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, NEVER), get(2, 4, 5));
        good(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, NEVER), get(1, 4, 5), get(2, 6, 7));
        good(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, NEVER), put(3, 4, 5), get(3, 6, 7));
        bad(put(1, 1, 2), putIf(value(9), 2, NEVER, 3, NEVER), get(2, 4, 5));
        bad(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, NEVER), get(2, 4, 5), get(1, 6, 7));
    }

    @Test
    void revisionsTellEqualValuesApart() {
        Operation first = putIf(Condition.NONE, 1, 10, 1, 2);
        Operation again = putIf(Condition.NONE, 1, 20, 3, 4);
        good(first, again, putIf(Condition.ifRevision(20, true), 2, 30, 5, 6));
        bad(first, again, putIf(Condition.ifRevision(10, true), 2, 30, 5, 6));
        good(first, again, putIf(Condition.ifRevision(10, false), 2, NEVER, 5, 6), get(1, 7, 8));
        bad(first, again, putIf(Condition.ifRevision(20, false), 2, NEVER, 5, 6));
        good(putIf(Condition.ifRevision(0, true), 1, 10, 1, 2), putIf(Condition.ifRevision(0, false), 2, NEVER, 3, 4));
        bad(first, putIf(Condition.ifRevision(0, true), 2, 20, 3, 4));
        good(first, delete(true, 3, 4), putIf(Condition.ifRevision(0, true), 2, 30, 5, 6));
        // Both orders lead to the same value, and only one to the revision.
        good(
                putIf(Condition.NONE, 1, 10, 1, 10),
                putIf(Condition.NONE, 1, 20, 2, 11),
                putIf(Condition.ifRevision(10, true), 2, 30, 12, 13));
    }

    @Test
    void unknownRevisionMayBeAnyThatNobodyElseHas() {
        Operation unknown = putIf(Condition.NONE, 1, NEVER, 1, NEVER);
        good(unknown, get(1, 2, 3), putIf(Condition.ifRevision(10, true), 2, 20, 4, 5));
        good(unknown, get(1, 2, 3), putIf(Condition.ifRevision(10, false), 2, NEVER, 4, 5));
        bad(unknown, get(1, 2, 3), putIf(Condition.ifRevision(0, true), 2, 20, 4, 5));
        bad(
                putIf(Condition.NONE, 7, 10, 1, 2),
                putIf(Condition.NONE, 1, NEVER, 3, NEVER),
                get(1, 4, 5),
                putIf(Condition.ifRevision(10, true), 2, 20, 6, 7));
    }

    @Test
    void aPutThatAnswersWithWhatItReplacedIsAConditionThatHeld() {
        good(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, 6), putIf(value(2), 3, NEVER, 4, 7));
        bad(put(1, 1, 2), putIf(value(1), 2, NEVER, 3, 4), putIf(value(1), 3, NEVER, 5, 6));
    }

    @Test
    void countersLoseNothingAndCountNothingTwice() {
        good(add(1, 1, 1, 2), add(1, 2, 3, 4), get(2, 5, 6));
        good(add(1, 2, 1, 4), add(1, 1, 2, 3), get(2, 5, 6));
        bad(add(1, 1, 1, 2), add(1, 1, 3, 4));
        bad(add(1, 1, 1, 2), get(2, 3, 4));
        bad(add(1, 1, 1, 2), add(1, 3, 3, 4));
        good(add(1, 1, 1, 2), add(1, 0, 3, NEVER), add(1, 3, 4, 5));
        good(add(1, 1, 1, 2), add(1, 0, 3, NEVER), add(1, 2, 4, 5), get(2, 6, 7), get(3, 8, 9));
        bad(add(1, 1, 1, 2), add(1, 0, 3, NEVER), add(1, 3, 4, 5), get(4, 6, 7));
        // The number comes again, so that a get need not have seen its first time.
        good(add(1, 1, 1, 2), add(-1, 0, 3, 4), add(1, 1, 5, 6), get(1, 7, 8));
        good(add(1, 1, 1, 10), add(-1, 0, 2, 11), get(1, 12, 13), add(1, 1, 3, 9));
        good(put(5, 1, 2), add(2, 7, 3, 4), putIf(value(7), 1, NEVER, 5, 6));
        good(add(3, 3, 1, 2), delete(true, 3, 4), add(1, 1, 5, 6));
    }

    @Test
    void whatClearsMayFindSomethingOrNothing() {
        good(clear(1, 2), put(1, 3, 4), clear(5, 6), get(ABSENT, 7, 8), clear(9, 10));
        bad(put(1, 1, 2), clear(3, 4), get(1, 5, 6));
        good(put(1, 1, 2), clear(3, NEVER), get(1, 4, 5), get(ABSENT, 6, 7));
        bad(put(1, 1, 2), clear(3, NEVER), get(ABSENT, 4, 5), get(1, 6, 7));
    }

    /** It found nothing when it was its turn. Tried first ever after, it takes away what a swap of many at once depends on. */
    @Test
    void aClearThatFoundNothingDoesNotLeadTheSearchAstray() {
        List<Operation> history = new ArrayList<>();
        history.add(new Operation(Kind.CLEAR, "k", 0, 1, NEVER, 1, "clear"));
        history.add(putIf(Condition.NONE, 1, 2, 2, 100));
        history.add(putIf(Condition.ifRevision(2, true), 2, 3, 3, 101));
        for (int i = 4; i < 44; i++) {
            history.add(putIf(Condition.NONE, i, i, i, 100 + i));
        }
        assertEquals(Optional.empty(), LinearizabilityChecker.check(history));
    }

    private static Operation clear(long from, long to) {
        return new Operation(Kind.CLEAR, "k", 0, from, to, NEVER, "clear" + from);
    }

    @Test
    void aLongHistoryOfACounterWithUnknownAdditionsIsJudged() {
        Random random = new Random(3);
        List<Operation> history = new ArrayList<>();
        long sum = 0;
        for (int i = 0; i < 400; i++) {
            boolean known = i % 25 != 24;
            boolean happened = known || random.nextBoolean();
            sum += happened ? 1 : 0;
            history.add(new Operation(
                    Kind.ADD,
                    "k",
                    1,
                    10L * i + 1,
                    known ? 10L * i + 4 + 10L * random.nextInt(3) : NEVER,
                    happened ? i + 1 : NEVER,
                    "add" + i,
                    Condition.NONE,
                    sum));
        }
        assertEquals(Optional.empty(), LinearizabilityChecker.check(history));
        // Counted twice, once: the last known number is one too high.
        Operation last = history.get(398);
        history.set(398, add(1, last.sum() + 30, last.invokedAt(), last.returnedAt()));
        assertTrue(LinearizabilityChecker.check(history).isPresent());
    }

    @Test
    void keysAreJudgedApart() {
        Operation other = new Operation(Kind.GET, "other", 7, 3, 4, NEVER, "get");
        String verdict = LinearizabilityChecker.check(List.of(put(1, 1, 2), get(1, 5, 6), other))
                .orElse("right");
        assertTrue(verdict.startsWith("key other"), verdict);
    }

    @Test
    void senselessOperationsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> put(1, 2, 2));
        assertThrows(IllegalArgumentException.class, () -> put(ABSENT, 1, 2));
        assertThrows(
                IllegalArgumentException.class,
                () -> new Operation(Kind.GET, "k", 1, 1, 2, NEVER, "get", Condition.ifValue(1, true), 0));
    }

    @Test
    void emptyHistoryIsRight() {
        good();
    }

    /** Executions of a real register, with moments stretched around their effects, are right whatever is known of them. */
    @Test
    void randomExecutionsAreRight() {
        Random random = new Random(7);
        for (int round = 0; round < 300; round++) {
            List<Operation> history = execution(random, 60, round % 2 == 0);
            assertEquals(Optional.empty(), LinearizabilityChecker.check(history), "round " + round);
        }
    }

    /** Every history of five operations is judged as by trying all orders. */
    @Test
    void verdictsAreThoseOfAllPermutations() {
        Random random = new Random(11);
        int wrong = 0;
        for (int round = 0; round < 4000; round++) {
            List<Operation> history = arbitrary(random, 5);
            boolean expected = anyOrderFits(history);
            assertEquals(expected, LinearizabilityChecker.check(history).isEmpty(), history.toString());
            wrong += expected ? 0 : 1;
        }
        assertTrue(wrong > 500 && wrong < 3800, "wrong histories: " + wrong);
    }

    /** One read moved to an older value is found, also in a long history. */
    @Test
    void staleReadInALongHistoryIsFound() {
        List<Operation> history = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            history.add(put(i + 1, 10L * i + 1, 10L * i + 15));
            history.add(get(i + 1, 10L * i + 16, 10L * i + 18));
        }
        history.removeIf(operation -> operation.kind() == Kind.GET && operation.value() > 50);
        history.add(get(50, 2000, 2001));
        assertTrue(LinearizabilityChecker.check(history).isPresent());
    }

    private static List<Operation> execution(Random random, int count, boolean ordersKnown) {
        List<Operation> history = new ArrayList<>();
        List<Integer> moments =
                new ArrayList<>(IntStream.range(0, 40 * count).boxed().toList());
        Collections.shuffle(moments, random);
        List<Integer> effects = new ArrayList<>(moments.subList(0, count));
        Collections.sort(effects);
        long value = ABSENT;
        long revision = 0;
        boolean counters = ordersKnown && random.nextInt(3) == 0;
        for (int i = 0; i < count; i++) {
            long effect = 3L * effects.get(i);
            long from = effect - 1 - 3L * random.nextInt(200);
            long to = random.nextInt(10) == 0 ? NEVER : effect + 1 + 3L * random.nextInt(200);
            long order = ordersKnown ? i + 1 : NEVER;
            Condition condition = switch (random.nextInt(5)) {
                case 0 -> {
                    long expected = random.nextBoolean() ? value : random.nextInt(count);
                    yield Condition.ifValue(expected, expected == value);
                }
                case 1 -> {
                    long expected = random.nextBoolean() ? revision : random.nextInt(count);
                    yield Condition.ifRevision(expected, expected == revision);
                }
                default -> Condition.NONE;
            };
            switch (random.nextInt(counters ? 4 : 3)) {
                case 0 -> {
                    history.add(new Operation(Kind.PUT, "k", i + 1L, from, to, order, "put" + i, condition, 0));
                    if (condition.held()) {
                        value = i + 1L;
                        revision = i + 1L;
                    }
                }
                case 1 -> {
                    history.add(new Operation(Kind.DELETE, "k", value, from, to, order, "delete" + i, condition, 0));
                    if (condition.held()) {
                        value = ABSENT;
                        revision = 0;
                    }
                }
                case 3 -> {
                    long difference = random.nextInt(5) - 2L;
                    value += difference;
                    revision = i + 1L;
                    history.add(new Operation(
                            Kind.ADD, "k", difference, from, to, order, "add" + i, Condition.NONE, value));
                }
                default -> {
                    if (to != NEVER) {
                        history.add(new Operation(Kind.GET, "k", value, from, to, NEVER, "get" + i));
                    }
                }
            }
        }
        return history;
    }

    private static List<Operation> arbitrary(Random random, int count) {
        List<Long> moments = new ArrayList<>(
                IntStream.range(0, 2 * count).mapToObj(i -> (long) i).toList());
        Collections.shuffle(moments, random);
        List<Operation> history = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long a = moments.get(2 * i);
            long b = moments.get(2 * i + 1);
            long from = Math.min(a, b);
            Kind kind = KINDS.get(random.nextInt(KINDS.size()));
            long to = kind != Kind.GET && random.nextInt(5) == 0 ? NEVER : Math.max(a, b);
            long value = switch (kind) {
                case PUT -> 1L + random.nextInt(count);
                case ADD -> random.nextInt(5) - 2L;
                default -> random.nextInt(count + 1);
            };
            boolean conditional = (kind == Kind.PUT || kind == Kind.DELETE) && random.nextInt(2) == 0;
            // Revisions of some: those of successful changes only mean something.
            long order = kind != Kind.GET && random.nextBoolean() ? 100 + i : NEVER;
            Condition condition = Condition.NONE;
            if (conditional) {
                boolean held = random.nextInt(3) != 0;
                condition = random.nextBoolean()
                        ? Condition.ifValue(random.nextInt(count + 1), held)
                        : Condition.ifRevision(random.nextInt(3) == 0 ? 0 : 100 + random.nextInt(count), held);
            }
            history.add(
                    new Operation(kind, "k", value, from, to, order, "op" + i, condition, random.nextInt(count + 1)));
        }
        return history;
    }

    private static boolean anyOrderFits(List<Operation> history) {
        return fits(history, history, ABSENT, 0);
    }

    /** By the meaning of each operation, one after the other; what is not known may be left out. */
    private static boolean fits(List<Operation> all, List<Operation> left, long value, long revision) {
        if (left.stream().allMatch(operation -> operation.returnedAt() == NEVER)) {
            return true;
        }
        for (Operation next : left) {
            boolean tooEarly = left.stream().anyMatch(other -> other.returnedAt() < next.invokedAt());
            if (tooEarly) {
                continue;
            }
            List<Operation> rest = new ArrayList<>(left);
            rest.remove(next);
            boolean known = next.returnedAt() != NEVER;
            if (mayFail(next, value, revision)
                    && (!known || !next.condition().held())
                    && fits(all, rest, value, revision)) {
                return true;
            }
            boolean applies = mayHold(all, next, value, revision)
                    && (!known || next.condition().held());
            boolean legal = switch (next.kind()) {
                case PUT -> true;
                case GET -> next.value() == value;
                case DELETE -> !known || (next.value() == ABSENT) == (value == ABSENT);
                case CLEAR -> true;
                case ADD -> !known || next.sum() == value + next.value();
            };
            if (!applies || !legal) {
                continue;
            }
            long after = switch (next.kind()) {
                case PUT -> next.value();
                case GET -> value;
                case DELETE, CLEAR -> ABSENT;
                case ADD -> value + next.value();
            };
            long revisionAfter = switch (next.kind()) {
                case PUT, ADD -> next.order();
                case GET -> revision;
                case DELETE -> value == ABSENT ? revision : 0;
                case CLEAR -> 0;
            };
            if (fits(all, rest, after, revisionAfter)) {
                return true;
            }
        }
        return false;
    }

    private static boolean mayHold(List<Operation> all, Operation next, long value, long revision) {
        long expected = next.condition().expected();
        return switch (next.condition().on()) {
            case NOTHING -> true;
            case VALUE -> expected == value;
            case REVISION ->
                expected == revision
                        || (revision == NEVER
                                && expected != 0
                                && all.stream()
                                        .noneMatch(other -> other.kind() != Kind.GET && other.order() == expected));
        };
    }

    private static boolean mayFail(Operation next, long value, long revision) {
        long expected = next.condition().expected();
        return switch (next.condition().on()) {
            case NOTHING -> false;
            case VALUE -> expected != value;
            case REVISION -> expected != revision;
        };
    }
}
