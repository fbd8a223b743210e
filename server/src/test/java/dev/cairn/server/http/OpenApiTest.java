package dev.cairn.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code docs/openapi.yaml} and the table of routes say the same: each route, parameter and status, none more. */
@Tag("O10")
class OpenApiTest {
    private static final Path FILE = Path.of("../docs/openapi.yaml");

    private record Operation(Set<String> parameters, Set<Integer> codes) {}

    @Test
    void fileHasEveryRouteWithItsParametersAndStatusesAndNoOther() throws Exception {
        final Map<String, Operation> expected = Arrays.stream(Route.values())
                .collect(Collectors.toMap(
                        route -> route.method() + " " + route.path() + " " + route,
                        route -> new Operation(route.parameters(), route.codes()),
                        (a, b) -> a,
                        TreeMap::new));

        assertThat(read()).isEqualTo(expected);
    }

    /** The file's layout is strict: two spaces per level, one fact per line. */
    private static Map<String, Operation> read() throws Exception {
        final Map<String, Operation> operations = new TreeMap<>();
        String path = "";
        String method = "";
        Operation operation = new Operation(Set.of(), Set.of());
        String name = "";
        for (final String line : Files.readAllLines(FILE)) {
            if (line.startsWith("components:")) {
                break;
            } else if (line.matches(" {2}/.*:")) {
                path = line.strip().replaceAll(":$", "");
            } else if (line.matches(" {4}[a-z]+:") && !path.isEmpty()) {
                method = line.strip().replaceAll(":$", "").toUpperCase(Locale.ROOT);
            } else if (line.matches(" {6}operationId: .*")) {
                operation = new Operation(new TreeSet<>(), new TreeSet<>());
                operations.put(method + " " + path + " " + line.substring(line.indexOf(':') + 2), operation);
            } else if (line.matches(" {8}- name: .*")) {
                name = line.substring(line.indexOf(':') + 2);
            } else if (line.equals("          in: query")) {
                operation.parameters().add(name);
            } else if (line.matches(" {8}\"[0-9]+\":")) {
                operation.codes().add(Integer.parseInt(line.replaceAll("[^0-9]", "")));
            }
        }
        return operations;
    }
}
