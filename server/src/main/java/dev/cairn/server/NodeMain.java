package dev.cairn.server;

import ch.qos.logback.classic.Level;
import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.KvStoreException;
import dev.cairn.raft.InvariantViolation;
import dev.cairn.server.net.PortInUseException;
import dev.cairn.wal.HardStateInDoubtException;
import dev.cairn.wal.NoSpaceException;
import dev.cairn.wal.WalDamagedException;
import dev.cairn.wal.WalException;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one node as a process: {@code NodeMain FILE.properties [--set key=value]... [--preset word] [--verbose]}.
 *
 * <p>Exit codes: 2 configuration or a port in use, 3 the data directory belongs to another node, 4 damage, 5 a force or
 * write failed, 6 no space to start, 70 anything else that should not happen.
 */
public final class NodeMain {
    static final int EXIT_CONFIGURATION = 2;
    static final int EXIT_IDENTITY = 3;
    static final int EXIT_DAMAGE = 4;
    static final int EXIT_FORCE_FAILED = 5;
    static final int EXIT_NO_SPACE = 6;
    static final int EXIT_INTERNAL = 70;

    private static final Logger LOGGER = LoggerFactory.getLogger(NodeMain.class);

    private NodeMain() {}

    public static void main(final String[] arguments) {
        final Node node;
        try {
            final NodeConfig config = NodeConfig.fromArguments(List.of(arguments), System.getenv());
            // The pattern of logback.xml reads it for each line.
            System.setProperty("cairn.node.id", Integer.toString(config.nodeId()));
            if (List.of(arguments).contains(NodeConfig.VERBOSE)) {
                verbose();
            }
            config.warnings().forEach(warning -> LOGGER.warn("event=config.warning text=\"{}\"", warning));
            node = Node.start(config, NodeMain::halt);
        } catch (ConfigException | IdentityException | PortInUseException refusal) {
            System.err.println(refusal.getMessage());
            System.exit(exitCode(refusal));
            return;
        } catch (RuntimeException | InternalError failure) {
            LOGGER.error("event=start.failed advice=\"{}\"", advice(failure), failure);
            System.err.println(failure.getMessage());
            System.exit(exitCode(failure));
            return;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(node::close, "stop"));
        stopWithParent();
    }

    static void verbose() {
        if (LoggerFactory.getLogger("dev.cairn") instanceof ch.qos.logback.classic.Logger logger) {
            logger.setLevel(Level.DEBUG);
        }
        LOGGER.debug("event=log.verbose level=DEBUG");
    }

    /** A node that a launcher started ends with it, however that ended. */
    private static void stopWithParent() {
        final OptionalLong parent = ParentWatch.parentPid(System.getProperty(ParentWatch.PROPERTY, ""));
        if (parent.isPresent()) {
            ParentWatch.onExit(parent.getAsLong(), () -> {
                        LOGGER.info("event=stop.parent pid={}", parent.getAsLong());
                        System.exit(0);
                    })
                    .exceptionally(failure -> {
                        halt("parent-watch", failure);
                        return null;
                    });
        }
    }

    /** A thread of the node failed. Nothing is forced or answered any more; recovery at the next start is what is safe. */
    private static void halt(final String threadName, final Throwable failure) {
        LOGGER.error("event=fatal thread={} advice=\"{}\"", threadName, advice(failure), failure);
        System.err.println(threadName + ": " + failure.getMessage());
        Runtime.getRuntime().halt(exitCode(failure));
    }

    private static String advice(final Throwable failure) {
        return switch (exitCode(failure)) {
            case EXIT_FORCE_FAILED -> "check the disk and its space, then start the node again: it recovers by itself";
            case EXIT_NO_SPACE -> "make room on the disk, then start the node again";
            case EXIT_DAMAGE -> "keep the data directory as it is; replace the disk or restore the node from its peers";
            default -> "this should not happen: please report it with the log";
        };
    }

    static int exitCode(final Throwable failure) {
        if (failure instanceof ConfigException || failure instanceof PortInUseException) {
            return EXIT_CONFIGURATION;
        } else if (failure instanceof IdentityException) {
            return EXIT_IDENTITY;
        } else if (failure instanceof WalDamagedException
                || failure instanceof HardStateInDoubtException
                || failure instanceof CheckpointException
                || failure instanceof InvariantViolation) {
            return EXIT_DAMAGE;
        } else if (failure instanceof NoSpaceException
                || (failure instanceof KvStoreException store && store.isNoSpace())) {
            return EXIT_NO_SPACE;
        } else if (failure instanceof WalException || failure instanceof InternalError) {
            // A store through a mapping that the disk cannot take is an InternalError, at once or a little later.
            return EXIT_FORCE_FAILED;
        }
        return EXIT_INTERNAL;
    }
}
