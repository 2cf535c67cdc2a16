import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.internal.TableEnvironmentInternal;
import org.apache.flink.table.operations.ModifyOperation;
import org.apache.flink.table.operations.Operation;
import org.apache.flink.table.operations.command.SetOperation;

/** Runs the statements of a file one after the other, and waits for the end of each INSERT: SqlRunner FILE.sql */
public final class SqlRunner {
    /** What stands for a secret, where Kafka's options name it. */
    private static final Pattern SECRET = Pattern.compile("(username|password)=\"\\$\\{([A-Z0-9_]+)\\}\"");

    public static void main(String[] args) throws Exception {
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        for (String statement : statements(Files.readString(Path.of(args[0])))) {
            run((TableEnvironmentInternal) tables, statement);
        }
    }

    private static void run(TableEnvironmentInternal tables, String statement) throws Exception {
        Operation operation = tables.getParser().parse(withSecrets(statement)).get(0);
        if (operation instanceof SetOperation) {
            SetOperation set = (SetOperation) operation;
            tables.getConfig().set(set.getKey().orElseThrow(), set.getValue().orElseThrow());
        } else if (operation instanceof ModifyOperation) {
            tables.executeInternal(operation).await();
        } else {
            tables.executeInternal(operation).print();
        }
    }

    /** The text with secrets from the environment; a message never shows them. */
    private static String withSecrets(String statement) {
        return SECRET.matcher(statement).replaceAll(found -> {
            String value = System.getenv(found.group(2));
            if (value == null) {
                throw new IllegalArgumentException("the environment has no " + found.group(2) + "; set it");
            }
            String quoted = value.replace("\\", "\\\\").replace("\"", "\\\"").replace("'", "''");
            return Matcher.quoteReplacement(found.group(1) + "=\"" + quoted + "\"");
        });
    }

    /** Splits at semicolons, but for those in texts, in quoted names and in comments, which are left out. */
    static List<String> statements(String text) {
        List<String> found = new ArrayList<>();
        StringBuilder current = new StringBuilder();
        int at = 0;
        while (at < text.length()) {
            char letter = text.charAt(at);
            int end = at + 1;
            if (letter == '\'' || letter == '`') {
                end = after(text, String.valueOf(letter), end);
            } else if (text.startsWith("--", at)) {
                at = after(text, "\n", end);
                current.append('\n');
                continue;
            } else if (text.startsWith("/*", at) && !text.startsWith("/*+", at)) {
                at = after(text, "*/", at + 2);
                continue;
            } else if (letter == ';') {
                add(found, current);
                at = end;
                continue;
            }
            current.append(text, at, end);
            at = end;
        }
        add(found, current);
        return found;
    }

    private static int after(String text, String mark, int from) {
        int found = text.indexOf(mark, from);
        return found < 0 ? text.length() : found + mark.length();
    }

    private static void add(List<String> found, StringBuilder current) {
        String statement = current.toString().trim();
        if (!statement.isEmpty()) {
            found.add(statement);
        }
        current.setLength(0);
    }
}
