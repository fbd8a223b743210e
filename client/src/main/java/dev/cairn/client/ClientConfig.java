package dev.cairn.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How a {@link CairnClient} finds and treats its cluster.
 *
 * @param servers client addresses {@code host:port} of some or all nodes, IPv6 in brackets; further ones are learnt from the
 *     servers' hints
 * @param clusterId the cluster that the servers must belong to; empty = any
 * @param requestTimeout every call ends by then, 1 ms to 1 hour
 * @param connectTimeout for one attempt to connect and greet, 1 ms to 1 minute
 * @param silenceTimeout a connection on which requests wait while nothing at all arrives for so long is given up and the next
 *     server tried, 10 ms to 1 hour; writes are then sent again under the same sequence, so nothing happens twice
 * @param maxOutstanding requests in flight and queued together, count, 1 to 1 048 576; beyond it calls fail with
 *     {@link BusyException}. At most 4096 writes of a client are in flight; the rest of them waits
 */
public record ClientConfig(
        List<String> servers,
        String clusterId,
        Duration requestTimeout,
        Duration connectTimeout,
        Duration silenceTimeout,
        int maxOutstanding) {

    public static final Duration DEFAULT_REQUEST_TIMEOUT = Duration.ofSeconds(10);
    public static final Duration DEFAULT_CONNECT_TIMEOUT = Duration.ofSeconds(1);
    public static final Duration DEFAULT_SILENCE_TIMEOUT = Duration.ofSeconds(2);
    public static final int DEFAULT_MAX_OUTSTANDING = 16_384;

    private static final int MAX_SERVERS = 1024;

    /** Checks everything; an {@link IllegalArgumentException} names the field, the value and what is allowed. */
    public ClientConfig {
        servers = List.copyOf(servers);
        if (servers.isEmpty() || servers.size() > MAX_SERVERS) {
            throw new IllegalArgumentException("servers: " + servers.size() + " given, allowed are 1 to " + MAX_SERVERS
                    + " of the form host:port");
        }
        servers.forEach(ServerAddress::parse);
        checkRange("requestTimeout", requestTimeout, Duration.ofMillis(1), Duration.ofHours(1));
        checkRange("connectTimeout", connectTimeout, Duration.ofMillis(1), Duration.ofMinutes(1));
        checkRange("silenceTimeout", silenceTimeout, Duration.ofMillis(10), Duration.ofHours(1));
        if (maxOutstanding < 1 || maxOutstanding > 1 << 20) {
            throw new IllegalArgumentException("maxOutstanding: " + maxOutstanding + ", allowed are 1 to " + (1 << 20));
        }
    }

    /** All defaults; servers must be given. */
    public static Builder builder() {
        return new Builder();
    }

    private static void checkRange(String name, Duration value, Duration min, Duration max) {
        if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
            throw new IllegalArgumentException(name + ": " + value.toMillis() + " ms, allowed are " + min.toMillis()
                    + " to " + max.toMillis() + " ms");
        }
    }

    /** Collects the settings; see {@link ClientConfig} for their meaning. */
    public static final class Builder {
        private final List<String> servers = new ArrayList<>();
        private String clusterId = "";
        private Duration requestTimeout = DEFAULT_REQUEST_TIMEOUT;
        private Duration connectTimeout = DEFAULT_CONNECT_TIMEOUT;
        private Duration silenceTimeout = DEFAULT_SILENCE_TIMEOUT;
        private int maxOutstanding = DEFAULT_MAX_OUTSTANDING;

        private Builder() {}

        /** Replaces the servers, each {@code host:port}. */
        public Builder servers(List<String> addresses) {
            servers.clear();
            servers.addAll(addresses);
            return this;
        }

        /** Replaces the servers, {@code host:port} separated by commas. */
        public Builder servers(String commaSeparated) {
            return servers(List.of(commaSeparated.trim().split("\\s*,\\s*")));
        }

        public Builder clusterId(String id) {
            clusterId = id;
            return this;
        }

        public Builder requestTimeout(Duration timeout) {
            requestTimeout = timeout;
            return this;
        }

        public Builder connectTimeout(Duration timeout) {
            connectTimeout = timeout;
            return this;
        }

        public Builder silenceTimeout(Duration timeout) {
            silenceTimeout = timeout;
            return this;
        }

        public Builder maxOutstanding(int count) {
            maxOutstanding = count;
            return this;
        }

        public ClientConfig build() {
            return new ClientConfig(servers, clusterId, requestTimeout, connectTimeout, silenceTimeout, maxOutstanding);
        }

        /** {@link #build} and {@link CairnClient#connect}. */
        public CairnClient connect() {
            return CairnClient.connect(build());
        }
    }
}
