package dev.cairn.client;

import dev.cairn.protocol.ClusterMembership;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Asks one server one question over a connection of its own: any server answers, leader or not. Loop thread only.
 *
 * @param <A> what the question is answered with: {@link NodeStatus}, {@link ClusterMembership}, the text of the node's details, or an
 *     applied index
 * @param <R> what the caller gets, for an answer or for a problem
 */
final class ServerProbe<A, R> implements ConnectionOwner {
    static final long REQUEST_ID = 2;

    private final Consumer<ByteBuf> question;
    private final Class<A> answerType;
    private final Function<A, R> onAnswer;
    private final Function<String, R> onProblem;
    private final BiFunction<Status, String, R> onRefusal;
    private final CompletableFuture<R> outcome = new CompletableFuture<>();

    ServerProbe(
            Consumer<ByteBuf> question, Class<A> answerType, Function<A, R> onAnswer, Function<String, R> onProblem) {
        this(
                question,
                answerType,
                onAnswer,
                onProblem,
                (status, text) ->
                        onProblem.apply("the server answered " + status + (text.isEmpty() ? "" : ": " + text)));
    }

    /** @param onRefusal what the caller gets for an ERROR_REPLY */
    ServerProbe(
            Consumer<ByteBuf> question,
            Class<A> answerType,
            Function<A, R> onAnswer,
            Function<String, R> onProblem,
            BiFunction<Status, String, R> onRefusal) {
        this.question = question;
        this.answerType = answerType;
        this.onAnswer = onAnswer;
        this.onProblem = onProblem;
        this.onRefusal = onRefusal;
    }

    /** Completes in any case: with the answer, or with what became of a problem. */
    CompletableFuture<R> outcome() {
        return outcome;
    }

    /** As a problem said by the server's side, but before the connection has ended. Any thread. */
    R problem(String text) {
        return onProblem.apply(text);
    }

    @Override
    public void onReady(ClientConnection connection) {
        ByteBuf request = connection.newBatch();
        question.accept(request);
        connection.write(request);
        connection.flush();
    }

    @Override
    public void onClosed(ClientConnection connection, String problem, @Nullable Status refusal) {
        outcome.complete(onProblem.apply(problem));
    }

    @Override
    public void onMomentToSend(ClientConnection connection) {
        // Its one request has been sent.
    }

    @Override
    public void onErrorReply(
            ClientConnection connection, long requestId, Status status, String leaderAddress, String text) {
        outcome.complete(onRefusal.apply(status, text));
        connection.close("refused");
    }

    @Override
    public void onStatusReply(ClientConnection connection, long requestId, NodeStatus node) {
        onAnswer(connection, node);
    }

    @Override
    public void onNodeDetailsReply(ClientConnection connection, long requestId, String json) {
        onAnswer(connection, json);
    }

    @Override
    public void onWaitAppliedReply(ClientConnection connection, long requestId, long appliedIndex) {
        onAnswer(connection, appliedIndex);
    }

    @Override
    public void onMembershipReply(ClientConnection connection, long requestId, ClusterMembership membership) {
        onAnswer(connection, membership);
    }

    private void onAnswer(ClientConnection connection, Object answer) {
        if (answerType.isInstance(answer)) {
            outcome.complete(onAnswer.apply(answerType.cast(answer)));
            connection.close("done");
        } else {
            connection.close("the server answered another question");
        }
    }
}
