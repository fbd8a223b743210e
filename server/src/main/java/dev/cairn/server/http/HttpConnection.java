package dev.cairn.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: requests one after the other, each with a bounded body, each answered before the next is looked at;
 * what a client sends ahead waits in its socket. Gateway's thread.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
final class HttpConnection extends ChannelInboundHandlerAdapter {
    private static final Logger LOGGER = LoggerFactory.getLogger(HttpConnection.class);
    private static final int MAX_REQUEST_ID_CHARS = 128;
    private static final int MAX_LOGGED_CHARS = 256;

    /** Behind a refusal, dropped before the connection is closed, bytes. */
    static final int MAX_DISCARDED_BYTES = 16 << 20;

    private enum Phase {
        /** Between requests. */
        IDLE,
        /** From a request's first byte to its last. */
        RECEIVING,
        /** The node works. */
        WORKING,
        /** The client takes its answer. */
        ANSWERING,
        /** Refused and answered: what the client still sends is dropped, or its system would drop the answer. */
        DISCARDING
    }

    private final HttpGateway gateway;
    private final Channel channel;
    private Phase phase = Phase.IDLE;
    private long phaseSinceNs;
    private @Nullable HttpRequest request;
    /** A new one for each request: what a body has grown it to is not held while the connection waits. */
    private ByteArrayOutputStream body = new ByteArrayOutputStream();

    private @Nullable Exchange exchange;
    private long heldBytes;
    private boolean refusing;
    private long discardedBytes;
    private boolean inputEnded;

    HttpConnection(final HttpGateway gateway, final Channel channel, final long nowNs) {
        this.gateway = gateway;
        this.channel = channel;
        phaseSinceNs = nowNs;
    }

    private void enter(final Phase next) {
        phase = next;
        phaseSinceNs = gateway.nowNs();
    }

    /**
     * Bytes have arrived, of a request or of the beginning of one.
     *
     * @return false when nobody wants them
     */
    boolean onBytes(final int bytes) {
        if (refusing) {
            discardedBytes += bytes;
            if (discardedBytes > MAX_DISCARDED_BYTES) {
                channel.close();
            }
            return false;
        }
        if (phase == Phase.IDLE) {
            enter(Phase.RECEIVING);
        }
        return true;
    }

    /** The client sends nothing more. What it has sent is answered first. */
    void onInputEnd() {
        inputEnded = true;
        closeAfterLast();
    }

    /** While the connection reads, nothing that has arrived waits: so what is not a whole request now never will be. */
    private void closeAfterLast() {
        final boolean underWay = phase == Phase.WORKING || phase == Phase.ANSWERING;
        if (inputEnded && !underWay && channel.config().isAutoRead()) {
            channel.close();
        }
    }

    /** Ends the connection when its phase has taken too long; the node's own time is bounded elsewhere. */
    void checkTime(final long nowNs) {
        final HttpLimits limits = gateway.limits();
        final long ageNs = nowNs - phaseSinceNs;
        final boolean late = switch (phase) {
            case IDLE, ANSWERING -> ageNs >= limits.idleNs();
            case RECEIVING -> ageNs >= limits.receiveNs();
            case WORKING -> false;
            case DISCARDING -> ageNs >= limits.discardNs();
        };
        if (late) {
            LOGGER.debug("event=http.closed remote={} reason=\"too long {}\"", channel.remoteAddress(), phase);
            channel.close();
        }
    }

    // ---- request -------------------------------------------------------------------------------------------------

