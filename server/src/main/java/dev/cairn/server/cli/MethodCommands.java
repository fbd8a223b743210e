package dev.cairn.server.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.MethodParam;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * Commands that are methods of several objects, under one command. The library calls a method on the object of the command above,
 * which here is another one: so this does it.
 */
final class MethodCommands implements CommandLine.IExecutionStrategy {
    /** What {@link Command#name} is when it is not given: then the method's is. */
    private static final String UNNAMED = "<main class>";

    private final List<Object> groups;

    /** The groups are objects whose methods are commands. */
    MethodCommands(Object... groups) {
        this.groups = List.of(groups);
    }

    /** Each method of the groups becomes a command, if its name or another one of it is wanted. */
    void addTo(CommandLine line, Predicate<String> wanted) {
        for (Object group : groups) {
            for (Method method : CommandLine.getCommandMethods(group.getClass(), null)) {
                Command command = method.getAnnotation(Command.class);
                String name = command.name().equals(UNNAMED) ? method.getName() : command.name();
                if (wanted.test(name) || Stream.of(command.aliases()).anyMatch(wanted)) {
                    line.addSubcommand(name, CommandSpec.forAnnotatedObject(method));
                }
            }
        }
    }

    @Override
    public int execute(ParseResult parsed) {
        List<CommandLine> lines = parsed.asCommandLineList();
        CommandLine last = lines.get(lines.size() - 1);
        checkText(last, parsed.originalArgs());
        if (last.getCommandSpec().userObject() instanceof Method method) {
            for (Object group : groups) {
                if (method.getDeclaringClass() == group.getClass()) {
                    Integer help = CommandLine.executeHelpRequest(parsed);
                    return help != null ? help : invoke(last, method, group);
                }
            }
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    /** What the JVM could not decode has become U+FFFD, so that different keys would be one. */
    private static void checkText(CommandLine line, List<String> arguments) {
        for (String argument : arguments) {
            if (argument.indexOf('\uFFFD') >= 0
                    || !StandardCharsets.UTF_8.newEncoder().canEncode(argument)) {
                throw new ParameterException(
                        line,
                        "'" + argument + "' is no UTF-8 text, or holds U+FFFD; write such bytes by mput with key_base64"
                                + " and value_base64");
            }
        }
    }

    private static int invoke(CommandLine line, Method method, Object group) {
        Object[] values = new Object[method.getParameterCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(line.getCommandSpec(), method, i);
        }
        try {
            method.setAccessible(true);
            return (Integer) method.invoke(group, values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof ParameterException usage) {
                throw usage;
            }
            throw new ExecutionException(line, "the command failed: " + e.getCause(), e.getCause());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static @Nullable Object value(CommandSpec spec, Method method, int parameter) {
        if (method.getParameters()[parameter].isAnnotationPresent(Mixin.class)) {
            for (CommandSpec mixin : spec.mixins().values()) {
                if (method.getParameterTypes()[parameter].isInstance(mixin.userObject())) {
                    return mixin.userObject();
                }
            }
        }
        String name = new MethodParam(method, parameter).getName();
        for (ArgSpec argument : spec.args()) {
            if (argument.userObject() instanceof MethodParam param
                    && param.getName().equals(name)) {
                return argument.getValue();
            }
        }
        throw new IllegalStateException(method + ": nothing is known of " + name);
    }
}
