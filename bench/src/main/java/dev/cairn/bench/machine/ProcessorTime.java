package dev.cairn.bench.machine;

import java.util.List;

/** Processor time that processes use while a window is open. One thread. */
public final class ProcessorTime {
    private final List<Long> pids;
    private long beginMs = -1;
    private long usedMs = -1;

    /** @param pids of processes that live longer than the window */
    public ProcessorTime(List<Long> pids) {
        this.pids = List.copyOf(pids);
    }

    public void open() {
        beginMs = nowMs();
    }

    public void close() {
        long endMs = nowMs();
        usedMs = beginMs < 0 || endMs < 0 ? -1 : endMs - beginMs;
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
