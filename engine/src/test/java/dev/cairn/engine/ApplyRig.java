package dev.cairn.engine;

import dev.cairn.protocol.CommandDescriptor;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;

/** Applies puts of 16-byte keys and 256-byte values to a real store, as a leader's apply thread would see them from one client. */
final class ApplyRig implements AutoCloseable {
    private static final int KEY_BYTES = 16;
    private static final int VALUE_BYTES = 256;

    final KvStore store;
    final KvStateMachine machine;
    long results;

    private final ResultSink sink = (slot, status, revision, result, offset, length) -> results++;
    private final UnsafeBuffer command = new UnsafeBuffer(ByteBuffer.allocateDirect(512));
    private final int keys;
    private final int outstanding;
    private final Random random = new Random(1);
    private long session;
    private long index;
    private long sequence;

    ApplyRig(Path directory, int keys, int cacheEntries, int outstanding) {
        store = new WriteBackStore(RocksStore.open(RocksStoreConfig.of(directory)), WriteBackStore.DEFAULT_TABLE_BYTES);
        machine = new KvStateMachine(store, cacheEntries, SessionLimits.REPLICATED);
        this.keys = keys;
        this.outstanding = outstanding;
        openSession();
    }

    private void openSession() {
        int length = TestCommands.block(command, 0, 0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, 0, 0);
        session = ++index;
        machine.apply(index, 1, index, StateMachine.ENTRY_COMMAND, 1, command, 0, length, 0);
        machine.commit(sink);
    }

    /** Writes every key once. */
    void fill() {
        for (int key = 0; key < keys; key++) {
            put(key);
            if (key % 256 == 255) {
                machine.commit(sink);
            }
        }
        machine.commit(sink);
    }

    void batch(int puts) {
        for (int i = 0; i < puts; i++) {
            put(random.nextInt(keys));
        }
        machine.commit(sink);
    }

    private void put(int key) {
        sequence++;
        long lowestOpen = Math.max(1, sequence - outstanding + 1);
        int length = TestCommands.block(
                command, 0, session, sequence, lowestOpen, CommandDescriptor.KIND_PUT, KEY_BYTES, VALUE_BYTES);
        command.putLong(CommandDescriptor.BLOCK_LENGTH, 0x6B65792D6B65792DL);
        command.putLong(CommandDescriptor.BLOCK_LENGTH + 8, Mix.mix(key));
        command.putLong(CommandDescriptor.BLOCK_LENGTH + KEY_BYTES, sequence);
        index++;
        machine.apply(index, 1, index / 10, StateMachine.ENTRY_COMMAND, (int) index, command, 0, length, sequence);
    }

    @Override
    public void close() {
        store.close();
    }
}
