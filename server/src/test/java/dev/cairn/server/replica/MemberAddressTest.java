package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.protocol.MemberChange;
import dev.cairn.raft.Membership;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MemberAddressTest {
    private final MemberAddresses addresses = new MemberAddresses(Map.of(1, "h1:1:2:3", 2, "h2:1:2"));

    @Test
    void anAddressIsReadAndWrittenTheSame() {
        for (final String text : List.of("h:1:2", "db-1.example:65535:1:3", "[::1]:1:2:3", "10.0.0.1:7501:7401")) {
            assertThat(MemberAddress.parse(text)).as(text).hasToString(text);
        }
        assertThat(MemberAddress.parse("[::1]:1:2:3")).isEqualTo(new MemberAddress("::1", 1, 2, 3));
        for (final String text : List.of(
                "",
                "h",
                "h:1",
                "h:0:2",
                "h:1:65536",
                "h:1:1",
                "h:1:2:2",
                "h:1:2:0",
                "h:1:2:3:4",
                "::1:1:2",
                "-h:1:2")) {
            assertThat(MemberAddress.parse(text)).as(text).isNull();
        }
    }

    @Test
    void addressesForClientsAndBrowsersAreTakenOut() {
        assertThat(addresses.client(1)).isEqualTo("h1:2");
        assertThat(addresses.http(1)).isEqualTo("h1:3");
        assertThat(addresses.http(2)).isEmpty();
        assertThat(addresses.client(9)).isEmpty();
        assertThat(addresses.members()).containsExactly(1, 2);
    }

    @Test
    void aNodeThatIntroducesItselfChangesNothingThatIsKnown() {
        addresses.introduce(1, "elsewhere:1:2");
        addresses.introduce(4, "h4:1:2");
        addresses.introduce(5, "rubbish");
        assertThat(addresses.texts())
                .containsExactlyInAnyOrderEntriesOf(Map.of(1, "h1:1:2:3", 2, "h2:1:2", 4, "h4:1:2"));
        addresses.put(4, "h5:1:2");
        assertThat(addresses.client(4)).as("an entry says more").isEqualTo("h5:2");
    }

    private String refusal(final MemberChange... changes) {
        return String.valueOf(MemberChanges.refusal(List.of(changes), Membership.of(Set.of(1, 2)), addresses));
    }

    @Test
    void addressesThatCannotBeAreRefused() {
        assertThat(refusal(MemberChange.addVoter(4, "h4:1:2"), MemberChange.replace(1, 5, "h4:3:4")))
                .isEqualTo("null");
        assertThat(refusal(MemberChange.addVoter(4, "h4:1"))).contains("'h4:1' is no address of node 4");
        assertThat(refusal(MemberChange.addLearner(4, ""))).contains("'' is no address of node 4");
        assertThat(refusal(MemberChange.addVoter(4, "h1:9:3"))).contains("nodes 1 and 4 share a port");
        assertThat(refusal(MemberChange.addVoter(4, "h4:1:2"), MemberChange.addVoter(5, "h4:2:3")))
                .contains("nodes 4 and 5 share a port");
        assertThat(refusal(MemberChange.addVoter(2, "h9:1:2"))).contains("node 2 is a member already, at h2:1:2");
        assertThat(refusal(MemberChange.remove(2), MemberChange.promote(9)))
                .as("the core judges those")
                .isEqualTo("null");
    }
}
