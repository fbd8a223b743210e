package dev.cairn.server;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One voter of the cluster as {@code cluster.members} states it: {@code id=host:peerPort:clientPort}
 * or {@code id=host:peerPort:clientPort:httpPort}. {@code host} is written without brackets, also when it is an IPv6 address.
 *
 * @param httpPort 0 = this member has no HTTP gateway that others know of
 */
public record Member(int id, String host, int peerPort, int clientPort, int httpPort) {
    public static final int MAX_ID = 65535;
    /** Most voters of one cluster: beyond this each write waits for too many disks to be of use. */
    public static final int MAX_MEMBERS = 15;

    private static final Pattern TEXT = Pattern.compile(
            "(?<id>[^=]*)=(?<host>\\[[^\\[\\]]*]|[^:\\[\\]]*):(?<peer>[^:]*):(?<client>[^:]*)(:(?<http>[^:]*))?");

    public Member {
        if (id < 1 || id > MAX_ID) {
            throw new IllegalArgumentException("member id " + id + " is not within 1-" + MAX_ID);
        }
        Address peer = new Address(host, peerPort);
        Address client = new Address(host, clientPort);
        if (peer.equals(client)) {
            throw new IllegalArgumentException("member " + id + " has the same port for peers and clients: " + peer);
        }
        if (httpPort != 0) {
            Address http = new Address(host, httpPort);
            if (http.equals(peer) || http.equals(client)) {
                throw new IllegalArgumentException(
                        "member " + id + " has the same port for HTTP and another use: " + http);
            }
        }
    }

    /** A member without HTTP gateway. */
    public Member(int id, String host, int peerPort, int clientPort) {
        this(id, host, peerPort, clientPort, 0);
    }

    public Address peerAddress() {
        return new Address(host, peerPort);
    }

    public Address clientAddress() {
        return new Address(host, clientPort);
    }

    /** Null = no HTTP gateway that others know of. */
    public @Nullable Address httpAddress() {
        return httpPort == 0 ? null : new Address(host, httpPort);
    }

    /**
     * Reads a comma-separated list; the order of the result is by id.
     *
     * @throws IllegalArgumentException with a sentence that names what is wrong
     */
    static List<Member> parseList(String text) {
        List<Member> members = new ArrayList<>();
        Map<Integer, Member> byId = new HashMap<>();
        Map<Address, Integer> owners = new HashMap<>();
        for (String part : text.split(",", -1)) {
            // A comma too many, as lists that are put together by scripts have it.
            if (part.isBlank() && !text.replace(",", "").isBlank()) {
                continue;
            }
            Member member = parse(part.strip());
            if (byId.put(member.id, member) != null) {
                throw new IllegalArgumentException("member id " + member.id + " stands twice");
            }
            claim(owners, member.peerAddress(), member.id);
            claim(owners, member.clientAddress(), member.id);
            Address http = member.httpAddress();
            if (http != null) {
                claim(owners, http, member.id);
            }
            members.add(member);
        }
        if (members.size() > MAX_MEMBERS) {
            throw new IllegalArgumentException(members.size() + " members are more than " + MAX_MEMBERS);
        }
        members.sort((a, b) -> Integer.compare(a.id, b.id));
        return List.copyOf(members);
    }

    private static void claim(Map<Address, Integer> owners, Address address, int id) {
        Integer other = owners.put(address, id);
        if (other != null) {
            throw new IllegalArgumentException("members " + other + " and " + id + " share the address " + address);
        }
    }

    private static Member parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not id=host:peerPort:clientPort or id=host:peerPort:clientPort:httpPort");
        }
        String id = matcher.group("id").strip();
        if (!id.matches("[0-9]{1,5}")) {
            throw new IllegalArgumentException("member id '" + id + "' is not a number within 1-" + MAX_ID);
        }
        return new Member(
                Integer.parseInt(id),
                Address.parseHost(matcher.group("host")),
                Address.parsePort(matcher.group("peer")),
                Address.parsePort(matcher.group("client")),
                matcher.group("http") == null ? 0 : Address.parsePort(matcher.group("http")));
    }

    /** Without the id: as configuration entries have it. */
    String address() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + peerPort + ":" + clientPort
                + (httpPort == 0 ? "" : ":" + httpPort);
    }

    @Override
    public String toString() {
        return id + "=" + address();
    }
}
