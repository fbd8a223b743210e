package dev.cairn.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ParentWatchTest {
    @Test
    void actionRunsOnceWhenTheProcessEnds() throws Exception {
        Process parent = new ProcessBuilder("sleep", "60").start();
        AtomicInteger runs = new AtomicInteger();

        CompletableFuture<Void> watch = ParentWatch.onExit(parent.pid(), runs::incrementAndGet);
        assertThat(watch).isNotDone();
        assertThat(runs).hasValue(0);

        parent.destroyForcibly();
        watch.get(10, TimeUnit.SECONDS);
        assertThat(runs).hasValue(1);
    }

    @Test
    void actionRunsAtOnceWhenTheProcessIsGoneAlready() throws IOException, InterruptedException {
        Process parent = new ProcessBuilder("true").start();
        parent.waitFor();
        AtomicInteger runs = new AtomicInteger();

        assertThat(ParentWatch.onExit(parent.pid(), runs::incrementAndGet)).isCompleted();
        assertThat(runs).hasValue(1);
    }

    @Test
    void pidComesFromThePropertyOrIsAbsent() {
        assertThat(ParentWatch.parentPid("")).isEmpty();
        assertThat(ParentWatch.parentPid("4711")).hasValue(4711);
        assertThatThrownBy(() -> ParentWatch.parentPid("-1"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("cairn.parent.pid=-1 is not a process id");
    }
}
