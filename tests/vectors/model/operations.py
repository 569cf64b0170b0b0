"""The operations: one function each, and the dispatcher that `answer` is."""

from . import addresses, credentials, decoding, expiry, names, records, shapes, tokens, verdicts, zones
from .decoding import Reader, Refused, anything, array, boolean, integer, one_of, string
from .parameters import parameters
from .replies import reply

warn_days = integer(0, 3650)


def answer(request):
    """The answer to one request, messages left out."""
    try:
        decoding.check_depth(request)
        reader = Reader(request)
        name = reader.take("op", string)
        if name not in OPERATIONS:
            raise Refused("op_unknown", "op")
        shapes.REQUESTS[name](reader.left, "")
        return {"ok": OPERATIONS[name](reader)}
    except Refused as refused:
        return {"error": refused.told()}


def _policy(value, path):
    reader = Reader(value, path)
    return reader.take("maxLifetime", integer(1), None), reader.take("expiryRequired", boolean, False)


CAPS = {"tokens": (1000, 10**6), "tokensPerHour": (1000, 10**6), "features": (250, 1000), "addresses": (100, 100), "recordBytes": (8192, 10**6)}
"""Each cap, what it is when left out, and the most that it can be."""


def _caps(policy, path):
    """The caps of a policy, whatever else is in it."""
    reader = Reader(policy.get("caps", {}), f"{path}.caps")
    return {key: reader.take(key, integer(1, most), default) for key, (default, most) in CAPS.items()}


def _held(value, path):
    reader = Reader(value, path)
    return reader.take("tokens", integer(0), 0), reader.take("lastHour", integer(0), 0)


def _listed(access):
    """The features of an access; none of one that isn't given."""
    return [] if access in (None, "full") else access["features"]


def _size(features, listed):
    """The bytes that a record counts for."""
    return 512 + sum(len(text.encode()) + 3 for text in features + listed)


def _check_counts(caps, features, listed):
    if len(features) > caps["features"]:
        raise Refused("features_too_many", "access.features")
    if len(listed) > caps["addresses"]:
        raise Refused("addresses_too_many", "addresses")


def create(reader):
    """A new token and its record, checked in the order that OPERATIONS.md gives."""
    given = dict(reader.left)
    tokens_held, last_hour = reader.take("held", _held, (0, 0))
    now = reader.take("now", expiry.now)
    user = reader.take("user", names.user)
    name = reader.take("name", names.name)
    caps = _caps(given.get("policy", {}), "policy")
    if tokens_held >= caps["tokens"]:
        raise Refused("tokens_too_many")
    if last_hour >= caps["tokensPerHour"]:
        raise Refused("creations_too_many")
    inherited = given.get("creator", {}).get("addresses", [])
    wanted = _listed(given["access"]), given.get("addresses") or inherited
    _check_counts(caps, *wanted)
    if _size(*wanted) > caps["recordBytes"]:
        raise Refused("record_too_large")
    if name in given.get("taken", []):
        raise Refused("name_taken", "name")
    access = reader.take("access", records.access)
    listed = reader.take("addresses", addresses.entries, [])
    prefix = reader.take("prefix", names.prefix, None)
    pepper = reader.take("pepper", tokens.pepper, None)
    account = reader.take("account", records.account, None)
    if account is not None:
        _check_account(account, user, access)
    read_only, realm = given.get("readOnly", False), given.get("realm", "account")
    creator = reader.take("creator", records.record, None)
    if creator is not None:
        listed = listed or creator["addresses"]
        _check_creator(creator, {"access": access, "readOnly": read_only, "addresses": listed, "realm": realm})
    zone = reader.take("zone", zones.zone, zones.UTC)
    longest, required = reader.take("policy", _policy, (None, False))
    expires = _expires(given, now, now, zone, longest, required)
    secret, record_id = reader.take("entropy", tokens.secret_from)
    record = {
        "v": 1,
        "id": record_id,
        "user": user,
        "name": name,
        "hash": tokens.hash_of(secret, pepper),
        "hint": secret[-4:],
        "created": now,
        "expires": None if expires == "never" else expires,
        "access": access,
        "readOnly": read_only,
        "addresses": listed,
        "realm": realm,
        "revoked": None,
    }
    return {"token": tokens.token_text(secret, prefix), "record": record}


