#!/usr/bin/env python3
"""A tool that finds lines with `bad`, and its server, which breaks as the texts tell it to."""
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
texts, versions, known, put_off = {}, {}, set(), 0


def note_run(name, number):
    with open(os.path.join(HERE, name), "a") as file:
        file.write(f"{number}\n")


def raw(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)


def receive():
    length = 0
    while line := sys.stdin.buffer.readline():
        if line == b"\r\n":
            return json.loads(sys.stdin.buffer.read(length))
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    sys.exit(0)


def ask(number, method, params):
    """Asks the client, and gives its answer."""
    send({"id": number, "method": method, "params": params})
    while True:
        heard = receive()
        if heard.get("id") == number and "method" not in heard:
            return heard


def diagnostics(uri):
    if "blind" in uri:
        return []
    found = []
    for number, line in enumerate(texts[uri].split("\n")):
        missing = line.startswith("use ") and line[4:] not in known
        if line.startswith("bad") or missing:
            places = {"start": {"line": number, "character": 0}, "end": {"line": number, "character": 3}}
            code = "missing" if missing else "bad"
            found.append({"range": places, "code": code, "severity": 1, "message": "a bad line"})
    return found


def break_down(text, number):
    """Does what the text says; true if an answer is to follow."""
    global put_off
    if "SLEEP" in text:
        child = subprocess.Popen(["sleep", "300"], start_new_session=True)
        note_run("pids", child.pid)
        time.sleep(300)
    if "EXIT" in text:
        sys.stderr.write("no more\n")
        sys.stderr.flush()
        os._exit(3)
    if "SIGNAL" in text:
        os.kill(os.getpid(), 11)
    if "CLOSE" in text:
        os.close(1)
        time.sleep(300)
    if "FLOOD" in text:
        while True:
            send({"method": "window/logMessage", "params": {"message": "x" * 4000}})
    if "SHOUT" in text:
        while True:
            os.write(2, b"x" * 4000)
    if "ENDLESS" in text:
        raw(b"X-Header: " + b"x" * 10000)
    if "LARGE" in text:
        raw(b"Content-Length: 999999999\r\n\r\n{")
    if "PRINT" in text:
        raw(b"debug: hello\r\n\r\n")
    if "NOJSON" in text:
        raw(b"Content-Length: 5\r\n\r\nabcde")
    if "STRAY" in text:
        send({"id": 99999, "result": {"kind": "full", "items": []}})
    if "TWICE" in text:
        send({"id": number, "result": {"kind": "full", "items": []}})
    if "NEITHER" in text:
        send({"id": number})
    if "UNCHANGED" in text:
        send({"id": number, "result": {"kind": "unchanged", "resultId": "1"}})
        return False
    if "NULL" in text:
        send({"id": number, "result": None})
        return False
    if "REFUSE" in text:
        send({"id": number, "error": {"code": -32603, "message": "no"}})
        return False
    if "LATER" in text and put_off < 2 or "NEVER" in text:
        put_off += 1
        send({"id": number, "error": {"code": -32802, "message": "ask again"}})
        return False
    if "FAT" in text:
        fat = bytearray(300 << 20)
        fat[:: 4096] = b"x" * len(fat[:: 4096])
        time.sleep(300)
    if "ASK" in text:
        items = [{"section": "fake"}, {"section": "other"}, {}]
        settings = ask("q1", "workspace/configuration", {"items": items})["result"]
        plain = ["client/registerCapability", "window/workDoneProgress/create", "workspace/diagnostic/refresh"]
        nulls = [ask(f"q{method}", method, {}) for method in plain]
        applied = ask(77, "workspace/applyEdit", {"edit": {}})["result"]
        unknown = ask("q9", "workspace/unheardOf", {})
        good = settings == [{"deep": 1}, None, None] and applied == {"applied": False}
        good = good and all(it["result"] is None for it in nulls) and unknown["error"]["code"] == -32601
        if not good:
            os._exit(4)
    return True


def publish(uri, mode):
    text = texts[uri]
    if "SILENT" in text:
        return
    found = {"uri": uri, "diagnostics": diagnostics(uri)}
    if mode == "push":
        found["version"] = versions[uri] - (1 if "LATE" in text else 0)
    if "OLD" in text:
        # What an older text was worth, and only then what this one is.
        send({"method": "textDocument/publishDiagnostics", "params": {**found, "version": 1, "diagnostics": []}})
    send({"method": "textDocument/publishDiagnostics", "params": found})


def serve(mode):
    note_run("pids", os.getpid())
    while True:
        heard = receive()
        method, params, number = heard.get("method"), heard.get("params") or {}, heard.get("id")
        if method == "initialize":
            if mode == "deaf":
                time.sleep(300)
            pulls = {"interFileDependencies": True, "workspaceDiagnostics": False}
            silent = "push" in mode or mode == "register"
            send({"id": number, "result": {"capabilities": {} if silent else {"diagnosticProvider": pulls}}})
        elif method == "initialized" and mode == "register":
            ask("r1", "client/registerCapability", {"registrations": [{"id": "1", "method": "textDocument/diagnostic"}]})
        elif method in ("textDocument/didOpen", "textDocument/didChange"):
            document = params["textDocument"]
            uri = document["uri"]
            versions[uri] = document["version"]
            texts[uri] = document["text"] if "text" in document else params["contentChanges"][0]["text"]
            if "push" in mode:
                publish(uri, mode)
        elif method == "textDocument/didClose":
            del texts[params["textDocument"]["uri"]]
        elif method == "workspace/didChangeWatchedFiles":
            for change in params["changes"]:
                name = change["uri"].rsplit("/", 1)[1]
                known.discard(name) if change["type"] == 3 else known.add(name)
        elif method == "textDocument/diagnostic":
            uri = params["textDocument"]["uri"]
            if break_down(texts[uri], number):
                items = [] if mode == "blind" else diagnostics(uri)
                send({"id": number, "result": {"kind": "full", "items": items}})
        elif method == "shutdown":
            send({"id": number, "result": None})
        elif method == "exit":
            note_run("farewells", os.getpid())
            return


def check(paths):
    note_run("colds", os.getpid())
    code = 0
    for path in paths:
        for number, line in enumerate(open(path).read().split("\n"), 1):
            if line.startswith("bad"):
                print(f"{path}:{number}")
                code = 1
    return code


if sys.argv[1] == "--version":
    print("fake 1.5")
elif sys.argv[1] == "serve":
    serve(sys.argv[2])
elif sys.argv[1] == "nothing":
    sys.exit(7)
else:
    sys.exit(check(sys.argv[2:]))
