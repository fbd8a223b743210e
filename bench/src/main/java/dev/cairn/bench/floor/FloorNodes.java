package dev.cairn.bench.floor;

import dev.cairn.bench.machine.MeasuredNodes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The three node processes of the floor, on loopback, with the JVM flags of a node of Cairn. One thread. */
public final class FloorNodes implements AutoCloseable {
    private static final int FOLLOWERS = 2;

    private final int[] ports = MeasuredNodes.freePorts(1 + FOLLOWERS);
    private final List<Process> processes = new ArrayList<>();

    /**
     * Starts them; whoever connects waits until they are there. Once.
     *
     * @param directory is there, for their files
     * @param forced whether they force what they write
     */
    public void start(Path directory, boolean forced) {
        for (int i = FOLLOWERS; i >= 0; i--) {
            List<String> command = new ArrayList<>(MeasuredNodes.javaCommand(directory, "floor" + i));
            command.addAll(List.of(
                    FloorNode.class.getName(),
                    directory.resolve("floor" + i + ".file").toString(),
                    Integer.toString(ports[i]),
                    forced ? "forced" : "not-forced"));
            for (int follower = 1; i == 0 && follower <= FOLLOWERS; follower++) {
                command.add(Integer.toString(ports[follower]));
            }
            processes.add(MeasuredNodes.start(command, directory.resolve("floor" + i + ".log")));
        }
    }

    /** Where its clients connect. */
    public String leader() {
        return "127.0.0.1:" + ports[0];
    }

    public List<Long> pids() {
        return processes.stream().map(Process::pid).toList();
    }

    /** They keep nothing, so they are just ended. */
    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
        for (Process process : processes) {
            process.onExit().join();
        }
    }
}
