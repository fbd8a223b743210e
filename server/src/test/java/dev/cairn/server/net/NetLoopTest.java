package dev.cairn.server.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A wake-up is never lost: neither while the loop waits, nor in the moment between two runs. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class NetLoopTest {
    private static final int ROUNDS = 20_000;
    /** A lost wake-up costs this much; none may. */
    private static final long WAIT_NS = TimeUnit.SECONDS.toNanos(30);

    @Test
    void everyWakeUpIsSeen() throws Exception {
        final AtomicLong asked = new AtomicLong();
        final AtomicLong answered = new AtomicLong();
        final NetLoop[] loop = new NetLoop[1];
        final Thread owner = new Thread(() -> {
            while (answered.get() < ROUNDS) {
                answered.set(asked.get());
                if (answered.get() < ROUNDS) {
                    loop[0].runOnce(WAIT_NS);
                }
            }
            loop[0].close();
        });
        loop[0] = new NetLoop(owner);
        owner.start();
        final long startNs = System.nanoTime();
        for (long round = 1; round <= ROUNDS; round++) {
            asked.set(round);
            loop[0].wake();
            while (answered.get() < round) {
                Thread.onSpinWait();
            }
        }
        owner.join();
        assertThat(System.nanoTime() - startNs).as("time of all rounds").isLessThan(WAIT_NS);
    }
}
