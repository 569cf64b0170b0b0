#!/usr/bin/env python3
"""Answers cases by the independent model: one JSON case a line on standard input, its expected answers in one line on standard output.

A case is `{"steps":[{KIND:INPUT},…]}` with the kinds of tests/src/command.rs. An `apply` also has `parts`, what the message says,
which is encoded here too and compared. The answer is `{"expect":[…]}`, one for each step; null where the documents leave the
answer open, and then for the rest of a table or snapshot too.
"""

import hashlib
import json
import platform
import sys

sys.dont_write_bytecode = True

from model import decoding, operations, records
from model.decoding import Refused
from model.snapshot import Edge, Message
from model.table import Table

SEED = b"\x01" * 32
"""The origin's secret key of all cases."""
SIGNED = 192
"""The bytes of head and signature."""
ANY_ERROR = {"error": {}}


def error(refused):
    """An error answer."""
    return {"error": {"code": refused.code} | ({} if refused.field is None else {"field": refused.field})}


def rebuilt(parts):
    """The message that the parts describe."""
    rows, revoked = ([records.record(one, "") for one in parts[key]] for key in ("rows", "revoked"))
    given = {key: parts[key] for key in ("made", "base", "epoch", "names", "accounts", "removed")}
    return Message(parts["version"], max_age=parts["maxAge"], rows=rows, revoked=revoked, **given)


def differs_on_the_wire(message, data):
    """How the core's bytes differ from the model's. One message in eight is signed here too, which takes long."""
    if message.unsigned(SEED) != data[:128]:
        return "the head differs"
    if message.body() != data[SIGNED:]:
        return "the body differs"
    signs = hashlib.sha256(data).digest()[0] % 8 == 0
    return "the signature differs" if signs and message.signed(SEED) != data else None


class Case:
    """One case: what it has opened, if the documents say what that is."""

    def __init__(self):
        self.open = None

    def answer(self, kind, value):
        """The expected answer to one step."""
        if kind == "request":
            return operations.answer(value)
        if kind in ("table", "snapshot"):
            self.open = None
            try:
                self.open = Table(value) if kind == "table" else Edge(value)
            except Refused as refused:
                return error(refused)
            return {"ok": {"records": len(self.open.records)} if kind == "table" else {}}
        if self.open is None:
            too_deep = kind != "apply" and decoding.depth(value) > decoding.DEEPEST
            return {"code": -1} if kind == "verify" else {"error": {"code": "too_deep" if too_deep else "table_unknown"}}
        if kind == "verify":
            verdict = self.open.verify(value["authorization"], value["call"], value.get("address") or None, value["now"])
            return {"code": -1} if verdict is None else {"ok": verdict}
        return self.changed(kind, value)

    def changed(self, kind, value):
        """A change; if it is refused, nothing changes but a signed time, which is believed."""
        try:
            return {"ok": self.apply(value) if kind == "apply" else getattr(self.open, kind)(value)}
        except Refused as refused:
            return ANY_ERROR if kind == "apply" and value["parts"]["spoilt"] else error(refused)

    def apply(self, value):
        """Takes a message."""
        parts, data = value["parts"], bytes.fromhex(value["message"])
        if parts["spoilt"] == "head":
            raise Refused("spoilt")
        message = rebuilt(parts)
        if parts["spoilt"] == "body":
            self.open.check(message, value["now"])
            raise Refused("spoilt")
        wire = differs_on_the_wire(message, data)
        return self.open.apply(message, value["now"]) if wire is None else {"wire": wire}


def answers(steps):
    """The expected answers to the steps of a case."""
    case, expect, lost = Case(), [], False
    for step in steps:
        ((kind, value),) = step.items()
        if kind in ("table", "snapshot"):
            lost = False
        try:
            expect.append(None if lost and kind != "request" else case.answer(kind, value))
        except AssertionError:
            expect.append(None)
            lost = kind not in ("request", "verify")
        except Exception as fault:  # A case that the model can't take is a fault of the model, and shown as a difference.
            expect.append({"fault": repr(fault)})
    return expect


def main():
    """Says what runs, then answers until the input ends."""
    who = {"runtime": "model", "version": platform.python_version(), "face": "model", "module_sha256": None}
    print(json.dumps(who), flush=True)
    sys.stdin.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for line in sys.stdin:
        print(json.dumps({"expect": answers(json.loads(line)["steps"])}, separators=(",", ":")))


if __name__ == "__main__":
    main()
