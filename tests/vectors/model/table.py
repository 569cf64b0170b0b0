"""The table of the hot path: many records, asked with strings and numbers only."""

from . import decoding, records, shapes, tokens, verdicts
from .credentials import Credentials
from .decoding import Reader, Refused


class Table:
    """Records by id, accounts by user, and the calls prepared so far."""

    def __init__(self, value):
        shapes.TABLE(value)
        reader = Reader(value)
        self.peppers = reader.take("peppers", tokens.peppers, [])
        self.functions = reader.take("catalogue", records.catalogue, records.built_in())
        self.credentials = Credentials(reader.take("credentials", decoding.anything, None))
        accounts = reader.take("accounts", decoding.array(records.account), [])
        loaded = reader.take("records", decoding.array(self._record), [])
        self.calls = records.Calls(self.functions)
        self.records = self._added({}, loaded)
        self.accounts = {one["user"]: one for one in accounts}

    def _record(self, value, path):
        one = records.record(value, path)
        verdicts.check_pepper(one, self.peppers, f"{path}.hash")
        return one

    def _added(self, there, loaded):
        """The records that are there, with those that are loaded. What is there stays as it is."""
        held = list(there.values())
        there = dict(there)
        for at, one in enumerate(loaded):
            if any(other["hash"] == one["hash"] and other["id"] != one["id"] for other in held):
                raise Refused("hash_taken", f"records[{at}].hash")
            held.append(one)
            known = there.get(one["id"])
            if known is not None and known["revoked"] is not None and one["revoked"] is None:
                one = one | {"revoked": known["revoked"]}
            there[one["id"]] = one
        return there

    def update(self, value):
        """Removals first, then what is new. On an error nothing changes."""
        shapes.UPDATE(value)
        reader = Reader(value)
        accounts = reader.take("accounts", decoding.array(records.account), [])
        loaded = reader.take("records", decoding.array(self._record), [])
        ids = reader.take("removeIds", decoding.array(decoding.string), [])
        users = reader.take("removeUsers", decoding.array(decoding.string), [])
        kept = {key: one for key, one in self.records.items() if key not in ids and one["user"] not in users}
        self.records = self._added(kept, loaded)
        self.accounts = {key: one for key, one in self.accounts.items() if key not in users}
        self.accounts |= {one["user"]: one for one in accounts}
        return {"records": len(self.records)}

    def prepare(self, value):
        """The number of a call."""
        return self.calls.prepare(value)

    def verify(self, authorization, call, address, now):
        """A verdict, or None for a call that was never prepared."""
        wanted = self.calls.get(call, address)
        if wanted is None:
            return None
        header = self.credentials.read([("authorization", authorization)])
        hits = [one for one in self.records.values() if verdicts.matches(header, one, self.peppers)]
        matched = hits[0] if hits else None
        account = None if matched is None else self.accounts.get(matched["user"])
        reason = verdicts.reason_for(now, header, matched, account, wanted, self.functions)
        return verdicts.verdict(reason, None if reason == "public" else matched, self.credentials.challenge())
