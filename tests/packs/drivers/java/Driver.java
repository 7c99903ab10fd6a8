import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import model.Json;
import model.Rdf;

/** Reads instances, a line each, and writes each again or tells what is wrong with it. */
public final class Driver {
    private Driver() {}

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (!line.isBlank()) {
                out.println(answer(line).write());
            }
        }
    }

    private static Json answer(String line) {
        Map<String, Json> answer = new LinkedHashMap<>();
        try {
            Json.Obj question = (Json.Obj) Json.parse(line, Json.MAX_DEPTH + 1);
            String name = ((Json.Str) question.members().get("class")).text();
            Rdf.Type<?> type = Rdf.Type.named(name).orElseThrow(() -> new IllegalArgumentException("no class " + name));
            answer.put("ok", type.read(question.members().get("instance")).toJson());
        } catch (Rdf.InvalidException e) {
            Rdf.Problem problem = e.problems().get(0);
            answer.put("error", error(problem.path(), problem.message()));
        } catch (IllegalArgumentException e) {
            answer.put("error", error("", e.getMessage()));
        }
        return new Json.Obj(answer);
    }

    private static Json error(String path, String message) {
        Map<String, Json> error = new LinkedHashMap<>();
        error.put("path", new Json.Str(path));
        error.put("message", new Json.Str(message));
        return new Json.Obj(error);
    }
}