def _check_account(account, user, access):
    if account["user"] != user:
        raise Refused("account_mismatch", "account.user")
    if account["suspended"]:
        raise Refused("account_suspended", "account")
    if not records.account_has(account, "apitokens"):
        raise Refused("tokens_disabled", "account")
    for at, one in enumerate([] if access == "full" else access["features"]):
        if not records.account_has(account, one):
            raise Refused("feature_not_in_account", f"access.features[{at}]")


def _check_creator(creator, made):
    """Refuses a token that has more than the one that asks."""
    granted = creator["access"] if creator["access"] == "full" else set(creator["access"]["features"])
    wanted = made["access"] if made["access"] == "full" else set(made["access"]["features"])
    ranges = [addresses.network(text) for text in creator["addresses"]]

    def covered(text):
        own = addresses.network(text)
        return any(own.version == one.version and own.subnet_of(one) for one in ranges)

    rows = {
        "access": granted != "full" and (wanted == "full" or not wanted <= granted),
        "readOnly": creator["readOnly"] and not made["readOnly"],
        "addresses": ranges and not (made["addresses"] and all(map(covered, made["addresses"]))),
        "realm": (creator["realm"], made["realm"]) == ("account", "admin"),
    }
    for field, exceeds in rows.items():
        if exceeds:
            raise Refused("access_exceeds_creator", field)


def _expires(optional, now, created, zone, longest, required):
    if "expires" not in optional:
        default = expiry.one_year_ahead(now, zone)
        return default if longest is None else min(default, now + longest)
    expires = expiry.resolve(optional["expires"], now, zone)
    if expires == "never" and (required or longest is not None):
        raise Refused("expiry_required", "expires")
    if expires != "never" and longest is not None and expires - created > longest:
        raise Refused("expiry_too_late", "expires")
    return expires


def validate(reader):
    """What is wrong with each of the given values, by the rules of the operations that use them; nothing is looked up."""
    given = reader.left
    now = given.get("now")
    if now is not None:
        expiry.now(now, "now")
    if "expires" in given and now is None:
        raise Refused("field_missing", "now")
    problems = []

    def checked(key, check, default=None, absent=None):
        """The checked value of a key: `absent` if it isn't given, and `default` if something is wrong with it, which is noted."""
        if key not in given:
            return absent
        try:
            return check(given[key], key)
        except Refused as refused:
            problems.append(refused.told())
            return default

    def name(value, key):
        names.name(value, key)
        if value in given.get("taken", []):
            raise Refused("name_taken", key)

    def policy(value, key):
        return _caps(value, key), *_policy(value, key)

    def sized(features, listed):
        if limits is not None:
            _check_counts(limits[0], features, listed)
            if _size(features, listed) > limits[0]["recordBytes"]:
                raise Refused("record_too_large")

    def within_policy(value, _key):
        longest, required = (None, False) if limits is None else limits[1:]
        return _expires(value, now, now, zone, longest, required)

    def address_list(value, key):
        sized([], addresses.entries(value, key))
        return value

    def access(value, key):
        sized(_listed(records.access(value, key)), listed)
        return value

    def account(value, key):
        found = records.account(value, key)
        if "access" in given:
            _check_account(found, given.get("user", found["user"]), wanted)

    checked("name", name)
    checked("user", names.user)
    secret = checked("token", tokens.read_token)
    zone = checked("zone", zones.zone, absent=zones.UTC)
    limits = checked("policy", policy, absent=({key: default for key, (default, _) in CAPS.items()}, None, False))
    expires = None
    if zone is not None and "expires" in given:
        expires = checked("expires", lambda value, key: within_policy({"expires": value}, key))
    elif zone is not None and now is not None and "policy" in given and limits is not None:
        given["expires"] = None
        expires = checked("expires", lambda _value, key: within_policy({}, key))
    listed = checked("addresses", address_list, default=[], absent=[])
    checked("prefix", names.prefix)
    wanted = checked("access", access, default="full")
    checked("account", account)
    checked("peppers", tokens.peppers)
    checked("catalogue", records.catalogue)
    checked("records", records.records)
    hint = secret[-4:] if secret is not None else None
    return {"valid": not problems, "problems": problems, "expires": expires, "hint": hint}


