"""Records at rest: how they are read, described, listed, renamed and revoked."""

from .book import DAY, NOW, PEPPER, Book, record, without

MADE = "The model in tests/vectors/model made the expected values from OPERATIONS.md."


def _usage(*uses, **more):
    keys = ("created", "lastUsed", "uses")
    return {"op": "usage", "now": NOW, "uses": [dict(zip(keys, one)) for one in uses]} | more


def _usage_book():
    book = Book("usage", "`usage`: what is reported of uses, brought to what can be. " + MADE)
    book.ok("takes_no_uses", _usage(), {"uses": []})
    book.ok("takes_uses_as_they_are", _usage((NOW - 9, NOW - 5, 3), (NOW - 9, NOW - 9, 1), (1, NOW, 2)), {"uses.0.lastUsed": NOW - 5, "uses.1.lastUsed": NOW - 9, "uses.2.lastUsed": NOW})
    book.ok("takes_a_use_before_the_creation_for_one_at_it", _usage((NOW - 9, NOW - 10, 1), (NOW - 9, 0, 1), (NOW - 9, -5, 1)), {"uses.0.lastUsed": NOW - 9, "uses.1.lastUsed": NOW - 9, "uses.2.lastUsed": NOW - 9})
    book.ok("takes_a_use_after_now_for_one_now", _usage((1, NOW + 1, 1), (1, 2**53 - 1, 1)), {"uses.0.lastUsed": NOW, "uses.1.lastUsed": NOW})
    book.ok("takes_a_use_of_a_token_from_the_future_for_one_now", _usage((NOW + 9, NOW + 20, 1), (NOW + 9, 1, 1)), {"uses.0.lastUsed": NOW, "uses.1.lastUsed": NOW})
    book.ok("takes_too_many_uses_for_the_most", _usage((1, 2, 2**32 - 1), (1, 2, 2**32), (1, 2, 2**53 - 1)), {"uses.0.uses": 2**32 - 1, "uses.1.uses": 2**32 - 1, "uses.2.uses": 2**32 - 1})
    book.ok("takes_fewer_uses_than_none_for_none", _usage((1, 2, 0), (1, 2, -1)), {"uses.0.uses": 0, "uses.1.uses": 0})
    book.error("refuses_uses_at_zero", _usage(now=0), "now_invalid", field="now")
    book.error("refuses_uses_of_null", {"op": "usage", "now": NOW, "uses": None}, "type_invalid", field="uses")
    book.error("refuses_no_uses", {"op": "usage", "now": NOW}, "field_missing", field="uses")
    one = {"created": 1, "lastUsed": 2, "uses": 3}
    book.error("refuses_uses_without_a_creation", _usage() | {"uses": [one, without(one, "created")]}, "field_missing", field="uses[1].created")
    book.error("refuses_a_use_of_text", _usage() | {"uses": [one | {"uses": "3"}]}, "type_invalid", field="uses[0].uses")
    book.error("refuses_a_use_with_another_key", _usage() | {"uses": [one | {"id": "x"}]}, "field_unknown", field="uses[0].id")
    return book


def _describe(one, **more):
    return {"op": "describe", "now": NOW, "record": one} | more


