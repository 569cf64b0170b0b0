"""Signed snapshots and deltas: what an edge takes, what it refuses, and what it decides."""

import struct

from model import ed25519, snapshot, tokens
from model.snapshot import Message

from .book import DAY, FUNCTIONS, NOW, OLD_PEPPER, PEPPER, Book, account, header, record

SEED, OTHER_SEED = b"\x01" * 32, b"\x02" * 32
KEY, OTHER_KEY = (ed25519.public_key(seed).hex() for seed in (SEED, OTHER_SEED))
RECORDS = [record(), record("other", user="bob"), record("old", expires=NOW - 1), record("gone", revoked=NOW - 5)]
ACCOUNTS = [account(), account("bob", features=["apitokens", "popaccts"])]
FOREVER = 253402300799


def _message(version=1, made=NOW, **parts):
    if "base" not in parts:
        parts = {"rows": RECORDS, "accounts": ACCOUNTS} | parts
    return Message(version, made=made, **parts)


def _take(message, now=NOW, refused=None, seed=SEED):
    """An edge takes a message of good form; what comes of that the model says too."""
    return ("apply", (message, message.signed(seed).hex(), now), refused)


def _refuse(data, code, now=NOW):
    """An edge refuses bytes that are no message of an origin's."""
    return ("apply", (None, data.hex(), now), code)


def _seen(reason, **more):
    return ("verify", more, reason)


def _keys(*keys, **more):
    return {"publicKeys": list(keys or [KEY])} | more


