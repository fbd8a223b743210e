package dev.cairn.server.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.cairn.protocol.Status;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One request and its one answer. Gateway's thread. */
final class Exchange {
    static final String JSON = "application/json";
    static final String TEXT = "text/plain; charset=utf-8";
    static final String BYTES = "application/octet-stream";
    private static final Logger LOGGER = LoggerFactory.getLogger(Exchange.class);

    /** Sends the answer; exactly once per exchange. */
    interface Answerer {
        void answer(Exchange exchange, int code, String contentType, byte[] body);
    }

    private final HttpRequest request;
    private final String requestId;
    private final Route route;
    private final String rawKey;
    private final String rawQuery;
    private final byte[] body;
    private final LeaderHints hints;
    private final Answerer answerer;
    private final Map<String, String> headers = new TreeMap<>();
    private @Nullable Query query;
    private boolean answered;
    private boolean abandoned;

    Exchange(
            final HttpRequest request,
            final String requestId,
            final Route.Match match,
            final String rawQuery,
            final byte[] body,
            final LeaderHints hints,
            final Answerer answerer) {
        this.request = request;
        this.requestId = requestId;
        route = match.route();
        rawKey = match.rawKey();
        this.rawQuery = rawQuery;
        this.body = body;
        this.hints = hints;
        this.answerer = answerer;
    }

    // ---- the request ---------------------------------------------------------------------------------------------

    Route route() {
        return route;
    }

    HttpRequest request() {
        return request;
    }

    String requestId() {
        return requestId;
    }

    /** The key of the path. */
    byte[] key() {
        return Query.decode(rawKey, false);
    }

    Query query() {
        Query known = query;
        if (known == null) {
            known = new Query(rawQuery, route.parameters());
            query = known;
        }
        return known;
    }

    byte[] body() {
        return body;
    }

    /** True when the body is a JSON object around the value and not the value itself. */
    boolean isJson() {
        final String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE);
        return type != null && mediaType(type).equals(JSON);
    }

    private static String mediaType(final String contentType) {
        final int end = contentType.indexOf(';');
        return (end < 0 ? contentType : contentType.substring(0, end)).strip().toLowerCase(Locale.ROOT);
    }

    boolean wantsJson() {
        final HttpHeaders given = request.headers();
        final String accept = given.get(HttpHeaderNames.ACCEPT);
        return accept != null && accept.toLowerCase(Locale.ROOT).contains(JSON);
    }

    JsonBody json(final Set<String> allowed, final int maxItems) {
        return new JsonBody(body, allowed, maxItems);
    }

    // ---- the answer ----------------------------------------------------------------------------------------------

    /** The client is gone: whatever is still under way for it need not be answered. */
    void abandon() {
        abandoned = true;
    }

    boolean isAbandoned() {
        return abandoned;
    }

    Map<String, String> headers() {
        return headers;
    }

    void header(final String name, final String value) {
        headers.put(name, value);
    }

    void revision(final long revision) {
        headers.put("X-Cairn-Revision", Long.toString(revision));
    }

    void answer(final int code, final String contentType, final byte[] bytes) {
        if (answered) {
            throw new IllegalStateException("second answer to " + route);
        }
        if (!route.codes().contains(code)) {
            throw new IllegalStateException(route + " does not name status " + code);
        }
        answered = true;
        answerer.answer(this, code, contentType, bytes);
    }

    void answer(final int code, final JsonAnswer.Body json) {
        answer(code, JSON, JsonAnswer.object(json));
    }

    void ok(final JsonAnswer.Body json) {
        answer(200, out -> {
            out.writeBooleanField("ok", true);
            json.write(out);
        });
    }

    void problem(final int code, final String error, final String message) {
        problem(code, error, message, out -> {});
    }

    void problem(final int code, final String error, final String message, final JsonAnswer.Body more) {
        retryLater(code);
        answer(code, out -> {
            out.writeBooleanField("ok", false);
            out.writeStringField("error", error);
            out.writeStringField("message", message);
            more.write(out);
        });
    }

    private void retryLater(final int code) {
        if (code == 429 || code == 503) {
            header("Retry-After", "1");
        }
    }

    /** Answers with what the node refused, and where its leader is. */
    void refused(final Reply.Refused refused) {
        if (refused.outcomeUnknown()) {
            problem(
                    503,
                    "outcome_unknown",
                    refused.text() + "; the write may or may not take effect. With client_id and seq it is safe to send"
                            + " it again, to any node",
                    out -> leader(out, refused));
        } else {
            problem(
                    HttpProblem.codeOf(refused.status()),
                    HttpProblem.errorOf(refused.status()),
                    refused.status() == Status.NOT_LEADER ? hints.message(refused.leaderId()) : refused.text(),
                    out -> leader(out, refused));
        }
    }

    private void leader(final JsonGenerator out, final Reply.Refused refused) throws IOException {
        if (refused.leaderId() != 0) {
            out.writeNumberField("leaderId", refused.leaderId());
            out.writeStringField("leader", hints.httpAddress(refused.leaderId()));
            out.writeStringField("leaderClient", refused.leaderAddress());
        } else if (refused.status() == Status.NOT_LEADER) {
            out.writeNullField("leaderId");
            out.writeNullField("leader");
        }
    }

    /** A continuation that cannot harm more than its own request. */
    Consumer<Reply> guard(final Consumer<Reply> then) {
        return reply -> run(() -> then.accept(reply));
    }

    /** Runs a step of the request: whatever it throws becomes this request's answer. */
    void run(final Runnable step) {
        try {
            step.run();
        } catch (HttpProblem problem) {
            problem(problem.code(), problem.error(), problem.message());
        } catch (RuntimeException | StackOverflowError failure) {
            LOGGER.error("event=http.failed route={} request={}", route, requestId, failure);
            if (!answered) {
                problem(500, "internal", "this request failed; the node's log has request id " + requestId);
            }
        }
    }
}
