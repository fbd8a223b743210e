package dev.cairn.wal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;

/** Another directory with one fault: some operation of one kind fails once, and what is done afterwards is counted. */
final class FaultyDirectory implements SegmentDirectory {
    enum Operation {
        CREATE,
        WRITE,
        FORCE,
        APPEND,
        FLUSH,
        RENAME,
        DELETE,
        FORCE_DIRECTORY
    }

    private final SegmentDirectory inner;
    private final List<Operation> afterFault = new ArrayList<>();
    private @Nullable Operation faulty;
    private int passes;
    private Supplier<? extends Throwable> fault = () -> new WalException("injected");
    private boolean failed;
    private final List<String> partialWrites = new ArrayList<>();

    FaultyDirectory(SegmentDirectory inner) {
        this.inner = inner;
    }

    /** The operation of this kind behind so many others fails, before it has done anything. */
    void failAfter(int successes, Operation operation, Supplier<? extends Throwable> thrown) {
        faulty = operation;
        passes = successes;
        fault = thrown;
    }

    boolean hasFailed() {
        return failed;
    }

    /** What was done behind the fault. */
    List<Operation> afterFault() {
        return afterFault;
    }

    /** Writes that did not consist of whole blocks, as file, offset and bytes; appends are none. */
    List<String> partialWrites() {
        return partialWrites;
    }

    private void before(Operation operation) {
        if (failed) {
            afterFault.add(operation);
        } else if (operation == faulty && passes-- == 0) {
            failed = true;
            FaultyDirectory.<RuntimeException>sneak(fault.get());
        }
    }

    @SuppressWarnings("unchecked") // an Error or a RuntimeException: the compiler need not know which
    private static <T extends Throwable> void sneak(Throwable thrown) throws T {
        throw (T) thrown;
    }

    @Override
    public long freeBytes() {
        return inner.freeBytes();
    }

    @Override
    public String writer() {
        return inner.writer();
    }

    @Override
    public List<String> list() {
        return inner.list();
    }

    @Override
    public SegmentFile create(String name, int length) {
        before(Operation.CREATE);
        return new File(name, inner.create(name, length));
    }

    @Override
    public SegmentFile open(String name) {
        return new File(name, inner.open(name));
    }

    @Override
    public void rename(String from, String to) {
        before(Operation.RENAME);
        inner.rename(from, to);
    }

    @Override
    public void delete(String name) {
        before(Operation.DELETE);
        inner.delete(name);
    }

    @Override
    public void force() {
        before(Operation.FORCE_DIRECTORY);
        inner.force();
    }

    private final class File implements SegmentFile {
        private final String name;
        private final SegmentFile file;

        File(String name, SegmentFile file) {
            this.name = name;
            this.file = file;
        }

        @Override
        public int length() {
            return file.length();
        }

        @Override
        public int read(int offset, ByteBuffer destination) {
            return file.read(offset, destination);
        }

        @Override
        public void write(int offset, ByteBuffer source) {
            before(Operation.WRITE);
            if ((offset | source.remaining()) % RecordDescriptor.BLOCK_BYTES != 0) {
                partialWrites.add(name + " offset=" + offset + " bytes=" + source.remaining());
            }
            file.write(offset, source);
        }

        @Override
        public void zeroFill(int offset, int length) {
            before(Operation.WRITE);
            file.zeroFill(offset, length);
        }

        @Override
        public void force() {
            before(Operation.FORCE);
            file.force();
        }

        @Override
        public void startAppending() {
            file.startAppending();
        }

        @Override
        public void append(int offset, DirectBuffer source, int sourceOffset, int length) {
            before(Operation.APPEND);
            file.append(offset, source, sourceOffset, length);
        }

        @Override
        public void flush() {
            before(Operation.FLUSH);
            file.flush();
        }

        @Override
        public DirectBuffer view() {
            return file.view();
        }

        @Override
        public void stopAppending() {
            file.stopAppending();
        }

        @Override
        public void close() {
            file.close();
        }
    }
}
