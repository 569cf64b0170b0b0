"""The shapes of the values that `validate` takes: their types and keys, without any rule about what is in them."""

from .decoding import Reader, Refused, array, boolean, integer, nullable, one_of, string
from .records import APIS

any_integer = integer()


def _object(**keys):
    """An object of these keys, each with its shape; a shape in a list may be left out."""

    def decode(value, path):
        reader = Reader(value, path)
        for key, shape in keys.items():
            if isinstance(shape, list):
                reader.take(key, shape[0], None)
            else:
                reader.take(key, shape)
        reader.done()
        return value

    return decode


def _word_or(word, other):
    """A certain word, or another shape."""
    return lambda value, path: one_of(word)(value, path) if isinstance(value, str) else other(value, path)


def _expiry(value, path):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Refused("type_invalid", path)
    return value


def _zone(value, path):
    return value if isinstance(value, str) else _object(offset=any_integer, transitions=array(array(any_integer)))(value, path)


def _record(value, path):
    """A record; one of another version isn't looked into."""
    reader = Reader(value, path)
    version = reader.take("v", any_integer)
    if version != 1:
        raise Refused("record_version_unsupported" if version > 1 else "value_invalid", reader.at("v"))
    for key in ("id", "user", "name", "hash"):
        reader.take(key, string)
    reader.take("hint", string, "")
    reader.take("created", any_integer)
    reader.take("expires", nullable(any_integer))
    reader.take("access", access)
    reader.take("readOnly", boolean)
    reader.take("addresses", array(string))
    reader.take("realm", one_of("account", "admin"), None)
    reader.take("revoked", nullable(any_integer), None)
    return value


access = _word_or("full", _object(features=array(string)))
account = _object(user=string, suspended=[boolean], administrator=[boolean], features=_word_or("all", array(string)))
caps = _object(**{key: [any_integer] for key in ("tokens", "tokensPerHour", "features", "addresses", "recordBytes")})
function = _object(module=string, function=string, apis=array(one_of(*APIS)), feature=nullable(string), writes=boolean)

VALIDATED = {
    "now": any_integer,
    "name": string,
    "taken": array(string),
    "user": string,
    "token": string,
    "zone": _zone,
    "policy": _object(maxLifetime=[any_integer], expiryRequired=[boolean], caps=[caps]),
    "expires": _expiry,
    "addresses": array(string),
    "prefix": string,
    "access": access,
    "account": account,
    "peppers": array(_object(id=string, key=string)),
    "catalogue": array(function),
    "records": array(_record),
}
"""Each key of `validate`."""
