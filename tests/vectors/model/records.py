"""Records, access, accounts, calls and catalogues: the objects of OPERATIONS.md."""

from . import addresses, decoding, names, tokens
from .decoding import Refused

APIS = ("uapi", "api2", "api1", "whm")

realm = decoding.one_of("account", "admin")


def access(value, path):
    """`"full"` or a list of features."""
    if isinstance(value, str):
        return decoding.one_of("full")(value, path)
    reader = decoding.Reader(value, path)
    found = {"features": reader.take("features", names.features)}
    reader.done()
    return found


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
        "id": reader.take("id", decoding.string),
        "user": reader.take("user", names.user),
        "name": reader.take("name", names.name),
        "hash": reader.take("hash", tokens.stored_hash),
        "hint": reader.take("hint", decoding.string, ""),
        "created": reader.take("created", decoding.integer()),
        "expires": reader.take("expires", decoding.nullable(decoding.integer())),
        "access": reader.take("access", access),
        "readOnly": reader.take("readOnly", decoding.boolean),
        "addresses": reader.take("addresses", addresses.entries),
        "realm": reader.take("realm", realm, "account"),
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
        "features": reader.take("features", _account_features),
    }
    reader.done()
    return found


def _account_features(value, path):
    if isinstance(value, str):
        decoding.one_of("all")(value, path)
        return None
    return names.features(value, path)


def account_has(one_account, feature):
    """Whether an account holds a feature."""
    return one_account["features"] is None or feature in one_account["features"]


def catalogue(value, path):
    """A catalogue of functions."""
    found = decoding.array(_function)(value, path)
    seen = set()
    for one in found:
        keys = {(one["module"], one["function"], api) for api in one["apis"]}
        if not one["module"] or not one["function"] or not keys or "api1" in one["apis"] or keys & seen:
            raise Refused("catalogue_invalid")
        seen |= keys
    return found


def _function(value, path):
    reader = decoding.Reader(value, path)
    found = {
        "module": reader.take("module", decoding.string),
        "function": reader.take("function", decoding.string),
        "apis": reader.take("apis", decoding.array(decoding.one_of(*APIS))),
        "feature": reader.take("feature", decoding.nullable(names.feature)),
        "writes": reader.take("writes", decoding.boolean),
    }
    reader.done()
    return found


class Call:
    """What a request wants to do."""

    def __init__(self, value, path, with_address=True):
        reader = decoding.Reader(value, path)
        self.named = reader.has("module") or reader.has("function")
        direct = reader.has("feature") or reader.has("writes")
        self.api = reader.take("api", decoding.one_of(*APIS), "uapi")
        self.module = reader.take("module", decoding.string, None)
        self.function = reader.take("function", decoding.string, None)
        self.feature = reader.take("feature", names.feature, None)
        self.writes = reader.take("writes", decoding.boolean, True)
        self.address = reader.take("address", decoding.string, None)
        self.realm = reader.take("realm", realm, "account")
        reader.done()
        if self.address is not None and not with_address:
            raise Refused("value_invalid", "address")
        if self.named and direct:
            raise Refused("call_ambiguous")

    def touches(self, functions):
        """The feature and whether it writes; the strictest reading when the function isn't known."""
        if not self.named:
            return self.feature, self.writes
        assert functions is not None, "a vector that names a function gives a catalogue"
        for one in functions:
            if (one["module"], one["function"]) == (self.module, self.function) and self.api in one["apis"]:
                return one["feature"], one["writes"]
        return None, True
