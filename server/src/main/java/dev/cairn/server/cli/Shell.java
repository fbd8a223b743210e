package dev.cairn.server.cli;

import dev.cairn.client.CairnClient;
import dev.cairn.client.ReadMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jline.reader.Candidate;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.SyntaxError;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;

/**
 * The interactive {@code kvctl}: the same commands, one per line, over one client. On a terminal with history and completion; lines
 * from a pipe are taken as they come, without a prompt.
 */
final class Shell {
    private static final String PROMPT = "kvctl> ";
    private static final String HISTORY_FILE = ".cairn_history";

    private final Kvctl kvctl;
    private final CairnClient client;
    private final String servers;
    private final CommandLine commands;
    private final DefaultParser parser = new DefaultParser();

    Shell(Kvctl kvctl, CairnClient client, String servers) {
        this.kvctl = kvctl;
        this.client = client;
        this.servers = servers;
        parser.setEofOnUnclosedQuote(true);
        commands = kvctl.commandLine();
        Map<String, String> given = kvctl.given();
        CommandLine.IDefaultValueProvider again = argument -> argument instanceof CommandLine.Model.OptionSpec option
                ? given.getOrDefault(option.longestName(), argument.defaultValue())
                : argument.defaultValue();
        commands.setDefaultValueProvider(again);
    }

    /** Runs until {@code quit} or the end of the input; returns the last command's exit code, of a terminal 0. */
    int run() throws IOException {
        return kvctl.in() == System.in && SnapshotCommand.isTerminal(System.console()) ? runTerminal() : runLines();
    }

    private int runLines() throws IOException {
        Utf8Lines lines = new Utf8Lines(kvctl.in(), WriteCommands.MAX_LINE_BYTES);
        int exit = Kvctl.EXIT_DONE;
        try {
            for (String line = lines.next(); line != null; line = lines.next()) {
                Integer result = execute(line);
                if (result == null) {
                    return exit;
                }
                exit = result;
            }
        } catch (IllegalArgumentException wrong) {
            kvctl.err().println("kvctl: a line of standard input is " + wrong.getMessage());
            kvctl.err().println("The lines before it were carried out, nothing behind them.");
            return Kvctl.EXIT_USAGE;
        }
        return exit;
    }

    private int runTerminal() throws IOException {
        try (Terminal terminal = TerminalBuilder.builder().system(true).build()) {
            LineReader reader = LineReaderBuilder.builder()
                    .terminal(terminal)
                    .appName("kvctl")
                    .parser(parser)
                    .completer((ignored, line, candidates) -> complete(line, candidates))
                    .variable(LineReader.HISTORY_FILE, Path.of(System.getProperty("user.home", "."), HISTORY_FILE))
                    .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                    .build();
            terminal.writer().println("Connected to " + servers + "; 'help' lists the commands, 'quit' ends.");
            while (true) {
                try {
                    if (execute(reader.readLine(PROMPT)) == null) {
                        return Kvctl.EXIT_DONE;
                    }
                } catch (UserInterruptException interrupted) {
                    // Ctrl-C gives up the line, not the shell.
                    terminal.writer().println("'quit' or Ctrl-D ends.");
                } catch (EndOfFileException end) {
                    return Kvctl.EXIT_DONE;
                }
            }
        }
    }

    /** Null: the shell ends. */
    @Nullable
    Integer execute(String line) {
        List<String> words;
        try {
            words = parser.parse(line, 0).words().stream()
                    .filter(word -> !word.isEmpty() || line.contains("\"\"") || line.contains("''"))
                    .toList();
        } catch (SyntaxError unclosed) {
            kvctl.err().println("kvctl: a quote is not closed");
            return Kvctl.EXIT_USAGE;
        }
        if (line.isBlank() || words.isEmpty() || words.get(0).startsWith("#")) {
            return Kvctl.EXIT_DONE;
        }
        return switch (words.get(0)) {
            case "quit", "exit" -> null;
            case "help" -> help(words.subList(1, words.size()));
            case "set" -> set(words.subList(1, words.size()));
            default -> commands.execute(words.toArray(String[]::new));
        };
    }

    private int help(List<String> words) {
        if (words.isEmpty()) {
            kvctl.out().print(new CommandLine.Help(commands.getCommandSpec()).commandList());
            kvctl.out().println("  set read linearizable|follower|lease|stale   what reads do from now on");
            kvctl.out().println("  help COMMAND, quit");
            return Kvctl.EXIT_DONE;
        }
        List<String> arguments = new ArrayList<>(words);
        arguments.add("--help");
        return commands.execute(arguments.toArray(String[]::new));
    }

    private int set(List<String> words) {
        String mode = words.size() == 2 && words.get(0).equals("read") ? words.get(1) : "";
        switch (mode) {
            case "stale" -> client.defaultReadMode(ReadMode.STALE);
            case "follower" -> client.defaultReadMode(ReadMode.FOLLOWER);
            case "lease" -> client.defaultReadMode(ReadMode.LEASE);
            case "linearizable" -> client.defaultReadMode(ReadMode.LINEARIZABLE);
            default -> {
                kvctl.err().println("kvctl: known is: set read linearizable, follower, lease or stale");
                return Kvctl.EXIT_USAGE;
            }
        }
        kvctl.out().println("reads are " + mode + " from now on");
        return Kvctl.EXIT_DONE;
    }

    private void complete(ParsedLine line, List<Candidate> candidates) {
        complete(line.words(), line.wordIndex(), line.wordCursor())
                .forEach(word -> candidates.add(new Candidate(word)));
    }

    /** What may stand at a place of the line. */
    List<String> complete(List<String> words, int index, int cursor) {
        List<CharSequence> tails = new ArrayList<>();
        AutoComplete.complete(commands.getCommandSpec(), words.toArray(String[]::new), index, cursor, cursor, tails);
        String begun = words.get(index).substring(0, cursor);
        List<String> found = new ArrayList<>();
        tails.forEach(tail -> found.add(begun + tail));
        if (index == 0) {
            for (String own : List.of("help", "quit", "set")) {
                if (own.startsWith(begun)) {
                    found.add(own);
                }
            }
        }
        return found;
    }
}
