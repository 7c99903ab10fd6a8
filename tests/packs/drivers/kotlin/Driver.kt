import java.io.PrintStream
import model.Json
import model.Rdf

/** Reads instances, a line each, and writes each again or tells what is wrong with it. */
fun main() {
    val out = PrintStream(System.out, true, "UTF-8")
    System.`in`.bufferedReader().lineSequence().filter { it.isNotBlank() }.forEach { out.println(answer(it)) }
}

private fun answer(line: String): Json =
    try {
        val question = Json.parse(line, Json.MAX_DEPTH + 1) as Json.Obj
        val name = (question.members.getValue("class") as Json.Str).text
        val type = Rdf.Type.named(name) ?: throw IllegalArgumentException("no class $name")
        Json.Obj(mapOf("ok" to type.read(question.members.getValue("instance")).toJson()))
    } catch (e: Rdf.InvalidException) {
        error(e.problems.first().path, e.problems.first().message)
    } catch (e: IllegalArgumentException) {
        error("", e.message ?: "")
    }

private fun error(path: String, message: String) =
    Json.Obj(mapOf("error" to Json.Obj(mapOf("path" to Json.Str(path), "message" to Json.Str(message)))))
