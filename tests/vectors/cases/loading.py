"""The table: loading, preparing, verifying, updating."""

from model import tokens

from .book import DAY, FUNCTIONS, NOW, OLD_PEPPER, PEPPER, Book, account, header, nested, record, secret, without

SHARED = [record(), record("other", user="bob"), record("old", expires=NOW - 1), record("gone", revoked=NOW - 5)]
ACCOUNTS = [account(), account("bob")]


def _table(**more):
    return {"records": SHARED, "accounts": ACCOUNTS} | more


def _seen(reason, **more):
    return ("verify", more, reason)


def _verdicts(book):
    book.table("loads_an_empty_table", {}, [_seen("token_unknown"), _seen("header_missing", authorization="")])
    machine = [("prepare", {"feature": "snapshot-read", "writes": False}, {"call": 1}), _seen("ok", call=1)]
    lost = [("update", {"accounts": [account()]}, {"records": 1}), _seen("feature_not_in_account", call=1)]
    book.table("takes_the_rights_of_machines_from_an_account_that_is_no_administrators_any_more", {"records": [record()], "accounts": [account(administrator=True)]}, machine + lost)
    book.table("loads_records_alone", {"records": SHARED}, [_seen("account_unknown")])
    steps = [
        _seen("ok"),
        _seen("ok", authorization=header(scheme="BEARER")),
        _seen("ok", authorization=header("other", "bob")),
        _seen("ok", authorization=f"cpanel alice:{tokens.token_text(secret('ci'), 'tl')}"),
        _seen("header_missing", authorization=""),
        _seen("header_malformed", authorization="cpanel"),
        _seen("header_malformed", authorization="cpanel " + "a" * 506),
        _seen("header_malformed", authorization=f"cpanel alice:{secret('ci')}\u00e9"),
        _seen("header_malformed", authorization=f"cpanel alice:{secret('ci')}, cpanel alice:{secret('ci')}"),
        _seen("header_malformed", authorization=f"cpanel alice:{secret('ci').lower()}"),
        _seen("scheme_unsupported", authorization="Basic abc"),
        _seen("token_unknown", authorization=header("guess")),
        _seen("token_revoked", authorization=header("gone")),
        _seen("realm_mismatch", authorization=header(scheme="whm")),
        _seen("user_mismatch", authorization=header(user="bob")),
        _seen("user_mismatch", authorization=header("other", "alice")),
        _seen("token_expired", authorization=header("old")),
    ]
    book.table("gives_each_verdict_about_a_header_and_a_record", _table(), steps)
    ends = record()["expires"]
    steps = [_seen("ok", now=ends - 1), _seen("token_expired", now=ends), _seen("token_expired", now=ends + 1), _seen("ok", now=ends - 1)]
    book.table("follows_the_clock_in_both_directions_across_an_expiry", _table(), steps)
    never = {"records": [record(expires=None)], "accounts": ACCOUNTS}
    steps = [
        _seen("ok", now=1577836800),
        _seen("ok", now=253402300799),
        _seen("clock_invalid", now=1577836799),
        _seen("clock_invalid", now=0),
        _seen("clock_invalid", now=-1),
        _seen("clock_invalid", now=253402300800),
        _seen("clock_invalid", now=NOW * 1000),
        _seen("header_missing", now=0, authorization=""),
        _seen("token_unknown", now=0, authorization=header("guess")),
    ]
    book.table("refuses_a_clock_out_of_range", never, steps)
    book.table("makes_no_expired_token_valid_by_a_clock_at_zero", _table(), [_seen("clock_invalid", now=0, authorization=header("old"))])
    for reason, whose in {"account_unknown": [account("bob")], "account_suspended": [account(suspended=True)], "tokens_disabled": [account(features=["mail"])]}.items():
        book.table(f"gives_the_verdict_{reason}", _table(accounts=whose), [_seen(reason)])
    book.table("prefers_the_token_over_the_account", _table(accounts=[]), [_seen("token_expired", authorization=header("old")), _seen("account_unknown")])