def _verdicts(book):
    book.snapshot("refuses_everything_before_a_first_snapshot", _keys(), [_seen("snapshot_missing"), _seen("snapshot_missing", authorization=""), _seen(None, call=1)])
    steps = [
        _take(_message()),
        _seen("ok"),
        _seen("ok", authorization=header(scheme="Bearer")),
        _seen("ok", authorization=header("other", "bob")),
        _seen("ok", authorization=f"cpanel alice:{tokens.token_text(tokens.secret_from(_entropy('ci'))[0], 'tl')}"),
        _seen("header_missing", authorization=""),
        _seen("header_malformed", authorization="cpanel"),
        _seen("scheme_unsupported", authorization="Basic abc"),
        _seen("token_unknown", authorization=header("guess")),
        _seen("token_revoked", authorization=header("gone")),
        _seen("realm_mismatch", authorization=header(scheme="whm")),
        _seen("user_mismatch", authorization=header(user="bob")),
        _seen("token_expired", authorization=header("old")),
        _seen(None, call=1),
    ]
    book.snapshot("decides_by_a_snapshot_as_by_a_table", _keys(), steps)
    book.snapshot("names_the_token_where_the_snapshot_does", _keys(), [_take(_message(names=True)), _seen("ok"), _seen("token_expired", authorization=header("old"))])
    book.snapshot("knows_no_token_of_an_empty_snapshot", _keys(), [_take(_message(rows=(), accounts=())), _seen("token_unknown")])
    machine = [("prepare", {"feature": "snapshot-read", "writes": False}, {"call": 1})]
    book.snapshot("gives_an_administrator_the_rights_of_machines_from_a_snapshot", _keys(), [_take(_message(accounts=[account(administrator=True)])), *machine, _seen("ok", call=1)])
    book.snapshot("gives_no_other_account_the_rights_of_machines_from_a_snapshot", _keys(), [_take(_message(accounts=[account()])), *machine, _seen("feature_not_in_account", call=1)])
    shorn = [_take(_message(accounts=[account(administrator=True)])), *machine, _take(_message(2, base=1, accounts=[account()])), _seen("feature_not_in_account", call=1)]
    book.snapshot("takes_the_rights_of_machines_from_an_account_by_a_delta", _keys(), shorn)
    for reason, whose in {"account_unknown": [account("bob")], "account_suspended": [account(suspended=True)], "tokens_disabled": [account(features=["mail"])]}.items():
        book.snapshot(f"gives_the_verdict_{reason}_from_a_snapshot", _keys(), [_take(_message(accounts=whose)), _seen(reason)])
    rows = [
        record("full", expires=None),
        record("mail", access={"features": ["popaccts", "ftpaccts"]}),
        record("none", access={"features": []}),
        record("reads", readOnly=True),
        record("admin", realm="admin", expires=1),
        record("here", addresses=["192.0.2.0/24", "2001:db8::/32", "::ffff:198.51.100.7", "0.0.0.0/1"]),
        record("new", pepper=PEPPER),
        record("older", pepper=OLD_PEPPER),
    ]
    calls = [
        {"module": "Email", "function": "list_pops"},
        {"module": "Email", "function": "add_pop"},
        {"feature": "ftpaccts", "writes": False},
        {"api": "api1", "module": "Email", "function": "list_pops"},
        {"realm": "admin"},
    ]
    steps = [_take(_message(rows=rows))] + [("prepare", call, {"call": at + 1}) for at, call in enumerate(calls)]
    steps += [("prepare", {"address": "192.0.2.1"}, "value_invalid")]
    expected = {
        "full": ["ok", "ok", "ok", "ok", "api_unsupported", "realm_mismatch"],
        "mail": ["function_without_feature", "ok", "ok", "ok", "api_unsupported", "realm_mismatch"],
        "none": ["function_without_feature", "feature_not_granted", "feature_not_granted", "feature_not_granted", "api_unsupported", "realm_mismatch"],
        "reads": ["read_only", "ok", "read_only", "ok", "api_unsupported", "realm_mismatch"],
        "admin": ["realm_mismatch"] * 5 + ["token_expired"],
        "new": ["ok", "ok", "ok", "ok", "api_unsupported", "realm_mismatch"],
        "older": ["ok", "ok", "ok", "ok", "api_unsupported", "realm_mismatch"],
    }
    for label, reasons in expected.items():
        steps += [_seen(reason, authorization=header(label, scheme="Bearer"), call=at) for at, reason in enumerate(reasons)]
    for address, reason in {
        None: "address_unknown",
        "nowhere": "address_unknown",
        "192.0.2.255": "ok",
        "192.0.3.0": "address_refused",
        "2001:db8:ffff::1": "ok",
        "2001:db9::": "address_refused",
        "198.51.100.7": "ok",
        "::ffff:198.51.100.7": "ok",
        "127.255.255.255": "ok",
        "128.0.0.0": "address_refused",
    }.items():
        steps.append(_seen(reason, authorization=header("here"), address=address))
    book.snapshot("decides_by_every_part_of_a_grant", _keys(peppers=[PEPPER, OLD_PEPPER], catalogue=FUNCTIONS), steps)
    crowd = [record(f"crowd{at}", user=f"user{at % 7}", expires=NOW + at) for at in range(200)]
    steps = [_take(_message(rows=crowd, accounts=[account(f"user{at}") for at in range(7)]))]
    steps += [_seen("token_expired" if at == 0 else "ok", authorization=header(f"crowd{at}", scheme="Bearer")) for at in range(0, 200, 9)]
    book.snapshot("finds_every_token_among_many", _keys(), steps)


def _entropy(label):
    from .book import entropy

    return entropy(label)


