package dev.cairn.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The snippets of {@code docs/client.md}: each stands here too, so it compiles, and each is executed. */
@Timeout(180)
class ClientGuideTest {
    private static final Path BASE = Path.of(System.getProperty("basedir", "."));
    private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private static byte[] bytes(String text) {
        return Text.bytes(text);
    }

    @Test
    @Covers("O13")
    void everySnippetOfTheGuideDoesWhatItSays() {
        try (FakeServer.Group group = new FakeServer.Group()) {
            FakeServer server = group.start(new KvModel());
            String servers = server.address();
            connecting(servers);
            try (CairnClient client = CairnClient.builder().servers(servers).connect()) {
                writing(client);
                reading(client);
                ranges(client);
                asynchronous(client);
                assertThat(failing(client)).isEqualTo("done");
                freshness(client);
                servers(client);
            }
        }
    }

    private static void connecting(String servers) {
        try (CairnClient client = CairnClient.builder()
                .servers(servers)
                .requestTimeout(Duration.ofSeconds(5))
                .connect()) {
            client.put(bytes("hello"), bytes("world"));
        }
    }

    private static void writing(CairnClient client) {
        byte[] key = bytes("k");
        byte[] value = bytes("v");
        byte[] other = bytes("w");

        PutResult put = client.put(key, value);
        long revision = put.revision();

        DeleteResult deleted = client.delete(bytes("old"));
        boolean found = deleted.found();
        assertThat(found).isFalse();

        WriteResult swapped = client.compareAndSet(key, revision, other);
        WriteResult byValue = client.compareAndSet(key, other, value);
        WriteResult first = client.putIfAbsent(key, value);
        boolean mine = first.applied();
        Optional<KeyValue> theirs = first.entry();
        assertThat(swapped.applied() && byValue.applied() && !mine && theirs.isPresent())
                .isTrue();

        WriteResult before = client.getAndPut(key, other);
        WriteResult last = client.getAndDelete(key);
        assertThat(before.entry()).isPresent();
        assertThat(last.entry()).isPresent();

        WriteOptions unchanged = WriteOptions.none().ifRevision(revision).returnEntry();
        WriteResult result = client.delete(key, unchanged);
        assertThat(result.applied()).isFalse();

        long visits = client.increment(bytes("visits")).value();
        long rest = client.add(bytes("stock"), -5).value();
        assertThat(visits + rest).isEqualTo(-4);

        BatchResult batch = client.batch()
                .put(bytes("from"), bytes("90"))
                .put(bytes("to"), bytes("110"))
                .delete(bytes("order"))
                .commit();
        assertThat(batch.revision()).isPositive();

        client.deletePrefix(bytes("session/"));
        client.deleteRange(bytes("2024"), bytes("2025"));
    }

    private static void reading(CairnClient client) {
        byte[] key = bytes("from");
        Optional<KeyValue> entry = client.get(key);
        entry.ifPresent(e -> System.out.println(e.value().length + " bytes, revision " + e.modRevision()));

        MultiGetResult several = client.multiGet(List.of(bytes("from"), bytes("to")));
        assertThat(several.entries()).hasSize(2);
    }

    private static void ranges(CairnClient client) {
        try (ScanCursor users = client.scan(Scan.prefix(bytes("user/")))) {
            while (users.hasNext()) {
                KeyValue user = users.next();
                assertThat(user.key()).isNotEmpty();
            }
        }

        Scan newest = Scan.prefix(bytes("event/")).reverse().limit(10).keysOnly();
        List<KeyValue> keys = client.scanPage(newest).entries();
        assertThat(keys).isEmpty();

        Scan perPage = Scan.prefix(bytes("user/")).limit(50);
        ScanPage page = client.scanPage(perPage);
        while (page.next().isPresent()) {
            page = client.scanPage(perPage.after(page.next().get()));
        }

        long users = client.count(Scan.prefix(bytes("user/"))).count();
        assertThat(users).isZero();
    }

    private static void asynchronous(CairnClient client) {
        List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            puts.add(client.putAsync(bytes("user/" + i), bytes("x")));
        }
        CompletableFuture.allOf(puts.toArray(CompletableFuture<?>[]::new)).join();

        AtomicLong total = new AtomicLong();
        CompletableFuture<Long> walked = client.scanAsync(Scan.all(), (entries, revision) -> {
            entries.forEach(e -> total.addAndGet(e.value().length));
            return true;
        });
        assertThat(Await.result(walked)).isGreaterThan(1000);
    }

    private static String failing(CairnClient client) {
        try {
            client.increment(bytes("visits"));
            return "done";
        } catch (OutcomeUnknownException unknown) {
            Resolution resolution = unknown.resolve();
            if (resolution instanceof Resolution.Executed executed) {
                return "done at revision " + executed.revision();
            }
            return "not done, and never will be";
        } catch (CairnException e) {
            return e.retrySafe() ? "not done, may be called again" : "cannot be known";
        }
    }

    private static void freshness(CairnClient client) {
        byte[] key = bytes("from");
        Optional<KeyValue> quick = client.get(key, ReadMode.STALE);
        assertThat(quick).isPresent();

        long revision = client.put(key, bytes("80")).revision();
        Optional<KeyValue> atLeast = client.get(key, ReadMode.STALE, revision);
        assertThat(atLeast).isPresent();

        client.defaultReadMode(ReadMode.STALE);
        client.defaultReadMode(ReadMode.LINEARIZABLE);

        client.waitApplied(revision, Duration.ofSeconds(5));
    }

    private static void servers(CairnClient client) {
        for (ServerStatus status : client.status()) {
            System.out.println(status.server() + " " + status.node() + " " + status.problem());
        }
        for (ServerDetails details : client.nodeDetails()) {
            System.out.println(details.server() + " " + details.json());
        }
    }

    @Test
    void everySnippetOfTheGuideStandsInThisFile() throws IOException {
        String source =
                normalized(Files.readString(BASE.resolve("src/test/java/dev/cairn/client/ClientGuideTest.java")));
        String guide = Files.readString(BASE.resolve("../docs/client.md"));
        Matcher blocks = BLOCK.matcher(guide);
        int count = 0;
        while (blocks.find()) {
            assertThat(source).contains(normalized(blocks.group(1)));
            count++;
        }
        assertThat(count).isGreaterThan(10);
    }

    @Test
    void theGuideNamesEveryExceptionAndEveryOperation() throws IOException {
        String guide = Files.readString(BASE.resolve("../docs/client.md"));
        for (Class<?> exception : CairnException.class.getPermittedSubclasses()) {
            assertThat(guide).contains("`" + exception.getSimpleName() + "`");
        }
        for (java.lang.reflect.Method method : CairnClient.class.getMethods()) {
            if (method.getDeclaringClass() == CairnClient.class
                    && !method.getName().endsWith("Async")) {
                assertThat(guide).as(method.getName()).contains(method.getName() + "(");
            }
        }
        assertThatThrownBy(() -> Files.readString(BASE.resolve("../docs/no-such-page.md")))
                .isInstanceOf(IOException.class);
    }

    /** Without indentation and line ends, which differ between a page and a class. */
    private static String normalized(String code) {
        return code.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .collect(Collectors.joining("\n"))
                .replace("\n.", ".");
    }
}
