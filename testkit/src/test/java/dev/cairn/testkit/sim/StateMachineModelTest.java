package dev.cairn.testkit.sim;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.engine.CommandValidator;
import dev.cairn.engine.KvStateMachine;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.RowKind;
import dev.cairn.engine.SessionLimits;
import dev.cairn.engine.StateMachine;
import dev.cairn.engine.ValueDescriptor;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.testkit.sim.StateMachineModel.Command;
import dev.cairn.testkit.sim.StateMachineModel.Result;
import dev.cairn.testkit.sim.StateMachineModel.Row;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random logs of commands (several sessions, repeats, wrong repeats, gaps, sequences outside the window, evictions) applied by replicas that
 * differ in all that must not matter: batch edges, header cache, restarts at batch edges, crashes that lose unflushed batches. Results and
 * rows must be the model's, and at the end the replicas' stores must be equal, session rows and digest included.
 */
final class StateMachineModelTest {
    private static final SessionLimits LIMITS = new SessionLimits(8, 4, 100, 1_000_000, 1 << 20, 64 << 20);
    private static final int ENTRIES = 400;

    @TempDir
    Path directory;

    private record Entry(
            long index,
            long term,
            long logTimeMs,
            int type,
            int crc,
            @Nullable Command command) {}

    @Test
    @Covers({"K06", "R30", "W15", "X02"})
    void replicasInMemoryAgreeWithTheModel() {
        long seed = Seeds.choose();
        Map<Status, Integer> seen = new EnumMap<>(Status.class);
        for (int run = 0; run < 300; run++) {
            Random random = new Random(seed + run);
            Log log = new Log(random, seen);
            List<Replica> replicas = new ArrayList<>();
            for (int cacheEntries : new int[] {1024, 0, 4}) {
                replicas.add(new Replica(
                        "seed " + (seed + run) + " cache " + cacheEntries, cacheEntries, new MapStore(), store -> {
                            ((MapStore) store).crash();
                            return store;
                        }));
            }
            long content = 0;
            for (Replica replica : replicas) {
                replica.replay(log, random);
                long replicaContent = ((MapStore) replica.store).contentHash();
                content = content == 0 ? replicaContent : content;
                assertThat(replicaContent).as(replica.name).isEqualTo(content);
                assertThat(replica.machine.digest())
                        .as(replica.name)
                        .isEqualTo(replicas.get(0).machine.digest());
            }
        }
        // A generator that no longer reaches a case would make the comparison above worthless.
        assertThat(seen)
                .containsOnlyKeys(
                        Status.OK,
                        Status.NOT_FOUND,
                        Status.BUSY,
                        Status.SESSION_EXPIRED,
                        Status.SEQUENCE_REUSED,
                        Status.SEQUENCE_OUT_OF_WINDOW);
        assertThat(seen.values()).as("%s", seen).allMatch(count -> count > 100);
    }

    @Test
    @Covers({"K06", "R30", "X02"})
    void replicasOnRocksDbAgreeWithTheModel() {
        long seed = Seeds.choose();
        for (int run = 0; run < 8; run++) {
            Random random = new Random(seed + run);
            Log log = new Log(random, new EnumMap<>(Status.class));
            Path kv = directory.resolve("kv" + run);
            Replica replica = new Replica("seed " + (seed + run), 1024, openRocks(kv), store -> {
                ((RocksStore) store).closeWithoutFlush();
                return openRocks(kv);
            });
            replica.replay(log, random);
            MapStore reference = new MapStore();
            Replica inMemory = new Replica("seed " + (seed + run), 0, reference, store -> store);
            inMemory.replay(log, random);
            assertThat(KvStoreContractTest.rows(replica.store, RowKind.SESSION))
                    .isEqualTo(KvStoreContractTest.rows(reference, RowKind.SESSION));
            assertThat(KvStoreContractTest.rows(replica.store, RowKind.META))
                    .isEqualTo(KvStoreContractTest.rows(reference, RowKind.META));
            replica.store.close();
        }
    }

    private static RocksStore openRocks(Path kv) {
        return RocksStore.open(RocksStoreConfig.of(kv));
    }

    /** A log, and what the model says about each entry. */
    private static final class Log {
        private static final String[] KEYS = {
            "a", "b", "c", "k-0000000000000001", "k-0000000000000002", "x".repeat(84), "x".repeat(85), "y".repeat(4096)
        };

        final List<Entry> entries = new ArrayList<>();
        final List<@Nullable Result> results = new ArrayList<>();
        /** Data rows after each entry. */
        final List<TreeMap<String, Row>> rows = new ArrayList<>();

        private final Random random;
        private final StateMachineModel model = new StateMachineModel(LIMITS);
        private final List<Command> sent = new ArrayList<>();

