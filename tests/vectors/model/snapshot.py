"""Signed snapshots: an encoder of the wire of SNAPSHOT.md, and the decisions of an edge. Nothing here decodes."""

import hashlib
import struct

from . import addresses, decoding, ed25519, expiry, records, shapes, tokens, verdicts
from .credentials import Credentials
from .decoding import Reader, Refused

DOMAIN = b"tokenlatch snapshot v1 head\0"
NEVER = 2**40 - 1
SLACK = 300


def text(value):
    """A text: its length in one byte, then its bytes."""
    data = value.encode()
    return bytes([len(data)]) + data


def _texts(values):
    return struct.pack("<H", len(values)) + b"".join(text(value) for value in values)


def _state(account):
    features = account["features"]
    flags = (1 if account.get("suspended") else 0) | (2 if features == "all" else 0) | (4 if account.get("administrator") else 0)
    return bytes([flags]) + _texts([] if features == "all" else sorted(features))


def _grant(record):
    limited = record["access"] != "full"
    flags = (1 if record["readOnly"] else 0) | (2 if limited else 0) | (4 if record["realm"] == "admin" else 0)
    out = bytes([flags]) + text(tokens.pepper_id_of(record["hash"]) or "")
    out += _texts(record["access"]["features"] if limited else [])
    out += bytes([len(record["addresses"])])
    for entry in record["addresses"]:
        network = addresses.network(entry)
        out += bytes([network.version, network.prefixlen]) + network.network_address.packed
    return out


def digest(record):
    """The 32 bytes of a stored hash."""
    return bytes.fromhex(record["hash"].rpartition(":")[2])


def _distinct(items):
    return list(dict.fromkeys(items))


class Message:
    """A message in its parts; `sections` and `counts` can be spoilt before it is signed."""

    def __init__(self, version, *, made, base=None, epoch=1, max_age=60, names=False, rows=(), accounts=(), revoked=(), removed=()):
        self.version, self.made, self.base, self.epoch, self.max_age, self.names = version, made, base, epoch, max_age, names
        self.rows = sorted(rows, key=digest)
        self.accounts = {account["user"]: account for account in accounts}
        self.revoked = sorted(digest(record) for record in revoked)
        self.removed = sorted(removed)
        states = _distinct(_state(account) for account in self.accounts.values())
        grants = _distinct(_grant(record) for record in self.rows)
        users = sorted({record["user"] for record in self.rows} | set(self.accounts))
        stand = {user: states.index(_state(self.accounts[user])) if user in self.accounts else 2**32 - 1 for user in users}
        self.sections = {
            "revoked": b"".join(self.revoked),
            "removed": b"".join(text(user) for user in self.removed),
            "states": b"".join(states),
            "users": b"".join(struct.pack("<I", stand[user]) + text(user) for user in users),
            "grants": b"".join(grants),
            "rows": b"".join(self._row(record, grants, users) for record in self.rows),
            "names": b"".join(text(record["id"]) + text(record["name"]) for record in self.rows) if names else b"",
        }
        self.counts = [len(self.revoked), len(self.removed), len(states), len(users), len(grants), len(self.rows)]
        self.head = {"magic": b"TLSN", "format": 1, "kind": 1 if base is None else 2, "flags": int(names)}

    @staticmethod
    def _row(record, grants, users):
        expires = NEVER if record["expires"] is None else record["expires"]
        second = expires | grants.index(_grant(record)) << 40 | (record["revoked"] is not None) << 63
        return digest(record) + struct.pack("<QI", second, users.index(record["user"]))

    def body(self):
        """The sections in their order."""
        return b"".join(self.sections[name] for name in ("revoked", "removed", "states", "users", "grants", "rows", "names"))

    def unsigned(self, seed):
        """The head."""
        lengths = [len(self.sections[name]) for name in ("removed", "states", "users", "grants", "names")]
        key_id = hashlib.sha256(ed25519.public_key(seed)).digest()[:8]
        head = struct.pack("<4sBBH8s", self.head["magic"], self.head["format"], self.head["kind"], self.head["flags"], key_id)
        head += struct.pack("<QQQQI", self.epoch, self.base or 0, self.version, self.made, self.max_age)
        head += struct.pack("<11I", *self.counts, *lengths) + hashlib.sha256(self.body()).digest()
        assert len(head) == 128
        return head

    def signed(self, seed, domain=DOMAIN):
        """The whole message."""
        head = self.unsigned(seed)
        return head + ed25519.sign(seed, domain + head) + self.body()


