package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.raft.Membership;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class MembershipDescriptorTest {
    /** Voters 1 and 3 come, 1 and 2 go, learner 300 takes the place of 3. */
    private static final String JOINT = "0100" + "0400" + "0a00" + "0000"
            + "0100" + "03" + "00" + "00000000" + "0500" + "683a313a32"
            + "0200" + "02" + "00" + "00000000" + "0000"
            + "0300" + "01" + "00" + "00000000" + "0000"
            + "2c01" + "04" + "00" + "03000000" + "0000";

    private static Membership joint() {
        final TreeMap<Integer, Integer> learners = new TreeMap<>();
        learners.put(300, 3);
        return Membership.of(Set.of(1, 3), Set.of(1, 2), learners);
    }

    private static MembershipDescriptor.Decoded decode(final String hex) {
        final byte[] bytes = HexFormat.of().parseHex("ff" + hex);
        return MembershipDescriptor.decode(new UnsafeBuffer(bytes), 1, bytes.length - 1);
    }

    @Test
    void theBytesAreThoseOfTheDescription() {
        final ExpandableArrayBuffer buffer = new ExpandableArrayBuffer();
        final int length = MembershipDescriptor.encode(buffer, joint(), Map.of(1, "h:1:2", 9, "no:1:2"));
        final byte[] bytes = new byte[length];
        buffer.getBytes(0, bytes);
        assertThat(HexFormat.of().formatHex(bytes)).isEqualTo(JOINT);
    }

    @Test
    void whatWasWrittenIsRead() {
        final MembershipDescriptor.Decoded decoded = decode(JOINT);
        assertThat(decoded.membership()).isEqualTo(joint());
        assertThat(decoded.addresses()).containsExactly(Map.entry(1, "h:1:2"));
    }

    @Test
    void aFieldOfALaterReleaseIsSkipped() {
        final String later =
                "0100" + "0100" + "0c00" + "0000" + "0100" + "01" + "00" + "00000000" + "0100" + "abcd" + "68";
        assertThat(decode(later).membership()).isEqualTo(Membership.of(Set.of(1)));
        assertThat(decode(later).addresses()).containsExactly(Map.entry(1, "h"));
    }

    @Test
    void everyCutAndEveryOtherLayoutIsRefused() {
        for (int length = 0; length < JOINT.length(); length += 2) {
            final String cut = JOINT.substring(0, length);
            assertThatThrownBy(() -> decode(cut)).isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(() -> decode(JOINT + "00")).hasMessageContaining("end at");
        assertThatThrownBy(() -> decode("02" + JOINT.substring(2))).hasMessageContaining("layout 2, expected 1");
        assertThatThrownBy(() -> decode(JOINT.replace("2c0104", "2c0105"))).hasMessageContaining("voter and learner");
    }

    @Test
    void anAddressBeyondTheLimitIsRefused() {
        final Membership one = Membership.of(Set.of(1));
        final ExpandableArrayBuffer buffer = new ExpandableArrayBuffer();
        final String longest = "h".repeat(MembershipDescriptor.MAX_ADDRESS_BYTES);
        assertThat(MembershipDescriptor.encode(buffer, one, Map.of(1, longest)))
                .isEqualTo(MembershipDescriptor.HEADER_LENGTH + MembershipDescriptor.MEMBER_LENGTH + 300);
        assertThatThrownBy(() -> MembershipDescriptor.encode(buffer, one, Map.of(1, longest + "h")))
                .hasMessageContaining("has 301 bytes, at most 300");
    }
}