def _calls(book):
    rows = [
        record("full"),
        record("mail", access={"features": ["popaccts"]}),
        record("none", access={"features": []}),
        record("reads", readOnly=True),
    ]
    calls = [
        {"module": "Email", "function": "list_pops"},
        {"module": "Email", "function": "add_pop", "api": "api2"},
        {"module": "Variables", "function": "get_user_information"},
        {"feature": "ftpaccts", "writes": False},
        {"api": "api1", "module": "Email", "function": "list_pops"},
        {"realm": "admin"},
    ]
    steps = [("prepare", call, {"call": at + 1}) for at, call in enumerate(calls)]
    steps += [("prepare", {}, {"call": 0}), ("prepare", {"module": "No", "function": "such"}, {"call": 0})]
    expected = {
        "full": ["ok", "ok", "ok", "ok", "ok", "api_unsupported", "realm_mismatch"],
        "mail": ["function_without_feature", "ok", "ok", "function_without_feature", "feature_not_granted", "api_unsupported", "realm_mismatch"],
        "none": ["function_without_feature", "feature_not_granted", "feature_not_granted", "function_without_feature", "feature_not_granted", "api_unsupported", "realm_mismatch"],
        "reads": ["read_only", "ok", "read_only", "ok", "ok", "api_unsupported", "realm_mismatch"],
    }
    for label, reasons in expected.items():
        steps += [_seen(reason, authorization=header(label), call=at) for at, reason in enumerate(reasons)]
    table = {"records": rows, "accounts": [account()], "catalogue": FUNCTIONS}
    book.table("gives_each_verdict_about_a_call", table, steps)
    narrow = {"records": rows, "accounts": [account(features=["apitokens"])], "catalogue": FUNCTIONS}
    steps = [("prepare", calls[0], {"call": 1})] + [_seen("feature_not_in_account", authorization=header(one), call=1) for one in ("full", "mail", "reads")]
    book.table("gives_the_verdict_feature_not_in_account", narrow, steps)
    steps = [_seen(None, call=1), _seen(None, call=4096), ("prepare", {"feature": "mail"}, {"call": 1}), _seen("ok", call=1), _seen(None, call=2)]
    book.table("refuses_a_call_that_was_never_prepared", _table(), steps)
    steps = [
        ("prepare", {"address": "10.0.0.1"}, "value_invalid"),
        ("prepare", {"module": "Email", "function": "list_pops", "feature": "popaccts", "writes": False}, "call_ambiguous"),
        ("prepare", {"api": "uapi3"}, "value_invalid"),
        ("prepare", {"feature": "a b"}, "feature_invalid"),
        ("prepare", {"writes": "no"}, "type_invalid"),
        ("prepare", {"feature": "mail"}, {"call": 1}),
        _seen("ok", call=1),
    ]
    book.table("counts_only_the_calls_that_it_could_prepare", _table(), steps)
    listed = {"records": [record(addresses=["10.0.0.0/8", "2001:db8::/32"])], "accounts": ACCOUNTS}
    answers = {"10.1.2.3": "ok", "::ffff:10.1.2.3": "ok", "2001:db8::1": "ok", "11.0.0.1": "address_refused", "::1": "address_refused"}
    answers |= {"": "address_unknown", "unknown": "address_unknown", "10.0.0.1:80": "address_unknown", "10.0.0.0/8": "address_unknown", "\u00e9": "address_unknown"}
    steps = [_seen(reason, address=address) for address, reason in answers.items()] + [_seen("address_unknown")]
    book.table("checks_the_address_of_each_call", listed, steps)
    book.table("asks_for_no_address_without_a_list", _table(), [_seen("ok"), _seen("ok", address="unknown"), _seen("ok", address="10.0.0.1")])
    admin = {"records": [record(realm="admin")], "accounts": ACCOUNTS}
    steps = [("prepare", {"realm": "admin"}, {"call": 1})]
    steps += [_seen("ok", authorization=header(scheme="whm"), call=1), _seen("ok", authorization=header(scheme="bearer"), call=1)]
    steps += [_seen("realm_mismatch", call=1), _seen("realm_mismatch", authorization=header(scheme="whm"))]
    book.table("keeps_the_ports_apart", admin, steps)


