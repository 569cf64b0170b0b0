"""Verdicts: the table of reasons, first that applies, and the one uniform refusal."""

import json

from . import addresses, expiry, headers, records, tokens
from .decoding import Refused

REASONS = (
    "ok header_missing header_repeated header_malformed scheme_unsupported token_unknown token_revoked realm_mismatch "
    "user_mismatch token_expired account_unknown account_suspended tokens_disabled address_unknown address_refused "
    "api_unsupported function_without_feature feature_not_granted feature_not_in_account read_only clock_invalid "
    "snapshot_missing clock_backwards snapshot_stale target_doubtful route_unlisted public token_in_url cross_site"
).split()
STATUS = (
    {"ok": 200}
    | dict.fromkeys(REASONS[1:11], 401)
    | dict.fromkeys(REASONS[11:20], 403)
    | {"clock_invalid": 401}
    | dict.fromkeys(REASONS[21:24], 503)
    | {"target_doubtful": 403, "route_unlisted": 403, "public": 200, "token_in_url": 403, "cross_site": 403}
)
DENIED = "Access denied"
UNAVAILABLE = "The token cannot be checked now; try again later"
USUAL_CHALLENGE = 'Bearer realm="tokenlatch"'
API_ONLY = "Token authentication allows access to UAPI or API 2 calls only"


def compact(value):
    """Compact JSON, as every body is written."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def refusal(status, text=None, challenge=USUAL_CHALLENGE):
    """What may leave the house."""
    text = text or (UNAVAILABLE if status == 503 else DENIED)
    shown = {"WWW-Authenticate": challenge} if status == 401 else {}
    data = {"reason": text, "result": "0"}
    return {
        "status": status,
        "headers": shown | {"Content-Type": "application/json", "Cache-Control": "no-store"},
        "body": compact({"cpanelresult": {"apiversion": "2", "error": text, "data": data, "type": "text"}}),
    }


def verdict(reason, record=None, challenge=USUAL_CHALLENGE):
    """The answer for a reason; the record is given only when its hash matched."""
    status = STATUS[reason]
    shown = record or {}
    return {
        "allowed": status == 200,
        "status": status,
        "reason": reason,
        "user": shown.get("user"),
        "id": shown.get("id"),
        "name": shown.get("name"),
        "expires": shown.get("expires"),
        "access": shown.get("access"),
        "readOnly": shown.get("readOnly"),
        "refusal": None if status == 200 else refusal(status, API_ONLY if reason == "api_unsupported" else None, challenge),
    }


def matches(header, record, peppers):
    """Whether the header's secret is the record's."""
    return record is not None and record["hash"] in tokens.hashes_of(header.secret, peppers)


def check_pepper(record, peppers, path=None):
    """A stored hash under a pepper that nobody gave is a misconfigured host."""
    pepper_id = record and tokens.pepper_id_of(record["hash"])
    if pepper_id and pepper_id not in [one[0] for one in peppers]:
        raise Refused("pepper_unknown", path)


def reason_for(now, header, record, account, call, functions):
    """The first reason that applies; `record` is the one whose hash matched, or None."""
    standing = call.standing(functions)
    if standing == "public":
        return "public"
    if header.reason != "ok":
        return header.reason
    if record is None:
        return "token_unknown"
    feature, writes, grantable = call.touches(functions)
    limited = None if record["access"] == "full" else record["access"]["features"]
    address = addresses.readable(call.address)
    unknown_account = account is None or account["user"] != record["user"]
    rows = [
        ("clock_invalid", lambda: not expiry.EARLIEST_NOW <= now <= expiry.LAST),
        ("token_revoked", lambda: record["revoked"] is not None),
        ("realm_mismatch", lambda: record["realm"] not in headers.REALMS[header.scheme] or call.realm != record["realm"]),
        ("user_mismatch", lambda: header.user not in (None, record["user"])),
        ("token_expired", lambda: record["expires"] is not None and now >= record["expires"]),
        ("account_unknown", lambda: unknown_account),
        ("account_suspended", lambda: account["suspended"]),
        ("tokens_disabled", lambda: not records.account_has(account, "apitokens")),
        ("address_unknown", lambda: record["addresses"] and address is None),
        ("address_refused", lambda: record["addresses"] and not addresses.covers(record["addresses"], address)),
        ("api_unsupported", lambda: call.api == "api1"),
        (standing, lambda: standing is not None),
        ("function_without_feature", lambda: limited is not None and not grantable),
        ("feature_not_granted", lambda: limited is not None and feature not in limited),
        ("feature_not_in_account", lambda: feature is not None and not records.account_has(account, feature)),
        ("read_only", lambda: record["readOnly"] and writes),
    ]
    return next((reason for reason, applies in rows if applies()), "ok")