    @Override
    public void channelRead(final ChannelHandlerContext context, final Object message) {
        try {
            if (refusing) {
                return;
            }
            if (message instanceof HttpRequest head) {
                onHead(head);
            }
            if (message instanceof HttpContent content && !refusing) {
                onContent(content);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void onHead(final HttpRequest head) {
        request = head;
        if (head.decoderResult().isFailure()) {
            refuseAndClose(
                    400,
                    "bad_request",
                    "this is not an HTTP request that can be read here: "
                            + firstLine(
                                    String.valueOf(head.decoderResult().cause().getMessage())));
            return;
        }
        final long length = contentLength(head);
        if (length > gateway.limits().maxBodyBytes()) {
            tooLarge();
        } else if (gateway.isFull(Math.max(0, length))) {
            refuseAndClose(429, "busy", "too many requests are under way");
        } else if (HttpUtil.is100ContinueExpected(head)) {
            channel.writeAndFlush(new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
        }
    }

    private static long contentLength(final HttpRequest head) {
        try {
            return HttpUtil.getContentLength(head, -1L);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }

    private static String firstLine(final String text) {
        final int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }

    private void onContent(final HttpContent content) {
        if (content.decoderResult().isFailure()) {
            refuseAndClose(400, "bad_request", "the body cannot be read");
            return;
        }
        final ByteBuf bytes = content.content();
        final int length = bytes.readableBytes();
        if (body.size() + length > gateway.limits().maxBodyBytes()) {
            tooLarge();
            return;
        }
        hold(length);
        if (gateway.isFull(0)) {
            refuseAndClose(429, "busy", "too many requests are under way");
            return;
        }
        if (length > 0) {
            final byte[] copy = new byte[length];
            bytes.readBytes(copy);
            body.writeBytes(copy);
        }
        if (content instanceof LastHttpContent) {
            onRequest();
        }
    }

    private void tooLarge() {
        refuseAndClose(
                413, "body_too_large", "a body has at most " + gateway.limits().maxBodyBytes() + " bytes");
    }

    private void hold(final long bytes) {
        heldBytes += bytes;
        gateway.hold(bytes);
    }

    private void releaseAll() {
        gateway.hold(-heldBytes);
        heldBytes = 0;
    }

    private void onRequest() {
        final HttpRequest head = request;
        if (head == null) {
            throw new IllegalStateException("end of a request without beginning");
        }
        enter(Phase.WORKING);
        channel.config().setAutoRead(false);
        final byte[] bytes = body.toByteArray();
        body = new ByteArrayOutputStream();
        final String uri = head.uri();
        final int question = uri.indexOf('?');
        final String path = question < 0 ? uri : uri.substring(0, question);
        final Route.Match match = Route.find(head.method().name(), path);
        if (match == null) {
            answerNoRoute(head, path);
            return;
        }
        final Exchange begun = new Exchange(
                head,
                requestId(head),
                match,
                question < 0 ? "" : uri.substring(question + 1),
                bytes,
                gateway.hints(),
                this::answer);
        exchange = begun;
        gateway.dispatch(begun);
    }

    private String requestId(final HttpRequest head) {
        final String given = head.headers().get("X-Request-ID");
        final boolean good = given != null
                && !given.isEmpty()
                && given.length() <= MAX_REQUEST_ID_CHARS
                && given.chars().allMatch(c -> c > ' ' && c < 0x7F);
        return good ? given : gateway.newRequestId();
    }

    private void answerNoRoute(final HttpRequest head, final String path) {
        final var methods = Route.methodsOf(path);
        if (methods.isEmpty()) {
            send(head, 404, Exchange.JSON, error("no_such_route", "nothing is served at this path"), response -> {});
        } else {
            final String allowed = String.join(", ", methods);
            send(
                    head,
                    405,
                    Exchange.JSON,
                    error("method_not_allowed", "allowed here: " + allowed),
                    response -> response.headers().set(HttpHeaderNames.ALLOW, allowed));
        }
    }

    private static byte[] error(final String error, final String message) {
        return JsonAnswer.object(out -> {
            out.writeBooleanField("ok", false);
            out.writeStringField("error", error);
            out.writeStringField("message", message);
        });
    }

    // ---- answer --------------------------------------------------------------------------------------------------

    /** Adds headers. */
    private interface Headers {
        void add(FullHttpResponse response);
    }

    private void answer(final Exchange answered, final int code, final String contentType, final byte[] bytes) {
        exchange = null;
        if (answered.isAbandoned()) {
            return;
        }
        send(answered.request(), code, contentType, bytes, response -> {
            answered.headers().forEach((name, value) -> response.headers().set(name, value));
            response.headers().set("X-Request-ID", answered.requestId());
        });
    }

    private void send(
            final HttpRequest head,
            final int code,
            final String contentType,
            final byte[] bytes,
            final Headers headers) {
        final long durationNs = gateway.nowNs() - phaseSinceNs;
        final FullHttpResponse response = response(code, contentType, bytes);
        headers.add(response);
        if (!response.headers().contains("X-Request-ID")) {
            response.headers().set("X-Request-ID", requestId(head));
        }
        final boolean keep = HttpUtil.isKeepAlive(head) && !gateway.isClosing();
        if (!keep) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        } else if (head.protocolVersion().equals(HttpVersion.HTTP_1_0)) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        }
        log(head, code, durationNs, response);
        gateway.onResponse(code, durationNs);
        hold(bytes.length);
        enter(Phase.ANSWERING);
        channel.writeAndFlush(response).addListener(written -> {
            releaseAll();
            if (!keep || !written.isSuccess()) {
                channel.close();
                return;
            }
            enter(Phase.IDLE);
            // As a task: an answer within the reading of its request must not read the next one within itself.
            channel.eventLoop().execute(this::readOn);
        });
    }

    private void readOn() {
        channel.config().setAutoRead(true);
        closeAfterLast();
    }

    private static FullHttpResponse response(final int code, final String contentType, final byte[] bytes) {
        final FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(code), Unpooled.wrappedBuffer(bytes));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, contentType)
                .set(HttpHeaderNames.CONTENT_LENGTH, bytes.length);
        return response;
    }

    private void log(final HttpRequest head, final int code, final long durationNs, final FullHttpResponse response) {
        if (LOGGER.isDebugEnabled()) {
            LOGGER.debug(
                    "event=http.request method={} path=\"{}\" status={} us={} request={}",
                    printable(head.method().name()),
                    printable(head.uri()),
                    code,
                    durationNs / 1000,
                    response.headers().get("X-Request-ID"));
        }
    }

    private static String printable(final String text) {
        final StringBuilder clean = new StringBuilder();
        for (int i = 0; i < Math.min(text.length(), MAX_LOGGED_CHARS); i++) {
            final char c = text.charAt(i);
            clean.append(c > ' ' && c < 0x7F && c != '"' ? c : '?');
        }
        return clean.toString();
    }

    /** For requests that are not read to their end: whatever follows them is dropped, then the connection closed. */
    private void refuseAndClose(final int code, final String error, final String message) {
        refusing = true;
        body = new ByteArrayOutputStream();
        releaseAll();
        final HttpRequest head = request;
        final FullHttpResponse response = response(code, Exchange.JSON, error(error, message));
        response.headers()
                .set("X-Request-ID", head == null ? gateway.newRequestId() : requestId(head))
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        if (code == 429) {
            response.headers().set(HttpHeaderNames.RETRY_AFTER, 1);
        }
        if (head != null) {
            log(head, code, 0, response);
        }
        gateway.onResponse(code, 0);
        enter(Phase.ANSWERING);
        channel.writeAndFlush(response).addListener(written -> {
            if (!written.isSuccess()) {
                channel.close();
                return;
            }
            enter(Phase.DISCARDING);
            ((DuplexChannel) channel).shutdownOutput();
            closeAfterLast();
        });
    }

    @Override
    public void channelInactive(final ChannelHandlerContext context) {
        final Exchange begun = exchange;
        if (begun != null) {
            begun.abandon();
        }
        releaseAll();
        gateway.onClosed(this);
    }

    @Override
    public void exceptionCaught(final ChannelHandlerContext context, final Throwable cause) {
        LOGGER.debug("event=http.closed remote={} reason=\"{}\"", channel.remoteAddress(), cause.toString());
        channel.close();
    }

    void close() {
        channel.close();
    }

    boolean isIdle() {
        return phase == Phase.IDLE;
    }
}