        Log(Random random, Map<Status, Integer> seen) {
            this.random = random;
            long term = 1;
            long logTime = random.nextInt(1000);
            for (long index = 1; index <= ENTRIES; index++) {
                term += random.nextInt(20) == 0 ? 1 : 0;
                logTime += random.nextInt(20) == 0 ? random.nextInt(150) : random.nextInt(10);
                int kind = random.nextInt(20);
                int type = kind == 0
                        ? StateMachine.ENTRY_NOOP
                        : kind == 1 ? StateMachine.ENTRY_CLOCK : StateMachine.ENTRY_COMMAND;
                Command command = type == StateMachine.ENTRY_COMMAND ? nextCommand() : null;
                entries.add(new Entry(index, term, logTime, type, random.nextInt(), command));
                Result result = null;
                if (command == null) {
                    model.tick(logTime);
                } else {
                    result = model.apply(index, logTime, command);
                    seen.merge(result.status(), 1, Integer::sum);
                }
                results.add(result);
                rows.add(new TreeMap<>(model.rows));
            }
        }

        private Command nextCommand() {
            List<Long> ids = model.sessionIds();
            if (ids.isEmpty() || random.nextInt(12) == 0) {
                return new Command(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, "", "");
            }
            if (!sent.isEmpty() && random.nextInt(4) == 0) {
                return repeat(sent.get(random.nextInt(sent.size())));
            }
            long session = random.nextInt(30) == 0 ? 1_000_000 : ids.get(random.nextInt(ids.size()));
            if (random.nextInt(40) == 0) {
                return new Command(session, 1, 1, CommandDescriptor.KIND_CLOSE_SESSION, "", "");
            }
            // Sequences wander upwards with gaps, disorder, and now and then a leap over the window.
            long base = sent.size() / 8 + 1L;
            long lowestOpen = Math.max(1, base - random.nextInt(4));
            long sequence = lowestOpen + random.nextInt(random.nextInt(8) == 0 ? 12 : 8);
            if (random.nextInt(200) == 0) {
                sequence = Long.MAX_VALUE;
            }
            Command command = write(session, sequence, lowestOpen);
            sent.add(command);
            return command;
        }

        private Command repeat(Command first) {
            return switch (random.nextInt(4)) {
                case 0 -> write(first.session(), first.sequence(), first.lowestOpen());
                case 1 -> first.withLowestOpen(Math.min(first.sequence(), first.lowestOpen() + random.nextInt(3)));
                default -> first;
            };
        }

        private Command write(long session, long sequence, long lowestOpen) {
            String key = KEYS[random.nextInt(KEYS.length)];
            return random.nextInt(3) == 0
                    ? new Command(session, sequence, lowestOpen, CommandDescriptor.KIND_DELETE, key, "")
                    : new Command(
                            session,
                            sequence,
                            lowestOpen,
                            CommandDescriptor.KIND_PUT,
                            key,
                            "v".repeat(random.nextInt(50)) + random.nextInt(1000));
        }
    }

    /** One node's store and state machine. */
    private static final class Replica {
        final String name;
        private final int cacheEntries;
        private final UnaryOperator<KvStore> crash;
        KvStore store;
        KvStateMachine machine;

        Replica(String name, int cacheEntries, KvStore store, UnaryOperator<KvStore> crash) {
            this.name = name;
            this.cacheEntries = cacheEntries;
            this.store = store;
            this.crash = crash;
            machine = new KvStateMachine(store, cacheEntries, LIMITS);
        }

        void replay(Log log, Random random) {
            List<Long> expectedSlots = new ArrayList<>();
            List<Long> slots = new ArrayList<>();
            long next = machine.appliedIndex() + 1;
            while (next <= ENTRIES) {
                long end = Math.min(ENTRIES, next + random.nextInt(random.nextInt(4) == 0 ? 60 : 6));
                expectedSlots.clear();
                slots.clear();
                for (; next <= end; next++) {
                    long slot = random.nextInt(5) == 0 ? StateMachine.NOBODY_WAITS : next;
                    apply(log.entries.get((int) next - 1), slot);
                    if (log.results.get((int) next - 1) != null && slot != StateMachine.NOBODY_WAITS) {
                        expectedSlots.add(slot);
                    }
                }
                commit(random, log, slots);
                assertThat(slots).as(name).isEqualTo(expectedSlots);
                assertThat(machine.appliedIndex()).as(name).isEqualTo(end);
                compareRows(log.rows.get((int) end - 1));
                next = restartPerhaps(random) + 1;
            }
        }