def identify(reader):
    """What a header says, and the hashes to look its record up by."""
    _, header = reader.take("authorization", credentials.presented)
    peppers = reader.take("peppers", tokens.peppers, [])
    hashes = tokens.hashes_of(header.secret, peppers)
    return {"scheme": header.scheme, "user": header.user, "hashes": hashes, "reason": header.reason}


def verify(reader):
    """The verdict over one record."""
    record = reader.take("record", decoding.nullable(records.record))
    now = reader.take("now", expiry.now)
    accepted, header = reader.take("authorization", credentials.presented)
    account = reader.take("account", decoding.nullable(records.account))
    functions = reader.take("catalogue", records.catalogue, records.built_in())
    call = reader.take("call", records.Call, None) or records.Call({}, "call")
    peppers = reader.take("peppers", tokens.peppers, [])
    verdicts.check_pepper(record, peppers, "record.hash")
    matched = record if verdicts.matches(header, record, peppers) else None
    reason = verdicts.reason_for(now, header, matched, account, call, functions)
    return verdicts.verdict(reason, None if reason == "public" else matched, accepted.challenge())


def description(now, record, days):
    """A token as its owner sees it."""
    remaining = None if record["expires"] is None else max(record["expires"] - now, 0)
    soon = remaining is not None and 0 < remaining <= days * 86400
    if record["revoked"] is not None:
        status, notices = "revoked", ["revoked"]
    elif remaining == 0:
        status, notices = "expired", ["expired"]
    else:
        status = "expiring" if soon else "active"
        notices = ["expires_soon"] if soon else ["never_expires"] if remaining is None else []
    copied = {key: record[key] for key in ("id", "user", "name", "hint", "created", "expires")}
    kept = {key: record[key] for key in ("access", "readOnly", "addresses", "realm")}
    return copied | {"status": status, "remaining": remaining} | kept | {"notices": notices}


def describe(reader):
    """One token described."""
    record = reader.take("record", records.record)
    now = reader.take("now", expiry.now)
    days = reader.take("warnDays", warn_days, 7)
    return {"token": description(now, record, days)}