def _record_book():
    book = Book("records", "How a record in a request is read: versions, defaults, unknown keys, hashes. " + MADE)
    good = record()
    for what, changes, code, field in [
        ("a_newer_version", {"v": 2}, "record_version_unsupported", "record.v"),
        ("a_much_newer_version", {"v": 2**53 - 1}, "record_version_unsupported", "record.v"),
        ("version_zero", {"v": 0}, "value_invalid", "record.v"),
        ("a_version_of_text", {"v": "1"}, "type_invalid", "record.v"),
        ("an_id_of_null", {"id": None}, "type_invalid", "record.id"),
        ("an_empty_user", {"user": ""}, "user_empty", "record.user"),
        ("a_long_user", {"user": "u" * 65}, "user_too_long", "record.user"),
        ("a_bad_user", {"user": "a:b"}, "user_character", "record.user"),
        ("an_empty_name", {"name": ""}, "name_empty", "record.name"),
        ("a_long_name", {"name": "n" * 51}, "name_too_long", "record.name"),
        ("a_bad_name", {"name": "a b"}, "name_character", "record.name"),
        ("an_empty_digest", {"hash": "sha256:"}, "hash_invalid", "record.hash"),
        ("a_digest_of_63_digits", {"hash": good["hash"][:-1]}, "hash_invalid", "record.hash"),
        ("a_digest_of_65_digits", {"hash": good["hash"] + "0"}, "hash_invalid", "record.hash"),
        ("a_digest_in_capitals", {"hash": "sha256:" + "AB" * 32}, "hash_invalid", "record.hash"),
        ("a_digest_that_is_not_hex", {"hash": "sha256:" + "zz" * 32}, "hash_invalid", "record.hash"),
        ("a_digest_with_a_line_feed", {"hash": good["hash"] + "\n"}, "hash_invalid", "record.hash"),
        ("a_sha256_hash_with_a_pepper_id", {"hash": "sha256:a:" + "ab" * 32}, "hash_invalid", "record.hash"),
        ("an_hmac_without_pepper_id", {"hash": "hmac-sha256:" + "ab" * 32}, "hash_invalid", "record.hash"),
        ("an_hmac_with_an_empty_pepper_id", {"hash": "hmac-sha256::" + "ab" * 32}, "hash_invalid", "record.hash"),
        ("an_hmac_with_a_bad_pepper_id", {"hash": "hmac-sha256:a.b:" + "ab" * 32}, "hash_invalid", "record.hash"),
        ("an_hmac_with_a_long_pepper_id", {"hash": f"hmac-sha256:{'p' * 33}:" + "ab" * 32}, "hash_invalid", "record.hash"),
        ("an_hmac_with_a_short_digest", {"hash": "hmac-sha256:a:" + "ab" * 31}, "hash_invalid", "record.hash"),
        ("a_hash_of_md5", {"hash": "md5:" + "ab" * 16}, "hash_kind_unsupported", "record.hash"),
        ("a_hash_of_sha512", {"hash": "sha512:" + "ab" * 64}, "hash_kind_unsupported", "record.hash"),
        ("a_hash_kind_in_capitals", {"hash": "SHA256:" + "ab" * 32}, "hash_kind_unsupported", "record.hash"),
        ("a_hash_of_a_bare_kind", {"hash": "sha256"}, "hash_kind_unsupported", "record.hash"),
        ("a_hash_of_a_bare_hmac", {"hash": "hmac-sha256"}, "hash_kind_unsupported", "record.hash"),
        ("an_empty_hash", {"hash": ""}, "hash_kind_unsupported", "record.hash"),
        ("a_hash_of_null", {"hash": None}, "type_invalid", "record.hash"),
        ("a_hint_of_null", {"hint": None}, "type_invalid", "record.hint"),
        ("a_creation_of_null", {"created": None}, "type_invalid", "record.created"),
        ("an_expiry_of_text", {"expires": "never"}, "type_invalid", "record.expires"),
        ("an_expiry_of_false", {"expires": False}, "type_invalid", "record.expires"),
        ("an_access_of_null", {"access": None}, "type_invalid", "record.access"),
        ("an_access_of_another_word", {"access": "limited"}, "value_invalid", "record.access"),
        ("an_access_without_features", {"access": {}}, "field_missing", "record.access.features"),
        ("a_bad_feature", {"access": {"features": ["a b"]}}, "feature_invalid", False),
        ("a_read_only_of_number", {"readOnly": 1}, "type_invalid", "record.readOnly"),
        ("a_read_only_of_null", {"readOnly": None}, "type_invalid", "record.readOnly"),
        ("addresses_of_null", {"addresses": None}, "type_invalid", "record.addresses"),
        ("a_bad_address", {"addresses": ["10.0.0.0/8", "x"]}, "address_invalid", False),
        ("another_realm", {"realm": "root"}, "value_invalid", "record.realm"),
        ("a_realm_of_null", {"realm": None}, "type_invalid", "record.realm"),
        ("a_revocation_of_true", {"revoked": True}, "type_invalid", "record.revoked"),
    ]:
        book.error(f"refuses_a_record_with_{what}", _describe(good | changes), code, field=field)
    for key in ("v", "id", "user", "name", "hash", "created", "expires", "access", "readOnly", "addresses"):
        book.error(f"refuses_a_record_without_{key.lower()}", _describe(without(good, key)), "field_missing", field=f"record.{key}")
    listed = {"op": "list", "now": NOW, "records": [good, good, good, without(good, "expires")]}
    book.error("names_the_place_of_a_bad_record", listed, "field_missing", field="records[3].expires")
    listed = {"op": "list", "now": NOW, "records": [good, good | {"hash": "sha256:0"}]}
    book.error("names_the_place_of_a_bad_hash", listed, "hash_invalid", field="records[1].hash")
    book.error("refuses_a_record_of_null_in_describe", _describe(None), "type_invalid", field="record")
    book.error("refuses_a_record_of_text", _describe("{}"), "type_invalid", field="record")
    bare = {"op": "rename", "record": without(good, "hint", "realm", "revoked"), "newName": "next"}
    book.ok("fills_in_the_keys_that_may_be_left_out", bare, {"record.hint": "", "record.realm": "account", "record.revoked": None})
    extra = {"zeta": {"a": [1, "\u00e9", None, True]}, "alpha": "kept", "__proto__": {"access": "full"}, "constructor": 1, "Access": "full"}
    kept = {"op": "rename", "record": good | extra, "newName": "next"}
    book.ok("keeps_unknown_keys_of_a_record_when_renaming", kept, {"record.alpha": "kept", "record.constructor": 1})
    kept = {"op": "revoke", "now": NOW, "records": [good | extra], "ids": [good["id"]]}
    book.ok("keeps_unknown_keys_of_a_record_when_revoking", kept, {"records.0.alpha": "kept"})
    book.verdict("takes_no_right_from_an_unknown_key_named_access", "read_only", record=good | extra | {"readOnly": True})
    first = {"op": "verify", "now": 0, "authorization": 5, "record": good | {"hash": "md5:0"}, "account": None}
    book.error("reads_the_record_before_it_checks_now", first | {"authorization": ""}, "hash_kind_unsupported", field="record.hash")
    book.ok("describes_a_record_under_a_pepper", _describe(record(pepper=PEPPER)))
    return book


