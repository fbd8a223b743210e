package dev.cairn.testkit;

import static dev.cairn.testkit.LinearizabilityChecker.ABSENT;
import static dev.cairn.testkit.LinearizabilityChecker.NEVER;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
        assertTrue(wrong > 500 && wrong < 3500, "wrong histories: " + wrong);
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
        for (int i = 0; i < count; i++) {
            long effect = 3L * effects.get(i);
            long from = effect - 1 - 3L * random.nextInt(200);
            long to = random.nextInt(10) == 0 ? NEVER : effect + 1 + 3L * random.nextInt(200);
            long order = ordersKnown ? i : NEVER;
            switch (random.nextInt(3)) {
                case 0 -> {
                    value = i + 1L;
                    history.add(new Operation(Kind.PUT, "k", value, from, to, order, "put" + value));
                }
                case 1 -> {
                    history.add(new Operation(Kind.DELETE, "k", value, from, to, order, "delete" + i));
                    value = ABSENT;
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
            long value = kind == Kind.PUT ? i + 1 : random.nextInt(count + 1);
            history.add(new Operation(kind, "k", value, from, to, NEVER, "op" + i));
        }
        return history;
    }

    private static boolean anyOrderFits(List<Operation> history) {
        return fits(history, ABSENT);
    }

    private static boolean fits(List<Operation> left, long value) {
        if (left.stream().allMatch(operation -> operation.returnedAt() == NEVER)) {
            return true;
        }
        for (Operation next : left) {
            boolean tooEarly = left.stream().anyMatch(other -> other.returnedAt() < next.invokedAt());
            boolean known = next.returnedAt() != NEVER;
            boolean legal = switch (next.kind()) {
                case PUT -> true;
                case GET -> next.value() == value;
                case DELETE -> !known || (next.value() == ABSENT) == (value == ABSENT);
            };
            if (tooEarly || !legal) {
                continue;
            }
            List<Operation> rest = new ArrayList<>(left);
            rest.remove(next);
            long after = switch (next.kind()) {
                case PUT -> next.value();
                case GET -> value;
                case DELETE -> ABSENT;
            };
            if (fits(rest, after)) {
                return true;
            }
        }
        return false;
    }
}
