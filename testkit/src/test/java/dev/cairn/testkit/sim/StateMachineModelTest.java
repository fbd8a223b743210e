package dev.cairn.testkit.sim;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
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
import dev.cairn.engine.WriteBackStore;
import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.testkit.Seeds;
import dev.cairn.testkit.sim.StateMachineModel.Command;
import dev.cairn.testkit.sim.StateMachineModel.Result;
import dev.cairn.testkit.sim.StateMachineModel.Row;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random logs of every kind of command (several sessions, named ones too, repeats, wrong repeats, gaps, sequences outside the window,
 * resolves, evictions, expiry, full sessions) applied by replicas that differ in all that must not matter: batch edges, header cache, restarts
 * at batch edges, crashes that lose unflushed batches, checkpoints that another store goes on from, and old ones that one goes back to.
 * Results, rows, digest, sessions and the time of the next expiry must be the model's at every batch edge, and at the end the replicas'
 * stores must be equal, session rows included.
 */
final class StateMachineModelTest {
    /** Small enough for a random log to meet each of them often. */
    private static final SessionLimits LIMITS = new SessionLimits(8, 4, 100, 400, 70, 150);

    private static final int MEMORY_SEEDS = 500;
    private static final int ROCKS_SEEDS = 50;
    private static final int ENTRIES = 300;

    @TempDir
    Path directory;

    private record Entry(
            long index,
            long term,
            long logTimeMs,
            int type,
            int crc,
            @Nullable Command command) {}

    /** What the model says after an entry. */
    private record Expected(
            @Nullable Result result, TreeMap<String, Row> rows, long digest, int sessions, long nextExpiry) {}

