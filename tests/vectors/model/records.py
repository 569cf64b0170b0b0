"""Records, access, accounts, calls and catalogues: the objects of OPERATIONS.md."""

import copy
import functools
import pathlib
import re

from . import addresses, decoding, names, queries, routes, shapes, tokens
from .decoding import Refused

BUILT_IN = pathlib.Path(__file__).parents[3] / "core/src/auth/functions.txt"
MACHINE_RIGHTS = ("snapshot-read", "usage-report", "metrics-read")


def access(value, path):
    """`"full"` or a list of features."""
    if isinstance(value, str):
        return decoding.one_of("full")(value, path)
    reader = decoding.Reader(value, path)
    found = {"features": reader.take("features", names.features)}
    return found


def _record_id(value, path):
    if not re.fullmatch("[!-~]{1,64}", decoding.string(value, path)):
        raise Refused("value_invalid", path)
    return value


def record(value, path):
    """A record with its defaults filled in; unknown keys are kept, sorted, after the known ones."""
    reader = decoding.Reader(value, path)
    version = reader.take("v", decoding.integer())
    if version > 1:
        raise Refused("record_version_unsupported", reader.at("v"))
    if version < 1:
        raise Refused("value_invalid", reader.at("v"))
    found = {
        "v": version,
        "id": reader.take("id", _record_id),
        "user": reader.take("user", names.user),
        "name": reader.take("name", names.name),
        "hash": reader.take("hash", tokens.stored_hash),
        "hint": reader.take("hint", decoding.string, ""),
        "created": reader.take("created", decoding.integer()),
        "expires": reader.take("expires", decoding.nullable(decoding.integer())),
        "access": reader.take("access", access),
        "readOnly": reader.take("readOnly", decoding.boolean),
        "addresses": reader.take("addresses", addresses.entries),
        "realm": reader.take("realm", shapes.realm, "account"),
        "revoked": reader.take("revoked", decoding.nullable(decoding.integer()), None),
    }
    return found | dict(sorted(reader.left.items()))


records = decoding.array(record)


def account(value, path):
    """An account; its features are a list or None for all."""
    reader = decoding.Reader(value, path)
    found = {
        "user": reader.take("user", names.user),
        "suspended": reader.take("suspended", decoding.boolean, False),
        "administrator": reader.take("administrator", decoding.boolean, False),
        "features": reader.take("features", _account_features),
    }
    return found


def _account_features(value, path):
    if isinstance(value, str):
        decoding.one_of("all")(value, path)
        return None
    return names.features(value, path)


def account_has(one_account, feature):
    """Whether an account holds a feature; the rights of machines are an administrator's, whatever the list says."""
    if feature in MACHINE_RIGHTS:
        return one_account["administrator"]
    return one_account["features"] is None or feature in one_account["features"]


def folded(name):
    """A name without regard to the case of its ASCII letters."""
    return name.encode().lower()


def catalogue(value, path):
    """A catalogue: functions, routes, and what becomes of other requests."""
    if isinstance(value, list):
        return built_in() | {"functions": _functions(value, path)}
    reader = decoding.Reader(value, path)
    return {
        "functions": reader.take("functions", lambda value, _: _functions(value, path), built_in()["functions"]),
        "routes": reader.take("routes", routes.routes, []),
        "default": reader.take("default", shapes.unlisted, None),
    }


def _functions(value, path):
    found = decoding.array(_function)(value, path)
    for at, one in enumerate(found):
        if not one["module"] or not one["function"]:
            raise Refused("catalogue_invalid", f"{path}[{at}]")
        if not one["apis"] or "api1" in one["apis"]:
            raise Refused("catalogue_invalid", f"{path}[{at}].apis")
    seen = set()
    for one in found:
        keys = {(folded(one["module"]), folded(one["function"]), api) for api in one["apis"]}
        if keys & seen:
            raise Refused("catalogue_invalid", path)
        seen |= keys
    return found


@functools.cache
def built_in():
    """The built-in catalogue. It is data, which `functions` publishes."""
    apis = {"u": "uapi", "2": "api2", "w": "whm"}
    found = []
    for line in BUILT_IN.read_text().splitlines():
        module, function, letters, feature, writes = line.split(" ")
        found.append({
            "module": module, "function": function, "apis": [apis[letter] for letter in letters],
            "feature": None if feature == "-" else feature, "writes": writes == "w",
        })
    return {"functions": found, "routes": [], "default": None}


