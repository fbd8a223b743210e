package dev.cairn.server.http;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The table of all routes: what is not here is not served, and a status that a route does not name is never sent.
 * {@code docs/openapi.yaml} says the same, held by a test.
 */
@SuppressWarnings("ImmutableEnumChecker") // both sets are unmodifiable
enum Route {
    GET_KEY("GET", "/kv/{key}", Set.of("read", "min_revision"), read(404)),
    PUT_KEY("PUT", "/kv/{key}", Set.of("prev", "if_revision", "client_id", "seq"), write(413)),
    DELETE_KEY("DELETE", "/kv/{key}", Set.of("prev", "if_revision", "client_id", "seq"), write(404, 413)),
    ADD("POST", "/kv/{key}/add", Set.of("delta", "client_id", "seq"), write(413)),
    PUT_MANY("POST", "/kv/mput", Set.of(), write(413)),
    GET_MANY("POST", "/kv/mget", Set.of("read", "min_revision"), read(413)),
    GET_RANGE(
            "GET",
            "/kv",
            Set.of(
                    "prefix",
                    "from",
                    "to",
                    "limit",
                    "cursor",
                    "reverse",
                    "keys_only",
                    "count_only",
                    "read",
                    "min_revision"),
            read()),
    DELETE_RANGE("DELETE", "/kv", Set.of("prefix", "from", "to", "client_id", "seq"), write()),
    SET("PUT", "/set", Set.of(), write(413)),
    GET("GET", "/get", Set.of("key", "read", "min_revision"), read(404)),
    DELETE("DELETE", "/delete", Set.of("key", "client_id", "seq"), write(404)),
    STATUS("GET", "/status", Set.of(), node()),
    HEALTH("GET", "/health", Set.of(), node()),
    RAFT_STATUS("GET", "/raft/status", Set.of(), node()),
    HEALTHZ("GET", "/healthz", Set.of(), node()),
    LIVEZ("GET", "/livez", Set.of(), node()),
    READYZ("GET", "/readyz", Set.of(), node()),
    METRICS("GET", "/metrics", Set.of(), node()),
    GET_READ_POLICY("GET", "/read-policy", Set.of(), node()),
    PUT_READ_POLICY("PUT", "/read-policy", Set.of("mode"), with(Set.of(200, 400, 429, 500), 413));

    private static final String KEY_PREFIX = "/kv/";
    private static final String ADD_SUFFIX = "/add";

    private final String method;
    private final String path;
    private final Set<String> parameters;
    private final Set<Integer> codes;

    Route(final String method, final String path, final Set<String> parameters, final Set<Integer> codes) {
        this.method = method;
        this.path = path;
        this.parameters = Collections.unmodifiableSet(new TreeSet<>(parameters));
        this.codes = Collections.unmodifiableSet(codes);
    }

    private static Set<Integer> read(final int... more) {
        return with(Set.of(200, 400, 409, 429, 500, 503), more);
    }

    private static Set<Integer> write(final int... more) {
        return with(Set.of(200, 400, 409, 429, 500, 503), more);
    }

    private static Set<Integer> node(final int... more) {
        return with(Set.of(200, 400, 429, 500, 503), more);
    }

    private static Set<Integer> with(final Set<Integer> codes, final int... more) {
        return Stream.concat(codes.stream(), Arrays.stream(more).boxed())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    String method() {
        return method;
    }

    String path() {
        return path;
    }

    /** Names of query parameters. */
    Set<String> parameters() {
        return parameters;
    }

    /** Status codes that this route may answer with, by the work of the route itself or of the gateway around it. */
    Set<Integer> codes() {
        return codes;
    }

    /** A route and what stood for {@code {key}} in the path, still percent-encoded. */
    record Match(Route route, String rawKey) {}

    /** Null when nothing is served there. */
    static @Nullable Match find(final String method, final String rawPath) {
        for (final Route route : values()) {
            if (route.method.equals(method)) {
                final String key = route.match(rawPath);
                if (key != null) {
                    return new Match(route, key);
                }
            }
        }
        return null;
    }

    /** Methods that are served at a path; empty = the path is unknown. */
    static List<String> methodsOf(final String rawPath) {
        final List<String> methods = new ArrayList<>();
        for (final Route route : values()) {
            if (route.match(rawPath) != null) {
                methods.add(route.method);
            }
        }
        return methods;
    }

    private @Nullable String match(final String rawPath) {
        final boolean hasKey = path.startsWith(KEY_PREFIX + "{");
        if (!hasKey) {
            return path.equals(rawPath) ? "" : null;
        }
        if (!rawPath.startsWith(KEY_PREFIX)) {
            return null;
        }
        final String rest = rawPath.substring(KEY_PREFIX.length());
        if (!path.endsWith(ADD_SUFFIX)) {
            return rest;
        }
        return rest.endsWith(ADD_SUFFIX) ? rest.substring(0, rest.length() - ADD_SUFFIX.length()) : null;
    }
}
