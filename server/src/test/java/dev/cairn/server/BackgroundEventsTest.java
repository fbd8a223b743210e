package dev.cairn.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.cairn.client.CairnClient;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What a node does beside its clients stands in its log once somebody asks for it. */
@Timeout(60)
@Tag("O02")
class BackgroundEventsTest {
    private static final Pattern FLUSH = Pattern.compile("event=store\\.flush\\.(start|done) job=(\\d+)( bytes=\\d+)?");

    @TempDir
    private Path dir;

    @Test
    void rollsAndFlushesAreLoggedAtDebug() throws IOException {
        final List<String> lines = linesOfANodeAt(Level.DEBUG);

        assertThat(lines).anyMatch(line -> line.matches("event=log\\.rolled node=1 lastIndex=\\d+ us=\\d+"));
        final List<Matcher> flushes =
                lines.stream().map(FLUSH::matcher).filter(Matcher::matches).toList();
        assertThat(flushes).as("%s", lines).hasSizeGreaterThanOrEqualTo(2);
        assertThat(flushes.get(0).group(1)).isEqualTo("start");
        assertThat(flushes.get(1).group(1)).isEqualTo("done");
        assertThat(flushes.get(1).group(2)).isEqualTo(flushes.get(0).group(2));
    }

    @Test
    void otherwiseTheyAreNot() throws IOException {
        assertThat(linesOfANodeAt(Level.INFO))
                .anyMatch(line -> line.startsWith("event=stop.done"))
                .noneMatch(line -> line.startsWith("event=store.") || line.startsWith("event=log.rolled"));
    }

    /** A node that writes 3 MiB, in segments of 1 MiB, and is stopped, which flushes. */
    private List<String> linesOfANodeAt(final Level level) throws IOException {
        final Logger logger = (Logger) LoggerFactory.getLogger("dev.cairn.server");
        final ListAppender<ILoggingEvent> lines = new ListAppender<>();
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger.addAppender(lines);
        logger.setAdditive(false);
        logger.setLevel(level);
        try {
            writeAndStop();
        } finally {
            logger.setLevel(null);
            logger.setAdditive(true);
            logger.detachAppender(lines);
        }
        return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private void writeAndStop() throws IOException {
        final int client = freePort();
        final NodeConfig config = NodeConfig.of(Map.of(
                "cluster.id", "background",
                "node.id", "1",
                "cluster.members", "1=127.0.0.1:" + freePort() + ":" + client,
                "data.dir", dir.resolve("data").toString(),
                "wal.segment.bytes", "1MiB",
                "raft.preset", "fast"));
        final Node node = Node.start(config, (thread, failure) -> {
            throw new AssertionError(thread, failure);
        });
        try (CairnClient cairn =
                CairnClient.builder().servers("127.0.0.1:" + client).connect()) {
            for (int i = 0; i < 30; i++) {
                cairn.put(("k" + i).getBytes(StandardCharsets.UTF_8), new byte[100_000]);
            }
        } finally {
            node.close();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
