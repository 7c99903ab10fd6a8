using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Model;

/// <summary>Reads instances, a line each, and writes each again or tells what is wrong with it.</summary>
internal static class Driver
{
    private static void Main()
    {
        var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { NewLine = "\n" };
        for (var line = input.ReadLine(); line != null; line = input.ReadLine())
        {
            if (line.Trim() != "")
            {
                output.WriteLine(Answer(line));
                output.Flush();
            }
        }
    }

    private static Json Answer(string line)
    {
        try
        {
            var question = (Json.Obj)Json.Parse(line, Json.MaxDepth + 1);
            var name = ((Json.Str)question["class"]).Text;
            return One("ok", Rdf.Node.Read(name, question["instance"]).ToJson());
        }
        catch (Rdf.InvalidException e)
        {
            return One("error", Error(e.Problems[0].Path, e.Problems[0].Message));
        }
        catch (ArgumentException e)
        {
            return One("error", Error("", e.Message));
        }
    }

    private static Json Error(string path, string message)
    {
        return new Json.Obj(new Dictionary<string, Json>
        {
            { "path", new Json.Str(path) },
            { "message", new Json.Str(message) },
        });
    }

    private static Json One(string name, Json value)
    {
        return new Json.Obj(new Dictionary<string, Json> { { name, value } });
    }
}
