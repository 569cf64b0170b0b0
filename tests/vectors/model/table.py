"""The table of the hot path: many records, asked with strings and numbers only."""

from . import decoding, expiry, headers, records, tokens, verdicts
from .decoding import Reader, Refused


class Table:
    """Records by id, accounts by user, and the calls prepared so far."""

    def __init__(self, value):
        reader = Reader(value)
        loaded = reader.take("records", records.records, [])
        accounts = reader.take("accounts", decoding.array(records.account), [])
        self.peppers = reader.take("peppers", tokens.peppers, [])
        self.functions = reader.take("catalogue", records.catalogue, None)
        reader.done()
        self.calls = [records.Call({}, "")]
        self.records = self._added({}, loaded)
        self.accounts = {one["user"]: one for one in accounts}

    def _added(self, there, loaded):
        """The records that are there, with those that are loaded. What is there stays as it is."""
        there = dict(there)
        for one in loaded:
            verdicts.check_pepper(one, self.peppers)
            if any(other["hash"] == one["hash"] and other["id"] != one["id"] for other in there.values()):
                raise Refused("hash_taken")
            known = there.get(one["id"])
            if known is not None and known["revoked"] is not None and one["revoked"] is None:
                one = one | {"revoked": known["revoked"]}
            there[one["id"]] = one
        return there

    def update(self, value):
        """Removals first, then what is new. On an error nothing changes."""
        reader = Reader(value)
        loaded = reader.take("records", records.records, [])
        accounts = reader.take("accounts", decoding.array(records.account), [])
        ids = reader.take("removeIds", decoding.array(decoding.string), [])
        users = reader.take("removeUsers", decoding.array(decoding.string), [])
        reader.done()
        kept = {key: one for key, one in self.records.items() if key not in ids and one["user"] not in users}
        self.records = self._added(kept, loaded)
        self.accounts = {key: one for key, one in self.accounts.items() if key not in users}
        self.accounts |= {one["user"]: one for one in accounts}
        return {"records": len(self.records)}

    def prepare(self, value):
        """The number of a call; one that comes to no feature and writing is the call that names nothing, which is 0."""
        call = records.Call(value, "", with_address=False)
        if call.touches(self.functions) == (None, True, False) and call.api != "api1" and call.realm == "account":
            return {"call": 0}
        self.calls.append(call)
        return {"call": len(self.calls) - 1}

    def verify(self, authorization, call, address, now):
        """A verdict, or None for a call that was never prepared."""
        if not 0 <= call < len(self.calls):
            return None
        header = headers.read(authorization)
        hits = [one for one in self.records.values() if verdicts.matches(header, one, self.peppers)]
        matched = hits[0] if hits else None
        wanted = self.calls[call]
        wanted.address = address
        account = None if matched is None else self.accounts.get(matched["user"])
        reason = verdicts.reason_for(now, header, matched, account, wanted, self.functions)
        if reason == "ok" and not expiry.EARLIEST_NOW <= now <= expiry.LAST:
            reason = "clock_invalid"
        return verdicts.verdict(reason, matched)