class Edge:
    """What an edge holds, by records and accounts, and what it decides."""

    def __init__(self, value):
        shapes.SNAPSHOT(value)
        reader = Reader(value)
        keys = reader.take("publicKeys", decoding.array(decoding.string))
        self.peppers = reader.take("peppers", tokens.peppers, [])
        self.functions = reader.take("catalogue", records.catalogue, records.built_in())
        self.credentials = Credentials(reader.take("credentials", decoding.anything, None))
        self.floor = reader.take("floor", decoding.anything, None)
        self.max_age = reader.take("maxAge", decoding.integer(1), None)
        if not 1 <= len(keys) <= 8:
            raise Refused("key_invalid", "publicKeys")
        for at, key in enumerate(keys):
            if len(key) != 64:
                raise Refused("key_invalid", f"publicKeys[{at}]")
        self.held = None
        self.seen = 0
        self.records, self.accounts, self.gone = {}, {}, set()
        self.calls = records.Calls(self.functions)

    def check(self, message, now):
        """Refuses a message that can't follow, before its body is read; its signature is good, so that its time is believed."""
        if not 1577836800 <= now <= 253402300799:
            raise Refused("now_invalid", "now")
        if now < message.made - SLACK:
            self.seen = max(self.seen, message.made)
            raise Refused("clock_backwards")
        self._follows(message, now)

    def apply(self, message, now):
        """Takes a message whose signature and form are good."""
        self.check(message, now)
        for record in message.rows:
            verdicts.check_pepper(record, self.peppers)
        if self.held is None or message.made > self.held.made:
            self.seen = message.made
        if message.base is None:
            self.records, self.accounts = {}, {}
        known = dict(self.records)
        for key, record in self.records.items():
            if key in message.revoked or record["user"] in message.removed:
                self.records[key] = record | {"revoked": now}
        for user in message.removed:
            self.accounts.pop(user, None)
        for record in message.rows:
            before = known.get(digest(record))
            fallen = digest(record) in message.revoked or (before is not None and before["revoked"] is not None)
            self.records[digest(record)] = record | {"revoked": now} if fallen else record
        self.accounts |= {user: {"suspended": False, "administrator": False} | account for user, account in message.accounts.items()}
        self.held = message
        return self.state()

    def _follows(self, message, now):
        held = self.held
        known = [] if held is None else [(held.epoch, held.version, held.made)]
        known += [] if self.floor is None else [(self.floor["epoch"], self.floor["version"], self.floor["made"])]
        back = "floor_in_future" if any(made > now + SLACK for _, _, made in known) else "snapshot_rollback"
        if message.base is not None:
            if held is None or held.epoch != message.epoch:
                raise Refused("snapshot_gap")
            if message.version < held.version or (message.version == held.version and message.base < held.version) or message.made < held.made:
                raise Refused(back)
            if message.base != held.version:
                raise Refused("snapshot_gap")
            return
        for epoch, version, made in known:
            older = message.version < version or message.made < made if message.epoch == epoch else message.made <= made
            if older:
                raise Refused(back)

    def state(self):
        """Which table is held."""
        held = self.held
        return {"epoch": held.epoch, "version": held.version, "made": held.made, "maxAge": held.max_age, "tokens": len(self.records)}

    def prepare(self, value):
        """The number of a call."""
        return self.calls.prepare(value)

    def verify(self, authorization, call, address, now):
        """A verdict, or None for a call that was never prepared."""
        wanted = self.calls.get(call, address)
        if wanted is None:
            return None
        if wanted.standing(self.functions) == "public":
            return verdicts.verdict("public")
        standing = self._standing(now)
        if standing is not None:
            return verdicts.verdict(standing)
        header = self.credentials.read([("authorization", authorization)])
        matched = next((one for one in self.records.values() if verdicts.matches(header, one, self.peppers)), None)
        account = None if matched is None else self.accounts.get(matched["user"])
        if account is not None:
            account = account | {"features": None if account["features"] == "all" else account["features"]}
        reason = verdicts.reason_for(now, header, matched, account, wanted, self.functions)
        shown = matched if matched is None or self.held.names else matched | {"id": None, "name": None}
        return verdicts.verdict(reason, shown, self.credentials.challenge())

    def _standing(self, now):
        if self.held is None:
            return "snapshot_missing"
        if now < self.held.made - SLACK or now < self.seen - SLACK:
            return "clock_backwards"
        if expiry.EARLIEST_NOW <= now <= expiry.LAST:
            self.seen = max(self.seen, min(now, expiry.EARLIEST_NOW + 2**32 - 1))
        longest = self.held.max_age if self.max_age is None else min(self.held.max_age, self.max_age)
        return "snapshot_stale" if now > self.held.made + longest else None