def _describe_book():
    book = Book("describe", "`describe`: status, remaining time and notices at each boundary. " + MADE)
    for what, changes, more, status, remaining in [
        ("an_active_token", {}, {}, "active", 90 * DAY),
        ("a_token_that_never_expires", {"expires": None}, {}, "active", None),
        ("a_token_seven_days_before_its_end", {"expires": NOW + 7 * DAY}, {}, "expiring", 7 * DAY),
        ("a_token_a_second_over_seven_days_before_its_end", {"expires": NOW + 7 * DAY + 1}, {}, "active", 7 * DAY + 1),
        ("a_token_a_second_before_its_end", {"expires": NOW + 1}, {}, "expiring", 1),
        ("a_token_at_its_end", {"expires": NOW}, {}, "expired", 0),
        ("a_token_a_second_after_its_end", {"expires": NOW - 1}, {}, "expired", 0),
        ("a_token_long_after_its_end", {"expires": 0}, {}, "expired", 0),
        ("a_token_without_warning", {"expires": NOW + 1}, {"warnDays": 0}, "active", 1),
        ("a_token_with_a_warning_of_one_day", {"expires": NOW + DAY}, {"warnDays": 1}, "expiring", DAY),
        ("a_token_a_second_over_a_warning_of_one_day", {"expires": NOW + DAY + 1}, {"warnDays": 1}, "active", DAY + 1),
        ("a_token_with_the_longest_warning", {"expires": NOW + 3650 * DAY}, {"warnDays": 3650}, "expiring", 3650 * DAY),
        ("a_revoked_token", {"revoked": NOW - 5}, {}, "revoked", 90 * DAY),
        ("a_revoked_token_that_has_expired", {"revoked": NOW - 5, "expires": NOW - 1}, {}, "revoked", 0),
        ("a_revoked_token_that_never_expires", {"revoked": NOW - 5, "expires": None}, {}, "revoked", None),
        ("a_revoked_token_near_its_end", {"revoked": NOW - 5, "expires": NOW + 5}, {}, "revoked", 5),
        ("a_limited_admin_token", {"access": {"features": ["b", "a"]}, "realm": "admin", "readOnly": True}, {}, "active", 90 * DAY),
        ("a_token_with_addresses", {"addresses": ["2001:DB8::/32", "10.0.0.1"]}, {}, "active", 90 * DAY),
        ("a_token_with_unknown_keys", {"note": "x"}, {}, "active", 90 * DAY),
    ]:
        like = {"token.status": status, "token.remaining": remaining}
        book.ok(f"describes_{what}", _describe(record(**changes), **more), like)
    book.ok("notices_a_token_that_never_expires", _describe(record("n", expires=None)), {"token.notices": ["never_expires"]})
    book.ok("notices_only_the_revocation", _describe(record("n", expires=NOW, revoked=NOW)), {"token.notices": ["revoked"]})
    book.ok("notices_that_a_token_expires_soon", _describe(record("n", expires=NOW + 9)), {"token.notices": ["expires_soon"]})
    book.ok("notices_that_a_token_has_expired", _describe(record("n", expires=NOW)), {"token.notices": ["expired"]})
    book.error("refuses_a_negative_warning", _describe(record(), warnDays=-1), "value_invalid", field="warnDays")
    book.error("refuses_a_warning_of_3651_days", _describe(record(), warnDays=3651), "value_invalid", field="warnDays")
    book.error("refuses_a_warning_of_text", _describe(record(), warnDays="7"), "type_invalid", field="warnDays")
    book.error("refuses_to_describe_without_now", without(_describe(record()), "now"), "field_missing", field="now")
    book.error("refuses_to_describe_at_zero", _describe(record()) | {"now": 0}, "now_invalid", field="now")
    book.error("refuses_to_describe_without_record", without(_describe(record()), "record"), "field_missing", field="record")
    return book


