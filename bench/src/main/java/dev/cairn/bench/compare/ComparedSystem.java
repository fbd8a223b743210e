package dev.cairn.bench.compare;

import dev.cairn.bench.floor.FloorNodes;
import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.client.CairnClient;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** Three server processes of one kind on loopback, fresh and with their durable setting, for one round of a comparison. */
abstract class ComparedSystem implements AutoCloseable {
    static final int NODES = 3;

    /** As on the command line, and as the load generator's {@code --target}. */
    enum Kind {
        FLOOR,
        CAIRN,
        ETCD;

        String word() {
            return switch (this) {
                case FLOOR -> "floor";
                case CAIRN -> "cairn";
                case ETCD -> "etcd";
            };
        }

        /** The floor keeps nothing. */
        boolean reads() {
            return this != FLOOR;
        }
    }

    private final Kind kind;

    private ComparedSystem(Kind kind) {
        this.kind = kind;
    }

    final Kind kind() {
        return kind;
    }

    /** Where clients connect, as the load generator's {@code --servers}. */
    abstract String servers();

    abstract List<Long> pids();

    /** Copies what the servers have logged into this directory, if the report understands it. */
    void keepLogs(Path to) throws IOException {}

    @Override
    public abstract void close();

    /** The directory exists and is for this system alone. Loads wait for servers that are still starting. */
    static ComparedSystem start(Kind kind, Path directory, List<String> settings)
            throws IOException, InterruptedException {
        Files.createDirectories(directory);
        return switch (kind) {
            case FLOOR -> new Floor(directory);
            case CAIRN -> new Cairn(directory, settings);
            case ETCD -> new Etcd(directory);
        };
    }

    private static final class Floor extends ComparedSystem {
        private final FloorNodes nodes = new FloorNodes();

        Floor(Path directory) {
            super(Kind.FLOOR);
            nodes.start(directory, true);
        }

        @Override
        String servers() {
            return nodes.leader();
        }

        @Override
        List<Long> pids() {
            return nodes.pids();
        }

        @Override
        public void close() {
            nodes.close();
        }
    }

    private static final class Cairn extends ComparedSystem {
        private final MeasuredNodes nodes;

        Cairn(Path directory, List<String> settings) throws InterruptedException {
            super(Kind.CAIRN);
            nodes = new MeasuredNodes(directory, NODES, settings);
            nodes.startAll();
            try (CairnClient client =
                    CairnClient.builder().servers(nodes.servers()).connect()) {
                nodes.awaitServing(client);
            } catch (RuntimeException | InterruptedException e) {
                nodes.close();
                throw e;
            }
        }

        @Override
        String servers() {
            return nodes.servers();
        }

        @Override
        List<Long> pids() {
            return IntStream.rangeClosed(1, NODES).mapToObj(nodes::pid).toList();
        }

        @Override
        void keepLogs(Path to) throws IOException {
            nodes.keepLogs(to.toString() + File.separatorChar);
        }

        @Override
        public void close() {
            nodes.close();
        }
    }

    /** With etcd's defaults, which force; only its data's limit is raised, so that a long comparison does not meet it. */
    private static final class Etcd extends ComparedSystem {
        private static final String QUOTA_BYTES = Long.toString(8L << 30);
        private static final long STOP_SECONDS = 20;

        private final int[] ports = MeasuredNodes.freePorts(2 * NODES);
        private final List<Process> processes = new ArrayList<>();

        Etcd(Path directory) {
            super(Kind.ETCD);
            List<String> members = IntStream.range(0, NODES)
                    .mapToObj(i -> name(i) + "=" + peerUrl(i))
                    .toList();
            for (int i = 0; i < NODES; i++) {
                List<String> command = List.of(
                        "etcd",
                        "--name=" + name(i),
                        "--data-dir=" + directory.resolve(name(i)),
                        "--listen-client-urls=" + clientUrl(i),
                        "--advertise-client-urls=" + clientUrl(i),
                        "--listen-peer-urls=" + peerUrl(i),
                        "--initial-advertise-peer-urls=" + peerUrl(i),
                        "--initial-cluster=" + String.join(",", members),
                        "--initial-cluster-state=new",
                        "--quota-backend-bytes=" + QUOTA_BYTES);
                processes.add(MeasuredNodes.start(command, directory.resolve(name(i) + ".log")));
            }
        }

        private static String name(int i) {
            return "etcd" + (i + 1);
        }

        private String clientUrl(int i) {
            return "http://127.0.0.1:" + ports[i];
        }

        private String peerUrl(int i) {
            return "http://127.0.0.1:" + ports[NODES + i];
        }

        @Override
        String servers() {
            return String.join(
                    ",",
                    IntStream.range(0, NODES)
                            .mapToObj(i -> "127.0.0.1:" + ports[i])
                            .toList());
        }

        @Override
        List<Long> pids() {
            return processes.stream().map(Process::pid).toList();
        }

        @Override
        public void close() {
            processes.forEach(Process::destroy);
            for (Process process : processes) {
                try {
                    if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                        process.destroyForcibly().waitFor();
                    }
                } catch (InterruptedException e) {
                    process.destroyForcibly();
                    Thread.currentThread().interrupt();
                }
            }
        }
    }
}
