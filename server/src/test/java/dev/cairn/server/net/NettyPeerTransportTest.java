package dev.cairn.server.net;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.server.replica.MemberAddresses;
import dev.cairn.server.replica.PeerSet;
import dev.cairn.server.replica.PeerTransport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** With whom a node talks when the members change. All ends on one loop and one thread. */
@Covers("R28")
class NettyPeerTransportTest {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(20);
    private static final int FRAME_BYTES = FrameHeader.HEADER_LENGTH + 8;

    private final NetLoop loop = new NetLoop(Thread.currentThread());
    private final Map<Integer, String> everybody = new HashMap<>();
    private final List<End> ends = new ArrayList<>();

    @AfterEach
    void close() {
        ends.forEach(end -> end.transport.close());
        loop.close();
    }

    /** One node's end, which knows where these nodes are. */
    private End end(final int id, final Integer... known) throws IOException {
        return endOn(1000 + id, id, known);
    }

    private End endOn(final long storageId, final int id, final Integer... known) throws IOException {
        try (ServerSocket peer = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                ServerSocket client = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            everybody.put(id, "127.0.0.1:" + peer.getLocalPort() + ":" + client.getLocalPort());
        }
        final Map<Integer, String> addresses = new HashMap<>();
        for (final int other : known) {
            addresses.put(other, everybody.get(other));
        }
        addresses.put(id, everybody.get(id));
        final End end = new End(id, storageId, new MemberAddresses(addresses));
        ends.add(end);
        return end;
    }

    private void until(final String what, final BooleanSupplier condition) {
        final long endNs = System.nanoTime() + PATIENCE_NS;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - endNs).as(what).isNegative();
            loop.runOnce(TimeUnit.MILLISECONDS.toNanos(5));
            ends.forEach(end -> end.transport.poll(end));
        }
    }

    @Test
    void aJoiningNodeHearsTheLeaderBeforeItKnowsAnyConfiguration() throws IOException {
        final End joining = end(4);
        final End leader = end(1, 4);
        joining.members(0, 0);
        leader.members(10, 9, 1, 4);
        until("connected", () -> leader.connected.contains(4));
        leader.request(4);
        until("heard", () -> joining.heard.contains(1));
        joining.reply(1);
        until("answered", () -> leader.heard.contains(4));
        assertThat(joining.addresses.client(1))
                .as("where it is, from its greeting")
                .isEqualTo(leader.addresses.client(1));
    }

    @Test
    void whoKnowsALaterConfigurationIsHeardAndWhoDoesNotIsToldThatItIsOut() throws IOException {
        final End node = end(1);
        final End later = end(4, 1);
        final End same = end(5, 1);
        final End earlier = end(6, 1);
        node.members(10, 10, 1, 2);
        later.members(11, 10, 1, 4);
        same.members(10, 10, 1, 5);
        earlier.members(3, 3, 1, 6);
        until("told", () -> earlier.refusals.contains("1 at 10") && same.refusals.contains("1 at 10"));
        until("connected", () -> later.connected.contains(1));
        later.request(1);
        until("heard", () -> node.heard.contains(4));
        assertThat(node.heard).containsOnly(4);
        assertThat(later.refusals).isEmpty();
        assertThat(earlier.connected).isEmpty();
    }

    @Test
    void aRemovedNodeIsHungUpOnAndToldWhenItDialsAgain() throws IOException {
        final End removed = end(2);
        final End node = end(1, 2);
        removed.addresses.introduce(1, node.addresses.text(1));
        removed.members(0, 0, 1, 2);
        node.members(0, 0, 1, 2);
        until("connected", () -> node.connected.contains(2) && removed.connected.contains(1));
        node.connected.clear();
        node.members(12, 12, 1);
        until("hung up", () -> node.connected.contains(-2));
        until("told", () -> removed.refusals.contains("1 at 12"));
        assertThat(node.connected).doesNotContain(2);
    }

    @Test
    void aRemovedIdDoesNotComeBackWithAnotherDisk() throws IOException {
        final End node = end(1);
        node.members(0, 0, 1, 2);
        final End before = end(2, 1);
        before.members(0, 0, 1, 2);
        until("connected", () -> before.connected.contains(1));
        node.members(5, 5, 1);
        until("hung up", () -> before.connected.contains(-1));
        node.members(6, 6, 1, 2);
        final End empty = endOn(77, 2, 1);
        empty.members(6, 6, 1, 2);
        final End again = endOn(1002, 2, 1);
        again.members(6, 6, 1, 2);
        until("the old disk is welcome", () -> again.connected.contains(1));
        assertThat(empty.connected).isEmpty();
    }

    @Test
    void anAddedNodeIsDialledAndAnUnknownAddressWaitsUntilItIsKnown() throws IOException {
        final End node = end(1);
        final End added = end(4);
        node.members(0, 0, 1);
        added.members(0, 0);
        node.members(5, 0, 1, 4);
        until("nothing to dial", () -> true);
        assertThat(node.connected).isEmpty();
        node.addresses.introduce(4, added.addresses.text(4));
        until("connected", () -> node.connected.contains(4));
    }

    @Test
    void whoIsNoMemberDialsNobody() throws IOException {
        final End member = end(1);
        final End outside = end(4, 1);
        member.members(0, 0, 1);
        outside.members(7, 7, 1);
        final End other = end(5, 1);
        other.members(8, 8, 1, 5);
        until("another one got through", () -> other.connected.contains(1));
        assertThat(outside.connected).isEmpty();
        assertThat(outside.refusals).isEmpty();
    }

    private final class End implements PeerTransport.Handler {
        final MemberAddresses addresses;
        final NettyPeerTransport transport;
        final List<Integer> heard = new ArrayList<>();
        /** Peers that became connected, negative where a connection ended. */
        final List<Integer> connected = new ArrayList<>();

        final List<String> refusals = new ArrayList<>();
        private final List<Integer> up = new ArrayList<>();

        End(final int id, final long storageId, final MemberAddresses addresses) {
            this.addresses = addresses;
            transport = new NettyPeerTransport(loop, new NettyPeerTransport.Self(id, 77, storageId), addresses);
            final var own = addresses.address(id);
            assertThat(own).isNotNull();
            transport.listen(new InetSocketAddress(own.host(), own.peerPort()));
        }

        void members(final long index, final long committedIndex, final int... ids) {
            transport.members(new PeerSet(index, committedIndex, ids));
        }

        private void claim() {
            final MutableDirectBuffer frame = transport.claim(FRAME_BYTES);
            frame.setMemory(0, FRAME_BYTES, (byte) 0);
            frame.putShort(FrameHeader.TYPE_OFFSET, (short) 999, LITTLE_ENDIAN);
        }

        void request(final int peer) {
            claim();
            transport.sendRequest(peer);
            transport.flush();
        }

        void reply(final int peer) {
            claim();
            transport.sendReply(peer);
            transport.flush();
        }

        @Override
        public void onPeerFrame(final int peerId, final DirectBuffer buffer, final int offset, final int length) {
            heard.add(peerId);
        }

        @Override
        public void onPeerConnectionChanged(final int peerId) {
            if (up.remove((Integer) peerId)) {
                connected.add(-peerId);
            } else {
                up.add(peerId);
                connected.add(peerId);
            }
        }

        @Override
        public void onNotMember(final int peerId, final long index) {
            refusals.add(peerId + " at " + index);
        }
    }
}