def _many():
    """Records whose order by name, creation, expiry and id all differ."""
    rows = [
        ("beta", 5, 40, "0a"), ("Alpha", 3, None, "0b"), ("alpha", 4, 20, "0c"), ("gamma", 1, 40, "0d"), ("_under", 2, -1, "0e"),
        ("-dash", 6, None, "0f"), ("9nine", 3, 3, "10"), ("Zeta", 9, 20, "11"), ("alpha2", 8, 400, "12"), ("BETA", 7, 0, "13"),
    ]
    return [
        record(name, created=NOW - 100 * DAY + at, expires=None if days is None else NOW + days * DAY, id=text * 12)
        for name, at, days, text in rows
    ]


def _list(records=None, **more):
    return {"op": "list", "now": NOW, "records": _many() if records is None else records} | more


def _list_book():
    book = Book("list", "`list`: sorting, paging, searching. " + MADE)
    ordered = ["-dash", "9nine", "Alpha", "BETA", "Zeta", "_under", "alpha", "alpha2", "beta", "gamma"]
    book.ok("lists_by_name_in_the_order_of_bytes", _list(), {"total": 10, "pages": 1, "tokens.0.name": ordered[0], "tokens.9.name": "gamma"})
    assert [one["name"] for one in book.vectors[0]["expect"]["ok"]["tokens"]] == ordered
    book.ok("lists_by_name_when_asked", _list(sort="name"), {"tokens.0.name": "-dash"})
    book.ok("lists_by_name_descending", _list(sort="name", descending=True), {"tokens.0.name": "gamma", "tokens.9.name": "-dash"})
    book.ok("lists_by_creation", _list(sort="created"), {"tokens.0.name": "gamma", "tokens.2.name": "Alpha", "tokens.3.name": "9nine"})
    book.ok("lists_by_creation_descending_with_equals_by_rising_id", _list(sort="created", descending=True), {"tokens.6.name": "Alpha", "tokens.7.name": "9nine"})
    book.ok("lists_by_expiry_with_never_last", _list(sort="expires"), {"tokens.0.name": "_under", "tokens.8.name": "Alpha", "tokens.9.name": "-dash"})
    book.ok("lists_by_expiry_descending_with_never_last", _list(sort="expires", descending=True), {"tokens.0.name": "alpha2", "tokens.8.name": "Alpha"})
    twins = [record("same", id="bb"), record("same", id="aa", user="bob"), record("same", id="cc", revoked=NOW)]
    book.ok("lists_equal_names_by_rising_id", _list(twins, includeRevoked=True), {"tokens.0.id": "aa", "tokens.2.id": "cc"})
    book.ok("lists_equal_names_by_rising_id_descending", _list(twins, includeRevoked=True, descending=True), {"tokens.0.id": "aa"})
    book.ok("lists_nothing", _list([]), {"tokens": [], "pages": 1, "total": 0, "page": 1, "pageSize": 20})
    book.ok("lists_the_first_page", _list(pageSize=3), {"pages": 4, "tokens.2.name": "Alpha"})
    book.ok("lists_the_second_page", _list(pageSize=3, page=2), {"tokens.0.name": "BETA"})
    book.ok("lists_the_last_page", _list(pageSize=3, page=4), {"tokens.0.name": "gamma"})
    book.ok("lists_an_empty_page_past_the_end", _list(pageSize=3, page=5), {"tokens": [], "page": 5, "pages": 4, "total": 10})
    book.ok("lists_an_empty_page_far_past_the_end", _list(pageSize=1000, page=2**53 - 1), {"tokens": [], "page": 2**53 - 1})
    book.ok("lists_pages_that_fit_exactly", _list(pageSize=5, page=2), {"pages": 2, "tokens.4.name": "gamma"})
    book.ok("lists_one_token_a_page", _list(pageSize=1, page=10), {"pages": 10, "tokens.0.name": "gamma"})
    book.ok("lists_pages_of_1000", _list(pageSize=1000), {"pages": 1})
    many = [record("t%02d" % at) for at in range(21)]
    book.ok("lists_twenty_a_page_when_nothing_is_said", _list(many), {"pages": 2, "total": 21, "tokens.19.name": "t19"})
    book.ok("lists_the_second_page_of_21", _list(many, page=2), {"tokens.0.name": "t20"})
    book.ok("searches_a_part_of_a_name", _list(search="alph"), {"total": 3, "tokens.0.name": "Alpha"})
    book.ok("searches_without_regard_to_case", _list(search="BeT"), {"total": 2, "tokens.0.name": "BETA"})
    book.ok("searches_the_end_of_a_name", _list(search="a2"), {"total": 1})
    book.ok("searches_for_nothing_and_lists_all", _list(search=""), {"total": 10})
    book.ok("searches_for_what_no_name_holds", _list(search="%"), {"total": 0, "pages": 1})
    book.ok("searches_for_a_pattern_as_plain_text", _list(search=".*"), {"total": 0})
    book.ok("searches_with_an_underscore_as_plain_text", _list(search="_"), {"total": 1, "tokens.0.name": "_under"})
    book.ok("searches_for_fifty_characters", _list([record("n" * 50)], search="N" * 50), {"total": 1})
    book.ok("searches_before_it_pages", _list(search="a", pageSize=2, page=2), {"total": 8})
    book.ok("leaves_revoked_tokens_out", _list([record("a"), record("b", revoked=NOW)]), {"total": 1, "tokens.0.name": "a"})
    book.ok("lists_revoked_tokens_when_asked", _list([record("a"), record("b", revoked=NOW)], includeRevoked=True), {"total": 2, "tokens.1.status": "revoked"})
    book.ok("keeps_expired_tokens_listed", _list([record("a", expires=NOW - DAY)]), {"total": 1, "tokens.0.status": "expired"})
    book.ok("lists_with_a_longer_warning", _list(warnDays=100), {"tokens.8.status": "expiring"})
    book.ok("lists_names_of_prototype_members", _list([record("constructor"), record("__proto__"), record("toString")]), {"total": 3, "tokens.0.name": "__proto__"})
    for what, more in {"a_page_of_zero": {"page": 0}, "a_negative_page": {"page": -1}, "a_page_size_of_zero": {"pageSize": 0}, "a_page_size_of_1001": {"pageSize": 1001}}.items():
        book.error(f"refuses_{what}", _list(**more), "page_invalid", field=next(iter(more)))
    book.error("refuses_an_unknown_sort", _list(sort="id"), "value_invalid", field="sort")
    book.error("refuses_to_sort_by_proto", _list(sort="__proto__"), "value_invalid", field="sort")
    for key, value in {"page": "1", "pageSize": None, "sort": 1, "descending": "yes", "search": None, "includeRevoked": 1, "records": {}}.items():
        book.error(f"refuses_a_wrong_type_of_{key.lower()}_in_list", _list(**{key: value}), "type_invalid", field=key)
    book.error("refuses_to_list_at_zero", _list() | {"now": 0}, "now_invalid", field="now")
    book.error("refuses_to_list_without_records", {"op": "list", "now": NOW}, "field_missing", field="records")
    book.error("refuses_a_warning_of_3651_days_in_list", _list(warnDays=3651), "value_invalid", field="warnDays")
    return book


