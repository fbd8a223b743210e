package dev.cairn.server.cli;

import static dev.cairn.server.cli.Kvctl.EXIT_DONE;
import static dev.cairn.server.cli.Kvctl.EXIT_NO_LEADER;

import dev.cairn.client.CairnClient;
import dev.cairn.client.ServerDetails;
import dev.cairn.client.ServerStatus;
import dev.cairn.protocol.NodeStatus;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The commands of {@code kvctl} about the nodes; each method is one. */
@Command(name = "cluster")
final class ClusterCommands {
    private final Kvctl kvctl;

    ClusterCommands(Kvctl kvctl) {
        this.kvctl = kvctl;
    }

    @Command(mixinStandardHelpOptions = true, description = "Asks each of the servers about itself.")
    int status() {
        return kvctl.call(client -> {
            List<ServerStatus> all = client.status();
            Map<String, String> details = details(client);
            if (kvctl.isJson()) {
                kvctl.out().println(KvctlOutput.json(all, details));
            } else {
                Map<String, Map<String, @Nullable Object>> parsed = new HashMap<>();
                details.forEach((server, json) -> parsed.put(server, Json.parseObject(json)));
                kvctl.out().println(KvctlOutput.table(all, parsed));
            }
            return all.stream().anyMatch(server -> server.node() != null) ? EXIT_DONE : nobodyAnswered();
        });
    }

    private static Map<String, String> details(CairnClient client) {
        Map<String, String> details = new HashMap<>();
        for (ServerDetails server : client.nodeDetails()) {
            String json = server.json();
            if (json != null) {
                details.put(server.server(), json);
            }
        }
        return details;
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Says whether the cluster serves: 0 when a leader answers, 4 when not.")
    int health() {
        return kvctl.call(client -> {
            List<ServerStatus> all = client.status();
            long up = all.stream().filter(server -> server.node() != null).count();
            NodeStatus leader = leader(all);
            if (kvctl.isJson()) {
                kvctl.out()
                        .println("{\"healthy\":" + (leader != null) + ",\"servers\":" + all.size() + ",\"up\":" + up
                                + ",\"leader\":" + (leader == null ? "null" : Integer.toString(leader.nodeId())) + "}");
            } else {
                kvctl.out()
                        .println((leader == null ? "no leader" : "healthy: node " + leader.nodeId() + " leads") + ", "
                                + up + " of " + all.size() + " servers answer");
            }
            return leader == null ? EXIT_NO_LEADER : EXIT_DONE;
        });
    }

    private static @Nullable NodeStatus leader(List<ServerStatus> all) {
        return all.stream()
                .map(ServerStatus::node)
                .filter(Objects::nonNull)
                .filter(NodeStatus::isLeader)
                .max((a, b) -> Long.compare(a.term(), b.term()))
                .orElse(null);
    }

    @Command(
            name = "raft-status",
            mixinStandardHelpOptions = true,
            description = "Prints everything that each server says about itself, one JSON object per line.")
    int raftStatus() {
        return kvctl.call(client -> {
            boolean answered = false;
            for (ServerDetails server : client.nodeDetails()) {
                String json = server.json();
                answered |= json != null;
                kvctl.out()
                        .println(
                                json != null
                                        ? json
                                        : "{\"server\":" + KvctlOutput.quote(server.server()) + ",\"problem\":"
                                                + KvctlOutput.quote(
                                                        Objects.requireNonNullElse(server.problem(), "no answer"))
                                                + "}");
            }
            return answered ? EXIT_DONE : nobodyAnswered();
        });
    }

    @Command(
            name = "watch-leader",
            mixinStandardHelpOptions = true,
            description = "Prints a line whenever another node leads, or none, until Ctrl-C.")
    int watchLeader(
            @Option(
                            names = "--for",
                            paramLabel = "TIME",
                            defaultValue = "0s",
                            converter = Kvctl.DurationConverter.class,
                            description = "End after this time; 0s = never. Default: ${DEFAULT-VALUE}.")
                    Duration time,
            @Option(
                            names = "--changes",
                            paramLabel = "N",
                            defaultValue = "0",
                            description = "End after so many lines; 0 = never.")
                    int changes) {
        return kvctl.call(client -> {
            CountDownLatch never = new CountDownLatch(1);
            long endNs = System.nanoTime() + time.toNanos();
            String last = "";
            int lines = 0;
            try {
                do {
                    String now = describe(client.status());
                    if (!now.equals(last)) {
                        last = now;
                        kvctl.out().println(now);
                        kvctl.out().flush();
                        lines++;
                    }
                } while ((changes == 0 || lines < changes)
                        && (time.isZero() || System.nanoTime() - endNs < 0)
                        && !never.await(200, TimeUnit.MILLISECONDS));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return EXIT_DONE;
        });
    }

    private static String describe(List<ServerStatus> all) {
        NodeStatus leader = leader(all);
        String down = all.stream()
                .filter(server -> server.node() == null)
                .map(ServerStatus::server)
                .collect(Collectors.joining(", "));
        return (leader == null ? "no leader" : "leader=" + leader.nodeId() + " term=" + leader.term())
                + (down.isEmpty() ? "" : " (no answer from " + down + ")");
    }

    @Command(
            name = "transfer-leader",
            mixinStandardHelpOptions = true,
            description = "Makes another node leader, and prints which one leads then.")
    int transferLeader(
            @Option(
                            names = "--to",
                            paramLabel = "NODE",
                            defaultValue = "0",
                            description = "The node's id; without it the node that is best prepared.")
                    int target) {
        if (target < 0) {
            throw kvctl.usage("--to " + target + " is no node id");
        }
        return kvctl.call(client -> printLeader(client.transferLeader(target)));
    }

    @Command(
            name = "step-down",
            mixinStandardHelpOptions = true,
            description = "Makes the leader give up its place, and prints which node the others have elected then.")
    int stepDown() {
        return kvctl.call(client -> printLeader(client.stepDown()));
    }

    private int printLeader(int leader) {
        kvctl.out().println(kvctl.isJson() ? "{\"leader\":" + leader + "}" : "leader=" + leader);
        return EXIT_DONE;
    }

    private int nobodyAnswered() {
        kvctl.err().println("kvctl: no server answered; start the nodes, or correct --servers");
        return EXIT_NO_LEADER;
    }
}
