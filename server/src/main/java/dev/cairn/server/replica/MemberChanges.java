package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.protocol.ChangeMembershipDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MemberChange;
import dev.cairn.raft.Membership;
import dev.cairn.raft.MembershipChange;
import java.util.ArrayList;
import java.util.List;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;

/** The changes of a CHANGE_MEMBERSHIP: read, held against what is known of addresses, and as the core takes them. */
final class MemberChanges {
    private MemberChanges() {}

    /** Null when they do not fill the bytes exactly, or one is of no known kind. */
    static @Nullable List<MemberChange> read(
            final DirectBuffer frame, final int count, final int offset, final int length) {
        if (count < 0 || count > Limits.MAX_MEMBER_CHANGES) {
            return null;
        }
        final List<MemberChange> changes = new ArrayList<>();
        final int end = offset + length;
        int at = offset;
        for (int i = 0; i < count; i++) {
            if (end - at < ChangeMembershipDescriptor.CHANGE_LENGTH) {
                return null;
            }
            final int kind = frame.getByte(at + ChangeMembershipDescriptor.KIND_OFFSET) & 0xFF;
            final int addressLength = u16(frame, at + ChangeMembershipDescriptor.ADDRESS_LENGTH_OFFSET);
            final int address = at + ChangeMembershipDescriptor.CHANGE_LENGTH;
            if (kind < ChangeMembershipDescriptor.KIND_ADD_LEARNER
                    || kind > ChangeMembershipDescriptor.KIND_REPLACE
                    || addressLength > Limits.MAX_MEMBER_ADDRESS_BYTES
                    || end - address < addressLength) {
                return null;
            }
            final byte[] text = new byte[addressLength];
            frame.getBytes(address, text);
            changes.add(new MemberChange(
                    kind,
                    u16(frame, at + ChangeMembershipDescriptor.NODE_ID_OFFSET),
                    u16(frame, at + ChangeMembershipDescriptor.REPLACED_ID_OFFSET),
                    new String(text, UTF_8)));
            at = address + addressLength;
        }
        return at == end ? changes : null;
    }

    private static int u16(final DirectBuffer buffer, final int offset) {
        return buffer.getShort(offset, LITTLE_ENDIAN) & 0xFFFF;
    }

    /** As the core takes them. */
    static List<MembershipChange> forCore(final List<MemberChange> changes) {
        final List<MembershipChange> forCore = new ArrayList<>();
        for (final MemberChange change : changes) {
            final int id = change.nodeId();
            forCore.add(
                    switch (change.kind()) {
                        case ChangeMembershipDescriptor.KIND_ADD_LEARNER -> new MembershipChange.AddLearner(id);
                        case ChangeMembershipDescriptor.KIND_ADD_VOTER -> new MembershipChange.AddVoter(id);
                        case ChangeMembershipDescriptor.KIND_PROMOTE -> new MembershipChange.Promote(id);
                        case ChangeMembershipDescriptor.KIND_REMOVE -> new MembershipChange.Remove(id);
                        case ChangeMembershipDescriptor.KIND_REPLACE ->
                            new MembershipChange.Replace(change.replacedId(), id);
                        default -> throw new IllegalArgumentException("unknown kind " + change.kind());
                    });
        }
        return forCore;
    }

    private static boolean adds(final MemberChange change) {
        return change.kind() == ChangeMembershipDescriptor.KIND_ADD_LEARNER
                || change.kind() == ChangeMembershipDescriptor.KIND_ADD_VOTER
                || change.kind() == ChangeMembershipDescriptor.KIND_REPLACE;
    }

    /** Why the addresses of the nodes that are added cannot be; null when they can. */
    static @Nullable String refusal(
            final List<MemberChange> changes, final Membership membership, final MemberAddresses addresses) {
        for (int i = 0; i < changes.size(); i++) {
            final MemberChange change = changes.get(i);
            final String problem = adds(change) ? problemOfAddress(change, membership, addresses) : null;
            if (problem != null) {
                return problem;
            }
            for (int j = 0; j < i; j++) {
                final MemberAddress one = MemberAddress.parse(change.address());
                final MemberAddress other = MemberAddress.parse(changes.get(j).address());
                if (one != null && other != null && one.sharesPortWith(other)) {
                    return "nodes " + changes.get(j).nodeId() + " and " + change.nodeId() + " share a port: " + one;
                }
            }
        }
        return null;
    }

    private static @Nullable String problemOfAddress(
            final MemberChange change, final Membership membership, final MemberAddresses addresses) {
        final int id = change.nodeId();
        if (membership.isMember(id)) {
            return change.address().isEmpty() || change.address().equals(addresses.text(id))
                    ? null
                    : "node " + id + " is a member already, at " + addresses.text(id)
                            + ": remove it, and add it under a new id";
        }
        final MemberAddress address = MemberAddress.parse(change.address());
        if (address == null) {
            return "'" + change.address() + "' is no address of node " + id
                    + ": host:peerPort:clientPort or host:peerPort:clientPort:httpPort, with ports that differ";
        }
        for (final int member : membership.members()) {
            final MemberAddress other = addresses.address(member);
            if (other != null && other.sharesPortWith(address)) {
                return "nodes " + member + " and " + id + " share a port: " + other + " and " + address;
            }
        }
        return null;
    }

    /** Notes where the nodes are that are added. */
    static void noteAddresses(final List<MemberChange> changes, final MemberAddresses addresses) {
        for (final MemberChange change : changes) {
            if (adds(change) && !change.address().isEmpty()) {
                addresses.put(change.nodeId(), change.address());
            }
        }
    }
}
