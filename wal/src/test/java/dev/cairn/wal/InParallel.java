package dev.cairn.wal;

import java.util.Collection;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/** Tries many cases on all cores; the first that fails ends the rest, and its own message is what the test reports. */
final class InParallel {
    private InParallel() {}

    static <T> void forEach(Collection<T> cases, Consumer<T> check) {
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        cases.parallelStream().forEach(each -> {
            if (!failures.isEmpty()) {
                return;
            }
            try {
                check.accept(each);
            } catch (RuntimeException | AssertionError e) {
                failures.add(e);
            }
        });
        Throwable first = failures.peek();
        if (first != null) {
            throw new AssertionError(first.getMessage(), first);
        }
    }
}