def _peppers(book):
    rows = [record("new", pepper=PEPPER), record("old", pepper=OLD_PEPPER), record("bare")]
    table = {"records": rows, "accounts": ACCOUNTS, "peppers": [PEPPER, OLD_PEPPER]}
    steps = [_seen("ok", authorization=header(one)) for one in ("new", "old", "bare")] + [_seen("token_unknown", authorization=header("guess"))]
    book.table("finds_hashes_under_each_pepper", table, steps)
    book.table("refuses_to_load_a_hash_under_a_retired_pepper", table | {"peppers": [PEPPER]}, code="pepper_unknown")
    book.table("refuses_to_load_a_hash_under_a_pepper_when_none_is_given", without(table, "peppers"), code="pepper_unknown")
    # The digest of one kind under the name of the other: only a forger makes it.
    plain, keyed = record("plain"), record("keyed", pepper=PEPPER)
    digest = plain["hash"].rpartition(":")[2]
    swapped = [plain | {"hash": f"hmac-sha256:{PEPPER['id']}:{digest}"}, keyed | {"hash": "sha256:" + keyed["hash"].rpartition(":")[2]}]
    steps = [_seen("token_unknown", authorization=header(one)) for one in ("plain", "keyed")]
    book.table("finds_no_token_by_a_digest_of_another_kind", table | {"records": swapped}, steps)
    both = [record("both", hash=f"hmac-sha256:{PEPPER['id']}:{digest}"), plain]
    book.table("keeps_equal_digests_of_two_kinds_apart", table | {"records": both}, [_seen("ok", authorization=header("plain"))])
    steps = [("update", {"records": [record("late", pepper=PEPPER)]}, "pepper_unknown"), _seen("ok")]
    book.table("refuses_to_add_a_hash_under_an_unknown_pepper", _table(), steps)


def _updates(book):
    fresh = record("fresh")
    steps = [
        _seen("token_unknown", authorization=header("fresh")),
        ("update", {"records": [fresh]}, {"records": 5}),
        _seen("ok", authorization=header("fresh")),
        ("update", {"removeIds": [fresh["id"]]}, {"records": 4}),
        _seen("token_unknown", authorization=header("fresh")),
        ("update", {"removeIds": [fresh["id"], "nope"]}, {"records": 4}),
        ("update", {}, {"records": 4}),
        _seen("ok"),
    ]
    book.table("adds_and_removes_a_record", _table(), steps)
    changed = record(name="renamed", readOnly=True)
    steps = [("update", {"records": [changed]}, {"records": 4}), _seen("read_only")]
    book.table("replaces_a_record_with_a_known_id", _table(), steps)
    rotated = record("rotated", id=record()["id"])
    steps = [
        ("update", {"records": [rotated]}, {"records": 4}),
        _seen("ok", authorization=header("rotated")),
        _seen("token_unknown"),
    ]
    book.table("forgets_the_hash_of_a_record_that_was_replaced", _table(), steps)
    steps = [("update", {"records": [record(revoked=NOW)]}, {"records": 4}), _seen("token_revoked")]
    book.table("keeps_a_record_that_is_revoked_as_revoked", _table(), steps)
    steps = [
        ("update", {"removeIds": [record()["id"]], "records": [record(readOnly=True)]}, {"records": 4}),
        _seen("read_only"),
    ]
    book.table("removes_before_it_adds", _table(), steps)
    steps = [
        ("update", {"accounts": [account(suspended=True)]}, {"records": 4}),
        _seen("account_suspended"),
        _seen("ok", authorization=header("other", "bob")),
        ("update", {"accounts": [account()]}, {"records": 4}),
        _seen("ok"),
        ("update", {"accounts": [account(features=["mail"])]}, {"records": 4}),
        _seen("tokens_disabled"),
    ]
    book.table("replaces_an_account", _table(), steps)
    steps = [
        ("update", {"removeUsers": ["alice", "nobody"]}, {"records": 1}),
        _seen("token_unknown"),
        _seen("ok", authorization=header("other", "bob")),
        ("update", {"accounts": [account()]}, {"records": 1}),
        _seen("token_unknown"),
    ]
    book.table("removes_a_user_with_all_that_is_theirs", _table(), steps)
    clash = record("clash", hash=record()["hash"])
    steps = [("update", {"records": [clash]}, "hash_taken"), _seen("ok")]
    book.table("refuses_to_add_a_hash_that_another_record_has", _table(), steps)
    book.table("takes_the_hash_of_a_token_that_it_removes", _table(), [
        ("update", {"removeIds": [record()["id"]], "records": [clash]}, {"records": 4}),
        _seen("ok"),
    ])
    book.table("takes_the_hash_of_a_token_that_goes_with_its_user", _table(), [
        ("update", {"removeUsers": ["bob"], "records": [clash | {"hash": record("other", user="bob")["hash"]}]}, {"records": 4}),
        _seen("user_mismatch", authorization=header("other", "bob")),
        _seen("ok", authorization=header("other")),
    ])
    rotated = record("rotated", id=record()["id"])
    book.table("refuses_the_hash_that_a_record_of_the_same_update_gives_up", _table(), [
        ("update", {"records": [rotated, clash]}, "hash_taken"),
        ("update", {"records": [clash, rotated]}, "hash_taken"),
        ("update", {"records": [rotated, rotated | {"hash": record("again")["hash"]}, clash | {"hash": rotated["hash"]}]}, "hash_taken"),
        _seen("ok"),
    ])
    changes = {"accounts": [account(suspended=True)], "removeIds": [record("old")["id"]], "removeUsers": ["bob"]}
    unchanged = [_seen("ok"), _seen("ok", authorization=header("other", "bob")), _seen("token_expired", authorization=header("old"))]
    steps = [("update", changes | {"records": [clash]}, "hash_taken")] + unchanged
    book.table("changes_nothing_by_an_update_with_a_taken_hash", _table(), steps)
    steps = [("update", changes | {"records": [record("late", pepper=PEPPER)]}, "pepper_unknown")] + unchanged
    book.table("changes_nothing_by_an_update_with_an_unknown_pepper", _table(), steps)
    book.table("refuses_to_load_a_hash_that_another_record_has", _table(records=SHARED + [clash]), code="hash_taken")
    steps = [
        ("update", {"records": [record(v=2)]}, "record_version_unsupported"),
        ("update", {"records": [record(hash="sha256:0")]}, "hash_invalid"),
        ("update", {"removeids": []}, "field_unknown"),
        ("update", {"removeIds": "x"}, "type_invalid"),
        ("update", {"catalogue": []}, "field_unknown"),
        ("update", {"peppers": []}, "field_unknown"),
        ("update", {"records": [record(x=nested(9))]}, "too_deep"),
        ("update", {"removeIds": nested(16)}, "too_deep"),
        ("prepare", {"module": nested(16)}, "too_deep"),
        ("prepare", {"module": nested(15)}, "type_invalid"),
        ("update", {"records": [record(x=nested(8))]}, {"records": 4}),
        _seen("ok"),
    ]
    book.table("refuses_a_bad_update_and_goes_on", _table(), steps)


