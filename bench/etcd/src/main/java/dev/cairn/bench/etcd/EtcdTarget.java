package dev.cairn.bench.etcd;

import dev.cairn.bench.targets.LoadTarget;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One HTTP/2 connection to a member of etcd; answers are handed over on the connection's own thread. */
final class EtcdTarget implements LoadTarget {
    private final ManagedChannel channel;

    /** @param channel with the direct executor */
    EtcdTarget(ManagedChannel channel) {
        this.channel = channel;
    }

    @Override
    public CompletableFuture<?> put(byte[] key, byte[] value) {
        return call(channel, EtcdMessages.PUT, EtcdMessages.put(key, value), CallOptions.DEFAULT);
    }

    @Override
    public CompletableFuture<?> get(byte[] key) {
        return call(channel, EtcdMessages.RANGE, EtcdMessages.range(key), CallOptions.DEFAULT);
    }

    @Override
    public int valueLength(@Nullable Object result) {
        return result instanceof byte[] response ? EtcdMessages.valueLength(response) : -1;
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    static CompletableFuture<byte[]> call(
            ManagedChannel channel, MethodDescriptor<byte[], byte[]> method, byte[] request, CallOptions options) {
        Answer answer = new Answer();
        ClientCall<byte[], byte[]> call = channel.newCall(method, options);
        call.start(answer, new Metadata());
        call.request(2);
        call.sendMessage(request);
        call.halfClose();
        return answer.future;
    }

    private static final class Answer extends ClientCall.Listener<byte[]> {
        private final CompletableFuture<byte[]> future = new CompletableFuture<>();
        private byte @Nullable [] message;

        @Override
        public void onMessage(byte[] received) {
            message = received;
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            byte[] received = message;
            if (status.isOk() && received != null) {
                future.complete(received);
            } else {
                future.completeExceptionally(status.asRuntimeException());
            }
        }
    }
}