    @Test
    @Covers({"K06", "R30", "T07", "W11", "W15", "X02"})
    void replicasInMemoryAgreeWithTheModel() {
        long seed = Seeds.choose();
        Map<Status, Integer> seen = new EnumMap<>(Status.class);
        for (int run = 0; run < MEMORY_SEEDS; run++) {
            Random random = new Random(seed + run);
            Log log = new Log(random, seen);
            String name = "seed " + (seed + run);
            List<Replica> replicas = new ArrayList<>();
            for (int cacheEntries : new int[] {1024, 0, 4}) {
                replicas.add(inMemory(name + " cache " + cacheEntries, cacheEntries, 8, random));
            }
            replicas.add(inMemory(name + " restart at every edge", 16, 1, random));
            for (Replica replica : replicas) {
                replica.replay(log);
                assertThat(((MapStore) replica.store).contentHash())
                        .as(replica.name)
                        .isEqualTo(((MapStore) replicas.get(0).store).contentHash());
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
                        Status.SEQUENCE_OUT_OF_WINDOW,
                        Status.CONDITION_FAILED,
                        Status.NOT_A_NUMBER,
                        Status.NUMBER_OVERFLOW,
                        Status.CANCELLED,
                        Status.SESSION_FULL,
                        Status.NOT_EXECUTED);
        assertThat(seen.values()).as("%s", seen).allMatch(count -> count > 100);
    }

    @Test
    @Covers({"K06", "R30", "T07", "W11", "X02"})
    void replicasOnRocksDbAgreeWithTheModel() {
        replicasAgreeWithTheModel(StateMachineModelTest::openRocks);
    }

    /** With the smallest tables, so that they are full every few rows; some rows are too long for them. */
    @Test
    @Covers({"K06", "R30", "T07", "W11", "X02"})
    void replicasThatWriteBackAgreeWithTheModel() {
        replicasAgreeWithTheModel(kv -> new WriteBackStore(openRocks(kv), 4096));
    }

    private void replicasAgreeWithTheModel(Function<Path, KvStore> opener) {
        long seed = Seeds.choose();
        for (int run = 0; run < ROCKS_SEEDS; run++) {
            Random random = new Random(seed + run);
            Log log = new Log(random, new EnumMap<>(Status.class));
            String name = "seed " + (seed + run);
            Path[] kv = {directory.resolve("kv" + run)};
            Replica replica = new Replica(
                    name,
                    16,
                    8,
                    random,
                    opener.apply(kv[0]),
                    store -> {
                        store.closeWithoutFlush();
                        return opener.apply(kv[0]);
                    },
                    checkpoint -> {
                        kv[0] = checkpoint;
                        return opener.apply(checkpoint);
                    },
                    directory.resolve("checkpoint" + run));
            replica.replay(log);
            Replica inMemory = inMemory(name, 0, 8, random);
            inMemory.replay(log);
            for (byte kind : new byte[] {RowKind.DATA, RowKind.SESSION, RowKind.META}) {
                assertThat(KvStoreContractTest.rows(replica.store, kind))
                        .as(name)
                        .isEqualTo(KvStoreContractTest.rows(inMemory.store, kind));
            }
            replica.store.closeWithoutFlush();
        }
    }

    private Replica inMemory(String name, int cacheEntries, int restartOneIn, Random random) {
        return new Replica(
                name,
                cacheEntries,
                restartOneIn,
                random,
                new MapStore(),
                store -> {
                    ((MapStore) store).crash();
                    return store;
                },
                MapStore::openCheckpoint,
                directory.resolve("checkpoint of " + name));
    }

    private static RocksStore openRocks(Path kv) {
        return RocksStore.open(new RocksStoreConfig(kv, 1 << 20, 1 << 20, 1));
    }

    /** A log, and what the model says about each entry. */
    private static final class Log {
        private static final String[] KEYS = {
            "a", "b", "bb", "c", "n", "\u00ff", "k-0000000000000001", "x".repeat(80), "x".repeat(81), "y".repeat(4096)
        };
        private static final String[] NAMES = {"alpha", "beta", "g"};

        final List<Entry> entries = new ArrayList<>();
        final List<Expected> expected = new ArrayList<>();

        private final Random random;
        private final StateMachineModel model = new StateMachineModel(LIMITS);
        private final List<Command> sent = new ArrayList<>();
        /** (session, sequence), to prefer new ones. */
        private final Set<List<Long>> used = new HashSet<>();

        Log(Random random, Map<Status, Integer> seen) {
            this.random = random;
            long term = 1;
            long logTime = random.nextInt(1000);
            for (long index = 1; index <= ENTRIES; index++) {
                term += random.nextInt(20) == 0 ? 1 : 0;
                logTime += random.nextInt(20) == 0 ? random.nextInt(150) : random.nextInt(10);
                logTime += random.nextInt(100) == 0 ? 500 : 0;
                int type = type(random.nextInt(30));
                int crc = random.nextInt();
                // A leader that was behind when it took over: time stands still until it has caught up.
                long entryTime = random.nextInt(20) == 0 ? logTime - random.nextInt(200) : logTime;
                model.tick(index, term, entryTime, crc);
                Command command = type == StateMachine.ENTRY_COMMAND ? nextCommand() : null;
                Result result = null;
                if (command != null) {
                    result = model.apply(index, command);
                    seen.merge(result.status(), 1, Integer::sum);
                }
                entries.add(new Entry(index, term, entryTime, type, crc, command));
                expected.add(new Expected(
                        result, new TreeMap<>(model.rows), model.digest(), model.sessionCount(), model.nextExpiry()));
            }
        }

        private static int type(int number) {
            return switch (number) {
                case 0 -> StateMachine.ENTRY_NOOP;
                case 1 -> StateMachine.ENTRY_CLOCK;
                case 2 -> StateMachine.ENTRY_CONFIG;
                default -> StateMachine.ENTRY_COMMAND;
            };
        }

        private Command nextCommand() {
            List<Long> ids = model.sessionIds();
            if (ids.isEmpty() || random.nextInt(14) == 0) {
                String name = random.nextBoolean() ? "" : NAMES[random.nextInt(NAMES.length)];
                return Command.plain(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, name, "");
            }
            if (!sent.isEmpty() && random.nextInt(4) == 0) {
                // Mostly a recent one: the others are settled.
                int back = Math.min(sent.size(), 1 + random.nextInt(random.nextInt(3) == 0 ? sent.size() : 12));
                return repeat(sent.get(sent.size() - back));
            }
            long session = random.nextInt(30) == 0 ? 1_000_000 : ids.get(random.nextInt(ids.size()));
            if (random.nextInt(60) == 0) {
                return Command.plain(session, 1, 1, CommandDescriptor.KIND_CLOSE_SESSION, "", "");
            }
            // Sequences wander upwards with gaps, disorder, and now and then a leap over the window.
            long base = sent.size() / 8 + 1L;
            long lowestOpen = Math.max(1, base - random.nextInt(4));
            long sequence = lowestOpen + random.nextInt(random.nextInt(8) == 0 ? 12 : 8);
            for (int tries = 0; tries < 4 && !used.add(List.of(session, sequence)); tries++) {
                sequence = lowestOpen + random.nextInt(8);
            }
            if (random.nextInt(200) == 0) {
                sequence = Long.MAX_VALUE;
            }
            Command command = random.nextInt(12) == 0
                    ? resolve(session, sequence, lowestOpen)
                    : write().at(session, sequence, lowestOpen);
            sent.add(command);
            return command;
        }

        private Command repeat(Command first) {
            return switch (random.nextInt(6)) {
                case 0 -> write().at(first.session(), first.sequence(), first.lowestOpen());
                case 1 ->
                    first.at(
                            first.session(),
                            first.sequence(),
                            Math.min(first.sequence(), first.lowestOpen() + random.nextInt(3)));
                case 2 -> resolve(first.session(), first.sequence(), first.lowestOpen());
                default -> first;
            };
        }

        private static Command resolve(long session, long sequence, long lowestOpen) {
            return Command.plain(session, sequence, lowestOpen, CommandDescriptor.KIND_RESOLVE, "", "");
        }

        private Command write() {
            return switch (random.nextInt(12)) {
                case 0, 1 -> {
                    String difference = random.nextInt(5) == 0
                            ? Long.toString(random.nextBoolean() ? Long.MAX_VALUE : Long.MIN_VALUE)
                            : Integer.toString(random.nextInt(20) - 10);
                    yield Command.plain(0, 0, 0, CommandDescriptor.KIND_ADD, counterOrKey(), difference);
                }
                case 2 -> batch();
                case 3 -> range();
                case 4, 5, 6 -> conditional(CommandDescriptor.KIND_DELETE);
                default -> conditional(CommandDescriptor.KIND_PUT);
            };
        }

        private String key() {
            return KEYS[random.nextInt(KEYS.length)];
        }

        private String counterOrKey() {
            return random.nextInt(3) == 0 ? key() : "n";
        }

        private String value() {
            return random.nextInt(4) == 0
                    ? Long.toString(random.nextInt(5) == 0 ? random.nextLong() : random.nextInt(2000) - 1000)
                    : "v".repeat(random.nextInt(50)) + random.nextInt(1000);
        }

        private Command conditional(int kind) {
            String key = counterOrKey();
            Row there = model.rows.get(key);
            int flags = random.nextInt(3) == 0 ? CommandDescriptor.FLAG_WANT_PREVIOUS : 0;
            long expectedRevision = 0;
            String expected = "";
            switch (random.nextInt(4)) {
                case 0 -> {
                    flags |= CommandDescriptor.FLAG_IF_REVISION;
                    expectedRevision = there == null || random.nextInt(3) == 0 ? random.nextInt(3) : there.modified();
                }
                case 1 -> {
                    flags |= CommandDescriptor.FLAG_IF_VALUE;
                    expected = there == null || random.nextInt(3) == 0 ? value() : there.value();
                }
                default -> {}
            }
            String value = kind == CommandDescriptor.KIND_PUT ? value() : "";
            return new Command(
                    0, 0, 0, kind, flags, key, expectedRevision, expected, value, StateMachineModel.noItems());
        }

        private Command batch() {
            List<String> keys = new ArrayList<>(List.of(KEYS));
            Collections.shuffle(keys, random);
            Map<String, @Nullable String> items = StateMachineModel.noItems();
            for (String key : keys.subList(0, 1 + random.nextInt(5))) {
                items.put(key, random.nextInt(3) == 0 ? null : value());
            }
            return new Command(0, 0, 0, CommandDescriptor.KIND_PUT_BATCH, 0, "", 0, "", "", items);
        }

        private Command range() {
            String from = random.nextInt(8) == 0 ? "" : key();
            String to = random.nextInt(8) == 0 ? "" : key();
            if (!to.isEmpty() && from.compareTo(to) >= 0) {
                String swapped = from;
                from = to;
                to = swapped.equals(to) ? "" : swapped;
            }
            return Command.plain(0, 0, 0, CommandDescriptor.KIND_DELETE_RANGE, from, to);
        }
    }

    /** One node's store and state machine. */
    private static final class Replica {
        final String name;
        private final int cacheEntries;
        private final int restartOneIn;
        private final Random random;
        private final UnaryOperator<KvStore> crash;
        private final Function<Path, KvStore> openCheckpoint;
        private final Path checkpoints;
        private final UnsafeBuffer heap = new UnsafeBuffer(new byte[32 << 10]);
        private final UnsafeBuffer direct = new UnsafeBuffer(ByteBuffer.allocateDirect(32 << 10));
        KvStore store;
        private KvStateMachine machine;
        private int checkpointCount;
        private @Nullable Path oldCheckpoint;

        Replica(
                String name,
                int cacheEntries,
                int restartOneIn,
                Random random,
                KvStore store,
                UnaryOperator<KvStore> crash,
                Function<Path, KvStore> openCheckpoint,
                Path checkpoints) {
            this.name = name;
            this.cacheEntries = cacheEntries;
            this.restartOneIn = restartOneIn;
            this.random = random;
            this.store = store;
            this.crash = crash;
            this.openCheckpoint = openCheckpoint;
            this.checkpoints = checkpoints;
            machine = new KvStateMachine(store, cacheEntries, LIMITS);
        }

        void replay(Log log) {
            List<Long> expectedSlots = new ArrayList<>();
            List<Long> slots = new ArrayList<>();
            long next = machine.appliedIndex() + 1;
            while (next <= ENTRIES) {
                long end = Math.min(ENTRIES, next + random.nextInt(random.nextInt(4) == 0 ? 60 : 6));
                expectedSlots.clear();
                slots.clear();
                for (; next <= end; next++) {
                    long slot = random.nextInt(5) == 0 ? StateMachine.NOBODY_WAITS : next;
                    Result result = log.expected.get((int) next - 1).result();
                    int resultBytes = apply(log.entries.get((int) next - 1), slot);
                    if (result != null && slot != StateMachine.NOBODY_WAITS) {
                        expectedSlots.add(slot);
                        assertThat(resultBytes)
                                .as("%s index %d", name, next)
                                .isEqualTo(result.bytes().length());
                    }
                }
                commit(log, slots);
                assertThat(slots).as(name).isEqualTo(expectedSlots);
                compare(log.expected.get((int) end - 1), end);
                restartPerhaps();
                next = machine.appliedIndex() + 1;
                if (next > 1) {
                    compare(log.expected.get((int) next - 2), next - 1);
                }
            }
        }

        private int apply(Entry entry, long slot) {
            Command command = entry.command();
            // Offsets and kinds of memory vary, as they do between a mapped log and a socket's buffer.
            int offset = (int) (entry.index() % 3) * 5;
            UnsafeBuffer payload = entry.index() % 2 == 0 ? heap : direct;
            int length = 0;
            if (entry.type() == StateMachine.ENTRY_CONFIG) {
                length = payload.putStringWithoutLengthAscii(offset, "configuration " + entry.index());
            }
            if (command != null) {
                length = encode(command, payload, offset);
                assertThat(CommandValidator.check(payload, offset, length))
                        .as("%s", command)
                        .isEqualTo(Status.OK);
            }
            return machine.apply(
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

        private void commit(Log log, List<Long> slots) {
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
                assertThat(new Result(status, revision, KvStoreContractTest.text(result, offset, length)))
                        .as("%s index %d %s", name, slot, log.entries.get((int) slot - 1))
                        .isEqualTo(log.expected.get((int) slot - 1).result());
                slots.add(slot);
            });
            if (store instanceof MapStore map) {
                assertThat(map.writeCount()).as("one commit, one atomic write").isEqualTo(writes + 1);
            }
        }

        private void compare(Expected expected, long applied) {
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
            assertThat(found).as("%s applied %d", name, applied).isEqualTo(expected.rows());
            assertThat(machine.appliedIndex()).as(name).isEqualTo(applied);
            assertThat(machine.digest()).as("%s digest at %d", name, applied).isEqualTo(expected.digest());
            assertThat(machine.sessionCount())
                    .as("%s sessions at %d", name, applied)
                    .isEqualTo(expected.sessions());
            assertThat(machine.nextExpiryLogTimeMs())
                    .as("%s next expiry at %d", name, applied)
                    .isEqualTo(expected.nextExpiry());
        }

        /** At an edge, now and then: flush, clean reload, crash, move to a checkpoint, or back to an old one. */
        private void restartPerhaps() {
            if (random.nextInt(4) == 0) {
                store.flush();
            }
            if (random.nextInt(restartOneIn) != 0) {
                return;
            }
            switch (random.nextInt(16)) {
                case 0, 1, 2, 3 -> {
                    long flushed = store.flushedAppliedIndex();
                    store = crash.apply(store);
                    assertThat(store.flushedAppliedIndex()).as(name).isEqualTo(flushed);
                }
                case 4 -> goOnFrom(checkpoint());
                case 5 -> {
                    if (oldCheckpoint == null) {
                        oldCheckpoint = checkpoint();
                    } else {
                        goOnFrom(oldCheckpoint);
                        oldCheckpoint = null;
                    }
                }
                default -> {}
            }
            machine = new KvStateMachine(store, cacheEntries, LIMITS);
        }

        private Path checkpoint() {
            Path path = checkpoints.resolveSibling(checkpoints.getFileName() + "-" + checkpointCount++);
            store.checkpoint(path);
            return path;
        }

        private void goOnFrom(Path checkpoint) {
            if (store instanceof RocksStore rocks) {
                rocks.closeWithoutFlush();
            }
            store = openCheckpoint.apply(checkpoint);
        }
    }

    private static int encode(Command command, MutableDirectBuffer into, int offset) {
        byte[] key = command.key().getBytes(ISO_8859_1);
        byte[] expected = command.expected().getBytes(ISO_8859_1);
        byte[] value = value(command).getBytes(ISO_8859_1);
        boolean ifRevision = command.has(CommandDescriptor.FLAG_IF_REVISION);
        int block = ifRevision ? CommandDescriptor.BLOCK_LENGTH_IF_REVISION : CommandDescriptor.BLOCK_LENGTH;
        into.putLong(offset + CommandDescriptor.SESSION_ID_OFFSET, command.session(), LITTLE_ENDIAN);
        into.putLong(offset + CommandDescriptor.SEQUENCE_OFFSET, command.sequence(), LITTLE_ENDIAN);
        into.putLong(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, command.lowestOpen(), LITTLE_ENDIAN);
        into.putByte(offset + CommandDescriptor.KIND_OFFSET, (byte) command.kind());
        into.putByte(offset + CommandDescriptor.FLAGS_OFFSET, (byte) command.flags());
        into.putShort(offset + CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) block, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, key.length, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, value.length, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.EXPECTED_LENGTH_OFFSET, expected.length, LITTLE_ENDIAN);
        if (ifRevision) {
            into.putLong(
                    offset + CommandDescriptor.EXPECTED_REVISION_OFFSET, command.expectedRevision(), LITTLE_ENDIAN);
        }
        into.putBytes(offset + block, key);
        into.putBytes(offset + block + key.length, expected);
        into.putBytes(offset + block + key.length + expected.length, value);
        return block + key.length + expected.length + value.length;
    }

    private static String value(Command command) {
        if (command.kind() == CommandDescriptor.KIND_ADD) {
            return StateMachineModel.longs(Long.parseLong(command.value()));
        }
        StringBuilder value = new StringBuilder(command.value());
        command.items().forEach((key, item) -> {
            ByteBuffer lengths = ByteBuffer.allocate(8).order(LITTLE_ENDIAN);
            lengths.putInt(key.length()).putInt(item == null ? BatchItemDescriptor.DELETE : item.length());
            value.append(new String(lengths.array(), ISO_8859_1)).append(key).append(item == null ? "" : item);
        });
        return value.toString();
    }
}
