"""The replies of the compatible interfaces: RULES.md §3 to §5 and `reply` of OPERATIONS.md."""

from . import decoding, records
from .credentials import Credentials
from .decoding import Refused
from .sentences import sentence
from .verdicts import compact, refusal

PLAIN_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}

PARTS = {
    "create_full_access": ("token", "record"),
    "create_limited": ("token", "record"),
    "list": ("records",),
    "get_addresses": ("record",),
    "rename": (),
    "revoke": (),
    "api_token_create": ("token", "record"),
    "api_token_list": ("records",),
    "api_token_update": ("record",),
    "api_token_revoke": (),
}
"""What each function yields and a reply to it must be given."""

UAPI = ("create_full_access", "create_limited", "get_addresses", "list", "rename", "revoke", "set_addresses")
WHM = ("api_token_create", "api_token_list", "api_token_update", "api_token_revoke", "api_token_get_details")
DECODERS = {"token": decoding.string, "record": records.record, "records": records.records}


def reply(reader):
    """Answers one `reply` request whose `op` has been taken."""
    shape = reader.take("shape", decoding.anything)
    if shape == "denied":
        return _denied(reader)
    code = reader.take("code", decoding.string, None)
    status = 200
    if code is not None:
        status = reader.take("httpStatus", decoding.integer())
        if not reader.has("error"):
            raise Refused("field_missing", "error")
        if not 400 <= status <= 599:
            raise Refused("value_invalid", "httpStatus")
    function = reader.take("function", decoding.string, *([""] if code is not None else []))
    error = reader.take("error", decoding.anything, None)
    if error is None and function not in (WHM if shape == "whm" else UAPI):
        raise Refused("function_unknown", "function")
    if isinstance(error, dict):
        error = sentence(error["code"], error.get("field"), shape == "whm", function)
    unknown = reader.take("unknown", decoding.array(decoding.string), [])
    given = {key: reader.take(key, decode) for key, decode in DECODERS.items() if reader.has(key)}
    if error is None:
        for key in PARTS.get(function, ()):
            if key not in given:
                raise Refused("field_missing", key)
    body = {"uapi": _uapi, "uapiCommand": _command, "api2": _api2, "whm": _whm}[shape](function, given, error)
    if unknown and shape in ("uapi", "uapiCommand"):
        flat = body["result"] if shape == "uapiCommand" else body
        flat["warnings"] = [f'The parameter "{key}" is not known and was ignored.' for key in unknown]
    if code is not None:
        body |= {"detail": error, "code": code}
    return {"status": status, "headers": PLAIN_HEADERS, "body": compact(body)}


def _denied(reader):
    status = reader.take("httpStatus", decoding.integer())
    if status not in (401, 403, 429, 503):
        raise Refused("value_invalid", "httpStatus")
    extra = {}
    if status == 429 or (status == 503 and reader.has("retryAfter")):
        extra = {"Retry-After": str(reader.take("retryAfter", decoding.integer(1)))}
    elif reader.has("retryAfter"):
        raise Refused("value_invalid", "retryAfter")
    accepted = Credentials(reader.take("credentials", decoding.anything, None))
    answer = refusal(status, challenge=accepted.challenge())
    return answer | {"headers": answer["headers"] | extra}


def _features(record):
    return [] if record["access"] == "full" else record["access"]["features"]


def _live(all_records):
    return sorted((one for one in all_records if one["revoked"] is None), key=lambda one: (one["name"].encode(), one["id"].encode()))


def _uapi_data(function, given):
    if function in ("create_full_access", "create_limited"):
        return {"create_time": given["record"]["created"], "token": given["token"]}
    if function == "list":
        return [
            {
                "name": one["name"],
                "create_time": one["created"],
                "expires_at": one["expires"],
                "features": _features(one),
                "has_full_access": int(one["access"] == "full"),
            }
            | ({"readonly": 1} if one["readOnly"] else {})
            for one in _live(given["records"])
        ]
    if function == "get_addresses":
        return given["record"]["addresses"]
    return None if function in ("rename", "set_addresses") else 1


def _uapi(function, given, error):
    failed = error is not None
    return {
        "status": 0 if failed else 1,
        "data": None if failed else _uapi_data(function, given),
        "errors": [error] if failed else None,
        "messages": None,
        "warnings": None,
        "metadata": {"transformed": 1} if function == "list" and not failed else {},
    }


def _command(function, given, error):
    named = {"func": function, "module": "Tokens"} if function else {}
    return {"apiversion": 3} | named | {"result": _uapi(function, given, error)}


def _api2(function, given, error):
    head = {"apiversion": 2} | ({"module": "Tokens", "func": function} if function else {})
    if error is not None:
        event = {"result": 0, "reason": error}
        return {"cpanelresult": head | {"data": [], "error": error, "event": event}}
    data = _uapi_data(function, given)
    rows = data if isinstance(data, list) else [] if data is None else [data]
    return {"cpanelresult": head | {"data": rows, "event": {"result": 1}}}


def _whm_token(record, token=None, as_map=False):
    acls = ["all"] if record["access"] == "full" else record["access"]["features"]
    return (
        {
            "acls": dict.fromkeys(acls, 1) if as_map else acls,
            "create_time": record["created"],
            "expires_at": record["expires"],
            "name": record["name"],
        }
        | ({} if token is None else {"token": token})
        | {"whitelist_ips": record["addresses"] or None}
    )


def _whm(function, given, error):
    metadata = {"command": function, "reason": "OK" if error is None else error, "result": int(error is None), "version": 1}
    data = None
    if error is None and function == "api_token_list":
        data = {"tokens": {one["name"]: _whm_token(one, as_map=True) for one in _live(given["records"])}}
    elif error is None and "record" in given and function != "api_token_revoke":
        data = _whm_token(given["record"], given.get("token") if function == "api_token_create" else None)
    return ({} if data is None else {"data": data}) | {"metadata": metadata}
