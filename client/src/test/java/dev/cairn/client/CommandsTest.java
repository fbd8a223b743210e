package dev.cairn.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.FakeServer.Command;
import dev.cairn.client.FakeServer.Connection;
import dev.cairn.client.FakeServer.Script;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Conditional writes, counters, batches and ranges, and what becomes of unknown outcomes. */
@Timeout(180)
class CommandsTest {
    private static final byte[] KEY = Text.bytes("key");
    private static final byte[] ONE = Text.bytes("one");
    private static final byte[] TWO = Text.bytes("two");

    private final FakeServer.Group group = new FakeServer.Group();
    private final KvModel model = new KvModel();
    private final FakeServer server = group.start(model);
    private final List<CairnClient> clients = new ArrayList<>();
    private final CairnClient client = connect(Duration.ofSeconds(60));

    @AfterEach
    void stop() {
        clients.forEach(CairnClient::close);
        group.close();
        assertThat(model.violations).isEmpty();
    }

    @Test
    @Covers("K03")
    void aConditionByValueHoldsOrTheEntryStays() {
        assertThat(client.compareAndSet(KEY, ONE, TWO).applied())
                .as("an absent key has no value")
                .isFalse();
        PutResult put = client.put(KEY, ONE);
        WriteResult failed = client.compareAndSet(KEY, TWO, TWO);
        assertThat(failed.applied()).isFalse();
        assertThat(failed.revision()).isGreaterThan(put.revision());
        assertThat(failed.entry()).isEmpty();
        WriteResult done = client.compareAndSet(KEY, ONE, TWO);
        assertThat(done.applied()).isTrue();
        assertThat(client.get(KEY).orElseThrow().modRevision()).isEqualTo(done.revision());
    }

    @Test
    @Covers("K03")
    void aConditionByRevisionHoldsOrTheEntryStays() {
        assertThat(client.compareAndSet(KEY, 5, ONE).applied()).isFalse();
        WriteResult created = client.compareAndSet(KEY, 0, ONE);
        assertThat(created.applied()).isTrue();
        assertThat(client.compareAndSet(KEY, 0, TWO).applied()).isFalse();
        WriteResult failed = client.put(
                KEY, TWO, WriteOptions.none().ifRevision(created.revision() + 1).returnEntry());
        assertThat(failed.applied()).isFalse();
        KeyValue current = failed.entry().orElseThrow();
        assertThat(Text.of(current.value())).isEqualTo("one");
        assertThat(current.modRevision()).isEqualTo(created.revision());
        assertThat(client.compareAndSet(KEY, created.revision(), TWO).applied()).isTrue();
    }

    @Test
    @Covers("K03")
    void putIfAbsentSaysWhoWasFirst() {
        assertThat(client.putIfAbsent(KEY, ONE))
                .matches(r -> r.applied() && r.entry().isEmpty());
        WriteResult second = client.putIfAbsent(KEY, TWO);
        assertThat(second.applied()).isFalse();
        assertThat(Text.of(second.entry().orElseThrow().value())).isEqualTo("one");
    }

    @Test
    @Covers("K03")
    void theEntryBeforeComesWithThePutAndTheDelete() {
        assertThat(client.getAndPut(KEY, ONE))
                .matches(r -> r.applied() && r.entry().isEmpty());
        assertThat(Text.of(client.getAndPut(KEY, TWO).entry().orElseThrow().value()))
                .isEqualTo("one");
        WriteResult deleted = client.getAndDelete(KEY);
        assertThat(deleted.applied()).isTrue();
        KeyValue before = deleted.entry().orElseThrow();
        assertThat(Text.of(before.key())).isEqualTo("key");
        assertThat(Text.of(before.value())).isEqualTo("two");
        assertThat(before.version()).isEqualTo(2);
        assertThat(client.getAndDelete(KEY))
                .matches(r -> !r.applied() && r.entry().isEmpty());
    }

