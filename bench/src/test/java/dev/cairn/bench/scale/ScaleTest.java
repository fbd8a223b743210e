package dev.cairn.bench.scale;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.cairn.bench.load.FakeServer;
import dev.cairn.bench.results.JsonNumbers;
import dev.cairn.bench.targets.LoadTarget;
import dev.cairn.covers.Covers;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The points, and the smallest runs with processes. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class ScaleTest {
    @TempDir
    Path directory;

    private record Ended(int exitCode, String out, String err) {}

    private Ended scale(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = ScaleCommand.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        return new Ended(commandLine.execute(arguments), out.toString(), err.toString());
    }

    @Test
    void eachAxisChangesOneThingAndLargeValuesComeFewer() {
        assertThat(Axis.VALUE.points(100_000))
                .extracting(ScalePoint::valueBytes, ScalePoint::keys, ScalePoint::outstanding)
                .startsWith(tuple(16, 100_000, 256))
                .endsWith(tuple(1 << 20, 64, 16));
        assertThat(Axis.CONNECTIONS.points(1))
                .extracting(ScalePoint::connections, ScalePoint::outstanding)
                .startsWith(tuple(1, 256))
                .endsWith(tuple(5_000, 5_000));
        assertThat(Axis.DELAY.points(1))
                .extracting(ScalePoint::at, ScalePoint::proxied)
                .startsWith(tuple(0, false), tuple(0, true));
        for (Axis axis : Axis.values()) {
            assertThat(axis.points(100_000)).allSatisfy(point -> {
                assertThat(point.load("a:1", false, 1, 0).outstanding()).isEqualTo(point.outstanding());
                assertThat(point.nodes()).isEqualTo(axis == Axis.NODES ? point.at() : 3);
                assertThat(point.proxied()).isEqualTo(axis == Axis.DELAY && point.delayMs() >= 0);
            });
        }
    }

    @Test
    void theWindowIsWhatMayBeUnderWayInARoundTrip() {
        ScalePoint point = ScalePoint.base(Axis.DELAY, 50, 1).withDelayMs(50);
        // 65 536 entries, or 16 MiB of 40 + 16 + 256 bytes each, or what the clients have outstanding.
        assertThat(InflightBound.entries(point.withLoad(100, 400_000))).isBetween(53_773.0, 53_774.0);
        assertThat(InflightBound.entries(point.withValueBytes(16).withLoad(100, 400_000)))
                .isEqualTo(65_536);
        assertThat(InflightBound.perSecond(point.withLoad(1, 4096))).isEqualTo(40_960);
        assertThat(InflightBound.perSecond(point.withDelayMs(0))).isNaN();
    }

    @Test
    void aConnectionThatIsNotServedIsNamedWithItsReason() throws Exception {
        try (ServerSocket refuses = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Object> closed = CompletableFuture.supplyAsync(() -> {
                try (Socket first = refuses.accept()) {
                    return first;
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThatThrownBy(() -> Crowd.open(refuses.getLocalPort(), 1))
                    .hasMessageContaining("connection 1 could not be opened: the node closed the connection");
            assertThat(closed.get(10, TimeUnit.SECONDS)).isNotNull();
        }
    }

    @Test
    void wrongOptionsAreRefused() {
        String out = directory.resolve("out").toString();
        assertThat(scale("--out", out, "--points", "3,17").err()).contains("--points: 17 is on none of the axes");
        assertThat(scale("--out", out, "--seconds", "0").err()).contains("--seconds: 0");
        assertThat(scale("--out", out, "--axes", "depth").exitCode()).isEqualTo(2);
        assertThat(scale("--out", out, "--dir", directory.toString()).err()).contains("exists");
        assertThat(scale("--axes", "nodes").err()).contains("--out");
    }

    private Map<String, Double> measure(String axis, String point) throws IOException {
        Path out = directory.resolve("out");
        Path file = out.resolve("scale-" + axis + ".jsonl");
        Ended ended = scale(
                "--axes",
                axis,
                "--points",
                point,
                "--seconds",
                "1",
                "--warmup",
                "0",
                "--keys",
                "500",
                "--dir",
                directory.resolve("nodes").toString(),
                "--out",
                out.toString());
        assertThat(ended.exitCode()).as(ended.out() + ended.err()).isZero();
        assertThat(directory.resolve("nodes")).doesNotExist();
        List<String> lines = Files.readAllLines(file);
        assertThat(lines).hasSize(1);
        assertThat(lines.get(0))
                .contains("\"axis\":\"" + axis + "\",\"at\":" + point)
                .contains("\"problem\":\"\"");
        return JsonNumbers.of(lines.get(0));
    }

    @Test
    @Covers({"L04", "T32"})
    void aDelayIsFeltByPutsAndReadsAndTheProxiesWorkIsToldApart() throws IOException {
        Map<String, Double> numbers = measure("delay", "10");
        // There and back again.
        assertThat(numbers.get("put_p50_us")).isGreaterThan(20_000);
        assertThat(numbers.get("get_p50_us")).isGreaterThan(20_000);
        assertThat(numbers).containsEntry("window_bound_ops_s", 819_200.0);
        assertThat(numbers.get("put_ops_s")).isPositive();
        for (String name : List.of(
                "put_nodes_cpu_ms_per_1000",
                "put_load_cpu_ms_per_1000",
                "put_proxy_cpu_ms_per_1000",
                "put_leader_force_us",
                "put_leader_group_entries",
                "put_leader_loop_us",
                "put_follower_cpu_us",
                "get_leader_rss_mb")) {
            assertThat(numbers.get(name)).as(name).isPositive();
        }
    }

    @Test
    void connectionsOfACrowdWriteAndReadEachInASessionOfItsOwn() throws Exception {
        try (FakeServer server = new FakeServer();
                Crowd crowd = Crowd.open(Integer.parseInt(server.address().split(":", -1)[1]), 70)) {
            assertThat(crowd.targets()).hasSize(70);
            List<CompletableFuture<?>> written = new ArrayList<>();
            for (LoadTarget target : crowd.targets()) {
                written.add(target.put("k1".getBytes(UTF_8), new byte[9]));
                written.add(target.put("k2".getBytes(UTF_8), new byte[7]));
            }
            for (CompletableFuture<?> put : written) {
                assertThat(put.get(10, TimeUnit.SECONDS)).isNotNull();
            }
            assertThat(server.puts).hasValue(140);
            LoadTarget last = crowd.targets().get(69);
            assertThat(last.valueLength(last.get("k2".getBytes(UTF_8)).get(10, TimeUnit.SECONDS)))
                    .isEqualTo(7);
            assertThat(last.valueLength(last.get("k3".getBytes(UTF_8)).get(10, TimeUnit.SECONDS)))
                    .isEqualTo(-1);
            server.refuse = "k4"::equals;
            assertThatThrownBy(() -> last.put("k4".getBytes(UTF_8), new byte[1]).get(10, TimeUnit.SECONDS))
                    .hasMessageContaining("refused: VALUE_TOO_LARGE");
        }
    }
}