def listing(reader):
    """A page of descriptions."""
    found = reader.take("records", records.records)
    now = reader.take("now", expiry.now)
    page = reader.take("page", integer(1, code="page_invalid"), 1)
    size = reader.take("pageSize", integer(1, 1000, "page_invalid"), 20)
    sort = reader.take("sort", one_of("name", "created", "expires"), "name")
    descending = reader.take("descending", boolean, False)
    search = reader.take("search", string, "")
    days = reader.take("warnDays", warn_days, 7)
    with_revoked = reader.take("includeRevoked", boolean, False)
    if len(search) > 50:
        raise Refused("value_invalid", "search")
    found = [one for one in found if with_revoked or one["revoked"] is None]
    found = [one for one in found if search.lower() in one["name"].lower()]
    found.sort(key=lambda one: one["id"].encode())
    found.sort(key=lambda one: one[sort].encode() if sort == "name" else one[sort] or 0, reverse=descending)
    if sort == "expires":
        found.sort(key=lambda one: one["expires"] is None)
    shown = [description(now, one, days) for one in found[(page - 1) * size : page * size]]
    return {"tokens": shown, "page": page, "pageSize": size, "pages": max(1, -(-len(found) // size)), "total": len(found)}


def rename(reader):
    """The record under another name."""
    record = reader.take("record", records.record)
    name = reader.take("newName", names.name)
    taken = reader.take("taken", array(string), [])
    if record["revoked"] is not None:
        raise Refused("record_revoked", "record")
    if name in taken and name != record["name"]:
        raise Refused("name_taken", "newName")
    return {"record": record | {"name": name}}


def update(reader):
    """The record with some of its parts changed."""
    record = reader.take("record", records.record)
    now = reader.take("now", expiry.now)
    name = reader.take("newName", names.name, record["name"])
    taken = reader.take("taken", array(string), [])
    if record["revoked"] is not None:
        raise Refused("record_revoked", "record")
    if name in taken and name != record["name"]:
        raise Refused("name_taken", "newName")
    caps = _caps(reader.left.get("policy", {}), "policy")
    given = reader.left.get("access"), reader.left.get("addresses")
    _check_counts(caps, _listed(given[0]), given[1] or [])
    before = _size(_listed(record["access"]), record["addresses"])
    after = _size(_listed(record["access"] if given[0] is None else given[0]), record["addresses"] if given[1] is None else given[1])
    if after > max(before, caps["recordBytes"]):
        raise Refused("record_too_large")
    access = reader.take("access", records.access, None)
    listed = reader.take("addresses", addresses.entries, record["addresses"])
    account = reader.take("account", records.account, None)
    if account is not None:
        _check_account(account, record["user"], access or "full")
    made = record | {"name": name, "access": access or record["access"], "addresses": listed}
    creator = reader.take("creator", records.record, None)
    if creator is not None:
        _check_creator(creator, record)
        _check_creator(creator, made)
    zone = reader.take("zone", zones.zone, zones.UTC)
    longest, required = reader.take("policy", _policy, (None, False))
    if reader.has("expires"):
        given = {"expires": reader.take("expires", anything)}
        if record["realm"] != "admin":
            raise Refused("expiry_fixed", "expires")
        until = _expires(given, now, record["created"], zone, longest, required)
        own = None if creator is None else creator["expires"]
        if own is not None and (until == "never" or until > own):
            raise Refused("access_exceeds_creator", "expires")
        made |= {"expires": None if until == "never" else until}
    return {"record": made}


def _buried(record, now):
    """What a revocation changes: what the token could touch and from where is kept no longer."""
    access = "full" if record["access"] == "full" else {"features": []}
    return {"access": access, "addresses": [], "revoked": now if record["revoked"] is None else record["revoked"]}


def revoke(reader):
    """The chosen records, revoked."""
    found = reader.take("records", records.records)
    now = reader.take("now", expiry.now)
    ids = reader.take("ids", array(string), None)
    chosen = reader.take("names", array(string), None)
    if (ids is None) == (chosen is None):
        raise Refused("selection_invalid")
    revoked, unknown = [], []
    for selector in dict.fromkeys(chosen if ids is None else ids):
        if ids is None:
            hits = [one for one in found if one["name"] == selector and one["revoked"] is None]
        else:
            hits = [one for one in found if one["id"] == selector]
        revoked += [one | _buried(one, now) for one in hits]
        unknown += [] if hits else [selector]
    return {"records": revoked, "unknown": unknown}


def manageable(reader):
    """The ids of the records that a token may manage: those of its user that have no more than it."""
    creator = reader.take("creator", records.record)
    found = reader.take("records", records.records)
    return {"ids": [one["id"] for one in found if one["user"] == creator["user"] and _within(creator, one)]}


def _within(creator, one):
    try:
        _check_creator(creator, one)
    except Refused:
        return False
    return True


def usage(reader):
    """Reported uses, brought to what can be."""
    now = reader.take("now", expiry.now)
    uses = reader.take("uses", array(_reported))
    return {"uses": [{"lastUsed": min(max(last, created), now), "uses": min(max(times, 0), 2**32 - 1)} for created, last, times in uses]}


def _reported(value, path):
    reader = Reader(value, path)
    return tuple(reader.take(key, integer()) for key in ("created", "lastUsed", "uses"))


def _closed(_reader):
    """`functions` and `info` take nothing; what they list is the module's own and not modelled."""
    return {}


OPERATIONS = {
    "create": create,
    "validate": validate,
    "identify": identify,
    "verify": verify,
    "describe": describe,
    "list": listing,
    "rename": rename,
    "update": update,
    "parameters": parameters,
    "revoke": revoke,
    "manageable": manageable,
    "usage": usage,
    "functions": _closed,
    "credentials": credentials.credentials,
    "info": _closed,
    "reply": reply,
}
