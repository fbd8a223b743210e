package dev.cairn.wal.simulated;

import dev.cairn.wal.NoSpaceException;
import dev.cairn.wal.SegmentDirectory;
import dev.cairn.wal.SegmentFile;
import dev.cairn.wal.WalException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A directory whose disk keeps only what was forced. Two views are kept apart: what a running system sees (the cache), and
 * what a power cut leaves. {@link #crashHost} turns the first into one of the possible seconds; {@link #crashProcess} keeps
 * the cache. Both void all open files: whoever still uses one gets an {@link IllegalStateException}.
 *
 * <p>Between a write and its force each 512-byte sector reaches the disk or not by itself, whole; so does each creation,
 * rename and deletion, where the ones before it allow it. A sector that was never forced may hold the past of some other
 * file. A failed force writes some of its sectors and loses the others: those stay readable, and a later force does not
 * write them.
 *
 * <p>Deterministic: all chance comes from the generators passed in. One thread.
 */
public final class SimulatedDirectory implements SegmentDirectory {
    /** A name operation that is not durable yet. {@code to} is empty for creations and deletions. */
    private record NameOperation(Kind kind, String name, String to, SimulatedFile file) {
        enum Kind {
            CREATE,
            RENAME,
            DELETE
        }
    }

    private static final int COIN_SIDES = 4;

    private Map<String, SimulatedFile> cached = new TreeMap<>();
    private Map<String, SimulatedFile> durable = new TreeMap<>();
    private final List<NameOperation> pending = new ArrayList<>();
    private int life;
    private long freeBytes = Long.MAX_VALUE;
    private long forces;
    private long directoryForces;
    private int forcesUntilFailure = -1;
    private @Nullable RandomGenerator failureRandom;
    private @Nullable Recording recording;

    // ---- what a test or a simulator does to it

    /** Power cut: unforced sectors and name operations are each lost or kept. */
    public void crashHost(RandomGenerator random) {
        Map<String, SimulatedFile> left = new TreeMap<>(durable);
        for (NameOperation operation : pending) {
            if (random.nextBoolean()) {
                apply(operation, left);
            }
        }
        pending.clear();
        cached = left;
        durable = new TreeMap<>(left);
        // How much of the cache went to disk differs from crash to crash: none, some, nearly all.
        int keptOf = random.nextInt(COIN_SIDES + 1);
        for (SimulatedFile file : distinct(left.values())) {
            file.crashHost(random, keptOf, COIN_SIDES);
        }
        endLife();
    }

    /** Kill -9: the cache stays, and is still not durable. */
    public void crashProcess() {
        endLife();
    }

    /**
     * From now on each sector keeps what every store left in it until it is forced, appends are stored piece by piece, and
     * {@code points} is told of every change: {@link #afterCrash} then makes states of any moment.
     */
    public void record(RandomGenerator random, CrashPoints points) {
        Recording started = new Recording(random, points);
        recording = started;
        cached.values().forEach(file -> file.record(started));
    }

    /**
     * A directory as a crash at this moment may leave it; this one goes on as if nothing had happened. Each name operation
     * that was not forced is lost or kept, where the ones before it allow it.
     */
    public SimulatedDirectory afterCrash(CrashKind kind, RandomGenerator random) {
        SimulatedDirectory left = new SimulatedDirectory();
        Map<SimulatedFile, SimulatedFile> files = new HashMap<>();
        if (kind == CrashKind.PROCESS) {
            cached.forEach((name, file) -> left.cached.put(name, copied(file, files)));
            durable.forEach((name, file) -> left.durable.put(name, copied(file, files)));
            pending.forEach(o -> left.pending.add(new NameOperation(o.kind, o.name, o.to, copied(o.file, files))));
            return left;
        }
        Map<String, SimulatedFile> names = new TreeMap<>(durable);
        int namesOf = random.nextInt(COIN_SIDES + 1);
        for (NameOperation operation : pending) {
            if (random.nextInt(COIN_SIDES) < namesOf) {
                apply(operation, names);
            }
        }
        int keptOf = random.nextInt(COIN_SIDES + 1);
        names.forEach((name, file) -> left.cached.put(
                name, files.computeIfAbsent(file, f -> f.afterPowerCut(kind, random, keptOf, COIN_SIDES))));
        left.durable = new TreeMap<>(left.cached);
        return left;
    }

    private static SimulatedFile copied(SimulatedFile file, Map<SimulatedFile, SimulatedFile> files) {
        return files.computeIfAbsent(file, SimulatedFile::copyAsIs);
    }

    private void endLife() {
        life++;
        forcesUntilFailure = -1;
    }

    /** The system writes back some unforced sectors by itself, as it may at any time. */
    public void writeBack(RandomGenerator random) {
        int keptOf = random.nextInt(COIN_SIDES + 1);
        for (SimulatedFile file : distinct(cached.values())) {
            file.writeBack(random, keptOf, COIN_SIDES);
        }
    }

    /**
     * The given number of forces (of files or of the directory) succeed, then one fails and writes nothing; 0 = the next one.
     * Ends with a crash.
     */
    public void failForceAfter(int successes) {
        forcesUntilFailure = successes;
        failureRandom = null;
    }

    /** As {@link #failForceAfter(int)}, but the failing force writes some of its sectors. */
    public void failForceAfter(int successes, RandomGenerator random) {
        forcesUntilFailure = successes;
        failureRandom = random;
    }

    /** Room for further growth of files, in bytes; deleting gives back. Unlimited at first. */
    public void freeBytes(long bytes) {
        freeBytes = bytes;
    }

    /** Forces of files so far, the failed one included. */
    public long forces() {
        return forces;
    }

    /** Forces of the directory so far, the failed one included. */
    public long directoryForces() {
        return directoryForces;
    }

    /** A copy of the cached bytes of a file. */
    public byte[] bytes(String name) {
        return file(name).copy();
    }

    /** Rot, or a test's arrangement: changes cache and disk alike, forced at once. */
    public void overwrite(String name, int offset, byte[] bytes) {
        file(name).overwrite(offset, bytes);
    }

    /** Rot: the file ends here, on disk too. */
    public void truncate(String name, int length) {
        file(name).truncate(length);
    }

    /** Whether anything is cached that a power cut could take. */
    public boolean hasUnforced() {
        return !pending.isEmpty() || distinct(cached.values()).stream().anyMatch(SimulatedFile::hasUnforced);
    }

    /** Whether no power cut can take the file, be it under another name, nor any of its bytes below {@code end}. */
    public boolean isForced(String name, int end) {
        SimulatedFile file = file(name);
        return durable.containsValue(file) && file.isForced(end);
    }

    /** An independent directory with the same files, all of it forced: to try many things on one state. */
    public SimulatedDirectory copyForced() {
        SimulatedDirectory copy = new SimulatedDirectory();
        cached.forEach((name, file) -> {
            SimulatedFile copied = file.copyForced();
            copy.cached.put(name, copied);
            copy.durable.put(name, copied);
        });
        return copy;
    }

    // ---- the port

    @Override
    public long freeBytes() {
        return freeBytes;
    }

    @Override
    public String writer() {
        return "simulated";
    }

    @Override
    public List<String> list() {
        return List.copyOf(cached.keySet());
    }

    @Override
    public SegmentFile create(String name, int length) {
        if (cached.containsKey(name)) {
            throw new WalException("cannot create: file=" + name + " exists");
        }
        if (freeBytes <= 0) {
            throw new NoSpaceException("cannot create: file=" + name + " free=" + freeBytes, null);
        }
        SimulatedFile file = new SimulatedFile();
        Recording with = recording;
        if (with != null) {
            file.record(with);
        }
        perform(new NameOperation(NameOperation.Kind.CREATE, name, "", file));
        return new SimulatedSegmentFile(this, file, name, length, life);
    }

    @Override
    public SegmentFile open(String name) {
        SimulatedFile file = file(name);
        return new SimulatedSegmentFile(this, file, name, file.length(), life);
    }

    @Override
    public void rename(String from, String to) {
        if (cached.containsKey(to)) {
            throw new WalException("cannot rename: file=" + from + " to=" + to + " exists");
        }
        perform(new NameOperation(NameOperation.Kind.RENAME, from, to, file(from)));
    }

    @Override
    public void delete(String name) {
        SimulatedFile file = file(name);
        perform(new NameOperation(NameOperation.Kind.DELETE, name, "", file));
        release(file.length());
    }

    @Override
    public void force() {
        directoryForces++;
        failIfDue("directory");
        durable = new TreeMap<>(cached);
        pending.clear();
        afterChange();
    }

    private void perform(NameOperation operation) {
        apply(operation, cached);
        pending.add(operation);
        afterChange();
    }

    /** Does nothing where an operation before it was lost. */
    private static void apply(NameOperation operation, Map<String, SimulatedFile> names) {
        boolean there = names.get(operation.name) == operation.file;
        switch (operation.kind) {
            case CREATE -> names.putIfAbsent(operation.name, operation.file);
            case DELETE -> {
                if (there) {
                    names.remove(operation.name);
                }
            }
            case RENAME -> {
                if (there && !names.containsKey(operation.to)) {
                    names.remove(operation.name);
                    names.put(operation.to, operation.file);
                }
            }
        }
    }

    private SimulatedFile file(String name) {
        SimulatedFile file = cached.get(name);
        if (file == null) {
            throw new WalException("no such file: file=" + name);
        }
        return file;
    }

    private static Collection<SimulatedFile> distinct(Collection<SimulatedFile> files) {
        Map<SimulatedFile, SimulatedFile> once = new LinkedHashMap<>();
        files.forEach(file -> once.put(file, file));
        return once.keySet();
    }

    // ---- for the files

    @Nullable
    Recording recording() {
        return recording;
    }

    void afterChange() {
        Recording with = recording;
        if (with != null) {
            with.points.afterChange();
        }
    }

    int life() {
        return life;
    }

    void beforeForce(SimulatedFile file, String name) {
        forces++;
        try {
            failIfDue(name);
        } catch (WalException e) {
            RandomGenerator random = failureRandom;
            if (random != null) {
                file.writeBack(random, random.nextInt(COIN_SIDES + 1), COIN_SIDES);
            }
            file.loseUnforced();
            throw e;
        }
    }

    private void failIfDue(String what) {
        if (forcesUntilFailure == 0) {
            forcesUntilFailure = -1;
            throw new WalException("force failed: file=" + what + " (injected)");
        }
        if (forcesUntilFailure > 0) {
            forcesUntilFailure--;
        }
    }

    void claim(int bytes, String name) {
        if (bytes > freeBytes) {
            throw new NoSpaceException("write failed: file=" + name + " bytes=" + bytes + " free=" + freeBytes, null);
        }
        if (freeBytes != Long.MAX_VALUE) {
            freeBytes -= bytes;
        }
    }

    private void release(int bytes) {
        if (freeBytes != Long.MAX_VALUE) {
            freeBytes += bytes;
        }
    }
}
