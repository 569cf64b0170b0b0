"""A file of vectors in the making, and the parts that many cases share."""

import hashlib

from model import operations, tokens
from model.decoding import Refused
from model.snapshot import Edge
from model.table import Table

NOW = 1_800_000_000
"""2027-01-15T08:00:00Z, the time at which most vectors stand."""
DAY = 86400
FUNCTIONS = [
    {"module": "Email", "function": "list_pops", "apis": ["uapi", "api2"], "feature": "popaccts", "writes": False},
    {"module": "Email", "function": "add_pop", "apis": ["uapi", "api2"], "feature": "popaccts", "writes": True},
    {"module": "Ftp", "function": "list_ftp", "apis": ["uapi"], "feature": "ftpaccts", "writes": False},
    {"module": "Ftp", "function": "list_ftp", "apis": ["api2"], "feature": "ftpaccts", "writes": True},
    {"module": "Variables", "function": "get_user_information", "apis": ["uapi"], "feature": None, "writes": False},
    {"module": "Variables", "function": "set_theme", "apis": ["uapi"], "feature": None, "writes": True},
    {"module": "Admin", "function": "listaccts", "apis": ["whm"], "feature": "list-accts", "writes": False},
]
"""A catalogue for the cases that name a function."""

PEPPER = {"id": "2027a", "key": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"}
OLD_PEPPER = {"id": "2026b", "key": "f0" * 16}
LONG_PEPPER = {"id": "long-key_1", "key": "ab" * 128}


def entropy(label):
    """64 bytes that a label stands for."""
    return hashlib.sha512(label.encode()).hexdigest()


def secret(label):
    """The secret that the entropy of a label gives."""
    return tokens.secret_from(entropy(label))[0]


def as_pepper(pepper):
    """A pepper of a request as the model holds it."""
    return None if pepper is None else (pepper["id"], bytes.fromhex(pepper["key"]))


def record(label="ci", pepper=None, **changes):
    """A record of alice's whose secret and id come from the label; a value of None is kept as null."""
    made, record_id = tokens.secret_from(entropy(label))
    base = {
        "v": 1,
        "id": record_id,
        "user": "alice",
        "name": label,
        "hash": tokens.hash_of(made, as_pepper(pepper)),
        "hint": made[-4:],
        "created": NOW - 30 * DAY,
        "expires": NOW + 90 * DAY,
        "access": "full",
        "readOnly": False,
        "addresses": [],
        "realm": "account",
        "revoked": None,
    }
    return base | changes


def nested(levels):
    """Arrays within arrays."""
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def without(value, *keys):
    """An object less some of its keys."""
    return {key: item for key, item in value.items() if key not in keys}


def header(label="ci", user="alice", scheme="cpanel"):
    """The header that presents a label's token."""
    return f"{scheme} {secret(label)}" if scheme.lower() == "bearer" else f"{scheme} {user}:{secret(label)}"


def account(user="alice", features="all", **changes):
    """An account that may use tokens."""
    return {"user": user, "features": features} | changes


class Book:
    """The vectors of one file; every name is given once over all files."""

    names = set()

    def __init__(self, file, about):
        self.file = file
        self.about = about
        self.vectors = []

    def _add(self, name, body):
        self.add({"name": name} | body)

    def add(self, vector):
        """Takes a vector that is whole."""
        name = vector["name"]
        assert name not in Book.names, f"{name} is used twice"
        assert name.replace("_", "a").isalnum() and name == name.lower(), f"{name} is no snake_case"
        Book.names.add(name)
        self.vectors.append(vector)

    def ok(self, name, request, like=None, **more):
        """A request that succeeds; `like` is what a person expects of the answer, checked against the model's."""
        got = operations.answer(request)
        assert "ok" in got, (name, got)
        for key, value in (like or {}).items():
            assert at_path(got["ok"], key) == value, (name, key, at_path(got["ok"], key), value)
        self._add(name, {"request": request, "expect": got} | more)

    def error(self, name, request, code, *, field=True, **more):
        """A request that fails with this code; `field` False leaves the field open, because no document settles it."""
        got = operations.answer(request)
        assert got.get("error", {}).get("code") == code, (name, code, got)
        shown = dict(got["error"])
        if isinstance(field, str):
            assert shown.get("field") == field, (name, shown, field)
        elif not field:
            shown.pop("field", None)
        self._add(name, {"request": request, "expect": {"error": shown}} | more)

    def verdict(self, name, reason, *, more=None, authorization=None, now=NOW, **request):
        """A `verify` whose reason is this one; what isn't given is a good token of alice's."""
        whole = {"op": "verify", "now": now, "authorization": header() if authorization is None else authorization}
        whole |= {"record": record(), "account": account()} | request
        self.ok(name, whole, {"reason": reason}, **(more or {}))

    def raw(self, name, text, expect, **more):
        """Text that is sent as it stands, with its expectation given by hand."""
        self._add(name, {"raw": text, "expect": expect} | more)

    def partial(self, name, request, expect, **more):
        """A request of whose answer only a part is expected."""
        self._add(name, {"request": request, "expect": expect, "partial": True} | more)

    def padded(self, name, head, unit, times, tail, expect, **more):
        """A text too long to write down: head, unit so many times, tail."""
        self._add(name, {"padded": {"head": head, "unit": unit, "times": times, "tail": tail}, "expect": expect} | more)

    def table(self, name, table, steps=(), code=None, **more):
        """A table and the steps taken with it; each step is (kind, input, what a person expects)."""
        try:
            model = Table(table)
        except Refused as refused:
            assert refused.code == code, (name, refused.code)
            self._add(name, {"table": table, "expect": {"error": {"code": refused.code}}, "steps": []} | more)
            return
        assert code is None, name
        expect = {"ok": {"records": len(model.records)}}
        self._add(name, {"table": table, "expect": expect, "steps": [_step(name, model, *one) for one in steps]} | more)


    def snapshot(self, name, options, steps=(), code=None, **more):
        """An edge and the messages it is given. A code says that it can't be opened so: keys are not looked into here."""
        if code is not None:
            self._add(name, {"snapshot": options, "expect": {"error": {"code": code}}, "steps": []})
            return
        model = Edge(options)
        self._add(name, {"snapshot": options, "expect": {"ok": {}}, "steps": [_step(name, model, *one) for one in steps]} | more)


def _apply(name, model, value, refused):
    message, data, now = value
    step = {"apply": {"message": data, "now": now}}
    if message is None:
        return step | {"expect": {"error": {"code": refused}}}
    try:
        got = {"ok": model.apply(message, now)}
    except Refused as error:
        got = {"error": {"code": error.code}}
    assert got.get("error", {}).get("code") == refused, (name, got, refused)
    return step | {"expect": got}


def _step(name, model, kind, value, intent):
    if kind == "apply":
        return _apply(name, model, value, intent)
    if kind == "verify":
        value = {"authorization": header(), "call": 0, "address": None, "now": NOW} | value
        got = model.verify(value["authorization"], value["call"], value["address"], value["now"])
        assert (None if got is None else got["reason"]) == intent, (name, value, got)
        return {kind: value, "expect": {"code": -1} if got is None else {"ok": got}}
    try:
        got = {"ok": getattr(model, kind)(value)}
        assert got["ok"] == intent, (name, got, intent)
    except Refused as refused:
        assert refused.code == intent, (name, refused.code, intent)
        got = {"error": {"code": refused.code}}
    return {kind: value, "expect": got}


def at_path(value, path):
    """A value inside an answer, by a path such as `tokens.0.name`."""
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value
