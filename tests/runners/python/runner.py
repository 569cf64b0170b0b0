"""Answers conformance commands with the module, run by wasmtime from PyPI: `runner.py MODULE.wasm`.

One JSON command a line on standard input, one answer a line on standard output, the module's own text as it came:
`request` (sent as compact JSON), `raw` (sent as it stands), `padded` (sent as head, unit times over, tail),
`table`, `snapshot`, `update`, `apply`, `prepare` and `verify` (the table or snapshot last made).
"""

import hashlib
import importlib.metadata
import json
import pathlib
import platform
import sys

import wasmtime


class Module:
    """One instance of the module behind its plain ABI; every import is a trap."""

    def __init__(self, path):
        engine = wasmtime.Engine()
        module = wasmtime.Module(engine, pathlib.Path(path).read_bytes())
        self.store = wasmtime.Store(engine)
        linker = wasmtime.Linker(engine)
        linker.define_unknown_imports_as_traps(module)
        self.exports = linker.instantiate(self.store, module).exports(self.store)
        self.memory = self.exports["memory"]
        self.table = 0
        if self.run("abi_version") != 1:
            sys.exit("the module's interface is not of version 1")

    def run(self, name, *arguments):
        """Calls one export."""
        return self.exports[f"tokenlatch_{name}"](self.store, *arguments)

    def put(self, data):
        """Copies bytes into the module: where, and how many. No bytes need no memory."""
        if not data:
            return 0, 0
        at = self.run("alloc", len(data)) & 0xFFFFFFFF
        if at == 0:
            raise MemoryError(f"the module refused {len(data)} bytes")
        self.memory.write(self.store, data, at)
        return at, len(data)

    def take(self, answer):
        """The text that an answer points to, which is then freed."""
        at, length = answer >> 32 & 0xFFFFFFFF, answer & 0xFFFFFFFF
        if at == 0 or at + length > self.memory.data_len(self.store):
            raise MemoryError("the module's answer does not lie in its memory")
        text = bytes(self.memory.read(self.store, at, at + length)).decode()
        self.run("free", at, length)
        return text

    def ask(self, name, text, *before):
        """Sends text to an export and gives back its answer."""
        at = self.put(text.encode())
        try:
            return self.take(self.run(name, *before, *at))
        finally:
            self.run("free", *at)

    def verify(self, authorization, call, address, now):
        """A verdict by the hot path, or its negative code."""
        header, origin = self.put(authorization.encode()), self.put((address or "").encode())
        try:
            code = self.run("table_verify", self.table, call, *header, *origin, now)
        finally:
            self.run("free", *header)
            self.run("free", *origin)
        return f'{{"code":{code}}}' if code < 0 else self.take(self.run("table_verdict", self.table, code))

    def open(self, kind, text):
        """Makes a table or a snapshot in place of the one before."""
        self.run("table_free", self.table)
        answer = self.ask(f"{kind}_new", text)
        self.table = json.loads(answer).get("ok", {}).get("table", 0)
        return answer

    def apply(self, message, now):
        """Takes a message into the snapshot."""
        at = self.put(bytes.fromhex(message))
        try:
            return self.take(self.run("snapshot_apply", self.table, *at, now))
        finally:
            self.run("free", *at)

    def answer(self, kind, value):
        """Answers one command."""
        if kind == "raw":
            return self.ask("call", value)
        if kind == "padded":
            return self.ask("call", value["head"] + value["unit"] * value["times"] + value["tail"])
        if kind == "verify":
            return self.verify(**value)
        if kind == "apply":
            return self.apply(**value)
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        if kind == "request":
            return self.ask("call", text)
        return self.open(kind, text) if kind in ("table", "snapshot") else self.ask(f"table_{kind}", text, self.table)


def main():
    """Says what runs, then answers until the input ends."""
    path = sys.argv[1]
    module = Module(path)
    version = f"{platform.python_version()} / wasmtime {importlib.metadata.version('wasmtime')}"
    digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    print(json.dumps({"runtime": "Python", "version": version, "face": "plain", "module_sha256": digest}, separators=(",", ":")), flush=True)
    sys.stdin.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for line in sys.stdin:
        command = json.loads(line)
        kind = next(kind for kind in ("request", "raw", "padded", "table", "snapshot", "update", "apply", "prepare", "verify") if kind in command)
        print(module.answer(kind, command[kind]), flush=True)


if __name__ == "__main__":
    main()