    @Test
    @Covers("K03")
    void aDeleteMayHaveAConditionToo() {
        PutResult put = client.put(KEY, ONE);
        WriteOptions wrong = WriteOptions.none().ifRevision(put.revision() + 1);
        assertThat(client.delete(KEY, wrong).applied()).isFalse();
        assertThat(client.delete(KEY, WriteOptions.none().ifValue(TWO)).applied())
                .isFalse();
        assertThat(client.delete(KEY, wrong.ifValue(ONE)).applied())
                .as("the later condition counts")
                .isTrue();
        assertThat(client.get(KEY)).isEmpty();
        assertThatThrownBy(() -> WriteOptions.none().ifRevision(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void countersAddAndSayWhatTheyCannot() {
        assertThat(client.increment(KEY).value()).isEqualTo(1);
        assertThat(client.add(KEY, 41).value()).isEqualTo(42);
        CounterResult down = client.add(KEY, -50);
        assertThat(down.value()).isEqualTo(-8);
        KeyValue stored = client.get(KEY).orElseThrow();
        assertThat(Text.of(stored.value())).isEqualTo("-8");
        assertThat(stored.modRevision()).isEqualTo(down.revision());
        RequestRejectedException overflow =
                Await.failure(client.addAsync(KEY, Long.MIN_VALUE), RequestRejectedException.class);
        assertThat(overflow.status()).isEqualTo(Status.NUMBER_OVERFLOW);
        assertThat(overflow.retrySafe()).isTrue();
        client.put(KEY, ONE);
        assertThat(Await.failure(client.addAsync(KEY, 1), RequestRejectedException.class)
                        .status())
                .isEqualTo(Status.NOT_A_NUMBER);
        assertThat(Text.of(client.get(KEY).orElseThrow().value())).isEqualTo("one");
    }

    @Test
    @Covers("K04")
    void aBatchHappensAsOneWithOneRevision() {
        client.put(Text.bytes("gone"), ONE);
        WriteBatch batch = client.batch()
                .put(Text.bytes("a"), ONE)
                .put(Text.bytes("b"), new byte[0])
                .delete(Text.bytes("gone"))
                .delete(Text.bytes("never"));
        assertThat(batch.size()).isEqualTo(4);
        BatchResult done = batch.commit();
        MultiGetResult read = client.multiGet(List.of(Text.bytes("a"), Text.bytes("b"), Text.bytes("gone")));
        assertThat(read.entries().get(0).orElseThrow().modRevision()).isEqualTo(done.revision());
        assertThat(read.entries().get(1).orElseThrow().modRevision()).isEqualTo(done.revision());
        assertThat(read.entries().get(1).orElseThrow().value()).isEmpty();
        assertThat(read.entries().get(2)).isEmpty();
        assertThat(read.revision()).isGreaterThanOrEqualTo(done.revision());
    }

    @Test
    @Covers("K13")
    void batchesAreHeldToTheLimitsBeforeTheyAreSent() {
        assertRejected(client.batch().commitAsync(), Status.BAD_REQUEST);
        assertRejected(client.batch().put(KEY, ONE).delete(KEY).commitAsync(), Status.BAD_REQUEST);
        assertRejected(client.batch().put(new byte[0], ONE).commitAsync(), Status.KEY_EMPTY);
        assertRejected(
                client.batch().put(KEY, new byte[Limits.MAX_VALUE_BYTES + 1]).commitAsync(), Status.VALUE_TOO_LARGE);
        WriteBatch many = client.batch();
        for (int i = 0; i < Limits.MAX_BATCH_ITEMS; i++) {
            many.put(Text.bytes("k" + i), ONE);
        }
        Await.result(many.commitAsync());
        assertRejected(many.put(KEY, ONE).commitAsync(), Status.BAD_REQUEST);
        int rest = Limits.MAX_BATCH_BYTES - Limits.MAX_VALUE_BYTES - 2 * 8 - 2;
        WriteBatch large = client.batch()
                .put(Text.bytes("a"), new byte[Limits.MAX_VALUE_BYTES])
                .put(Text.bytes("b"), new byte[rest]);
        Await.result(large.commitAsync());
        assertRejected(large.delete(Text.bytes("c")).commitAsync(), Status.VALUE_TOO_LARGE);
        assertThat(server.writes()).hasSize(2);
    }

    @Test
    void aRangeGoesWithOneCommand() {
        for (String key : List.of("a", "p1", "p2", "p\u007f", "q")) {
            client.put(Text.bytes(key), ONE);
        }
        DeleteRangeResult prefix = client.deletePrefix(Text.bytes("p"));
        assertThat(prefix.revision()).isPositive();
        assertThat(client.count(Scan.all()).count()).isEqualTo(2);
        client.deleteRange(Text.bytes("b"), new byte[0]);
        assertThat(client.count(Scan.all()).count()).isEqualTo(1);
        assertRejected(client.deleteRangeAsync(Text.bytes("b"), Text.bytes("a")), Status.BAD_REQUEST);
        assertRejected(client.deleteRangeAsync(Text.bytes("b"), Text.bytes("b")), Status.BAD_REQUEST);
        assertRejected(client.deletePrefixAsync(new byte[0]), Status.KEY_EMPTY);
        assertRejected(client.deleteRangeAsync(new byte[Limits.MAX_KEY_BYTES + 1], ONE), Status.KEY_TOO_LARGE);
        client.deleteRange(new byte[0], new byte[0]);
        assertThat(client.count(Scan.all()).count()).isZero();
    }

    @Test
    void theLargestConditionalWriteFitsAndOneByteMoreIsRefused() {
        byte[] largest = new byte[Limits.MAX_VALUE_BYTES];
        int rest = Limits.MAX_FRAME_BYTES - Limits.MAX_VALUE_BYTES - 32 - 48 - KEY.length;
        assertThat(client.compareAndSet(KEY, largest, new byte[rest]).applied()).isFalse();
        assertRejected(client.compareAndSetAsync(KEY, largest, new byte[rest + 1]), Status.VALUE_TOO_LARGE);
    }

    @Test
    void sessionFullIsTriedAgainWithNewsOfWhatIsSettled() {
        List<Command> refused = new ArrayList<>();
        List<Runnable> held = new ArrayList<>();
        server.script(new Script() {
            @Override
            public void onCommand(Connection connection, Command command) {
                if (command.isWrite() && command.key().equals("first") && held.isEmpty()) {
                    held.add(() -> model.onCommand(connection, command));
                } else if (command.isWrite() && command.key().equals("second") && refused.size() < 3) {
                    refused.add(command);
                    connection.error(command.requestId(), Status.SESSION_FULL, "");
                    if (refused.size() == 2) {
                        held.get(0).run();
                    }
                } else {
                    model.onCommand(connection, command);
                }
            }
        });
        CompletableFuture<WriteResult> first = client.getAndPutAsync(Text.bytes("first"), ONE);
        CompletableFuture<WriteResult> second = client.getAndPutAsync(Text.bytes("second"), ONE);
        Await.result(first);
        Await.result(second);
        assertThat(refused.get(0).lowestOpen()).isEqualTo(1);
        assertThat(refused.get(2).sequence()).isEqualTo(2);
        assertThat(refused.get(2).lowestOpen())
                .as("the first one is settled meanwhile")
                .isEqualTo(2);
    }

    @Test
    @Covers("K05")
    void resolveFindsTheStoredAnswerOfAnExecutedWrite() {
        // Executed, then silence: the reply never comes.
        mute(true);
        CairnClient hasty = connect(Duration.ofMillis(200));
        OutcomeUnknownException put = Await.failure(hasty.putAsync(KEY, ONE), OutcomeUnknownException.class);
        OutcomeUnknownException add = Await.failure(hasty.addAsync(Text.bytes("n"), 5), OutcomeUnknownException.class);
        OutcomeUnknownException swap = Await.failure(hasty.getAndPutAsync(KEY, TWO), OutcomeUnknownException.class);
        OutcomeUnknownException nan = Await.failure(hasty.addAsync(KEY, 5), OutcomeUnknownException.class);
        assertThat(put).hasMessageContaining("resolve()");
        server.script(model);
        Resolution.Executed executed = (Resolution.Executed) add.resolve();
        assertThat(executed.result()).isEqualTo(new CounterResult(5, executed.revision()));
        assertThat(put.resolve()).isInstanceOf(Resolution.Executed.class).matches(Resolution::executed);
        Resolution.Executed swapped = (Resolution.Executed) swap.resolve();
        assertThat(swapped.result()).isInstanceOf(WriteResult.class);
        assertThat(Text.of(
                        ((WriteResult) swapped.result()).entry().orElseThrow().value()))
                .isEqualTo("one");
        Resolution.Rejected rejected = (Resolution.Rejected) nan.resolve();
        assertThat(rejected.reason().status()).isEqualTo(Status.NOT_A_NUMBER);
        assertThat(add.resolve()).as("asked again").isEqualTo(executed);
        group.run(() -> assertThat(model.executions.values()).containsOnly(1));
    }

    @Test
    @Covers("K05")
    void resolveCancelsAWriteThatWasNotExecutedForEver() {
        List<Command> late = mute(false);
        CairnClient hasty = connect(Duration.ofMillis(200));
        OutcomeUnknownException unknown = Await.failure(hasty.putAsync(KEY, ONE), OutcomeUnknownException.class);
        server.script(model);
        assertThat(unknown.resolve()).isEqualTo(new Resolution.NotExecuted());
        assertThat(unknown.resolve()).isEqualTo(new Resolution.NotExecuted());
        group.run(() -> {
            assertThat(late).isNotEmpty();
            late.forEach(model::execute);
            assertThat(model.executions).isEmpty();
        });
    }

    @Test
    @Covers("K05")
    void resolveFollowsTheLeader() {
        List<Command> unused = mute(true);
        CairnClient hasty = connect(Duration.ofMillis(200));
        OutcomeUnknownException unknown = Await.failure(hasty.putAsync(KEY, ONE), OutcomeUnknownException.class);
        FakeServer leader = group.start(model);
        server.script(new Script() {
            @Override
            public void onCommand(Connection connection, Command command) {
                connection.error(command.requestId(), Status.NOT_LEADER, leader.address());
            }
        });
        assertThat(unknown.resolve().executed()).isTrue();
    }

    @Test
    @Covers("K05")
    void anOutcomeOfALostSessionCannotBeKnown() {
        mute(true);
        CairnClient hasty = connect(Duration.ofMillis(200));
        OutcomeUnknownException unknown = Await.failure(hasty.putAsync(KEY, ONE), OutcomeUnknownException.class);
        OutcomeUnknownException other = Await.failure(hasty.putAsync(KEY, TWO), OutcomeUnknownException.class);
        server.script(model);
        group.run(model::expireSessions);
        OutcomeLostException lost = Await.failure(unknown.resolveAsync(), OutcomeLostException.class);
        assertThat(lost.retrySafe()).isFalse();
        assertThatThrownBy(unknown::resolve).isInstanceOf(OutcomeLostException.class);
        hasty.close();
        Await.failure(other.resolveAsync(), OutcomeLostException.class);
    }

    @Test
    @Covers("K05")
    void manyLaterWritesCostTheOldestUnknownOutcome() {
        mute(true);
        CairnClient hasty = connect(Duration.ofSeconds(3));
        OutcomeUnknownException oldest = Await.failure(hasty.putAsync(KEY, ONE), OutcomeUnknownException.class);
        server.script(model);
        writeMany(hasty, ClientSession.MAX_HELD_BACK - 1);
        assertThat(oldest.resolve().executed()).isTrue();
        mute(true);
        OutcomeUnknownException next = Await.failure(hasty.putAsync(KEY, TWO), OutcomeUnknownException.class);
        server.script(model);
        writeMany(hasty, ClientSession.MAX_HELD_BACK);
        Await.failure(next.resolveAsync(), OutcomeLostException.class);
        assertThat(oldest.resolve().executed()).as("once known it stays known").isTrue();
    }

    @Test
    void aResolveWithoutAnAnswerMayBeAskedAgain() {
        mute(true);
        CairnClient hasty = connect(Duration.ofMillis(200));
        OutcomeUnknownException unknown = Await.failure(hasty.putAsync(KEY, ONE), OutcomeUnknownException.class);
        CairnException late = Await.failure(unknown.resolveAsync(), CairnException.class);
        assertThat(late).isInstanceOf(RequestTimeoutException.class);
        assertThat(late.retrySafe()).isTrue();
        server.script(model);
        assertThat(unknown.resolve().executed()).isTrue();
    }

    @Test
    void aResultThatCannotBeEndsTheConnection() {
        server.script(new Script() {
            @Override
            public void onCommand(Connection connection, Command command) {
                if (command.isWrite()) {
                    server.script(model);
                    KvModel.Result result = model.execute(command);
                    connection.commandReply(command.requestId(), Status.OK, result.revision(), new byte[3]);
                } else {
                    model.onCommand(connection, command);
                }
            }
        });
        assertThat(client.add(KEY, 7).value()).isEqualTo(7);
        assertThat(server.writes()).hasSize(2);
    }

    private void writeMany(CairnClient writer, int count) {
        List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            puts.add(writer.putAsync(Text.bytes("k" + i), ONE));
        }
        puts.forEach(Await::result);
    }

    /** From now on writes get no answer, executed or not. */
    private List<Command> mute(boolean executed) {
        List<Command> arrived = new ArrayList<>();
        server.script(new Script() {
            @Override
            public void onCommand(Connection connection, Command command) {
                if (command.isWrite()) {
                    arrived.add(command);
                    if (executed) {
                        model.execute(command);
                    }
                } else if (command.kind() != dev.cairn.protocol.CommandDescriptor.KIND_RESOLVE) {
                    model.onCommand(connection, command);
                }
            }
        });
        return arrived;
    }

    private CairnClient connect(Duration requestTimeout) {
        CairnClient connected = CairnClient.builder()
                .servers(server.address())
                .requestTimeout(requestTimeout)
                .connect();
        clients.add(connected);
        return connected;
    }

    private static void assertRejected(CompletableFuture<?> call, Status status) {
        assertThat(Await.failure(call, RequestRejectedException.class).status()).isEqualTo(status);
    }
}
