package dev.cairn.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.FakeServer.Command;
import dev.cairn.client.FakeServer.Connection;
import dev.cairn.client.FakeServer.Script;
import dev.cairn.protocol.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Three servers over one replicated state misbehave at random: they lose connections before and after execution, lose leadership,
 * refuse, corrupt, answer twice, let sessions expire, and execute late copies. What a call reports must be true: acknowledged =
 * executed exactly once; "safe to repeat" = not executed; unknown = what resolve says, or at most once where that cannot be known.
 */
@Timeout(180)
class ClientChaosTest {
    private static final int WRITES = 8_000;
    private static final int OUTSTANDING = 64;
    private static final int COUNTERS = 8;
    private static final String DONE = "done";
    private static final String NOT_EXECUTED = "not executed";
    private static final String UNKNOWN = "unknown";

    private final FakeServer.Group group = new FakeServer.Group();
    private final KvModel model = new KvModel();
    private final List<FakeServer> servers = new ArrayList<>();
    private final List<Command> lateCopies = new ArrayList<>();
    private final Map<String, String> outcomes = new ConcurrentHashMap<>();
    private final AtomicLongArray added = new AtomicLongArray(COUNTERS);
    private final AtomicIntegerArray inDoubt = new AtomicIntegerArray(COUNTERS);
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger resolvedAsExecuted = new AtomicInteger();
    private final AtomicInteger resolvedAsCancelled = new AtomicInteger();
    private int leader;

