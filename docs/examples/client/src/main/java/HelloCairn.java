import dev.cairn.client.CairnClient;
import dev.cairn.client.OutcomeUnknownException;
import dev.cairn.client.Scan;
import dev.cairn.client.ScanCursor;
import java.nio.charset.StandardCharsets;

/** Writes, reads, counts and lists on a cluster: java -jar target/hello-cairn.jar HOST:PORT[,HOST:PORT]. */
public final class HelloCairn {
    public static void main(String[] args) {
        try (CairnClient client = CairnClient.builder().servers(args[0]).connect()) {
            client.put(bytes("greeting/hello"), bytes("world"));
            client.putIfAbsent(bytes("greeting/good"), bytes("morning"));
            long visits = client.increment(bytes("visits")).value();
            System.out.println("visits: " + visits);
            try (ScanCursor greetings = client.scan(Scan.prefix(bytes("greeting/")))) {
                greetings.forEachRemaining(e -> System.out.println(text(e.key()) + " = " + text(e.value())));
            }
        } catch (OutcomeUnknownException e) {
            System.err.println("was it executed? " + e.resolve());
            System.exit(3);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
