package dev.cairn.server.cli;

import static dev.cairn.server.cli.Kvctl.EXIT_DONE;
import static dev.cairn.server.cli.Kvctl.EXIT_REFUSED;

import dev.cairn.client.CairnClient;
import dev.cairn.protocol.ClusterMembership;
import dev.cairn.protocol.ClusterMembership.Member;
import dev.cairn.protocol.MembershipReplyDescriptor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kvctl member list | add | promote | remove | replace}: who belongs to the cluster. */
@Command(
        name = "member",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "(list | add | promote | remove | replace)",
        description = "Lists the members of the cluster, and changes who they are.")
final class MemberCommand implements Runnable {
    private static final int POLL_MS = 100;

    /** A node that comes votes when it has caught up. */
    static final class Patience {
        @Option(
                names = "--wait",
                paramLabel = "TIME",
                defaultValue = "30s",
                converter = Kvctl.DurationConverter.class,
                description = "How long to wait until the new node votes. Default: ${DEFAULT-VALUE}.")
        private Duration time = Duration.ZERO;
    }

    private final Kvctl kvctl;

    MemberCommand(Kvctl kvctl) {
        this.kvctl = kvctl;
    }

    @Override
    public void run() {
        throw kvctl.usage("member needs one of list, add, promote, remove, replace");
    }

    @Command(mixinStandardHelpOptions = true, description = "Lists the members, as the leader sees them.")
    int list() {
        return kvctl.call(client -> {
            print(client.members());
            return EXIT_DONE;
        });
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Adds a node that runs with cluster.join=true; it votes once it has caught up.")
    int add(
            @Parameters(paramLabel = "NODE", description = "Its id, never used before in this cluster.") int node,
            @Parameters(paramLabel = "ADDRESS", description = "host:peerPort:clientPort[:httpPort]") String address,
            @Option(names = "--learner", description = "It gets everything and has no vote until 'member promote'.")
                    boolean learner,
            @Mixin Patience patience) {
        return kvctl.call(client -> {
            ClusterMembership added = learner ? client.addLearner(node, address) : client.addNode(node, address);
            return learner ? done(added) : awaitVote(client, node, patience.time);
        });
    }

    @Command(mixinStandardHelpOptions = true, description = "Gives a learner its vote.")
    int promote(@Parameters(paramLabel = "NODE", description = "The learner's id.") int node) {
        return change(client -> client.promoteNode(node));
    }

    @Command(mixinStandardHelpOptions = true, description = "Removes a node; its id is not to be used again.")
    int remove(@Parameters(paramLabel = "NODE", description = "The node's id.") int node) {
        return change(client -> client.removeNode(node));
    }

    @Command(
            mixinStandardHelpOptions = true,
            description =
                    "Adds a node that runs with cluster.join=true; once it has caught up it takes a voter's place.")
    int replace(
            @Parameters(paramLabel = "OLD", description = "Id of the node that goes.") int oldNode,
            @Parameters(paramLabel = "NEW", description = "Id of the node that comes, never used before.") int newNode,
            @Parameters(paramLabel = "ADDRESS", description = "host:peerPort:clientPort[:httpPort] of the new node.")
                    String address,
            @Mixin Patience patience) {
        return kvctl.call(client -> {
            client.replaceNode(oldNode, newNode, address);
            return awaitVote(client, newNode, patience.time);
        });
    }

    private int change(Function<CairnClient, ClusterMembership> change) {
        return kvctl.call(client -> done(change.apply(client)));
    }

    private int done(ClusterMembership membership) {
        print(membership);
        return EXIT_DONE;
    }

    /** The cluster goes on by itself, so whoever waits only looks. */
    private int awaitVote(CairnClient client, int node, Duration time) {
        CountDownLatch never = new CountDownLatch(1);
        long endNs = System.nanoTime() + time.toNanos();
        ClusterMembership now = client.members();
        try {
            while (!votes(now, node) && System.nanoTime() - endNs < 0 && !never.await(POLL_MS, TimeUnit.MILLISECONDS)) {
                now = client.members();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        print(now);
        if (votes(now, node)) {
            return EXIT_DONE;
        }
        Member member = now.member(node);
        kvctl.err()
                .println("kvctl: node " + node + " has no vote yet: "
                        + (member == null ? "it was removed" : progress(now, member))
                        + ". The cluster goes on by itself; 'kvctl member list' shows how far it is, 'kvctl member remove "
                        + node + "' gives up.");
        return EXIT_REFUSED;
    }

    private static boolean votes(ClusterMembership membership, int node) {
        Member member = membership.member(node);
        return member != null && member.isVoter() && !membership.isChanging();
    }

    private static String progress(ClusterMembership membership, Member member) {
        return member.isReachable()
                ? "it holds " + member.matchIndex() + " of " + membership.lastIndex() + " entries"
                : "it cannot be reached at " + member.address();
    }

    // ---- output ----------------------------------------------------------------------------------------------------

    private void print(ClusterMembership membership) {
        kvctl.out().println(kvctl.isJson() ? json(membership) : table(membership));
    }

    private static String table(ClusterMembership membership) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("NODE", "ROLE", "STATE", "MATCH", "LAG", "ADDRESS"));
        for (Member member : membership.members()) {
            rows.add(List.of(
                    Integer.toString(member.nodeId()),
                    role(membership, member),
                    state(member),
                    Long.toString(member.matchIndex()),
                    Long.toString(Math.max(0, membership.lastIndex() - member.matchIndex())),
                    member.address()));
        }
        return KvctlOutput.table(rows);
    }

    private static String role(ClusterMembership membership, Member member) {
        if (member.nodeId() == membership.leaderId()) {
            return "leader";
        }
        if (member.isLearner()) {
            return "learner" + goal(member);
        }
        return member.isVoter() ? "voter" : "leaves";
    }

    private static String goal(Member member) {
        return switch (member.goal()) {
            case MembershipReplyDescriptor.GOAL_NONE -> "";
            case MembershipReplyDescriptor.GOAL_VOTER -> ", to vote";
            default -> ", for " + member.goal();
        };
    }

    private static String state(Member member) {
        if (!member.isReachable()) {
            return "unreachable";
        }
        return member.isLearner() && !member.isCaughtUp() ? "behind" : "ok";
    }

    private static String json(ClusterMembership membership) {
        return "{\"index\":" + membership.index() + ",\"changing\":" + membership.isChanging() + ",\"leader\":"
                + membership.leaderId() + ",\"members\":"
                + membership.members().stream().map(MemberCommand::json).collect(Collectors.joining(",", "[", "]"))
                + "}";
    }

    private static String json(Member member) {
        return "{\"id\":" + member.nodeId() + ",\"voter\":" + member.isVoter() + ",\"outgoing\":" + member.isOutgoing()
                + ",\"learner\":" + member.isLearner() + ",\"goal\":" + member.goal() + ",\"reachable\":"
                + member.isReachable() + ",\"caught_up\":" + member.isCaughtUp() + ",\"match_index\":"
                + member.matchIndex() + ",\"address\":" + KvctlOutput.quote(member.address()) + "}";
    }
}