    @Test
    void whatACallReportsIsTrue() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? ThreadLocalRandom.current().nextLong() : Long.parseLong(given);
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 3; i++) {
            int self = i;
            FakeServer server = group.start(new Script() {});
            server.script(new Chaos(random, self));
            servers.add(server);
        }
        ClientConfig.Builder config = CairnClient.builder()
                .servers(servers.stream().map(FakeServer::address).toList())
                .requestTimeout(Duration.ofMillis(150))
                .silenceTimeout(Duration.ofMillis(40));
        try (CairnClient client = config.connect()) {
            List<CompletableFuture<?>> window = new ArrayList<>();
            for (int i = 0; i < WRITES; i++) {
                window.add(write(client, i));
                if (window.size() == OUTSTANDING) {
                    Await.result(CompletableFuture.allOf(window.toArray(CompletableFuture<?>[]::new)));
                    window.clear();
                }
            }
            Await.result(CompletableFuture.allOf(window.toArray(CompletableFuture<?>[]::new)));
        }
        group.run(() -> {
            lateCopies.forEach(model::execute);
            check("seed " + seed);
            checkCounters("seed " + seed);
        });
        servers.forEach(FakeServer::close);
        group.close();
    }

    /** Puts, additions, and pairs of puts of which only one finds its key absent. */
    private CompletableFuture<?> write(CairnClient client, int i) {
        byte[] value = Text.bytes("v" + i);
        switch (i % 4) {
            case 0 -> {
                int counter = i / 4 % COUNTERS;
                return settled(client.addAsync(Text.bytes("n" + counter), 1)).thenAccept(outcome -> {
                    switch (outcome) {
                        case DONE -> added.incrementAndGet(counter);
                        case UNKNOWN -> inDoubt.incrementAndGet(counter);
                        default -> assertThat(outcome).isEqualTo(NOT_EXECUTED);
                    }
                });
            }
            case 1, 2 -> {
                String key = "c" + i / 4;
                return settled(client.putIfAbsentAsync(Text.bytes(key), value))
                        .thenAccept(outcome -> outcomes.put(key + "=v" + i, outcome));
            }
            default -> {
                String key = "k" + i;
                return settled(client.putAsync(Text.bytes(key), value))
                        .thenAccept(outcome -> outcomes.put(key + "=v" + i, outcome));
            }
        }
    }

    /** Most unknown outcomes are asked for, until it is known or cannot be. */
    private CompletableFuture<String> settled(CompletableFuture<?> call) {
        CompletableFuture<String> outcome = new CompletableFuture<>();
        CompletableFuture<?> unused = call.whenComplete((result, failure) -> {
            if (failure == null) {
                outcome.complete(done(result));
            } else if (failure instanceof OutcomeUnknownException unknown && asked.incrementAndGet() % 4 != 0) {
                resolve(unknown, 20, outcome);
            } else if (failure instanceof OutcomeUnknownException) {
                outcome.complete(UNKNOWN);
            } else {
                boolean safe = failure instanceof CairnException cairn && cairn.retrySafe();
                outcome.complete(safe ? NOT_EXECUTED : failure.toString());
            }
        });
        return outcome;
    }

    private static String done(Object result) {
        return !(result instanceof WriteResult write) || write.applied() ? DONE : NOT_EXECUTED;
    }

    private void resolve(OutcomeUnknownException unknown, int attempts, CompletableFuture<String> outcome) {
        CompletableFuture<?> unused = unknown.resolveAsync().whenComplete((resolution, failure) -> {
            if (resolution instanceof Resolution.Executed executed) {
                resolvedAsExecuted.incrementAndGet();
                outcome.complete(done(executed.result()));
            } else if (resolution instanceof Resolution.NotExecuted) {
                resolvedAsCancelled.incrementAndGet();
                outcome.complete(NOT_EXECUTED);
            } else if (failure instanceof OutcomeLostException || attempts == 0) {
                outcome.complete(UNKNOWN);
            } else if (failure instanceof CairnException cairn && cairn.retrySafe()) {
                resolve(unknown, attempts - 1, outcome);
            } else {
                outcome.complete(String.valueOf(failure));
            }
        });
    }

    private void checkCounters(String seed) {
        for (int i = 0; i < COUNTERS; i++) {
            KvModel.Entry counter = model.entries.get("n" + i);
            long value = counter == null ? 0 : Long.parseLong(counter.value());
            assertThat(value).as(seed + " counter " + i).isBetween(added.get(i), added.get(i) + inDoubt.get(i));
        }
    }

    private void check(String seed) {
        int done = 0;
        int unknown = 0;
        int safe = 0;
        assertThat(outcomes).as(seed).hasSize(WRITES / 4 * 3);
        assertThat(model.violations).as(seed).isEmpty();
        for (Map.Entry<String, String> entry : outcomes.entrySet()) {
            int executions = model.executions.getOrDefault(entry.getKey(), 0);
            String what = seed + " " + entry + " executed " + executions + " times";
            switch (entry.getValue()) {
                case DONE -> {
                    assertThat(executions).as(what).isEqualTo(1);
                    done++;
                }
                case NOT_EXECUTED -> {
                    assertThat(executions).as(what).isZero();
                    safe++;
                }
                case UNKNOWN -> {
                    assertThat(executions).as(what).isLessThanOrEqualTo(1);
                    unknown++;
                }
                default -> throw new AssertionError(what);
            }
        }
        System.out.println("done=" + done + " unknown=" + unknown + " not_executed=" + safe + " resolved_as_executed="
                + resolvedAsExecuted + " resolved_as_cancelled=" + resolvedAsCancelled);
        // The run must have seen each kind, or it proves nothing.
        assertThat(done).as(seed).isGreaterThan(WRITES / 4);
        assertThat(unknown).as(seed).isPositive();
        assertThat(resolvedAsExecuted.get()).as(seed).isPositive();
        assertThat(resolvedAsCancelled.get()).as(seed).isPositive();
    }

    private final class Chaos implements Script {
        private final Random random;
        private final int self;

        Chaos(Random random, int self) {
            this.random = random;
            this.self = self;
        }

        @Override
        public void onHello(Connection connection, long requestId, long clusterIdHash) {
            if (random.nextInt(100) > 0) {
                connection.helloReply(requestId, Status.OK, clusterIdHash);
            }
        }

        @Override
        public void onCommand(Connection connection, Command command) {
            if (!lateCopies.isEmpty() && random.nextInt(20) == 0) {
                model.execute(lateCopies.remove(random.nextInt(lateCopies.size())));
            }
            if (self != leader) {
                connection.error(command.requestId(), Status.NOT_LEADER, hint());
                return;
            }
            // Some writes are never answered however often they are sent: what became of them only resolve can tell.
            long fate = (command.session() + command.sequence()) % 200;
            if (command.isWrite() && fate < 2) {
                if (fate == 0) {
                    model.execute(command);
                }
                return;
            }
            switch (random.nextInt(1000)) {
                case 0 -> connection.drop();
                case 1 -> {
                    model.execute(command);
                    connection.drop();
                }
                case 2 -> {
                    lateCopies.add(command);
                    loseLeadership(connection);
                }
                case 3 -> {
                    model.execute(command);
                    loseLeadership(connection);
                }
                case 4 -> {
                    model.execute(command);
                    connection.corruptReply(command.requestId());
                }
                case 5 -> connection.error(command.requestId(), Status.BUSY, "");
                case 6 -> connection.error(command.requestId(), Status.NOT_LEADER, hint());
                case 7 -> {
                    lateCopies.add(command);
                    connection.error(command.requestId(), Status.INTERNAL, "");
                }
                case 8 -> {
                    model.expireSessions();
                    answer(connection, command);
                }
                case 9 -> {
                    lateCopies.add(command);
                    model.expireSessions();
                    connection.drop();
                }
                case 10 -> lateCopies.add(command);
                case 11 -> {
                    answer(connection, command);
                    answer(connection, command);
                }
                default -> answer(connection, command);
            }
        }

        private void answer(Connection connection, Command command) {
            KvModel.Result result = model.execute(command);
            connection.commandReply(command.requestId(), result.status(), result.revision(), result.bytes());
        }

        private void loseLeadership(Connection connection) {
            leader = random.nextInt(servers.size());
            connection.error(0, Status.NOT_LEADER, hint());
        }

        private String hint() {
            return random.nextBoolean() ? servers.get(leader).address() : "";
        }
    }
}
