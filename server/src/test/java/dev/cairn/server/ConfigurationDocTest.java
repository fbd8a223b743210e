package dev.cairn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** {@code docs/configuration.md} is made from {@link ConfigKey}; {@code -Dgolden.update=true} writes it anew. */
@Covers("C12")
class ConfigurationDocTest {
    private static final Path FILE = Path.of("..", "docs", "configuration.md");

    @Test
    void referenceInDocsIsUpToDate() throws IOException {
        String expected = reference();
        if (Boolean.getBoolean("golden.update")) {
            Files.writeString(FILE, expected);
        }
        assertThat(FILE).content().isEqualTo(expected);
    }

    private static String reference() {
        StringBuilder out = new StringBuilder("""
                # Configuration of a node

                <!-- Made from ConfigKey; after a change there: mvn -pl server -am test -Dtest=ConfigurationDocTest \
                -Dsurefire.failIfNoSpecifiedTests=false -Dgolden.update=true -->

                A node reads a properties file (UTF-8), then environment variables, then `--set key=value` flags; the later
                one wins. The variable of a key has dots as `_`, is upper case and begins with `CAIRN_`
                (`raft.tick.ms` is `CAIRN_RAFT_TICK_MS`). An unknown key, an unknown `CAIRN_` variable or a value that is not
                allowed ends the server with exit code 2 before anything is created; all problems are printed at once.
                `CAIRN_JAVA_OPTS` and `CAIRN_HOME` belong to the start scripts, `CAIRN_SERVERS` to kvctl. Variables that container platforms inject for
                a service named `cairn` (`CAIRN_SERVICE_HOST`, `CAIRN_PORT_...`) are ignored.

                | key | type | unit | default | allowed | meaning |
                |---|---|---|---|---|---|
                """);
        for (ConfigKey key : ConfigKey.values()) {
            String defaultText = key.defaultText();
            out.append("| `")
                    .append(key.key())
                    .append("` | ")
                    .append(key.kind().text())
                    .append(" | ")
                    .append(key.unit())
                    .append(" | ")
                    .append(defaultText == null ? "must be given" : defaultText.isEmpty() ? "empty" : defaultText)
                    .append(" | ")
                    .append(key.allowed())
                    .append(" | ")
                    .append(key.doc())
                    .append(" |\n");
        }
        out.append("""

                ## Timings of `raft.preset`, in milliseconds

                | preset | `raft.heartbeat.ms` | `raft.election.min.ms` | `raft.election.max.ms` |
                |---|---|---|---|
                """);
        for (RaftPreset preset : RaftPreset.values()) {
            out.append("| ")
                    .append(preset.text())
                    .append(" | ")
                    .append(preset.heartbeatMs())
                    .append(" | ")
                    .append(preset.electionMinMs())
                    .append(" | ")
                    .append(preset.electionMaxMs())
                    .append(" |\n");
        }
        out.append("""

                ## Rules between keys

                * `node.id` is one of the ids in `cluster.members`; ids and addresses there differ from each other.
                * `raft.election.max.ms` > `raft.election.min.ms` >= 2 x `raft.heartbeat.ms`, and `raft.heartbeat.ms` >= \
                `raft.tick.ms`.
                * `peer.listen`, `client.listen` and `http.listen` differ from each other.

                ## Example

                ```properties
                cluster.id=demo
                node.id=1
                cluster.members=1=10.0.0.1:7501:7401,2=10.0.0.2:7501:7401,3=10.0.0.3:7501:7401
                data.dir=/var/lib/cairn
                ```
                """);
        return out.toString();
    }
}