        private void apply(Entry entry, long slot) {
            Command command = entry.command();
            // Offsets and kinds of memory vary, as they do between a mapped log and a socket's buffer.
            int offset = (int) (entry.index() % 3) * 5;
            UnsafeBuffer payload = entry.index() % 2 == 0
                    ? new UnsafeBuffer(new byte[8192])
                    : new UnsafeBuffer(ByteBuffer.allocateDirect(8192));
            int length = command == null ? 0 : encode(command, payload, offset);
            if (command != null) {
                assertThat(CommandValidator.check(payload, offset, length)).isEqualTo(Status.OK);
            }
            machine.apply(
                    entry.index(),
                    entry.term(),
                    entry.logTimeMs(),
                    entry.type(),
                    entry.crc(),
                    payload,
                    offset,
                    length,
                    slot);
        }

        private void commit(Random random, Log log, List<Long> slots) {
            long writes = store instanceof MapStore map ? map.writeCount() : 0;
            if (store instanceof MapStore map && random.nextInt(10) == 0) {
                map.failNextWrites(1);
                try {
                    machine.commit((slot, status, revision, result, offset, length) -> {
                        throw new AssertionError("result of a batch that was not written");
                    });
                    throw new AssertionError("the write should have failed");
                } catch (KvStoreException e) {
                    assertThat(e.isNoSpace()).isTrue();
                }
            }
            machine.commit((slot, status, revision, result, offset, length) -> {
                assertThat(new Result(status, revision))
                        .as("%s index %d %s", name, slot, log.entries.get((int) slot - 1))
                        .isEqualTo(log.results.get((int) slot - 1));
                slots.add(slot);
            });
            if (store instanceof MapStore map) {
                assertThat(map.writeCount()).as("one commit, one atomic write").isEqualTo(writes + 1);
            }
        }

        private void compareRows(Map<String, Row> expected) {
            TreeMap<String, Row> found = new TreeMap<>();
            store.scan(RowKind.DATA, (key, keyOffset, keyLength, value, at, valueLength) -> {
                assertThat(value.getLong(at + ValueDescriptor.LEASE_OFFSET)).isZero();
                found.put(
                        KvStoreContractTest.text(key, keyOffset, keyLength),
                        new Row(
                                value.getLong(at + ValueDescriptor.CREATE_REVISION_OFFSET, LITTLE_ENDIAN),
                                value.getLong(at + ValueDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN),
                                value.getLong(at + ValueDescriptor.VERSION_OFFSET, LITTLE_ENDIAN),
                                KvStoreContractTest.text(
                                        value,
                                        at + ValueDescriptor.HEADER_LENGTH,
                                        valueLength - ValueDescriptor.HEADER_LENGTH)));
            });
            assertThat(found).as("%s applied %d", name, machine.appliedIndex()).isEqualTo(expected);
        }

        /** Flush, clean reload, or crash, now and then. Returns the applied index to go on from. */
        private long restartPerhaps(Random random) {
            switch (random.nextInt(8)) {
                case 0 -> store.flush();
                case 1 -> reload();
                case 2 -> {
                    if (random.nextInt(4) == 0) {
                        long flushed = store.flushedAppliedIndex();
                        store = crash.apply(store);
                        reload();
                        assertThat(machine.appliedIndex()).as(name).isGreaterThanOrEqualTo(flushed);
                    }
                }
                default -> {}
            }
            return machine.appliedIndex();
        }

        private void reload() {
            long digest = machine.digest();
            long applied = machine.appliedIndex();
            int sessions = machine.sessionCount();
            machine = new KvStateMachine(store, cacheEntries, LIMITS);
            if (machine.appliedIndex() == applied) {
                assertThat(machine.digest()).isEqualTo(digest);
                assertThat(machine.sessionCount()).isEqualTo(sessions);
            }
        }
    }

    private static int encode(Command command, MutableDirectBuffer into, int offset) {
        byte[] key = command.key().getBytes(StandardCharsets.ISO_8859_1);
        byte[] value = command.value().getBytes(StandardCharsets.ISO_8859_1);
        into.putLong(offset + CommandDescriptor.SESSION_ID_OFFSET, command.session(), LITTLE_ENDIAN);
        into.putLong(offset + CommandDescriptor.SEQUENCE_OFFSET, command.sequence(), LITTLE_ENDIAN);
        into.putLong(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, command.lowestOpen(), LITTLE_ENDIAN);
        into.putByte(offset + CommandDescriptor.KIND_OFFSET, (byte) command.kind());
        into.putByte(offset + CommandDescriptor.FLAGS_OFFSET, (byte) 0);
        into.putShort(
                offset + CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) CommandDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, key.length, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, value.length, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET + 4, 0, LITTLE_ENDIAN);
        into.putBytes(offset + CommandDescriptor.BLOCK_LENGTH, key);
        into.putBytes(offset + CommandDescriptor.BLOCK_LENGTH + key.length, value);
        return CommandDescriptor.BLOCK_LENGTH + key.length + value.length;
    }
}
