package dev.cairn.server;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/**
 * Tells a node when the process that started it is gone, so that a killed launcher leaves no nodes behind. The launcher
 * passes its pid in the system property {@value #PROPERTY}; nodes that were started otherwise have none and watch
 * nothing. The platform looks every few seconds when the parent is not a child of this process, so the news may be up to
 * five seconds late.
 */
public final class ParentWatch {
    public static final String PROPERTY = "cairn.parent.pid";

    private ParentWatch() {}

    /**
     * The pid that the launcher passed.
     *
     * @param value of the property, empty string when it is not set
     * @throws ConfigException when it is not a pid
     */
    public static OptionalLong parentPid(String value) {
        if (value.isEmpty()) {
            return OptionalLong.empty();
        }
        if (!value.matches("[0-9]{1,18}")) {
            throw new ConfigException("system property " + PROPERTY + "=" + value + " is not a process id");
        }
        return OptionalLong.of(Long.parseLong(value));
    }

    /**
     * Runs the action once, on a thread of the platform, when the process ends; at once, on the calling thread, when
     * it is already gone.
     *
     * @return completes after the action; what the action throws is its failure
     */
    public static CompletableFuture<Void> onExit(long pid, Runnable action) {
        Optional<ProcessHandle> parent = ProcessHandle.of(pid);
        CompletableFuture<?> gone =
                parent.isPresent() ? parent.get().onExit() : CompletableFuture.completedFuture(null);
        return gone.thenRun(action);
    }
}
