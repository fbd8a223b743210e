package dev.cairn.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.protocol.Limits;
import io.netty.channel.DefaultEventLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ClientPartsTest {
    private static final byte[] KEY = {1};

    /** Never started. */
    private static final ClientLoop LOOP = new ClientLoop(
            CairnClient.builder().servers("127.0.0.1:1").build(), new DefaultEventLoop(), new SplittableRandom(1));

    @Test
    void theLowestOpenSequencePassesWhatIsSettled() {
        ClientSession session = new ClientSession(7);
        for (int i = 1; i <= 5; i++) {
            assertThat(session.take()).isEqualTo(i);
        }
        session.settle(2);
        session.settle(3);
        assertThat(session.lowestOpen()).isEqualTo(1);
        session.settle(1);
        assertThat(session.lowestOpen()).isEqualTo(4);
        session.settle(5);
        session.settle(4);
        assertThat(session.lowestOpen()).isEqualTo(6);
    }

    @Test
    void theWindowEndsExactlyAtItsLimit() {
        ClientSession session = new ClientSession(7);
        for (int round = 0; round < 3; round++) {
            long low = session.lowestOpen();
            for (int i = 0; i < Limits.SESSION_WINDOW; i++) {
                assertThat(session.hasRoom()).isTrue();
                session.take();
            }
            assertThat(session.hasRoom()).isFalse();
            assertThatThrownBy(session::take).isInstanceOf(IllegalStateException.class);
            session.settle(low + 1);
            assertThat(session.hasRoom()).isFalse();
            session.settle(low);
            assertThat(session.lowestOpen()).isEqualTo(low + 2);
            assertThat(session.hasRoom()).isTrue();
            for (long sequence = low + 2; sequence < low + Limits.SESSION_WINDOW; sequence++) {
                session.settle(sequence);
            }
        }
    }

    @Test
    void anUnresolvedSequenceHoldsBackHalfTheWindowAndNoMore() {
        ClientSession session = new ClientSession(7);
        Unresolved[] outcomes = new Unresolved[3];
        for (int i = 0; i < outcomes.length; i++) {
            outcomes[i] = unresolved(session, session.take());
            session.keepOpen(outcomes[i]);
        }
        for (int i = outcomes.length; i < ClientSession.MAX_HELD_BACK; i++) {
            assertThat(session.hasRoom()).isTrue();
            session.settle(session.take());
            assertThat(session.lowestOpen()).isEqualTo(1);
        }
        assertThat(outcomes[0].abandoned).isFalse();
        assertThat(session.hasRoom()).isTrue();
        assertThat(outcomes[0].abandoned).as("the oldest makes room").isTrue();
        assertThat(outcomes[1].abandoned).isFalse();
        assertThat(session.lowestOpen()).isEqualTo(2);
        // Late word about what was given up changes nothing.
        session.settle(1);
        assertThat(session.lowestOpen()).isEqualTo(2);

        // One that is being asked about keeps its place up to the whole window.
        outcomes[1].asking.incrementAndGet();
        while (session.hasRoom()) {
            session.settle(session.take());
        }
        assertThat(session.lowestOpen()).isEqualTo(2);
        assertThat(outcomes[2].abandoned).isFalse();
        outcomes[1].asking.decrementAndGet();
        assertThat(session.hasRoom()).isTrue();
        assertThat(outcomes[1].abandoned).isTrue();
    }

    private static Unresolved unresolved(ClientSession session, long sequence) {
        DeleteRequest request = new DeleteRequest(KEY);
        request.sequence = sequence;
        return new Unresolved(LOOP, session, request);
    }

    @Test
    void boundsBehindKeysAndPrefixesAreTheNextOnesInOrder() {
        byte ff = (byte) 0xff;
        assertThat(KeyBounds.behindPrefix(new byte[] {1, 2})).containsExactly(1, 3);
        assertThat(KeyBounds.behindPrefix(new byte[] {1, ff, ff})).containsExactly(2);
        assertThat(KeyBounds.behindPrefix(new byte[] {0x7f})).containsExactly(0x80);
        assertThat(KeyBounds.behindPrefix(new byte[] {ff, ff})).isEmpty();
        assertThat(KeyBounds.behindPrefix(new byte[0])).isEmpty();
        assertThat(KeyBounds.behind(new byte[] {1, 2})).containsExactly(1, 2, 0);
        byte[] longest = new byte[Limits.MAX_KEY_BYTES];
        longest[0] = 7;
        byte[] next = KeyBounds.behind(longest);
        assertThat(next).hasSize(Limits.MAX_KEY_BYTES).endsWith(1);
        Arrays.fill(longest, ff);
        assertThat(Scan.all().behind(longest).isExhausted()).isTrue();
        assertThat(Scan.all().behind(new byte[] {1}).isExhausted()).isFalse();
        assertThat(Scan.range(KEY, new byte[] {1, 0}).behind(KEY).isExhausted()).isTrue();
        assertThat(Scan.range(KEY, new byte[] {2}).reverse().behind(KEY).isExhausted())
                .isTrue();
        assertThat(Scan.all().limit(3).reducedBy(3).isExhausted()).isTrue();
        assertThat(Scan.all().limit(3).reducedBy(2).isExhausted()).isFalse();
    }

    @Test
    void aTokenOfAnotherDirectionOrOfNothingIsRefused() {
        String token = Scan.all().tokenAt(KEY);
        assertThat(Scan.all().after(token)).isNotNull();
        for (String bad :
                List.of(token.substring(0, 1), "", "%%%", Scan.all().reverse().tokenAt(KEY))) {
            assertThatThrownBy(() -> Scan.all().after(bad))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("token");
        }
    }

    @Test
    void aTokenOfAnotherRangeIsRefusedAndNeverWidensTheScan() {
        byte[] from = {5};
        byte[] to = {7};
        for (Scan scan : List.of(Scan.range(from, to), Scan.range(from, to).reverse())) {
            assertThat(scan.after(scan.tokenAt(from))).isNotNull();
            assertThat(scan.after(scan.tokenAt(new byte[] {6, -1}))).isNotNull();
            for (byte[] outside : List.of(new byte[] {4, -1}, to, new byte[] {-1})) {
                assertThatThrownBy(() -> scan.after(scan.tokenAt(outside)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("outside of this range");
            }
        }
    }

    @Test
    void aWaitWithItsOwnTimeoutStandsInOrder() {
        DeadlineList list = new DeadlineList();
        List<Request<?>> requests = new ArrayList<>();
        for (long deadline : new long[] {30, 90, 40, 50, 20, 90}) {
            Request<?> request = new DeleteRequest(KEY);
            request.deadlineNs = deadline;
            requests.add(request);
            list.add(request);
        }
        list.remove(requests.get(3));
        for (int next : new int[] {4, 0, 2, 1, 5}) {
            Request<?> first = Objects.requireNonNull(list.first());
            assertThat(first).isSameAs(requests.get(next));
            list.remove(first);
        }
        assertThat(list.first()).isNull();
    }

    @Test
    @Covers("K15")
    void theTableFindsExactlyWhatIsUnderWay() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
        System.out.println("seed=" + seed);
        RandomGenerator random = new SplittableRandom(seed);
        InFlightTable table = new InFlightTable();
        Map<Long, Request<?>> model = new HashMap<>();
        Set<Long> everUsed = new HashSet<>();
        List<Long> ids = new ArrayList<>();
        for (int step = 0; step < 200_000; step++) {
            if (table.hasRoom() && random.nextInt(100) < 52) {
                Request<?> request = new DeleteRequest(KEY);
                table.add(request);
                assertThat(everUsed.add(request.requestId)).isTrue();
                model.put(request.requestId, request);
                ids.add(request.requestId);
            } else if (!ids.isEmpty()) {
                int at = random.nextInt(ids.size());
                long id = ids.get(at);
                ids.set(at, ids.get(ids.size() - 1));
                ids.remove(ids.size() - 1);
                Request<?> request = table.find(id);
                assertThat(request).as("seed " + seed).isSameAs(model.remove(id));
                if (request != null) {
                    table.remove(request);
                }
                assertThat(table.find(id)).isNull();
            }
            assertThat(table.count()).isEqualTo(model.size());
        }
    }

    @Test
    void theTableTakesItsMaximumAndNotOneMore() {
        InFlightTable table = new InFlightTable();
        for (int i = 0; i < InFlightTable.MAX_IN_FLIGHT; i++) {
            assertThat(table.hasRoom()).isTrue();
            table.add(new DeleteRequest(KEY));
        }
        assertThat(table.hasRoom()).isFalse();
        assertThatThrownBy(() -> table.add(new DeleteRequest(KEY))).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void theInboxKeepsTheOrderOfEachThreadAndWakesOncePerBatch() throws InterruptedException {
        RequestInbox inbox = new RequestInbox();
        int threads = 4;
        int perThread = 50_000;
        AtomicInteger wakeUps = new AtomicInteger();
        List<Thread> producers = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            int producer = t;
            producers.add(new Thread(() -> {
                for (int i = 0; i < perThread; i++) {
                    Request<?> request = new DeleteRequest(KEY);
                    request.sequence = i;
                    request.lowestOpenSequence = producer;
                    if (inbox.push(request)) {
                        wakeUps.incrementAndGet();
                    }
                }
            }));
        }
        producers.forEach(Thread::start);
        int batches = 0;
        int taken = 0;
        long[] next = new long[threads];
        while (taken < threads * perThread) {
            Request<?> request = inbox.takeAll();
            batches += request == null ? 0 : 1;
            while (request != null) {
                Request<?> after = request.inboxNext;
                assertThat(request.sequence).isEqualTo(next[(int) request.lowestOpenSequence]++);
                taken++;
                request = after;
            }
        }
        for (Thread producer : producers) {
            producer.join();
        }
        assertThat(wakeUps.get()).isEqualTo(batches);
        assertThat(inbox.takeAll()).isNull();
    }

    @Test
    void theDeadlineListKeepsItsOrderUnderRemovals() {
        DeadlineList list = new DeadlineList();
        List<Request<?>> requests = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            Request<?> request = new DeleteRequest(KEY);
            requests.add(request);
            list.add(request);
        }
        list.remove(requests.get(2));
        list.remove(requests.get(0));
        list.remove(requests.get(4));
        assertThat(drain(list)).containsExactly(requests.get(1), requests.get(3));
        list.add(requests.get(0));
        assertThat(drain(list)).containsExactly(requests.get(0));
    }

    private static List<Request<?>> drain(DeadlineList list) {
        List<Request<?>> all = new ArrayList<>();
        @Nullable Request<?> request;
        while ((request = list.first()) != null) {
            list.remove(request);
            all.add(request);
        }
        return all;
    }

    @Test
    void theLocatorGoesRoundAndUsesAHintOnce() {
        LeaderLocator locator = new LeaderLocator(List.of("a", "b", "c"), new SplittableRandom(1));
        String first = locator.next();
        locator.onFailure(first, "down", "x", 0);
        assertThat(locator.next()).isEqualTo("x");
        locator.onFailure("x", "down", "", 0);
        Set<String> round = new HashSet<>();
        for (int i = 0; i < 3; i++) {
            round.add(locator.next());
        }
        assertThat(round).containsExactlyInAnyOrder("a", "b", "c");
        assertThat(locator.lastProblem()).isEqualTo("x: down");
    }

    @Test
    void theLocatorGoesToMembersThatALeaderHasNamed() {
        LeaderLocator locator = new LeaderLocator(List.of("a", "b"), new SplittableRandom(1));
        locator.learn(List.of("b", "d"));
        assertThat(round(locator)).containsExactlyInAnyOrder("a", "b", "d");
        locator.learn(List.of("e"));
        assertThat(round(locator)).containsExactlyInAnyOrder("a", "b", "e");
        locator.learn(List.of());
        assertThat(List.of(locator.next(), locator.next())).containsExactlyInAnyOrder("a", "b");
    }

    private static List<String> round(LeaderLocator locator) {
        return List.of(locator.next(), locator.next(), locator.next());
    }

    @Test
    void aMembersAddressForClientsIsTakenOut() {
        assertThat(ClientLoop.clientAddress("h:1:2")).isEqualTo("h:2");
        assertThat(ClientLoop.clientAddress("h:1:2:3")).isEqualTo("h:2");
        assertThat(ClientLoop.clientAddress("[::1]:1:2:3")).isEqualTo("[::1]:2");
        for (String bad : List.of("", "h", "h:1", "h:1:2:3:4", "[::1", "[::1]:1")) {
            assertThat(ClientLoop.clientAddress(bad)).as(bad).isEmpty();
        }
    }

    @Test
    void theLocatorPausesBetweenRoundsForAtMostAQuarterOfItsSearch() {
        LeaderLocator locator = new LeaderLocator(List.of("a", "b"), new SplittableRandom(1));
        // Moments before and behind the clock's turn are like any others.
        long beginNs = -1_000_000_000;
        long nowNs = beginNs;
        assertThat(locator.pauseNs(nowNs)).isZero();
        int tries = 0;
        while (nowNs - beginNs < 10_000_000_000L) {
            locator.onFailure("a", "down", "", nowNs);
            assertThat(locator.pauseNs(nowNs)).as("the rest of the round").isZero();
            locator.onFailure("b", "down", "b", nowNs);
            long pause = locator.pauseNs(nowNs);
            long most =
                    Math.max(LeaderLocator.MIN_PAUSE_NS, Math.min(LeaderLocator.MAX_PAUSE_NS, (nowNs - beginNs) / 4));
            assertThat(pause).as("after %d ns", nowNs - beginNs).isBetween(most / 2, most);
            nowNs += pause;
            tries += 2;
        }
        assertThat(tries).as("connections of a search of ten seconds").isLessThan(250);
        locator.onSuccess();
        assertThat(locator.pauseNs(nowNs)).isZero();
        locator.onFailure("a", "down", "", nowNs);
        locator.onFailure("b", "down", "", nowNs);
        assertThat(locator.pauseNs(nowNs)).as("a new search").isLessThanOrEqualTo(LeaderLocator.MIN_PAUSE_NS);
    }

    @Test
    @Covers("C15")
    void addressesAreTakenApart() {
        assertThat(ServerAddress.parse("127.0.0.1:7401")).isEqualTo(new ServerAddress("127.0.0.1", 7401));
        assertThat(ServerAddress.parse("[::1]:65535")).isEqualTo(new ServerAddress("::1", 65535));
        assertThat(ServerAddress.parse("db-1.example:1")).isEqualTo(new ServerAddress("db-1.example", 1));
        for (String bad : List.of("", "host", ":1", "host:", "host:0", "host:65536", "host:-1", "::1:80", "host:7a")) {
            assertThatThrownBy(() -> ServerAddress.parse(bad))
                    .as(bad)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("'" + bad + "'");
        }
    }

    @Test
    void aConfigurationOutOfRangeNamesFieldValueAndRange() {
        ClientConfig.Builder good = ClientConfig.builder().servers("a:1");
        assertThat(good.build().servers()).containsExactly("a:1");
        assertThat(ClientConfig.builder().servers(" a:1 , b:2 ").build().servers())
                .containsExactly("a:1", "b:2");
        assertBad(ClientConfig.builder(), "servers");
        assertBad(ClientConfig.builder().servers("a"), "host:port");
        assertBad(ClientConfig.builder().servers("a:1").requestTimeout(Duration.ZERO), "requestTimeout: 0 ms");
        assertBad(ClientConfig.builder().servers("a:1").requestTimeout(Duration.ofHours(2)), "requestTimeout");
        assertBad(ClientConfig.builder().servers("a:1").connectTimeout(Duration.ZERO), "connectTimeout");
        assertBad(ClientConfig.builder().servers("a:1").silenceTimeout(Duration.ZERO), "silenceTimeout");
        assertBad(ClientConfig.builder().servers("a:1").maxOutstanding(0), "maxOutstanding: 0");
    }

    private static void assertBad(ClientConfig.Builder config, String message) {
        assertThatThrownBy(config::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }
}