def _rename(name, one=None, **more):
    return {"op": "rename", "record": one or record(), "newName": name} | more


def _change_book():
    book = Book("changes", "`rename` and `revoke`. " + MADE)
    whole = record(access={"features": ["mail"]}, readOnly=True, addresses=["10.0.0.0/8"], realm="admin", pepper=PEPPER)
    book.ok("renames_and_changes_nothing_else", _rename("next", whole), {"record": whole | {"name": "next"}})
    book.ok("renames_to_its_own_name", _rename("ci"), {"record.name": "ci"})
    book.ok("renames_to_its_own_name_though_taken", _rename("ci", taken=["a", "ci"]), {"record.name": "ci"})
    book.ok("renames_to_its_own_name_in_another_case", _rename("CI", taken=["ci"]), {"record.name": "CI"})
    book.ok("renames_an_expired_token_and_leaves_it_expired", _rename("next", record(expires=NOW - 1)), {"record.expires": NOW - 1})
    book.ok("renames_to_a_name_that_is_free_again", _rename("old", taken=["ci", "new"]), {"record.name": "old"})
    for name in ("__proto__", "constructor"):
        book.ok(f"renames_to_{name.strip('_')}", _rename(name, taken=["x"]), {"record.name": name})
    book.error("refuses_to_rename_to_a_taken_name", _rename("next", taken=["next"]), "name_taken", field="newName")
    book.error("refuses_to_rename_a_revoked_token", _rename("next", record(revoked=NOW)), "record_revoked", field=False)
    for what, (name, code) in {"an_empty_name": ("", "name_empty"), "a_name_of_51_characters": ("n" * 51, "name_too_long"), "a_bad_name": ("a b", "name_character")}.items():
        book.error(f"refuses_to_rename_to_{what}", _rename(name), code, field="newName")
    book.error("refuses_to_rename_to_null", _rename(None), "type_invalid", field="newName")
    book.error("refuses_to_rename_without_a_name", without(_rename("x"), "newName"), "field_missing", field="newName")
    book.error("refuses_to_rename_with_another_expiry", _rename("x", expires=NOW + 1), "field_unknown", field="expires")

    three = [record("a"), record("b"), record("c", revoked=NOW - 9)]
    ids = [one["id"] for one in three]

    def _revoke(**more):
        return {"op": "revoke", "now": NOW, "records": three} | more

    book.ok("revokes_one_by_id", _revoke(ids=ids[:1]), {"records": [three[0] | {"revoked": NOW}], "unknown": []})
    book.ok("revokes_one_by_name", _revoke(names=["b"]), {"records.0.revoked": NOW})
    book.ok("revokes_in_the_order_of_the_selection", _revoke(ids=[ids[1], ids[0]]), {"records.0.name": "b", "records.1.name": "a"})
    book.ok("revokes_names_in_the_order_of_the_selection", _revoke(names=["b", "a"]), {"records.0.name": "b", "records.1.name": "a"})
    book.ok("keeps_the_time_of_an_earlier_revocation", _revoke(ids=[ids[2]]), {"records.0.revoked": NOW - 9, "unknown": []})
    book.ok("finds_no_live_record_by_the_name_of_a_revoked_one", _revoke(names=["c"]), {"records": [], "unknown": ["c"]})
    wide = record("wide", access={"features": ["mail", "ftp"]}, addresses=["::1"], readOnly=True)
    bare = wide | {"access": {"features": []}, "addresses": []}
    book.ok("keeps_nothing_of_what_a_revoked_token_could_do", _revoke(names=["wide"]) | {"records": [wide]}, {"records": [bare | {"revoked": NOW}]})
    earlier = wide | {"revoked": NOW - 9}
    book.ok("keeps_nothing_of_what_a_token_revoked_earlier_could_do", _revoke(ids=[wide["id"]]) | {"records": [earlier]}, {"records": [bare | {"revoked": NOW - 9}]})
    book.ok("counts_a_repeated_id_once", _revoke(ids=[ids[0], ids[0]]), {"records": [three[0] | {"revoked": NOW}]})
    book.ok("counts_a_repeated_name_once", _revoke(names=["a", "b", "a"]), {"records.1.name": "b"})
    book.ok("names_unknown_ids", _revoke(ids=["nope", ids[0], "nada"]), {"unknown": ["nope", "nada"], "records.0.name": "a"})
    book.ok("counts_a_repeated_unknown_name_once", _revoke(names=["x", "x"]), {"unknown": ["x"]})
    book.ok("names_in_another_case_are_unknown", _revoke(names=["A"]), {"unknown": ["A"]})
    book.ok("does_not_find_an_id_by_name", _revoke(names=[ids[0]]), {"unknown": [ids[0]]})
    book.ok("revokes_nothing_by_an_empty_selection", _revoke(ids=[]), {"records": [], "unknown": []})
    book.ok("revokes_nothing_of_nothing", _revoke(names=["a"]) | {"records": []}, {"unknown": ["a"]})
    book.ok("revokes_an_expired_token_by_name", _revoke(names=["old"]) | {"records": [record("old", expires=NOW - 1)]}, {"records.0.revoked": NOW})
    again = [record("d", revoked=NOW - 9), record("d2", name="d")]
    book.ok("revokes_the_live_one_of_two_with_a_name", _revoke(names=["d"]) | {"records": again}, {"records": [again[1] | {"revoked": NOW}]})
    book.ok("revokes_a_token_named_proto", _revoke(names=["__proto__", "constructor"]) | {"records": [record("__proto__")]}, {"unknown": ["constructor"]})
    book.error("refuses_to_revoke_by_ids_and_names", _revoke(ids=ids, names=["a"]), "selection_invalid", field=False)
    book.error("refuses_to_revoke_by_nothing", _revoke(), "selection_invalid", field=False)
    book.error("refuses_to_revoke_at_zero", _revoke(ids=ids) | {"now": 0}, "now_invalid", field="now")
    book.error("refuses_to_revoke_by_one_text", _revoke(ids=ids[0]), "type_invalid", field="ids")
    book.error("refuses_to_revoke_by_null", _revoke(names=None), "type_invalid", field="names")
    book.error("refuses_to_revoke_without_records", without(_revoke(ids=[]), "records"), "field_missing", field="records")
    return book


def books():
    """records.json, describe.json, list.json, changes.json and usage.json."""
    return [_record_book(), _describe_book(), _list_book(), _change_book(), _usage_book()]
