package dev.cairn.testkit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A TCP relay on loopback whose connections can all be cut at once; new ones are relayed again. */
final class CuttingProxy implements AutoCloseable {
    private final ServerSocket server;
    private final int targetPort;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    CuttingProxy(final int targetPort) throws IOException {
        this.targetPort = targetPort;
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        daemon(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    void cutAll() throws IOException {
        for (final Socket socket : open) {
            socket.close();
        }
        open.clear();
    }

    private void accept() {
        try {
            while (true) {
                final Socket from = server.accept();
                open.add(from);
                final Socket to = connect(from);
                if (to != null) {
                    open.add(to);
                    daemon(() -> relay(from, to));
                    daemon(() -> relay(to, from));
                }
            }
        } catch (IOException closed) {
            // the end of the proxy
        }
    }

    private @Nullable Socket connect(final Socket from) throws IOException {
        try {
            return new Socket(InetAddress.getLoopbackAddress(), targetPort);
        } catch (IOException refused) {
            from.close();
            return null;
        }
    }

    private void relay(final Socket from, final Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException cut) {
            // both ends are closed
        }
    }

    private static void daemon(final Runnable body) {
        final Thread thread = new Thread(body, "cutting-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        server.close();
        cutAll();
    }
}
