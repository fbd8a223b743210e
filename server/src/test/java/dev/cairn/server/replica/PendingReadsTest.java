package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.protocol.MessageType;
import java.util.ArrayList;
import java.util.List;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class PendingReadsTest {
    private static final int ALL = Integer.MAX_VALUE;

    private final PendingReads reads = new PendingReads();
    private final List<Long> served = new ArrayList<>();
    private final PendingReads.Handler serve =
            (connectionId, requestId, type, minRevision, buffer, offset, length) -> served.add(requestId);

    private long add(final long requestId, final int keyLength) {
        return reads.add(1, requestId, MessageType.GET, 0, new UnsafeBuffer(new byte[keyLength]), 0, keyLength);
    }

    @Test
    @Covers("R19")
    void readIsServedOnlyWhenItsRoundIsConfirmedAndItsIndexIsApplied() {
        final long readId = add(100, 16);

        assertThat(reads.serve(50, ALL, serve)).as("not confirmed").isZero();
        reads.onConfirmed(readId, 51);
        assertThat(reads.serve(50, ALL, serve)).as("not applied").isZero();
        assertThat(reads.serve(51, ALL, serve)).isEqualTo(1);
        assertThat(served).containsExactly(100L);
        assertThat(reads.serve(60, ALL, serve)).as("served once").isZero();
    }

    @Test
    void readThatCameAfterTheRoundWaitsForTheNext() {
        final long first = add(1, 16);
        final long second = add(2, 16);
        reads.onConfirmed(first, 10);

        reads.serve(100, ALL, serve);
        assertThat(served).containsExactly(1L);

        reads.onConfirmed(second, 10);
        reads.serve(100, ALL, serve);
        assertThat(served).containsExactly(1L, 2L);
    }

    @Test
    void roundsBeyondTheRememberedOnesAreServedNoEarlierThanTheirIndex() {
        final List<Long> ids = new ArrayList<>();
        for (int i = 1; i <= 40; i++) {
            ids.add(add(i, 16));
            reads.onConfirmed(ids.get(i - 1), i);
        }

        for (int applied = 0; applied <= 40; applied++) {
            reads.serve(applied, ALL, serve);
            assertThat(served.size()).as("served at applied index " + applied).isLessThanOrEqualTo(applied);
        }
        assertThat(served).hasSize(40).isSorted();
    }

    /** The round of the first is still under way; its confirmation says nothing new then. */
    @Test
    void readThatALeaseConfirmsConfirmsThoseBefore() {
        final long first = add(1, 16);
        final long second = add(2, 16);
        reads.onConfirmed(second, 20);
        reads.onConfirmed(first, 10);
        assertThat(reads.serve(19, ALL, serve)).isZero();
        assertThat(reads.serve(20, ALL, serve)).isEqualTo(2);
        assertThat(served).containsExactly(1L, 2L);
        final long third = add(3, 16);
        reads.onConfirmed(third, 20);
        assertThat(reads.serve(20, ALL, serve)).isEqualTo(1);
    }

    @Test
    void keyArrivesAsItWas() {
        final byte[] key = "some key".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        final long readId = reads.add(5, 6, MessageType.GET, 0, new UnsafeBuffer(key), 0, key.length);
        reads.onConfirmed(readId, 1);
        final List<String> keys = new ArrayList<>();

        reads.serve(
                1,
                ALL,
                (final long connectionId,
                        final long requestId,
                        final int type,
                        final long minRevision,
                        final DirectBuffer buffer,
                        final int offset,
                        final int length) -> {
                    keys.add(buffer.getStringWithoutLengthAscii(offset, length));
                    assertThat(connectionId).isEqualTo(5);
                });

        assertThat(keys).containsExactly("some key");
    }

    @Test
    void readsBeyondTheByteLimitAreRefusedAndThoseBeforeItAreKept() {
        int accepted = 0;
        long lastId = 0;
        for (long id = add(0, 4096); id != 0; id = add(accepted, 4096)) {
            lastId = id;
            accepted++;
        }
        assertThat((long) accepted * 4096).isBetween(PendingReads.MAX_BYTES / 2L, (long) PendingReads.MAX_BYTES);

        reads.onConfirmed(lastId, 1);
        reads.serve(1, ALL, serve);
        assertThat(served).hasSize(accepted);
        assertThat(add(1, 4096)).as("room again").isNotZero();
    }

    @Test
    void allAreFailedWhenLeadershipIsLostAlsoTheConfirmedOnes() {
        final long readId = add(1, 16);
        add(2, 16);
        reads.onConfirmed(readId, 99);
        final List<Long> failed = new ArrayList<>();

        reads.failAll((connectionId, requestId, type, minRevision, key, offset, length) -> failed.add(requestId));

        assertThat(failed).containsExactly(1L, 2L);
        assertThat(reads.serve(1_000, ALL, serve)).isZero();
    }

    @Test
    void serveStopsAtItsLimitAndGoesOnInTheNextCycle() {
        long last = 0;
        for (int i = 0; i < 10; i++) {
            last = add(i, 16);
        }
        reads.onConfirmed(last, 1);

        reads.serve(1, 3, serve);
        assertThat(served).hasSize(3);
        reads.serve(1, ALL, serve);
        assertThat(served).hasSize(10).isSorted();
    }
}
