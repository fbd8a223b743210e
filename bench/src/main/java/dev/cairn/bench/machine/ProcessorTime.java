package dev.cairn.bench.machine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Processor time that processes use while a window is open. One thread. */
public final class ProcessorTime {
    private final List<Long> pids;
    private final @Nullable Window more;
    private long beginMs = -1;
    private long usedMs = -1;

    /** @param pids of processes that live longer than the window */
    public ProcessorTime(List<Long> pids) {
        this(pids, null);
    }

    /**
     * For one more who looks at both moments.
     *
     * @param more is opened and closed with this one
     */
    public ProcessorTime(List<Long> pids, @Nullable Window more) {
        this.pids = List.copyOf(pids);
        this.more = more;
    }

    public void open() {
        if (more != null) {
            more.open();
        }
        beginMs = nowMs();
    }

    public void close() {
        long endMs = nowMs();
        usedMs = beginMs < 0 || endMs < 0 ? -1 : endMs - beginMs;
        if (more != null) {
            more.close();
        }
    }

    /** Of all processes together in the window; -1 = unknown. */
    public long usedMs() {
        return usedMs;
    }

    private long nowMs() {
        long sumMs = 0;
        for (long pid : pids) {
            long ms = ProcessProbe.processorMs(pid);
            if (ms < 0) {
                return -1;
            }
            sumMs += ms;
        }
        return pids.isEmpty() ? -1 : sumMs;
    }
}
