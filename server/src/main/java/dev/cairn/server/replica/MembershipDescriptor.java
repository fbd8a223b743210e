package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.raft.Membership;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Payload of a configuration entry, little-endian: a header, then the members by ascending id.
 *
 * <pre>
 *   0          2                  4                      6     8
 *  +----------+------------------+----------------------+-----+
 *  | u16 = 1  | u16 member count | u16 bytes per member | 0   |
 *  +----------+------------------+----------------------+-----+
 *   0             2           3    4           8                    10
 *  +-------------+-----------+----+-----------+--------------------+---------+
 *  | u16 node id | u8 flags  | 0  | i32 goal  | u16 address length | address |
 *  +-------------+-----------+----+-----------+--------------------+---------+
 * </pre>
 *
 * <p>Flags: 1 voter, 2 outgoing voter, 4 learner. Goal: of a learner, see {@link Membership}; else 0. The address is
 * {@code host:peerPort:clientPort[:httpPort]} in UTF-8, empty where it is not known. Bytes per member: what stands before
 * the address; later releases may append fields there.
 */
final class MembershipDescriptor {
    static final int LAYOUT = 1;
    static final int HEADER_LENGTH = 8;
    static final int MEMBER_LENGTH = 10;
    static final int MAX_ADDRESS_BYTES = 300;

    /** Longest payload: two disjoint sets of voters, and learners. */
    static final int MAX_LENGTH =
            HEADER_LENGTH + (2 * Membership.MAX_VOTERS + Membership.MAX_LEARNERS) * (MEMBER_LENGTH + MAX_ADDRESS_BYTES);

    private static final int VOTER = 1;
    private static final int OUTGOING = 2;
    private static final int LEARNER = 4;

    private static final int COUNT_OFFSET = 2;
    private static final int MEMBER_LENGTH_OFFSET = 4;
    private static final int FLAGS_OFFSET = 2;
    private static final int GOAL_OFFSET = 4;
    private static final int ADDRESS_LENGTH_OFFSET = 8;

    private MembershipDescriptor() {}

    /**
     * Writes a payload at offset 0.
     *
     * @param addresses by node id; those of others than members are left out
     * @return its length
     */
    static int encode(
            final MutableDirectBuffer into, final Membership membership, final Map<Integer, String> addresses) {
        final int[] members = membership.members();
        into.putShort(0, (short) LAYOUT, LITTLE_ENDIAN);
        into.putShort(COUNT_OFFSET, (short) members.length, LITTLE_ENDIAN);
        into.putShort(MEMBER_LENGTH_OFFSET, (short) MEMBER_LENGTH, LITTLE_ENDIAN);
        into.putShort(MEMBER_LENGTH_OFFSET + 2, (short) 0, LITTLE_ENDIAN);
        int at = HEADER_LENGTH;
        for (final int id : members) {
            final byte[] address = addresses.getOrDefault(id, "").getBytes(UTF_8);
            if (address.length > MAX_ADDRESS_BYTES) {
                throw new IllegalArgumentException(
                        "address of node " + id + " has " + address.length + " bytes, at most " + MAX_ADDRESS_BYTES);
            }
            into.putShort(at, (short) id, LITTLE_ENDIAN);
            into.putByte(at + FLAGS_OFFSET, (byte) ((membership.isIncomingVoter(id) ? VOTER : 0)
                    | (membership.isOutgoingVoter(id) ? OUTGOING : 0)
                    | (membership.isLearner(id) ? LEARNER : 0)));
            into.putByte(at + FLAGS_OFFSET + 1, (byte) 0);
            into.putInt(at + GOAL_OFFSET, membership.goal(id), LITTLE_ENDIAN);
            into.putShort(at + ADDRESS_LENGTH_OFFSET, (short) address.length, LITTLE_ENDIAN);
            into.putBytes(at + MEMBER_LENGTH, address);
            at += MEMBER_LENGTH + address.length;
        }
        return at;
    }

    /** A decoded payload; {@code addresses} has those that are known. */
    record Decoded(Membership membership, Map<Integer, String> addresses) {}

    /**
     * Reads a payload.
     *
     * @throws IllegalStateException when it contradicts its layout: it was written by another release, or is none
     */
    static Decoded decode(final DirectBuffer buffer, final int offset, final int length) {
        if (length < HEADER_LENGTH || u16(buffer, offset) != LAYOUT) {
            throw new IllegalStateException("configuration entry of " + length + " bytes, layout "
                    + (length < HEADER_LENGTH ? "unreadable" : u16(buffer, offset)) + ", expected " + LAYOUT);
        }
        final int count = u16(buffer, offset + COUNT_OFFSET);
        final int memberLength = u16(buffer, offset + MEMBER_LENGTH_OFFSET);
        final NavigableSet<Integer> voters = new TreeSet<>();
        final NavigableSet<Integer> outgoing = new TreeSet<>();
        final NavigableMap<Integer, Integer> learners = new TreeMap<>();
        final Map<Integer, String> addresses = new TreeMap<>();
        int at = HEADER_LENGTH;
        for (int i = 0; i < count; i++) {
            requireWithin(at + memberLength, length);
            final int member = offset + at;
            final int id = u16(buffer, member);
            final int flags = buffer.getByte(member + FLAGS_OFFSET);
            if ((flags & VOTER) != 0) {
                voters.add(id);
            }
            if ((flags & OUTGOING) != 0) {
                outgoing.add(id);
            }
            if ((flags & LEARNER) != 0) {
                learners.put(id, buffer.getInt(member + GOAL_OFFSET, LITTLE_ENDIAN));
            }
            final int addressLength = u16(buffer, member + ADDRESS_LENGTH_OFFSET);
            requireWithin(at + memberLength + addressLength, length);
            final byte[] address = new byte[addressLength];
            buffer.getBytes(member + memberLength, address);
            if (addressLength > 0) {
                addresses.put(id, new String(address, UTF_8));
            }
            at += memberLength + addressLength;
        }
        if (at != length || memberLength < MEMBER_LENGTH) {
            throw new IllegalStateException("configuration entry of " + length + " bytes, its " + count + " members of "
                    + memberLength + " bytes end at " + at);
        }
        try {
            return new Decoded(Membership.of(voters, outgoing, learners), Map.copyOf(addresses));
        } catch (IllegalArgumentException e) {
            throw new IllegalStateException("configuration entry that contradicts itself: " + e.getMessage(), e);
        }
    }

    private static void requireWithin(final int end, final int length) {
        if (end > length) {
            throw new IllegalStateException("configuration entry of " + length + " bytes, a member ends at " + end);
        }
    }

    private static int u16(final DirectBuffer buffer, final int offset) {
        return buffer.getShort(offset, LITTLE_ENDIAN) & 0xFFFF;
    }
}
