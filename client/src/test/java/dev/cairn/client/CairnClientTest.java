package dev.cairn.client;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.FakeServer.Command;
import dev.cairn.client.FakeServer.Connection;
import dev.cairn.client.FakeServer.Script;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.ClusterIdHash;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class CairnClientTest {
    private static final byte[] KEY = Text.bytes("key");
    private static final byte[] VALUE = Text.bytes("value");

    private final FakeServer.Group group = new FakeServer.Group();
    private final KvModel model = new KvModel();
    private final List<CairnClient> clients = new ArrayList<>();

    @AfterEach
    void stop() {
        clients.forEach(CairnClient::close);
        group.close();
        assertThat(model.violations).isEmpty();
    }

    @Test
    @Covers({"K01", "O13", "X01"})
    void putGetAndDeleteReturnWhatTheClusterDid() {
        CairnClient client = connect(group.start(model));
        assertThat(client.get(KEY)).isEmpty();
        PutResult first = client.put(KEY, VALUE);
        PutResult second = client.put(KEY, Text.bytes("second"));
        assertThat(second.revision()).isGreaterThan(first.revision());
        KeyValue read = client.get(KEY).orElseThrow();
        assertThat(Text.of(read.key())).isEqualTo("key");
        assertThat(Text.of(read.value())).isEqualTo("second");
        assertThat(read.createRevision()).isEqualTo(first.revision());
        assertThat(read.modRevision()).isEqualTo(second.revision());
        assertThat(client.delete(KEY).found()).isTrue();
        assertThat(client.delete(KEY).found()).isFalse();
        assertThat(client.get(KEY)).isEmpty();
    }

    @Test
    void anEmptyValueIsAValue() {
        CairnClient client = connect(group.start(model));
        client.put(KEY, new byte[0]);
        assertThat(client.get(KEY).orElseThrow().value()).isEmpty();
    }

    @Test
    @Covers({"R22", "X14"})
    void aStaleReadCarriesItsModeAndRevision() {
        List<String> reads = new ArrayList<>();
        CairnClient client = connect(group.start(new Script() {
            @Override
            public void onGet(Connection connection, long requestId, int readMode, long minRevision, String key) {
                reads.add(readMode + " " + minRevision);
                connection.error(requestId, Status.NOT_CAUGHT_UP, "");
            }
        }));
        RequestRejectedException rejected =
                Await.failure(client.getAsync(KEY, ReadMode.STALE, 77), RequestRejectedException.class);
        assertThat(rejected.status()).isEqualTo(Status.NOT_CAUGHT_UP);
        group.run(() -> assertThat(reads).containsExactly("2 77"));
    }

    @Test
    void manyWritesShareTheConnectionAndEachIsExecutedOnce() {
        FakeServer server = group.start(model);
        CairnClient client = connect(config(server).silenceTimeout(Duration.ofSeconds(60)));
        List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            puts.add(client.putAsync(Text.bytes("k" + i), VALUE));
        }
        puts.forEach(Await::result);
        assertThat(server.connections).hasSize(1);
        group.run(() -> {
            assertThat(model.executions).hasSize(10_000);
            assertThat(model.executions.values()).allMatch(count -> count == 1);
            assertThat(model.sessionCount()).isEqualTo(1);
        });
    }

    @Test
    void atMostAWindowOfWritesIsInFlight() {
        List<Runnable> held = new ArrayList<>();
        FakeServer server =
                group.start(onlyWrites((connection, command) -> held.add(() -> model.onCommand(connection, command))));
        CairnClient client = connect(server);
        List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = 0; i < Limits.SESSION_WINDOW + 100; i++) {
            puts.add(client.putAsync(Text.bytes("k" + i), VALUE));
        }
        Await.until(
                () -> server.writes().size() >= Limits.SESSION_WINDOW,
                () -> server.writes().size() + " writes");
        // A read passes the writes that wait for the window.
        assertThat(client.get(KEY)).isEmpty();
        assertThat(server.writes()).hasSize(Limits.SESSION_WINDOW);
        assertThat(server.writes().get(Limits.SESSION_WINDOW - 1).sequence()).isEqualTo(Limits.SESSION_WINDOW);
        assertThat(server.writes()).allMatch(command -> command.lowestOpen() == 1);
        group.run(() -> {
            List<Runnable> first = List.copyOf(held);
            held.clear();
            first.forEach(Runnable::run);
        });
        Await.until(
                () -> server.writes().size() == Limits.SESSION_WINDOW + 100,
                () -> server.writes().size() + " writes");
        group.run(() -> held.forEach(Runnable::run));
        puts.forEach(Await::result);
    }

    @Test
    void beyondMaxOutstandingCallsFailAtOnce() {
        List<Runnable> held = new ArrayList<>();
        FakeServer server =
                group.start(onlyWrites((connection, command) -> held.add(() -> model.onCommand(connection, command))));
        CairnClient client = connect(config(server).maxOutstanding(10));
        List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            puts.add(client.putAsync(KEY, VALUE));
        }
        BusyException busy = Await.failure(client.putAsync(KEY, VALUE), BusyException.class);
        assertThat(busy.retrySafe()).isTrue();
        assertThat(busy).hasMessageContaining("10 requests");
        Await.until(() -> server.writes().size() == 10, () -> server.writes().size() + " writes");
        group.run(() -> held.forEach(Runnable::run));
        puts.forEach(Await::result);
        Await.until(
                () -> !client.getAsync(KEY).isCompletedExceptionally(),
                () -> "room was not given back after the results");
    }

    @Test
    @Covers({"K08", "K09"})
    void followsTheHintToALeaderThatWasNotConfigured() {
        FakeServer leader = group.start(model);
        FakeServer follower = group.start(notLeader(leader.address()));
        CairnClient client = connect(follower);
        client.put(KEY, VALUE);
        assertThat(Text.of(client.get(KEY).orElseThrow().value())).isEqualTo("value");
        assertThat(leader.writes()).hasSize(1);
    }

    @Test
    @Covers("K09")
    void findsTheLeaderWithoutHints() {
        FakeServer leader = group.start(model);
        CairnClient client = connect(group.start(notLeader("")), group.start(notLeader("")), leader);
        client.put(KEY, VALUE);
        assertThat(leader.writes()).hasSize(1);
    }

    @Test
    void aHintThatIsNoAddressOrLeadsNowhereDoesNoHarm() {
        FakeServer leader = group.start(model);
        for (String hint : List.of("nonsense", "127.0.0.1:1", "host:70000")) {
            CairnClient client = connect(group.start(notLeader(hint)), leader);
            client.put(KEY, VALUE);
        }
        assertThat(leader.writes()).hasSize(3);
    }

    @Test
    void waitsForALeaderThatIsElectedLater() {
        FakeServer a = group.start(notLeader(""));
        FakeServer b = group.start(notLeader(""));
        CairnClient client = connect(a, b);
        CompletableFuture<PutResult> put = client.putAsync(KEY, VALUE);
        Await.until(() -> a.commands.size() + b.commands.size() > 6, () -> "few attempts");
        assertThat(put).isNotDone();
        b.script(model);
        Await.result(put);
    }

    @Test
    @Covers({"K05", "K18"})
    void aWriteWhoseReplyWasLostIsSentAgainAndExecutedOnce() {
        FakeServer server = group.start(model);
        server.script(onlyWrites((connection, command) -> {
            model.execute(command);
            server.script(model);
            connection.drop();
        }));
        CairnClient client = connect(server);
        client.put(KEY, VALUE);
        assertThat(server.writes()).hasSize(2);
        assertThat(server.writes().get(1).hex())
                .isEqualTo(server.writes().get(0).hex());
        assertThat(server.writes().get(1).requestId())
                .isNotEqualTo(server.writes().get(0).requestId());
        group.run(() -> assertThat(model.executions).containsExactly(java.util.Map.entry("key=value", 1)));
    }

    @Test
    void afterLostLeadershipTheSameSequencesGoToTheNewLeader() {
        FakeServer next = group.start(model);
        FakeServer old = group.start(model);
        old.script(onlyWrites((connection, command) -> {
            // Half of them were executed before leadership was lost.
            if (command.sequence() % 2 == 0) {
                model.execute(command);
            }
            if (command.sequence() == 100) {
                connection.error(0, Status.NOT_LEADER, next.address());
            }
        }));
        CairnClient client = connect(old);
        List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            puts.add(client.putAsync(Text.bytes("k" + i), VALUE));
        }
        puts.forEach(Await::result);
        assertThat(next.writes()).hasSize(100);
        group.run(() -> {
            assertThat(model.executions).hasSize(100);
            assertThat(model.executions.values()).allMatch(count -> count == 1);
        });
    }

    @Test
    void doubleAndForeignRepliesAreIgnored() {
        CairnClient client = connect(group.start(onlyWrites((connection, command) -> {
            KvModel.Result result = model.execute(command);
            connection.commandReply(command.requestId() + 5000, Status.OK, 1);
            connection.commandReply(command.requestId(), Status.OK, result.revision());
            connection.commandReply(command.requestId(), Status.NOT_FOUND, 2);
            connection.error(command.requestId(), Status.INTERNAL, "");
        })));
        for (int i = 0; i < 100; i++) {
            assertThat(client.put(KEY, VALUE).revision()).isEqualTo(102 + i);
        }
    }

    @Test
    void aReplyOfTheWrongKindEndsTheConnection() {
        FakeServer server = group.start(model);
        server.script(onlyWrites((connection, command) -> {
            server.script(model);
            connection.getReplyNotFound(command.requestId());
        }));
        connect(server).put(KEY, VALUE);
        assertThat(server.writes()).hasSize(2);
    }

    @Test
    @Covers("K14")
    void aSilentClusterEndsAWriteAsUnknownAndARead() {
        FakeServer server = group.start(onlyWrites((connection, command) -> {}));
        CairnClient client = connect(config(server).requestTimeout(Duration.ofMillis(300)));
        long startNs = System.nanoTime();
        CompletableFuture<PutResult> put = client.putAsync(KEY, VALUE);
        OutcomeUnknownException unknown = Await.failure(put, OutcomeUnknownException.class);
        assertThat(System.nanoTime() - startNs).isBetween(290_000_000L, 1_500_000_000L);
        assertThat(unknown.retrySafe()).isFalse();
        assertThat(unknown).hasMessageContaining("within 300 ms").hasMessageContaining("sequence 1");
        server.script(new Script() {});
        RequestTimeoutException late = Await.failure(client.getAsync(KEY), RequestTimeoutException.class);
        assertThat(late.retrySafe()).isTrue();
        // The sequence stays open, so that it can be asked for.
        server.script(model);
        client.put(KEY, VALUE);
        Command last = server.writes().get(server.writes().size() - 1);
        assertThat(last.sequence()).isEqualTo(2);
        assertThat(last.lowestOpen()).isEqualTo(1);
        assertThat(unknown.resolve()).isInstanceOf(Resolution.NotExecuted.class);
        client.put(KEY, VALUE);
        last = server.writes().get(server.writes().size() - 1);
        assertThat(last.lowestOpen()).isEqualTo(3);
    }

    @Test
    void withoutAnyServerAWriteFailsAsNotExecuted() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        CairnClient client =
                connect(CairnClient.builder().servers("127.0.0.1:" + port).requestTimeout(Duration.ofMillis(200)));
        NoLeaderException noLeader = Await.failure(client.putAsync(KEY, VALUE), NoLeaderException.class);
        assertThat(noLeader.retrySafe()).isTrue();
        assertThat(noLeader).hasMessageContaining("127.0.0.1:" + port).hasMessageContaining("refused");
        assertThatThrownBy(() -> client.get(KEY)).isInstanceOf(NoLeaderException.class);
    }

    @Test
    void refusedTransmissionsLeaveNoDoubt() {
        FakeServer server = group.start(model);
        server.script(onlyWrites((connection, command) -> connection.error(command.requestId(), Status.BUSY, "")));
        CairnClient client = connect(config(server).requestTimeout(Duration.ofMillis(300)));
        Await.failure(client.putAsync(KEY, VALUE), RequestTimeoutException.class);
        assertThat(server.writes()).hasSizeGreaterThan(1);
        assertThat(server.writes())
                .allMatch(c -> c.hex().equals(server.writes().get(0).hex()));
    }

    @Test
    void busyIsTriedAgainUnderTheSameSequence() {
        FakeServer server = group.start(model);
        for (Status status : List.of(Status.BUSY, Status.NO_SPACE, Status.INTERNAL, Status.DEADLINE)) {
            int before = server.writes().size();
            server.script(onlyWrites((connection, command) -> {
                server.script(model);
                connection.error(command.requestId(), status, "");
            }));
            connect(server).put(KEY, VALUE);
            List<Command> writes = server.writes().subList(before, before + 2);
            assertThat(writes.get(1).hex())
                    .as(status.name())
                    .isEqualTo(writes.get(0).hex());
        }
    }

    @Test
    void aDiskThatStaysFullIsARefusalWithThatStatus() {
        FakeServer server = group.start(model);
        server.script(onlyWrites((connection, command) -> connection.error(command.requestId(), Status.NO_SPACE, "")));
        CairnClient client = connect(config(server).requestTimeout(Duration.ofMillis(300)));
        RequestRejectedException refused = Await.failure(client.putAsync(KEY, VALUE), RequestRejectedException.class);
        assertThat(refused.status()).isEqualTo(Status.NO_SPACE);
        assertThat(refused.retrySafe()).isTrue();
        assertThat(refused).hasMessageContaining("NO_SPACE, scripted");
        assertThat(server.writes()).hasSizeGreaterThan(1);

        server.script(model);
        client.put(KEY, VALUE);
        server.script(onlyWrites((connection, command) -> connection.error(command.requestId(), Status.BUSY, "")));
        Await.failure(client.putAsync(KEY, VALUE), RequestTimeoutException.class);
    }

    @Test
    void anInternalErrorThatLastsIsAnUnknownOutcome() {
        CairnClient client = connect(config(group.start(onlyWrites(
                        (connection, command) -> connection.error(command.requestId(), Status.INTERNAL, ""))))
                .requestTimeout(Duration.ofMillis(200)));
        Await.failure(client.putAsync(KEY, VALUE), OutcomeUnknownException.class);
    }

    @Test
    void aWriteWhoseOnlyTransmissionFoundNoSessionGoesOnInANewOne() {
        FakeServer server = group.start(model);
        CairnClient client = connect(server);
        client.put(KEY, VALUE);
        group.run(model::expireSessions);
        List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            puts.add(client.putAsync(Text.bytes("k" + i), VALUE));
        }
        puts.forEach(Await::result);
        group.run(() -> {
            assertThat(model.executions).hasSize(51);
            assertThat(model.executions.values()).allMatch(count -> count == 1);
            assertThat(model.sessionCount()).isEqualTo(1);
        });
    }

    @Test
    void aWriteInDoubtIsNotRepeatedInANewSession() {
        FakeServer server = group.start(model);
        server.script(onlyWrites((connection, command) -> {
            model.execute(command);
            model.expireSessions();
            server.script(model);
            connection.drop();
        }));
        CairnClient client = connect(server);
        OutcomeUnknownException unknown = Await.failure(client.putAsync(KEY, VALUE), OutcomeUnknownException.class);
        assertThat(unknown).hasMessageContaining("session expired");
        client.put(Text.bytes("other"), VALUE);
        group.run(() -> assertThat(model.executions.values()).containsOnly(1));
    }

    @Test
    void aCorruptReplyEndsTheConnectionNotTheCall() {
        FakeServer server = group.start(model);
        server.script(onlyWrites((connection, command) -> {
            model.execute(command);
            server.script(model);
            connection.corruptReply(command.requestId());
        }));
        connect(server).put(KEY, VALUE);
        group.run(() -> assertThat(model.executions).containsExactly(java.util.Map.entry("key=value", 1)));
    }

    @Test
    void aSilentServerIsLeftForTheNextOne() {
        FakeServer next = group.start(model);
        FakeServer silent = group.start(notLeader(next.address()));
        FakeServer[] first = {silent};
        CairnClient client = connect(config(silent, next).silenceTimeout(Duration.ofMillis(100)));
        client.put(KEY, VALUE);
        // The leader falls silent, the other one takes over with the same state.
        next.script(new Script() {});
        first[0].script(model);
        client.put(KEY, VALUE);
        assertThat(silent.writes().get(silent.writes().size() - 1).hex())
                .isEqualTo(next.writes().get(next.writes().size() - 1).hex());
    }

    @Test
    void aServerThatDoesNotGreetIsLeftForTheNextOne() {
        FakeServer mute = group.start(new Script() {
            @Override
            public void onHello(Connection connection, long requestId, long clusterIdHash) {}
        });
        CairnClient client = connect(config(mute, group.start(model)).connectTimeout(Duration.ofMillis(100)));
        client.put(KEY, VALUE);
    }

    @Test
    void aClientOfAnotherClusterIsToldSoBeforeItsDeadline() {
        Script other = new Script() {
            @Override
            public void onHello(Connection connection, long requestId, long clusterIdHash) {
                assertThat(clusterIdHash).isEqualTo(ClusterIdHash.of("mine"));
                connection.helloReply(requestId, Status.WRONG_CLUSTER, ClusterIdHash.of("other"));
            }
        };
        CairnClient client =
                connect(config(group.start(other), group.start(other)).clusterId("mine"));
        ServerRefusedException refused = Await.failure(client.putAsync(KEY, VALUE), ServerRefusedException.class);
        assertThat(refused.status()).isEqualTo(Status.WRONG_CLUSTER);
        assertThat(refused.retrySafe()).isTrue();
    }

    @Test
    void aServerThatGreetsForAnotherClusterIsNotBelieved() {
        Script careless = new Script() {
            @Override
            public void onHello(Connection connection, long requestId, long clusterIdHash) {
                connection.helloReply(requestId, Status.OK, ClusterIdHash.of("other"));
            }
        };
        CairnClient client = connect(config(group.start(careless)).clusterId("mine"));
        Await.failure(client.getAsync(KEY), ServerRefusedException.class);
    }

    @Test
    void aGreetingRefusedByErrorReplyNamesTheStatus() {
        Script old = new Script() {
            @Override
            public void onHello(Connection connection, long requestId, long clusterIdHash) {
                connection.error(requestId, Status.UNSUPPORTED_VERSION, "");
            }
        };
        ServerRefusedException refused =
                Await.failure(connect(group.start(old)).getAsync(KEY), ServerRefusedException.class);
        assertThat(refused.status()).isEqualTo(Status.UNSUPPORTED_VERSION);
    }

    @Test
    void oneServerOfAnotherClusterDoesNotStopTheCalls() {
        Script other = new Script() {
            @Override
            public void onHello(Connection connection, long requestId, long clusterIdHash) {
                connection.helloReply(requestId, Status.WRONG_CLUSTER, 5);
            }
        };
        connect(group.start(other), group.start(model)).put(KEY, VALUE);
    }

    @Test
    @Covers("K12")
    void aRejectionCarriesItsStatus() {
        FakeServer server = group.start(
                onlyWrites((connection, command) -> connection.error(command.requestId(), Status.VALUE_TOO_LARGE, "")));
        RequestRejectedException rejected =
                Await.failure(connect(server).putAsync(KEY, VALUE), RequestRejectedException.class);
        assertThat(rejected.status()).isEqualTo(Status.VALUE_TOO_LARGE);
        assertThat(rejected).hasMessageContaining("scripted");
        assertThat(server.writes()).hasSize(1);
    }

    @Test
    @Covers({"K12", "L06"})
    void keysAndValuesAreHeldToTheLimitsBeforeTheyAreSent() {
        FakeServer server = group.start(model);
        CairnClient client = connect(server);
        client.put(new byte[Limits.MAX_KEY_BYTES], new byte[Limits.MAX_VALUE_BYTES]);
        assertThat(client.get(new byte[Limits.MAX_KEY_BYTES]).orElseThrow().value())
                .hasSize(Limits.MAX_VALUE_BYTES);
        assertRejected(client.putAsync(KEY, new byte[Limits.MAX_VALUE_BYTES + 1]), Status.VALUE_TOO_LARGE);
        for (byte[] key : List.of(new byte[0], new byte[Limits.MAX_KEY_BYTES + 1])) {
            Status status = key.length == 0 ? Status.KEY_EMPTY : Status.KEY_TOO_LARGE;
            assertRejected(client.putAsync(key, VALUE), status);
            assertRejected(client.getAsync(key), status);
            assertRejected(client.deleteAsync(key), status);
        }
        assertThat(server.writes()).hasSize(1);
    }

    private static void assertRejected(CompletableFuture<?> call, Status status) {
        assertThat(Await.failure(call, RequestRejectedException.class).status()).isEqualTo(status);
    }

    @Test
    void closeEndsWhatIsOutstandingAndSaysWhatIsKnown() {
        FakeServer server = group.start(onlyWrites((connection, command) -> {}));
        CairnClient client = connect(server);
        CompletableFuture<PutResult> sent = client.putAsync(KEY, VALUE);
        Await.until(() -> server.writes().size() == 1, () -> "not sent");
        server.script(new Script() {});
        CompletableFuture<Optional<KeyValue>> read = client.getAsync(KEY);
        client.close();
        Await.failure(sent, OutcomeUnknownException.class);
        Await.failure(read, ClientClosedException.class);
        Await.failure(client.putAsync(KEY, VALUE), ClientClosedException.class);
        Await.failure(client.statusAsync(), ClientClosedException.class);
        client.close();
    }

    @Test
    void closeSendsTheEndOfTheSession() {
        FakeServer server = group.start(model);
        CairnClient client = connect(server);
        client.put(KEY, VALUE);
        client.close();
        Await.until(
                () -> server.commands.stream().anyMatch(c -> c.kind() == CommandDescriptor.KIND_CLOSE_SESSION),
                () -> server.commands.toString());
        group.run(() -> assertThat(model.sessionCount()).isZero());
    }

    @Test
    void callsThatRaceWithCloseAllEnd() throws InterruptedException {
        FakeServer server = group.start(model);
        server.recording = false;
        for (int round = 0; round < 20; round++) {
            CairnClient client = connect(server);
            List<CompletableFuture<?>> calls = new ArrayList<>();
            Thread caller = new Thread(() -> {
                for (int i = 0; i < 2000; i++) {
                    calls.add(client.getAsync(KEY));
                }
            });
            caller.start();
            client.close();
            caller.join();
            Await.until(
                    () -> calls.stream().allMatch(CompletableFuture::isDone),
                    () -> calls.stream().filter(c -> !c.isDone()).count() + " calls hang");
        }
    }

    @Test
    void aBlockingCallOnTheClientsOwnThreadIsRefused() {
        CairnClient client = connect(group.start(model));
        // On the server's thread: it cannot answer before the function hangs on the future; an answered one would run
        // it here.
        AtomicReference<CompletableFuture<PutResult>> inner = new AtomicReference<>();
        group.run(() -> inner.set(client.putAsync(KEY, VALUE).thenApply(done -> client.put(KEY, VALUE))));
        IllegalStateException refused = Await.failure(requireNonNull(inner.get()), IllegalStateException.class);
        assertThat(refused).hasMessageContaining("own thread");
        client.put(KEY, VALUE);
    }

    @Test
    void statusListsEveryServerTheUnreachableToo() throws IOException {
        NodeStatus node = new NodeStatus(7, 4, 1, 3, 10, 9, 11, 10, 0xABCL, 7, "127.0.0.1:7401");
        FakeServer good = group.start(new Script() {
            @Override
            public void onStatus(Connection connection, long requestId) {
                connection.statusReply(requestId, node);
            }
        });
        FakeServer mute = group.start(new Script() {});
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        CairnClient client = connect(CairnClient.builder()
                .servers(List.of(good.address(), mute.address(), "127.0.0.1:" + port))
                .requestTimeout(Duration.ofMillis(300)));
        List<ServerStatus> all = client.status();
        assertThat(all).extracting(ServerStatus::node).containsExactly(node, null, null);
        assertThat(all.get(1).problem()).contains("no answer within 300 ms");
        assertThat(all.get(2).problem()).contains("refused");
    }

    @Test
    void anUnknownHostIsAProblemNotAHang() {
        CairnClient client = connect(
                CairnClient.builder().servers("no-such-host.invalid:7401").requestTimeout(Duration.ofMillis(500)));
        Await.failure(client.getAsync(KEY), NoLeaderException.class);
    }

    private CairnClient connect(FakeServer... servers) {
        return connect(config(servers));
    }

    private CairnClient connect(ClientConfig.Builder config) {
        CairnClient client = config.connect();
        clients.add(client);
        return client;
    }

    private static ClientConfig.Builder config(FakeServer... servers) {
        List<String> addresses = new ArrayList<>();
        for (FakeServer server : servers) {
            addresses.add(server.address());
        }
        // Generous: a machine that does much else shall not decide. Tests of time-outs have their own.
        return CairnClient.builder().servers(addresses).requestTimeout(Duration.ofSeconds(60));
    }

    private interface OnWrite {
        void accept(Connection connection, Command command);
    }

    /** As the model, but puts and deletes are the test's. */
    private Script onlyWrites(OnWrite onWrite) {
        return new Script() {
            @Override
            public void onCommand(Connection connection, Command command) {
                if (command.isWrite()) {
                    onWrite.accept(connection, command);
                } else {
                    model.onCommand(connection, command);
                }
            }

            @Override
            public void onGet(Connection connection, long requestId, int readMode, long minRevision, String key) {
                model.onGet(connection, requestId, readMode, minRevision, key);
            }
        };
    }

    private static Script notLeader(String hint) {
        return new Script() {
            @Override
            public void onCommand(Connection connection, Command command) {
                connection.error(command.requestId(), Status.NOT_LEADER, hint);
            }

            @Override
            public void onGet(Connection connection, long requestId, int readMode, long minRevision, String key) {
                connection.error(requestId, Status.NOT_LEADER, hint);
            }
        };
    }
}