def _times(book):
    steps = [_take(_message()), _seen("ok", now=NOW + 60), _seen("snapshot_stale", now=NOW + 61), _seen("snapshot_stale", now=NOW + 61, authorization="")]
    steps += [_take(_message(made=NOW + 61, base=1), now=NOW + 61), _seen("ok", now=NOW + 121), _seen("snapshot_stale", now=NOW + 122)]
    book.snapshot("decides_until_its_last_second_and_again_after_a_heartbeat", _keys(), steps)
    book.snapshot("takes_a_stale_snapshot_and_admits_nothing", _keys(), [_take(_message(), now=NOW + DAY), _seen("snapshot_stale", now=NOW + DAY)])
    steps = [_take(_message(), now=NOW - 300), _seen("ok", now=NOW - 300), _seen("clock_backwards", now=NOW - 301), _seen("clock_backwards", now=0), _seen("clock_backwards", now=-1)]
    book.snapshot("lets_a_clock_be_five_minutes_behind", _keys(), steps)
    long = {"max_age": 2**32 - 1, "rows": RECORDS + [record("never", expires=None)]}
    steps = [_take(_message(**long)), _seen("ok", now=NOW + DAY), _seen("ok", now=NOW + DAY - 300), _seen("clock_backwards", now=NOW + DAY - 301)]
    steps += [_take(_message(**long), now=NOW + 500), _seen("clock_backwards", now=NOW + 500)]
    steps += [_take(_message(made=NOW + 500, base=1), now=NOW + 500), _seen("ok", now=NOW + 500), _seen("ok", now=NOW + 560), _seen("snapshot_stale", now=NOW + 561)]
    book.snapshot("refuses_a_clock_that_went_back_until_a_newer_message_comes", _keys(), steps)
    steps = [_take(_message()), _seen("snapshot_stale", now=FOREVER + 1), _seen("ok"), _seen("snapshot_stale", now=FOREVER), _seen("clock_backwards")]
    book.snapshot("believes_no_clock_that_is_out_of_range", _keys(), steps)
    steps = [_take(_message()), _seen("ok"), _take(_message(2, made=NOW + 301), refused="clock_backwards"), _seen("clock_backwards"), _seen("ok", now=NOW + 1)]
    book.snapshot("believes_a_signed_time_from_the_future", _keys(), steps)
    steps = [_take(_message(), now=now, refused="now_invalid") for now in (0, -1, 1577836799, FOREVER + 1)]
    book.snapshot("takes_nothing_by_a_clock_that_is_not_set", _keys(), steps)


def _successions(book):
    five = _take(_message(5, made=NOW + 10), now=NOW + 20)

    def then(*steps):
        return [five] + [_take(message, now=NOW + 20, refused=refused) for message, refused in steps]

    back = "snapshot_rollback"
    steps = then((_message(4, made=NOW + 11), back), (_message(5, made=NOW + 9), back), (_message(6, made=NOW + 9), back), (_message(5, made=NOW + 10), None), (_message(6, made=NOW + 10), None))
    book.snapshot("refuses_an_older_snapshot", _keys(), steps)
    steps = then((_message(9, made=NOW + 10, epoch=2), back), (_message(9, made=NOW + 11, epoch=2, base=5), "snapshot_gap"), (_message(1, made=NOW + 11, epoch=0), None), (_message(9, made=NOW + 11), back))
    book.snapshot("begins_another_epoch_with_a_later_snapshot_only", _keys(), steps)
    gone = {"revoked": [RECORDS[0]], "rows": [record("fresh")], "accounts": ACCOUNTS}
    steps = then(
        (_message(7, made=NOW + 11, base=6, **gone), "snapshot_gap"),
        (_message(6, made=NOW + 11, base=4, **gone), "snapshot_gap"),
        (_message(4, made=NOW + 11, base=3, **gone), back),
        (_message(6, made=NOW + 9, base=5, **gone), back),
        (_message(7, made=NOW + 11, base=5, **gone), None),
        (_message(7, made=NOW + 11, base=5, **gone), back),
        (_message(8, made=NOW + 12, base=5, **gone), "snapshot_gap"),
    )
    steps += [_seen("token_revoked", now=NOW + 20), _seen("ok", now=NOW + 20, authorization=header("fresh"))]
    book.snapshot("applies_a_delta_on_its_base_only", _keys(), steps)
    book.snapshot("has_a_gap_where_no_table_is_held", _keys(), [_take(_message(2, base=1, **gone), refused="snapshot_gap"), _seen("snapshot_missing")])
    floor = {"epoch": 1, "version": 5, "made": NOW + 10}
    steps = [_take(one, now=NOW + 20, refused=back) for one in (_message(4, made=NOW + 20), _message(5, made=NOW + 9), _message(9, made=NOW + 10, epoch=0))]
    steps += [_seen("snapshot_missing"), _take(_message(5, made=NOW + 10), now=NOW + 20)]
    book.snapshot("takes_nothing_below_the_floor", _keys(floor=floor), steps)
    future = {"epoch": 1, "version": 5, "made": NOW + 301}
    steps = [_take(one, refused="floor_in_future") for one in (_message(5), _message(9), _message(1, epoch=2))]
    steps += [_seen("snapshot_missing"), _take(_message(6), now=NOW + 1, refused=back), _take(_message(6, made=NOW + 301), now=NOW + 1)]
    book.snapshot("names_a_floor_of_the_future", _keys(floor=future), steps)
    steps = [_take(_message(5, made=NOW + DAY), now=NOW + DAY), _take(_message(6), refused="floor_in_future"), _take(_message(6, base=5), refused="floor_in_future")]
    steps += [_take(_message(7, base=6), refused="floor_in_future"), _seen("clock_backwards")]
    book.snapshot("names_a_table_of_the_future", _keys(), steps)
    book.snapshot("takes_another_epoch_above_the_floor", _keys(floor=floor), [_take(_message(1, made=NOW + 11, epoch=0), now=NOW + 20)])


