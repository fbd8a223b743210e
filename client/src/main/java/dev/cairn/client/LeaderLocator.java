package dev.cairn.client;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Chooses the server to try next: the leader that a server named, else the next in turn of the configured ones and of those
 * that a leader has named as members since. As many tries as there are servers go without pause. Between such rounds it
 * pauses for a quarter of the time that it has searched, from {@link #MIN_PAUSE_NS} to {@link #MAX_PAUSE_NS}, with jitter, until
 * a request succeeds: so its pauses add about a quarter to an outage, and a long one costs few connections. Loop thread only.
 */
final class LeaderLocator {
    static final long MIN_PAUSE_NS = 10_000_000;
    static final long MAX_PAUSE_NS = 200_000_000;

    private final List<String> configured;
    private List<String> servers;
    private final RandomGenerator random;
    private int turn;
    private int failures;
    private long searchedSinceNs;
    private String hint = "";
    private String problems = "";

    LeaderLocator(List<String> servers, RandomGenerator random) {
        this.configured = servers;
        this.servers = servers;
        this.random = random;
        // Clients of one configuration do not all begin at its first server.
        this.turn = random.nextInt(servers.size());
    }

    /** The server to try now. A hint is used once: a server that died is not tried for ever because others still name it. */
    String next() {
        if (!hint.isEmpty()) {
            String server = hint;
            hint = "";
            return server;
        }
        String server = servers.get(turn);
        turn = (turn + 1) % servers.size();
        return server;
    }

    /** A leader has named the members: those that it named before are not tried any more unless they are among them. */
    void learn(List<String> members) {
        Set<String> all = new LinkedHashSet<>(configured);
        all.addAll(members);
        servers = List.copyOf(all);
        turn %= servers.size();
    }

    /** The server did not lead or could not be reached; it may have named the leader (empty = not). */
    void onFailure(String server, String problem, String leaderHint, long nowNs) {
        if (failures++ == 0) {
            searchedSinceNs = nowNs;
        }
        problems = server + ": " + problem;
        hint = leaderHint;
    }

    /** A leader answered. */
    void onSuccess() {
        failures = 0;
    }

    /** How long to wait before {@link #next}, ns. */
    long pauseNs(long nowNs) {
        if (failures == 0 || failures % servers.size() != 0) {
            return 0;
        }
        long pause = Math.max(MIN_PAUSE_NS, Math.min(MAX_PAUSE_NS, (nowNs - searchedSinceNs) / 4));
        return pause / 2 + random.nextLong(pause / 2);
    }

    /** The last failure as {@code server: problem}, for messages; empty = none yet. */
    String lastProblem() {
        return problems;
    }
}
