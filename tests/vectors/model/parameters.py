"""The parameters of the compatible interfaces: `parameters` of OPERATIONS.md."""

import re

from . import decoding
from .decoding import Refused

UAPI = {
    "create_full_access": ("name!", "expires_at", "readonly"),
    "create_limited": ("name!", "features!", "expires_at", "readonly", "addresses"),
    "get_addresses": ("name!",),
    "list": (),
    "rename": ("name!", "new_name!"),
    "revoke": ("name!",),
    "set_addresses": ("name!", "addresses!"),
}
WHM = {
    "api_token_create": ("token_name!", "expires_at", "whitelist_ip", "acl"),
    "api_token_get_details": ("token!",),
    "api_token_list": (),
    "api_token_revoke": ("token_name!",),
    "api_token_update": ("token_name!", "new_name", "expires_at", "whitelist_ip", "acl"),
}
"""Each function's parameters in the order they are checked; `!` marks what must be given."""

WORDS = {
    "token_name": "name",
    "new_name": "newName",
    "expires_at": "expires",
    "readonly": "readOnly",
    "whitelist_ip": "addresses",
    "features": "access",
    "acl": "access",
}
LIMITS = {
    "acl": ("features", "acl"),
    "feature": ("features", "acl"),
    "whitelist": ("addresses", "whitelist_ip"),
    "address": ("addresses", "whitelist_ip"),
    "expir": ("expires_at", "expires_at"),
    "readonly": ("readonly", "readonly"),
}
"""How a key begins that means to limit a token, and which parameter of UAPI and of WHM it is about."""

LONGEST = {
    "features": (1_000, "features_too_many"),
    "acl": (1_000, "features_too_many"),
    "addresses": (100, "addresses_too_many"),
    "whitelist_ip": (100, "addresses_too_many"),
    "token_name": (1_000, "value_invalid"),
}
"""How many items each list may have, and what a longer one is."""

SWITCH = {"0": False, "1": True, 0: False, 1: True}


def parameters(reader):
    """What a function was given, in the words of the operations."""
    shape, function, values = (reader.take(key, decoding.anything) for key in ("shape", "function", "values"))
    if shape == "denied":
        raise Refused("value_invalid", "shape")
    table = WHM if shape == "whm" else UAPI
    if function not in table:
        raise Refused("function_unknown", "function")
    read, taken = {}, []
    for marked in table[function]:
        key = marked.rstrip("!")
        is_list = key in ("features", "acl", "addresses", "whitelist_ip") or function == "api_token_revoke"
        pattern = key.replace("_", "[-_]") + (r"(-[0-9]{1,18}|\[[0-9]{0,18}\])?" if is_list else "")
        taken.append(pattern)
        given = [value for name, value in values if re.fullmatch(pattern, name) and value is not None]
        word = "names" if function == "api_token_revoke" else WORDS.get(key, key)
        if given:
            read[word] = _list(key, given, function) if is_list else _single(key, given, shape == "whm")
        if marked.endswith("!") and read.get(word, None if word == "names" else 0) in (None, [], 0) and (not given or word == "names"):
            raise Refused("field_missing", key)
    if function in ("create_full_access", "api_token_create"):
        read.setdefault("access", "full")
    if "create" in function:
        read.setdefault("expires", "never")
    names = [(name, value) for name, value in values if not any(re.fullmatch(pattern, name) for pattern in taken)]
    names = [(name, value) for name, value in names if not name.startswith(("api.", "cpanel_jsonapi_"))]
    if {"expires_at", "addresses!"} & set(table[function]):
        for name, value in names:
            plain = "".join(re.findall("[a-z0-9]", re.sub("[A-Z]", lambda letter: letter[0].lower(), name)))
            for beginning, parameter in LIMITS.items():
                if value is not None and plain.startswith(beginning):
                    raise Refused("field_unknown", parameter[shape == "whm"])
    names = [name for name, _ in names]
    return read | {"unknown": [name.encode()[:64].decode(errors="ignore") for name in names[:16]]}


def _single(key, given, is_whm):
    if key == "expires_at":
        found = _seconds(given[0], is_whm)
    elif key == "readonly":
        found = _switch(given[0])
    else:
        found = decoding.string(given[0], key)
    if len(given) > 1:
        raise Refused("field_duplicate", key)
    return found


def _switch(value):
    if isinstance(value, (list, dict)) or value not in SWITCH:
        raise Refused("value_invalid", "readonly")
    return SWITCH[value]


def _seconds(value, is_whm):
    if isinstance(value, str):
        if not re.fullmatch("[0-9]{1,18}", value) or int(value) > decoding.LARGEST:
            raise Refused("expiry_invalid", "expires_at")
        value = int(value)
    elif isinstance(value, bool) or not isinstance(value, int) or abs(value) > decoding.LARGEST:
        raise Refused("type_invalid", "expires_at")
    return "never" if is_whm and value == 0 else value


def _list(key, given, function):
    items = []
    for value in given:
        for text in value if isinstance(value, list) else [value]:
            items += [item for item in (item.strip("\t\n\f\r ") for item in decoding.string(text, key).split(",")) if item]
            if len(items) > LONGEST[key][0]:
                raise Refused(LONGEST[key][1], key)
    if key == "acl" and items == ["all"]:
        return "full"
    if key in ("features", "acl"):
        return {"features": items}
    if key in ("addresses", "whitelist_ip") and not items:
        raise Refused("value_invalid", key)
    return [] if key in ("addresses", "whitelist_ip") and items == ["any"] else items