def _deltas(book):
    first = _take(_message())
    steps = [
        first,
        _take(_message(2, base=1, revoked=[RECORDS[0], record("guess")], rows=[record("fresh", user="carol")], accounts=[account("carol")])),
        _seen("token_revoked"),
        _seen("ok", authorization=header("fresh", "carol")),
        _take(_message(3, base=2, rows=[RECORDS[0]], accounts=ACCOUNTS)),
        _seen("token_revoked"),
        _take(_message(4, base=3, rows=[record("other", user="bob", readOnly=True)], accounts=ACCOUNTS)),
        _seen("read_only", authorization=header("other", "bob")),
        _take(_message(5, base=4, accounts=[account("bob", suspended=True)])),
        _seen("account_suspended", authorization=header("other", "bob")),
        _take(_message(6, base=5, revoked=[record("both")], rows=[record("both")], accounts=ACCOUNTS)),
        _seen("token_revoked", authorization=header("both")),
    ]
    book.snapshot("applies_deltas_one_after_another_and_never_revives_a_token", _keys(), steps)
    steps = [
        first,
        _take(_message(2, base=1, removed=["alice", "nobody"])),
        _seen("token_revoked"),
        _take(_message(3, base=2, rows=[RECORDS[0], record("again")], accounts=[account()])),
        _seen("token_revoked"),
        _seen("ok", authorization=header("again")),
        _seen("ok", authorization=header("other", "bob")),
    ]
    book.snapshot("lets_tokens_fall_with_their_user_for_good", _keys(), steps)
    renamed = RECORDS[0] | {"user": "alicia"}
    steps = [first, _take(_message(2, base=1, removed=["alice"], rows=[renamed], accounts=[account("alicia")]))]
    steps += [_seen("ok", authorization=header(user="alicia")), _seen("user_mismatch"), _seen("token_revoked", authorization=header("old"))]
    book.snapshot("keeps_the_tokens_of_a_renamed_account", _keys(), steps)
    named = _message(names=True)
    nameless = _message(2, base=1, rows=[record("fresh")], accounts=ACCOUNTS)
    steps = [_take(named), _refuse(nameless.signed(SEED), "snapshot_malformed"), _take(_message(2, base=1, names=True, rows=[record("fresh")], accounts=ACCOUNTS)), _seen("ok", authorization=header("fresh"))]
    book.snapshot("takes_deltas_with_names_where_the_snapshot_has_them", _keys(), steps)
    plain = record()
    forged = plain | {"hash": f"hmac-sha256:{PEPPER['id']}:" + plain["hash"].rpartition(":")[2]}
    book.snapshot("finds_no_token_of_a_snapshot_by_a_digest_of_another_kind", _keys(peppers=[PEPPER]), [_take(_message(rows=[forged])), _seen("token_unknown")])
    steps = [_take(_message(rows=[record(pepper=PEPPER)]), refused="pepper_unknown"), _seen("snapshot_missing")]
    book.snapshot("refuses_a_snapshot_under_an_unknown_pepper", _keys(), steps)