def _loads(book):
    for what, table, code in [
        ("a_newer_record", {"records": [record(v=2)]}, "record_version_unsupported"),
        ("a_short_hash", {"records": [record(hash="sha256:00")]}, "hash_invalid"),
        ("an_unknown_hash", {"records": [record(hash="md5:00")]}, "hash_kind_unsupported"),
        ("a_record_without_access", {"records": [without(record(), "access")]}, "field_missing"),
        ("a_bad_address", {"records": [record(addresses=["10.0.0.1/8"])]}, "address_invalid"),
        ("a_bad_account", {"accounts": [account("")]}, "user_empty"),
        ("a_bad_pepper", {"peppers": [{"id": "a", "key": ""}]}, "pepper_invalid"),
        ("a_bad_catalogue", {"catalogue": [FUNCTIONS[0], FUNCTIONS[0]]}, "catalogue_invalid"),
        ("an_unknown_key", {"warnDays": 7}, "field_unknown"),
        ("records_of_null", {"records": None}, "type_invalid"),
    ]:
        book.table(f"refuses_to_load_{what}", table, code=code)
    many = [record(f"t{at}", expires=NOW + at * DAY) for at in range(1, 41)]
    steps = [_seen("ok", authorization=header(f"t{at}")) for at in (1, 7, 40)] + [_seen("token_unknown", authorization=header("t41"))]
    book.table("finds_one_of_forty", {"records": many, "accounts": ACCOUNTS}, steps)
    proto = {"records": [record(user="__proto__")], "accounts": [account("constructor")]}
    steps = [_seen("account_unknown", authorization=header(user="__proto__")), ("update", {"accounts": [account("__proto__")]}, {"records": 1})]
    steps += [_seen("ok", authorization=header(user="__proto__"))]
    book.table("knows_users_named_like_prototype_members", proto, steps)


def books():
    """table.json."""
    book = Book(
        "table",
        "The table of the hot path. `table` is the input of new; then come steps: `update`, `prepare` and `verify`, each with its expectation; "
        'the handle is left out of answers, and {"code":-1} stands for a call that was never prepared. Hashes by Python\'s hashlib and hmac.',
    )
    _verdicts(book)
    _calls(book)
    _peppers(book)
    _updates(book)
    _loads(book)
    return [book]