def _function(value, path):
    reader = decoding.Reader(value, path)
    found = {
        "module": reader.take("module", decoding.string),
        "function": reader.take("function", decoding.string),
        "apis": reader.take("apis", decoding.array(decoding.one_of(*shapes.APIS))),
        "feature": reader.take("feature", decoding.nullable(names.feature)),
        "writes": reader.take("writes", decoding.boolean),
    }
    return found


class Call:
    """What a request wants to do."""

    def __init__(self, value, path):
        reader = decoding.Reader(value, path)
        self.named = reader.has("module") or reader.has("function")
        halves = [key for key in ("module", "function") if not reader.has(key)]
        self.routed = [key for key in ("method", "path") if reader.has(key)]
        beside = any(reader.has(key) for key in ("api", "module", "function", "feature", "writes"))
        direct = reader.has("feature") or reader.has("writes")
        self.api = reader.take("api", decoding.one_of(*shapes.APIS), "uapi")
        self.module = reader.take("module", decoding.string, None)
        self.function = reader.take("function", decoding.string, None)
        self.method = reader.take("method", decoding.string, None)
        self.path = reader.take("path", decoding.string, None)
        if len(self.routed) == 1:
            missing = "path" if self.routed == ["method"] else "method"
            raise Refused("field_missing", f"{path}.{missing}" if path else missing)
        if self.routed and beside:
            raise Refused("call_ambiguous")
        self.feature = reader.take("feature", names.feature, None)
        self.writes = reader.take("writes", decoding.boolean, True)
        self.address = reader.take("address", decoding.string, None)
        self.realm = reader.take("realm", shapes.realm, "account")
        if len(halves) == 1:
            raise Refused("field_missing", f"{path}.{halves[0]}" if path else halves[0])
        if self.named and direct:
            raise Refused("call_ambiguous")

    def standing(self, known):
        """Why a route lets a token pass or refuses it before its rights are looked at, or None; "public" without any token."""
        if not self.routed:
            return None
        found = routes.find(known["routes"], self.method, self.path)
        if found == "doubtful":
            return "target_doubtful"
        if queries.has_token(self.path):
            return "token_in_url"
        if found == "unlisted":
            return "route_unlisted" if known["default"] == "deny" else None
        one, near = found
        return "public" if one["public"] and not near else None

    def touches(self, known):
        """
        The feature, whether it writes, and whether a limited token may have it at all: the strictest reading of all three
        when the function isn't known, and of the last two when the catalogue has it in another case or for another API.
        """
        functions = known["functions"]
        if self.routed:
            found = routes.find(known["routes"], self.method, self.path)
            if queries.has_token(self.path):
                return None, True, False
            if isinstance(found, str):
                reads = known["routes"] == [] and known["default"] is None and self.method in ("GET", "HEAD", "OPTIONS")
                return None, found == "doubtful" or not reads, False
            one, near = found
            return one["feature"], one["writes"] or near, one["feature"] is not None and not near
        if not self.named:
            return self.feature, self.writes, self.feature is not None
        asked = (self.module, self.function)
        alike = [one for one in functions if folded(one["module"]) == folded(asked[0]) and folded(one["function"]) == folded(asked[1])]
        of_the_api = [one for one in alike if self.api in one["apis"]]
        for one in of_the_api:
            if (one["module"], one["function"]) == asked:
                return one["feature"], one["writes"], one["feature"] is not None
        features = [one["feature"] for one in of_the_api + alike if one["feature"] is not None]
        return features[0] if features else None, True, False


class Calls:
    """The numbered calls of a table or snapshot; calls that resolve to the same share a number. Number 0 names nothing and writes."""

    def __init__(self, functions):
        self.functions = functions
        self.numbered = [Call({}, "")]

    def _meaning(self, call):
        standing = call.standing(self.functions)
        touched = None if standing == "public" else call.touches(self.functions)
        return touched, standing, call.api, call.realm

    def prepare(self, value):
        """The number of a call."""
        shapes.CALL(value)
        if "address" in value:
            raise Refused("value_invalid", "address")
        call = Call(value, "")
        meanings = [self._meaning(one) for one in self.numbered]
        meaning = self._meaning(call)
        if meaning not in meanings:
            self.numbered.append(call)
            meanings.append(meaning)
        return {"call": meanings.index(meaning)}

    def get(self, number, address):
        """A call that comes from an address, or None if the number was never given."""
        if not 0 <= number < len(self.numbered):
            return None
        call = copy.copy(self.numbered[number])
        call.address = address
        return call