def _signatures(book):
    for name, given in {
        "refuses_an_edge_without_keys": _keys() | {"publicKeys": []},
        "refuses_nine_keys": _keys(*[KEY] * 9),
        "refuses_a_key_of_63_digits": _keys(KEY[:-1]),
        "refuses_a_key_that_is_no_hex": _keys("g" * 64),
        "refuses_a_key_of_small_order": _keys("01" + "00" * 31),
        "refuses_a_key_of_order_four": _keys("00" * 32),
        "refuses_a_key_of_order_eight": _keys("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        "refuses_a_key_that_is_no_point": _keys("02" + "00" * 31),
        "refuses_a_key_that_is_not_canonical": _keys("ee" + "ff" * 30 + "7f"),
    }.items():
        book.snapshot(name, given, code="key_invalid")
    book.snapshot("refuses_an_edge_without_the_list_of_keys", {}, code="field_missing")
    steps = [_take(_message()), _take(_message(2), seed=OTHER_SEED), _take(_message(3))]
    book.snapshot("trusts_several_keys", _keys(KEY, OTHER_KEY), steps)
    good = _message(2).signed(SEED)
    held, still = _take(_message()), _seen("ok")
    forged = "snapshot_signature"

    def bad(name, *cases):
        steps = [held]
        for data, code in cases:
            steps += [_refuse(data, code), still]
        book.snapshot(name, _keys(), steps)

    def flipped(at, bits=1):
        return good[:at] + bytes([good[at] ^ bits]) + good[at + 1 :]

    bad("refuses_a_key_that_is_not_trusted", (_message(2).signed(OTHER_SEED), forged))
    bad("refuses_a_signature_under_another_domain", (_message(2).signed(SEED, b""), forged), (_message(2).signed(SEED, b"tokenlatch snapshot v2 head\0"), forged))
    stretched = good[:128] + ed25519.stretched(good[128:192]) + good[192:]
    bad("refuses_a_signature_that_is_not_canonical", (stretched, forged), (good[:128] + bytes(64) + good[192:], forged), (good[:128] + b"\x01" + bytes(63) + good[192:], forged))
    bad("refuses_a_signature_with_any_byte_changed", *[(flipped(at), forged) for at in (128, 150, 159, 160, 180, 191)])
    bad("refuses_a_head_with_a_byte_of_its_numbers_changed", *[(flipped(at), forged) for at in range(8, 128, 7)])
    bad("refuses_a_head_of_another_form", *[(flipped(at), "snapshot_malformed") for at in (0, 3, 4, 7)], (flipped(5, 2), "snapshot_malformed"), (flipped(6, 2), "snapshot_malformed"))
    bad("refuses_a_head_that_says_it_is_a_delta", (flipped(5, 3), forged))
    bad("refuses_a_body_with_any_byte_changed", *[(flipped(at), forged) for at in range(192, len(good), 23)])
    bad("refuses_a_body_that_is_cut_short", *[(good[:length], "snapshot_malformed") for length in (0, 1, 127, 128, 191, 192, 200, len(good) - 44, len(good) - 1)])
    bad("refuses_bytes_after_the_body", (good + b"\0", "snapshot_malformed"), (good + good, "snapshot_malformed"))
    swapped = good[:-88] + good[-44:] + good[-88:-44]
    bad("refuses_rows_in_another_order", (swapped, forged))
    other = _message(3, rows=RECORDS[:2] + [record("older"), record("newer")]).signed(SEED)
    assert len(other) == len(good)
    bad("refuses_the_body_of_another_message", (good[:192] + other[192:], forged), (other[:128] + good[128:192] + other[192:], forged))


def _bodies(book):
    """Messages that the origin signed although they break the rules."""
    malformed = "snapshot_malformed"

    def bad(name, *spoilt):
        steps = [_take(_message()), _seen("ok")]
        for message in spoilt:
            steps += [_refuse(message.signed(SEED), malformed), _seen("ok")]
        book.snapshot(name, _keys(), steps)

    def spoil(change, **parts):
        message = _message(2, **parts)
        change(message)
        return message

    def section(name, new, count=None, **parts):
        def change(message):
            message.sections[name] = new(message.sections[name]) if callable(new) else new
            if count is not None:
                at = ("revoked", "removed", "states", "users", "grants", "rows").index(name)
                message.counts[at] = count

        return spoil(change, **parts)

    delta = {"base": 1, "rows": [record("fresh")], "accounts": ACCOUNTS}
    bad(
        "refuses_a_signed_head_out_of_range",
        _message(2**53),
        _message(2, epoch=2**53),
        _message(2, max_age=0),
        Message(2, made=FOREVER + 1),
        Message(2, made=1577836799),
        Message(2, made=2**63),
        Message(2, made=2**64 - 1),
    )
    bad("refuses_a_delta_that_goes_backwards", Message(0, made=NOW, base=1, rows=[record("fresh")]))
    bad("refuses_a_heartbeat_that_carries_something", Message(1, made=NOW, base=1, accounts=[account()]))
    bad("refuses_revocations_in_a_snapshot", _message(2, revoked=[RECORDS[0]]), _message(2, removed=["bob"]))
    one, two = snapshot.digest(RECORDS[0]), snapshot.digest(RECORDS[1])
    low, high = min(one, two), max(one, two)
    bad("refuses_revoked_digests_out_of_order", section("revoked", high + low, 2, **delta), section("revoked", low + low, 2, **delta))
    bad(
        "refuses_removed_users_that_break_a_rule",
        section("removed", snapshot.text("bob") + snapshot.text("alice"), 2, **delta),
        section("removed", snapshot.text("bob") * 2, 2, **delta),
        section("removed", snapshot.text("a:b"), 1, **delta),
        section("removed", snapshot.text(""), 1, **delta),
        section("removed", snapshot.text("a" * 65), 1, **delta),
        section("removed", snapshot.text("bob") + b"x", 1, **delta),
        section("removed", b"\x04bob", 1, **delta),
    )
    state = snapshot._state
    bad(
        "refuses_account_states_that_break_a_rule",
        section("states", lambda whole: b"\x08" + whole[1:]),
        section("states", b"\x02" + snapshot._texts(["mail"]), 1, accounts=[account()]),
        section("states", b"\x00" + snapshot._texts(["mail", "dns"]), 1, accounts=[account()]),
        section("states", b"\x00" + snapshot._texts(["mail", "mail"]), 1, accounts=[account()]),
        section("states", b"\x00" + snapshot._texts(["-mail"]), 1, accounts=[account()]),
        section("states", b"\x00" + snapshot._texts([f"f{at:04}" for at in range(1001)]), 1, accounts=[account()]),
        section("states", lambda whole: whole + b"\0"),
        section("states", lambda whole: whole[:-1]),
    )
    assert state(account())[0] == 2
    user = struct.pack("<I", 0) + snapshot.text("alice")
    bad(
        "refuses_users_that_break_a_rule",
        section("users", lambda whole: struct.pack("<I", 2) + whole[4:]),
        section("users", lambda whole: struct.pack("<I", 2**32 - 2) + whole[4:]),
        section("users", user + user, 2),
        section("users", struct.pack("<I", 0) + snapshot.text("bob") + user, 2),
        section("users", struct.pack("<I", 0) + snapshot.text("a b"), 1, rows=[RECORDS[0]], accounts=[account()]),
        section("users", struct.pack("<I", 0) + b"\x02\xc3\xa9", 1, rows=[RECORDS[0]], accounts=[account()]),
        section("users", user + b"\0", 1, rows=[RECORDS[0]], accounts=[account()]),
        section("users", user, 2**32 - 1, rows=[RECORDS[0]], accounts=[account()]),
    )
    alone = {"rows": [RECORDS[0]], "accounts": [account()]}
    bad(
        "refuses_grants_that_break_a_rule",
        section("grants", b"\x08\0\0\0\0", **alone),
        section("grants", b"\x00\0" + snapshot._texts(["mail"]) + b"\0", **alone),
        section("grants", b"\x02\0" + snapshot._texts(["mail", "mail"]) + b"\0", **alone),
        section("grants", b"\x02\0" + snapshot._texts([""]) + b"\0", **alone),
        section("grants", b"\x00" + snapshot.text("a b") + b"\0\0\0", **alone),
        section("grants", b"\x00" + snapshot.text("a" * 33) + b"\0\0\0", **alone),
        section("grants", b"\x00\0\0\0\x65" + b"\x04\x20\x7f\0\0\1" * 101, **alone),
        section("grants", b"\x00\0\0\0\x01\x05\x20\x7f\0\0\1", **alone),
        section("grants", b"\x00\0\0\0\x01\x04\x21\x7f\0\0\1", **alone),
        section("grants", b"\x00\0\0\0\x01\x04\x08\x7f\0\0\1", **alone),
        section("grants", b"\x00\0\0\0\x01\x06\x81" + bytes(16), **alone),
        section("grants", b"\x00\0\0\0\x01\x04\x20\x7f\0\0", **alone),
        section("grants", b"\x00\0\0\0\0\0", **alone),
        section("grants", b"", 0, **alone),
    )
    row = snapshot.digest(RECORDS[0]) + struct.pack("<Q", snapshot.NEVER)
    bad(
        "refuses_rows_that_break_a_rule",
        section("rows", lambda whole: whole[44:] + whole[:44]),
        section("rows", lambda whole: whole[:44] * 4),
        section("rows", row + struct.pack("<I", 1), 1, **alone),
        section("rows", row + struct.pack("<I", 2**32 - 1), 1, **alone),
        section("rows", snapshot.digest(RECORDS[0]) + struct.pack("<QI", snapshot.NEVER | 1 << 40, 0), 1, **alone),
        section("rows", snapshot.digest(RECORDS[0]) + struct.pack("<QI", snapshot.NEVER | (2**23 - 1) << 40, 0), 1, **alone),
    )
    bad(
        "refuses_names_that_break_a_rule",
        section("names", snapshot.text("") + snapshot.text("ci"), names=True, **alone),
        section("names", snapshot.text("a" * 65) + snapshot.text("ci"), names=True, **alone),
        section("names", snapshot.text("id") + snapshot.text("c i"), names=True, **alone),
        section("names", snapshot.text("id") + snapshot.text("a" * 51), names=True, **alone),
        section("names", snapshot.text("id"), names=True, **alone),
        section("names", snapshot.text("id") + snapshot.text("ci") + b"\0", names=True, **alone),
        section("names", snapshot.text("id") + snapshot.text("ci"), **alone),
    )


def books():
    """The files of vectors about snapshots."""
    book = Book(
        "snapshot",
        "Signed snapshots, described in core/SNAPSHOT.md. `snapshot` is the input of new; then come steps: `apply` takes a message, in hex, at `now`, "
        "and answers with the state less `bytes`; `prepare` and `verify` are those of tables, and {\"code\":-1} stands for a call that was never prepared. "
        "Messages by an encoder of our own in Python, signed by the formulas of RFC 8032.",
    )
    for part in (_verdicts, _times, _successions, _deltas, _signatures, _bodies):
        part(book)
    return [book]
