package dev.cairn.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.server.ConfigException;
import dev.cairn.server.NodeConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClusterPlanTest {
    @TempDir
    Path dir;

    @Test
    @Covers({"C16", "X16"})
    void portsFollowFromTheBasePort() {
        ClusterPlan plan = new ClusterPlan(dir, 3, 7400);

        assertThat(plan.servers()).isEqualTo("127.0.0.1:7401,127.0.0.1:7402,127.0.0.1:7403");
        assertThat(plan.members().get(2)).hasToString("3=127.0.0.1:7503:7403:7603");
    }

    @Test
    void writtenFilesAreReadByTheNodesOwnParser() {
        ClusterPlan plan = new ClusterPlan(dir.resolve("a b\\c"), 3, 7400);
        plan.write();

        NodeConfig config = NodeConfig.read(plan.propertiesFile(2), Map.of(), List.of());

        assertThat(config.nodeId()).isEqualTo(2);
        assertThat(config.members()).isEqualTo(plan.members());
        assertThat(config.dataDir()).isEqualTo(plan.nodeDir(2).resolve("data"));
    }

    @Test
    void secondStartKeepsFilesAndWhatAUserAdded() throws IOException {
        ClusterPlan plan = new ClusterPlan(dir, 2, 7400);
        plan.write();
        Files.writeString(plan.propertiesFile(1), "raft.preset=fast\n", StandardOpenOption.APPEND);
        String before = Files.readString(plan.propertiesFile(1));

        plan.checkExistingFiles();
        plan.write();

        assertThat(plan.propertiesFile(1)).hasContent(before);
    }

    @Test
    void otherOptionsThanThoseOfTheFirstTimeAreRefused() {
        new ClusterPlan(dir, 3, 7400).write();

        for (ClusterPlan other : List.of(new ClusterPlan(dir, 3, 7300), new ClusterPlan(dir, 4, 7400))) {
            assertThatThrownBy(other::checkExistingFiles)
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining(dir.resolve("node1.properties")
                            + " was written with other options: it has cluster.members=1=127.0.0.1:7501:7401:7601")
                    .hasMessageContaining("--base-port");
        }
    }

    @Test
    void fileThatIsNoneIsNamed() throws IOException {
        ClusterPlan plan = new ClusterPlan(dir, 1, 7400);
        Files.createDirectory(plan.propertiesFile(1));

        assertThatThrownBy(plan::checkExistingFiles)
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("node1.properties cannot be read");
    }

    @Test
    void portInUseIsNamedInOneLineAndNothingIsWritten() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
            // The first port that is looked at: its neighbours may be anybody's.
            int basePort = socket.getLocalPort() - 1;
            assertThatThrownBy(() -> new ClusterPlan(dir, 2, basePort).checkPortsAreFree())
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("port " + socket.getLocalPort() + " of 127.0.0.1 (clients of node 1)")
                    .hasMessageNotContaining("\n");
            assertThat(dir).isEmptyDirectory();
        }
    }

    @Test
    void nodesAndPortsHaveBounds() {
        assertThatCode(() -> new ClusterPlan(dir, 1, 1)).doesNotThrowAnyException();
        assertThatCode(() -> new ClusterPlan(dir, 15, ClusterPlan.MAX_BASE_PORT))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> new ClusterPlan(dir, 0, 7400)).hasMessageContaining("--nodes 0 is not within 1-15");
        assertThatThrownBy(() -> new ClusterPlan(dir, 16, 7400)).hasMessageContaining("--nodes 16 is not within");
        assertThatThrownBy(() -> new ClusterPlan(dir, 3, 0)).hasMessageContaining("--base-port 0 is not within");
        assertThatThrownBy(() -> new ClusterPlan(dir, 3, ClusterPlan.MAX_BASE_PORT + 1))
                .hasMessageContaining("is not within 1-" + ClusterPlan.MAX_BASE_PORT);
    }

    @Test
    void tailShowsTheLastLinesOfALongLog() throws IOException {
        Path log = dir.resolve("node.log");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 5000; i++) {
            text.append("line ").append(i).append('\n');
        }
        Files.writeString(log, text);

        assertThat(NodeProcess.tail(log).lines()).hasSize(12).last().isEqualTo("  line 4999");
        assertThat(NodeProcess.tail(Files.createFile(dir.resolve("none")))).isEqualTo("  (empty)");
        assertThat(NodeProcess.tail(dir.resolve("missing"))).startsWith("  (cannot be read: ");
    }
}
