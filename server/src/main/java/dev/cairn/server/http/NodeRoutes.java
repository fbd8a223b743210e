package dev.cairn.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.StatusReplyDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;

/** The routes that tell about the node. Gateway's thread. */
final class NodeRoutes {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final NodeCalls calls;
    private final HttpGateway.Config config;
    private final LeaderHints hints;
    private final HttpObserver observer;

    NodeRoutes(
            final NodeCalls calls,
            final HttpGateway.Config config,
            final LeaderHints hints,
            final HttpObserver observer) {
        this.calls = calls;
        this.config = config;
        this.hints = hints;
        this.observer = observer;
    }

    void status(final Exchange exchange) {
        withStatus(
                exchange,
                node -> exchange.ok(out -> {
                    out.writeNumberField("nodeId", node.nodeId());
                    out.writeStringField("role", node.roleName());
                    out.writeNumberField("term", node.term());
                    out.writeNumberField("leaderId", node.leaderId());
                    out.writeStringField("leader", hints.httpAddress(node.leaderId()));
                    out.writeStringField("leaderClient", node.leaderAddress());
                    out.writeNumberField("commitIndex", node.commitIndex());
                    out.writeNumberField("appliedIndex", node.appliedIndex());
                    out.writeNumberField("lastLogIndex", node.lastLogIndex());
                    out.writeNumberField("durableIndex", node.durableIndex());
                    out.writeStringField("digest", String.format("%016x", node.digest()));
                    out.writeStringField(
                            "durability",
                            node.durability() == StatusReplyDescriptor.DURABILITY_FORCED ? "forced" : "not forced");
                }));
    }

    /** The consensus loop answers. */
    void alive(final Exchange exchange) {
        withStatus(exchange, node -> exchange.answer(200, Exchange.TEXT, "ok\n".getBytes(UTF_8)));
    }

    /** The node can serve: it knows a leader. */
    void ready(final Exchange exchange) {
        withStatus(exchange, node -> {
            if (node.leaderId() == 0) {
                exchange.problem(503, "no_leader", "this node knows no leader");
            } else {
                exchange.answer(200, Exchange.TEXT, "ok\n".getBytes(UTF_8));
            }
        });
    }

    private void withStatus(final Exchange exchange, final Consumer<NodeStatus> then) {
        exchange.query();
        calls.query((encoder, out, requestId) -> encoder.status(out, requestId), exchange.guard(reply -> {
            if (reply instanceof Reply.Node node) {
                then.accept(node.status());
            } else {
                KvRoutes.unexpected(exchange, reply);
            }
        }));
    }

    void raftStatus(final Exchange exchange) {
        withDetails(exchange, json -> exchange.answer(200, Exchange.JSON, (json + "\n").getBytes(UTF_8)));
    }

    void health(final Exchange exchange) {
        withStatus(
                exchange,
                node -> withDetails(exchange, details -> {
                    final long heartbeatAgoMs = longField(details, "lastHeartbeatAgoMs", -1);
                    exchange.ok(out -> {
                        out.writeNumberField("id", node.nodeId());
                        out.writeStringField("addr", hints.httpAddress(node.nodeId()));
                        out.writeArrayFieldStart("peers");
                        int peers = 0;
                        for (final int peer : config.addresses().members()) {
                            if (peer != node.nodeId()) {
                                peers++;
                                out.writeStartObject();
                                out.writeNumberField("id", peer);
                                out.writeStringField("addr", hints.httpAddress(peer));
                                out.writeStringField(
                                        "client", config.addresses().client(peer));
                                out.writeEndObject();
                            }
                        }
                        out.writeEndArray();
                        out.writeNumberField("peersCount", peers);
                        out.writeStringField("state", node.roleName());
                        out.writeNumberField("term", node.term());
                        out.writeNumberField("leaderId", node.leaderId());
                        if (heartbeatAgoMs < 0) {
                            out.writeNullField("lastHeartbeatAgoMs");
                        } else {
                            out.writeNumberField("lastHeartbeatAgoMs", heartbeatAgoMs);
                        }
                    });
                }));
    }

    private void withDetails(final Exchange exchange, final Consumer<String> then) {
        exchange.query();
        calls.query((encoder, out, requestId) -> encoder.nodeDetails(out, requestId), exchange.guard(reply -> {
            if (reply instanceof Reply.Details details) {
                then.accept(details.json());
            } else {
                KvRoutes.unexpected(exchange, reply);
            }
        }));
    }

    /** A number of the outermost object. */
    static long longField(final String json, final String name, final long otherwise) {
        try (JsonParser parser = FACTORY.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                final boolean found = parser.currentName().equals(name);
                if (parser.nextToken() == JsonToken.VALUE_NUMBER_INT && found) {
                    return parser.getLongValue();
                }
                parser.skipChildren();
            }
            return otherwise;
        } catch (IOException e) {
            throw new UncheckedIOException("the node's details are not JSON: " + json, e);
        }
    }

    void metrics(final Exchange exchange) {
        exchange.query();
        exchange.answer(200, observer.contentType(), observer.scrape().getBytes(UTF_8));
    }
}
