package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import org.agrona.collections.LongHashSet;
import org.junit.jupiter.api.Test;

@Covers({"K15", "R34"})
class ReplySlotsTest {
    private final ReplySlots slots = new ReplySlots(4);

    @Test
    void resultFindsWhoWaitsForItsIndexOnce() {
        slots.put(7, 11, 13);

        assertThat(slots.isWaiting(7)).isTrue();
        assertThat(slots.connectionId(7)).isEqualTo(11);
        assertThat(slots.requestId(7)).isEqualTo(13);

        slots.free(7);
        assertThat(slots.isWaiting(7)).isFalse();
    }

    @Test
    void indexOneTurnAwayIsNotMistakenForTheOneThatWaits() {
        slots.put(3, 1, 1);

        assertThat(slots.isWaiting(7)).isFalse();
        assertThat(slots.isWaiting(3)).isTrue();
    }

    @Test
    void slotThatStillWaitsIsNeverOverwritten() {
        slots.put(3, 1, 1);

        assertThatThrownBy(() -> slots.put(7, 2, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("3");
    }

    @Test
    void lostLeadershipFreesAllAndNamesEachConnectionOnce() {
        slots.put(1, 11, 1);
        slots.put(2, 12, 2);
        slots.put(3, 11, 3);
        final LongHashSet connections = new LongHashSet();

        slots.clear(connections);

        assertThat(connections).containsExactlyInAnyOrder(11L, 12L);
        assertThat(slots.isWaiting(1)).isFalse();
        slots.put(5, 13, 4);
        assertThat(slots.isWaiting(5)).isTrue();
    }

    @Test
    void capacityIsAPowerOfTwo() {
        assertThatThrownBy(() -> new ReplySlots(6))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("6");
    }
}
