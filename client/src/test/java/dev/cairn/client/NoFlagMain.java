package dev.cairn.client;

/** A program as a user writes it: one put and one get against a server in the same process. */
final class NoFlagMain {
    public static void main(String[] args) {
        try (FakeServer.Group group = new FakeServer.Group();
                FakeServer server = group.start(new KvModel());
                CairnClient client =
                        CairnClient.builder().servers(server.address()).connect()) {
            client.put(Text.bytes("key"), Text.bytes("value"));
            System.out.println(
                    Text.of(client.get(Text.bytes("key")).orElseThrow().value()));
        }
    }

    private NoFlagMain() {}
}
