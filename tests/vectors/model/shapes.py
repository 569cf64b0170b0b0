"""The forms of requests and of the values in them: types and keys, without any rule about what a value is."""

from . import decoding
from .decoding import Reader, Refused, array, boolean, integer, nullable, one_of, string

APIS = ("uapi", "api2", "api1", "whm")

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


def _whole(shape):
    """The form of a whole request, which may nest only so deep."""

    def check(value):
        decoding.check_depth(value)
        shape(value, "")

    return check


def _word_or(word, other):
    """A certain word, or another shape."""
    return lambda value, path: one_of(word)(value, path) if isinstance(value, str) else other(value, path)


def _expiry(value, path):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Refused("type_invalid", path)
    return value


def _transition(value, path):
    if len(array(any_integer)(value, path)) != 2:
        raise Refused("value_invalid", path)
    return value


def _zone(value, path):
    return value if isinstance(value, str) else _object(offset=any_integer, transitions=array(_transition))(value, path)


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
    for key, kept in sorted(reader.left.items()):
        if not decoding.whole(kept):
            raise Refused("type_invalid", reader.at(key))
        if decoding.depth(kept) > decoding.DEEPEST_KEPT:
            raise Refused("too_deep", reader.at(key))
    return value


def _field(value, path):
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(item, str) for item in value):
        raise Refused("type_invalid", path)
    return value


_fields = _object(credentials=[array(string)], fields=array(_field))


def _headers(value, path):
    if value is None or isinstance(value, str):
        return value
    return _fields(value, path) if isinstance(value, dict) else array(string)(value, path)


def _pair(value, path):
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str):
        raise Refused("type_invalid", path)
    return value


def _reply_error(value, path):
    return value if isinstance(value, str) else _object(code=string, field=[string], message=[string])(value, path)


texts = array(string)
realm = one_of("account", "admin")
access = _word_or("full", _object(features=texts))
account = _object(user=string, suspended=[boolean], administrator=[boolean], features=_word_or("all", texts))
caps = _object(**{key: [any_integer] for key in ("tokens", "tokensPerHour", "features", "addresses", "recordBytes")})
held = _object(tokens=[any_integer], lastHour=[any_integer])
policy = _object(maxLifetime=[any_integer], expiryRequired=[boolean], caps=[caps])
pepper = _object(id=string, key=string)
function = _object(module=string, function=string, apis=array(one_of(*APIS)), feature=nullable(string), writes=boolean)
route = _object(method=string, path=string, feature=nullable(string), writes=boolean, public=[boolean])
unlisted = one_of("full", "deny")
_listing = _object(functions=[array(function)], routes=[array(route)], default=[unlisted])


def catalogue(value, path):
    """Functions alone, or a whole catalogue."""
    return array(function)(value, path) if isinstance(value, list) else _listing(value, path)


call = _object(api=[one_of(*APIS)], module=[string], function=[string], method=[string], path=[string], feature=[string], writes=[boolean], address=[string], realm=[realm])
uses = _object(created=any_integer, lastUsed=any_integer, uses=any_integer)
pages = {"page": [any_integer], "pageSize": [any_integer], "sort": [one_of("name", "created", "expires")], "descending": [boolean]}

VALIDATED = {
    "name": string,
    "taken": texts,
    "user": string,
    "token": string,
    "zone": _zone,
    "policy": policy,
    "expires": _expiry,
    "addresses": texts,
    "prefix": string,
    "access": access,
    "account": account,
    "peppers": array(pepper),
    "catalogue": catalogue,
    "records": array(_record),
    "now": any_integer,
}
"""Each key of `validate`."""

REQUESTS = {
    "create": _object(
        now=any_integer, entropy=string, user=string, name=string, access=access, expires=[_expiry], readOnly=[boolean], addresses=[texts],
        realm=[realm], zone=[_zone], prefix=[string], pepper=[pepper], account=[account], policy=[policy], held=[held], taken=[texts], creator=[_record],
    ),
    "validate": _object(**{key: [shape] for key, shape in VALIDATED.items()}),
    "identify": _object(authorization=_headers, peppers=[array(pepper)]),
    "verify": _object(
        now=any_integer, authorization=_headers, record=nullable(_record), account=nullable(account), call=[call], peppers=[array(pepper)], catalogue=[catalogue],
    ),
    "describe": _object(now=any_integer, record=_record, warnDays=[any_integer]),
    "list": _object(now=any_integer, records=array(_record), **pages, search=[string], warnDays=[any_integer], includeRevoked=[boolean]),
    "rename": _object(record=_record, newName=string, taken=[texts]),
    "update": _object(
        now=any_integer, record=_record, newName=[string], taken=[texts], access=[access], expires=[_expiry], addresses=[texts], zone=[_zone],
        policy=[policy], account=[account], creator=[_record],
    ),
    "revoke": _object(now=any_integer, records=array(_record), ids=[texts], names=[texts]),
    "manageable": _object(creator=_record, records=array(_record)),
    "usage": _object(now=any_integer, uses=array(uses)),
    "functions": _object(),
    "credentials": _object(credentials=[texts]),
    "info": _object(),
    "parameters": _object(shape=one_of("uapi", "uapiCommand", "api2", "whm", "denied"), function=string, values=array(_pair)),
    "reply": _object(
        shape=one_of("uapi", "uapiCommand", "api2", "whm", "denied"), function=[string], token=[string], record=[_record], records=[array(_record)],
        error=[_reply_error], unknown=[texts], code=[string], httpStatus=[any_integer], retryAfter=[any_integer], credentials=[texts],
    ),
}
"""The form of each operation's request, less `op`: it is read whole before any value is judged."""

TABLE = _whole(_object(records=[array(_record)], accounts=[array(account)], peppers=[array(pepper)], catalogue=[catalogue], credentials=[texts]))
UPDATE = _whole(_object(records=[array(_record)], accounts=[array(account)], removeIds=[texts], removeUsers=[texts]))
SNAPSHOT = _whole(_object(
    publicKeys=texts, peppers=[array(pepper)], catalogue=[catalogue], credentials=[texts], floor=[_object(epoch=any_integer, version=any_integer, made=any_integer)], maxAge=[any_integer],
))
CALL = _whole(call)
