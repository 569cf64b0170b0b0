"""`validate` of what the other operations take: accounts, policies, access, peppers, catalogues, zones, records and names in use."""

from .book import DAY, FUNCTIONS, LONG_PEPPER, NOW, OLD_PEPPER, PEPPER, Book, account, record, without

MIB8 = 8 * 1024 * 1024
MANY = [f"f{at}" for at in range(1_001)]
LIMITED = {"features": ["popaccts", "ftpaccts"]}
GOOD = {"valid": True, "problems": [], "expires": None, "hint": None}


def _ask(**values):
    return {"op": "validate"} | values


def _wrong(book, what, code, field, /, **values):
    """A request with this problem and no other."""
    like = {"valid": False, "problems": [{"code": code} | ({} if field is None else {"field": field})]}
    book.ok(f"finds_{what}", _ask(**values), like)


def _accounts(book):
    for what, one in {
        "an_account": account(),
        "an_account_with_a_list_of_features": account(features=["apitokens", "mail"]),
        "an_account_with_1000_features": account(features=MANY[:1_000]),
        "a_suspended_account": account(suspended=True),
        "an_account_without_the_feature_apitokens": account(features=[]),
        "an_administrators_account": account(administrator=True),
        "an_account_named_proto": account("__proto__"),
    }.items():
        book.ok(f"finds_nothing_wrong_with_{what}", _ask(account=one), {"valid": True})
    for what, one, code, field in [
        ("an_account_without_a_user", account(""), "user_empty", "account.user"),
        ("an_account_with_a_long_user", account("u" * 65), "user_too_long", "account.user"),
        ("an_account_with_a_colon_in_its_user", account("a:b"), "user_character", "account.user"),
        ("an_account_with_a_bad_feature", account(features=["mail", "a b"]), "feature_invalid", "account.features[1]"),
        ("an_account_with_a_repeated_feature", account(features=["mail", "ftp", "mail"]), "feature_invalid", "account.features[2]"),
        ("an_account_with_a_repeated_feature_after_a_bad_one", account(features=["mail", "mail", ""]), "feature_invalid", "account.features[2]"),
        ("an_account_with_1001_features", account(features=MANY), "features_too_many", "account.features"),
        ("the_user_of_an_account_before_its_features", account("", features=["a b"]), "user_empty", "account.user"),
    ]:
        _wrong(book, what, code, field, account=one)
    for what, one, code, field in [
        ("of_null", None, "type_invalid", "account"),
        ("that_is_a_user", "alice", "type_invalid", "account"),
        ("without_features", {"user": "alice"}, "field_missing", "account.features"),
        ("without_user", {"features": "all"}, "field_missing", "account.user"),
        ("with_a_number_as_user", account(7), "type_invalid", "account.user"),
        ("whose_features_are_a_word", account(features="none"), "value_invalid", "account.features"),
        ("with_a_number_as_feature", account(features=["mail", 1]), "type_invalid", "account.features[1]"),
        ("whose_suspension_is_a_number", account(suspended=1), "type_invalid", "account.suspended"),
        ("with_an_unknown_key", account(admin=True), "field_unknown", "account.admin"),
        ("with_a_bad_user_and_an_unknown_key", account("", admin=True), "field_unknown", "account.admin"),
    ]:
        book.error(f"refuses_to_validate_an_account_{what}", _ask(account=one), code, field=field)


def _access(book):
    for what, values in {
        "full_access": {"access": "full"},
        "access_to_no_feature": {"access": {"features": []}},
        "access_to_250_features": {"access": {"features": MANY[:250]}},
        "access_to_251_features_where_they_are_allowed": {"access": {"features": MANY[:251]}, "policy": {"caps": {"features": 251}}},
        "full_access_to_an_account": {"access": "full", "account": account(features=["apitokens"])},
        "access_within_an_account": {"access": LIMITED, "account": account(features=["apitokens", "ftpaccts", "popaccts"])},
        "access_of_the_accounts_own_user": {"access": "full", "account": account(), "user": "alice"},
        "access_of_machines_to_an_administrator": {"access": {"features": ["metrics-read"]}, "account": account(features=["apitokens"], administrator=True)},
        "another_users_account_alone": {"account": account("bob"), "user": "alice"},
    }.items():
        book.ok(f"finds_nothing_wrong_with_{what}", _ask(**values), {"valid": True})
    for what, values, code, field in [
        ("a_bad_feature_in_access", {"access": {"features": ["mail", ""]}}, "feature_invalid", "access.features[1]"),
        ("a_repeated_feature_in_access", {"access": {"features": ["mail", "mail"]}}, "feature_invalid", "access.features[1]"),
        ("access_to_251_features", {"access": {"features": MANY[:251]}}, "features_too_many", "access.features"),
        ("access_to_1001_features", {"access": {"features": MANY}, "policy": {"caps": {"features": 1_000}}}, "features_too_many", "access.features"),
        ("access_to_two_features_where_one_is_allowed", {"access": LIMITED, "policy": {"caps": {"features": 1}}}, "features_too_many", "access.features"),
        ("access_too_large_for_a_record", {"access": {"features": [f"{at:064}" for at in range(115)]}}, "record_too_large", None),
        ("access_and_addresses_too_large_for_a_record", {"access": {"features": ["f"]}, "addresses": ["::1"], "policy": {"caps": {"recordBytes": 521}}}, "record_too_large", None),
        ("another_users_account_for_access", {"access": "full", "account": account("bob"), "user": "alice"}, "account_mismatch", "account.user"),
        ("a_suspended_account_for_access", {"access": "full", "account": account(suspended=True)}, "account_suspended", "account"),
        ("an_account_with_disabled_tokens_for_access", {"access": "full", "account": account(features=["mail"])}, "tokens_disabled", "account"),
        ("a_feature_in_access_that_the_account_lacks", {"access": LIMITED, "account": account(features=["apitokens", "popaccts"])}, "feature_not_in_account", "access.features[1]"),
        ("a_feature_of_machines_that_the_account_lacks", {"access": {"features": ["metrics-read"]}, "account": account()}, "feature_not_in_account", "access.features[0]"),
        ("another_users_account_before_its_suspension", {"access": "full", "account": account("bob", suspended=True), "user": "alice"}, "account_mismatch", "account.user"),
        ("the_suspension_of_an_account_before_disabled_tokens", {"access": "full", "account": account(features=[], suspended=True)}, "account_suspended", "account"),
        ("a_bad_user_of_an_account_before_its_suspension", {"access": "full", "account": account("a:b", suspended=True)}, "user_character", "account.user"),
    ]:
        _wrong(book, what, code, field, **values)
    both = _ask(access={"features": ["", "ftp"]}, account=account(features=["apitokens"]))
    book.ok("compares_no_bad_access_with_the_features_of_an_account", both, {"problems": [{"code": "feature_invalid", "field": "access.features[0]"}]})
    both = _ask(access={"features": [""]}, account=account(suspended=True))
    book.ok("finds_bad_access_and_a_suspended_account", both, {"problems.0.code": "feature_invalid", "problems.1.code": "account_suspended"})
    both = _ask(access={"features": ["f"]}, addresses=["x"], policy={"caps": {"recordBytes": 516}})
    book.ok("counts_no_bad_address_among_the_bytes_of_a_record", both, {"problems": [{"code": "address_invalid", "field": "addresses[0]"}]})
    for what, access, code, field in [
        ("null_as_access", None, "type_invalid", "access"),
        ("a_word_as_access", "none", "value_invalid", "access"),
        ("a_list_as_access", ["mail"], "type_invalid", "access"),
        ("access_without_features", {}, "field_missing", "access.features"),
        ("access_with_a_number_as_feature", {"features": [1]}, "type_invalid", "access.features[0]"),
        ("access_with_an_unknown_key", {"features": [], "full": True}, "field_unknown", "access.full"),
    ]:
        book.error(f"refuses_to_validate_{what}", _ask(access=access), code, field=field)


def _policies(book):
    caps = {"tokens": 10**6, "tokensPerHour": 10**6, "features": 1000, "addresses": 100, "recordBytes": 10**6}
    for what, policy in {
        "an_empty_policy": {},
        "a_policy_of_one_second": {"maxLifetime": 1},
        "a_policy_with_the_longest_lifetime": {"maxLifetime": 2**53 - 1, "expiryRequired": True},
        "a_policy_with_the_highest_caps": {"caps": caps},
        "a_policy_with_the_lowest_caps": {"caps": dict.fromkeys(caps, 1)},
    }.items():
        book.ok(f"finds_nothing_wrong_with_{what}", _ask(policy=policy), GOOD)
    for key, most in caps.items():
        for what, value in {"zero": 0, "minus_one": -1, "one_too_many": most + 1}.items():
            _wrong(book, f"a_cap_of_{what}_on_{key.lower()}", "value_invalid", f"policy.caps.{key}", policy={"caps": {key: value}})
    _wrong(book, "a_longest_lifetime_of_zero", "value_invalid", "policy.maxLifetime", policy={"maxLifetime": 0})
    _wrong(book, "a_longest_lifetime_below_zero", "value_invalid", "policy.maxLifetime", policy={"maxLifetime": -1})
    _wrong(book, "a_bad_cap_before_a_bad_lifetime", "value_invalid", "policy.caps.features", policy={"maxLifetime": 0, "caps": {"features": 0}})
    _wrong(book, "an_address_more_than_the_policy_allows", "addresses_too_many", "addresses", addresses=["::1", "::2"], policy={"caps": {"addresses": 1}})
    _wrong(book, "addresses_larger_than_the_policy_allows", "record_too_large", None, addresses=["::1"], policy={"caps": {"recordBytes": 517}})
    _wrong(book, "a_bad_address_before_the_number_of_addresses", "address_invalid", "addresses[1]", addresses=["::1", "x"], policy={"caps": {"addresses": 1}})
    book.ok("compares_nothing_with_the_caps_of_a_bad_policy", _ask(policy={"caps": {"addresses": 0}}, addresses=["::1"], access={"features": MANY[:300]}), {"problems": [{"code": "value_invalid", "field": "policy.caps.addresses"}]})
    for what, policy, code, field in [
        ("of_null", None, "type_invalid", "policy"),
        ("that_is_an_array", [], "type_invalid", "policy"),
        ("with_an_unknown_key", {"maxLifeTime": 1}, "field_unknown", "policy.maxLifeTime"),
        ("with_a_text_as_lifetime", {"maxLifetime": "1"}, "type_invalid", "policy.maxLifetime"),
        ("with_a_number_as_switch", {"expiryRequired": 1}, "type_invalid", "policy.expiryRequired"),
        ("with_caps_of_null", {"caps": None}, "type_invalid", "policy.caps"),
        ("with_an_unknown_cap", {"caps": {"names": 1}}, "field_unknown", "policy.caps.names"),
        ("with_a_cap_of_null", {"caps": {"tokens": None}}, "type_invalid", "policy.caps.tokens"),
    ]:
        book.error(f"refuses_to_validate_a_policy_{what}", _ask(policy=policy), code, field=field)


def _expiries(book):
    year = 1831593599
    """2028-01-15T23:59:59Z, a year after NOW."""
    for what, values, expires in [
        ("a_default_expiry_by_an_empty_policy", {"policy": {}}, year),
        ("a_default_expiry_in_a_zone", {"policy": {}, "zone": "+02:00"}, year - 7200),
        ("a_default_expiry_within_the_longest_lifetime", {"policy": {"maxLifetime": DAY}}, NOW + DAY),
        ("a_default_expiry_where_expiry_is_required", {"policy": {"expiryRequired": True}}, year),
        ("an_expiry_at_the_longest_lifetime", {"policy": {"maxLifetime": DAY}, "expires": NOW + DAY}, NOW + DAY),
        ("never_where_the_policy_allows_it", {"policy": {}, "expires": "never"}, "never"),
        ("no_default_expiry_without_a_policy", {}, None),
        ("never_under_a_bad_policy", {"policy": {"maxLifetime": 0}, "expires": "never"}, "never"),
        ("no_default_expiry_under_a_bad_policy", {"policy": {"maxLifetime": 0}}, None),
    ]:
        book.ok(f"answers_{what}", _ask(now=NOW, **values), {"expires": expires})
    book.ok("answers_no_default_expiry_without_now", _ask(policy={"maxLifetime": DAY}), {"valid": True, "expires": None})
    for what, values, code in [
        ("never_where_expiry_is_required", {"policy": {"expiryRequired": True}, "expires": "never"}, "expiry_required"),
        ("never_under_a_longest_lifetime", {"policy": {"maxLifetime": DAY}, "expires": "never"}, "expiry_required"),
        ("an_expiry_past_the_longest_lifetime", {"policy": {"maxLifetime": DAY}, "expires": NOW + DAY + 1}, "expiry_too_late"),
        ("a_past_expiry_before_the_policy", {"policy": {"maxLifetime": DAY}, "expires": NOW}, "expiry_past"),
    ]:
        _wrong(book, what, code, "expires", now=NOW, **values)
    _wrong(book, "no_default_expiry_in_the_year_9999", "expiry_out_of_range", "expires", now=253370764800, policy={})


def _zones(book):
    for what, zone in {"utc": "UTC", "an_offset": "-03:30", "a_table": {"offset": 3600, "transitions": [[NOW, 7200]]}}.items():
        book.ok(f"finds_nothing_wrong_with_the_zone_{what}", _ask(zone=zone), GOOD)
    for what, zone in {
        "a_name_as_zone": "Europe/Berlin",
        "an_empty_zone": "",
        "a_zone_of_24_hours": "+24:00",
        "a_table_of_24_hours": {"offset": 86400, "transitions": []},
        "a_table_that_falls": {"offset": 0, "transitions": [[NOW, 1], [NOW - 1, 2]]},
        "a_table_of_1001_transitions": {"offset": 0, "transitions": [[at, 0] for at in range(1_001)]},
    }.items():
        _wrong(book, what, "zone_invalid", "zone", zone=zone)
    like = {"problems": [{"code": "zone_invalid", "field": "zone"}], "expires": None}
    book.ok("reads_no_expiry_in_a_bad_zone", _ask(now=NOW, zone="CET", expires="soon"), like)
    book.ok("answers_no_default_expiry_in_a_bad_zone", _ask(now=NOW, zone="CET", policy={}), like)
    book.error("refuses_to_validate_an_expiry_in_a_bad_zone_without_now", _ask(zone="CET", expires="never"), "field_missing", field="now")
    for what, zone, code, field in [
        ("of_null", None, "type_invalid", "zone"),
        ("that_is_a_number", 0, "type_invalid", "zone"),
        ("without_offset", {"transitions": []}, "field_missing", "zone.offset"),
        ("with_an_unknown_key", {"offset": 0, "transitions": [], "name": "x"}, "field_unknown", "zone.name"),
        ("with_a_text_as_transition", {"offset": 0, "transitions": ["x"]}, "type_invalid", "zone.transitions[0]"),
    ]:
        book.error(f"refuses_to_validate_a_zone_{what}", _ask(zone=zone), code, field=field)


def _peppers(book):
    eight = [{"id": f"p{at}", "key": f"{at:02}" * 16} for at in range(8)]
    for what, peppers in {"no_pepper": [], "a_pepper": [PEPPER], "the_shortest_and_the_longest_pepper": [OLD_PEPPER, LONG_PEPPER], "eight_peppers": eight}.items():
        book.ok(f"finds_nothing_wrong_with_{what}", _ask(peppers=peppers), GOOD)
    for what, peppers, field in [
        ("nine_peppers", eight + [PEPPER], "peppers"),
        ("the_number_of_nine_peppers_before_a_bad_one", [PEPPER | {"id": ""}] + eight, "peppers"),
        ("a_pepper_with_an_empty_id", [PEPPER | {"id": ""}], "peppers[0].id"),
        ("a_pepper_with_an_id_of_33_characters", [OLD_PEPPER, PEPPER | {"id": "p" * 33}], "peppers[1].id"),
        ("a_pepper_with_a_colon_in_its_id", [PEPPER | {"id": "a:b"}], "peppers[0].id"),
        ("a_pepper_with_a_key_of_15_bytes", [PEPPER | {"key": "00" * 15}], "peppers[0].key"),
        ("a_pepper_with_a_key_of_129_bytes", [PEPPER | {"key": "00" * 129}], "peppers[0].key"),
        ("a_pepper_with_a_key_that_is_not_hex", [OLD_PEPPER, PEPPER | {"key": "zz" * 16}], "peppers[1].key"),
        ("two_peppers_with_one_id", [PEPPER, OLD_PEPPER, OLD_PEPPER | {"id": PEPPER["id"]}], "peppers[2].id"),
    ]:
        _wrong(book, what, "pepper_invalid", field, peppers=peppers)
    for what, peppers, code, field in [
        ("one_pepper_as_peppers", PEPPER, "type_invalid", "peppers"),
        ("null_as_peppers", None, "type_invalid", "peppers"),
        ("a_text_among_peppers", [PEPPER, "secret"], "type_invalid", "peppers[1]"),
        ("a_pepper_without_key", [without(PEPPER, "key")], "field_missing", "peppers[0].key"),
        ("a_pepper_with_an_unknown_key", [PEPPER | {"salt": ""}], "field_unknown", "peppers[0].salt"),
    ]:
        book.error(f"refuses_to_validate_{what}", _ask(peppers=peppers), code, field=field)
    book.error("refuses_to_validate_a_single_pepper", _ask(pepper=PEPPER), "field_unknown", field="pepper")


def _catalogues(book):
    one = FUNCTIONS[0]
    for what, catalogue in {
        "an_empty_catalogue": [],
        "a_catalogue": FUNCTIONS,
        "a_catalogue_with_a_function_once_for_each_api": [one | {"apis": ["uapi"]}, one | {"apis": ["api2"]}, one | {"apis": ["whm"]}],
    }.items():
        book.ok(f"finds_nothing_wrong_with_{what}", _ask(catalogue=catalogue), GOOD)
    for what, catalogue, code, field in [
        ("a_function_without_module", [one | {"module": ""}], "catalogue_invalid", "catalogue[0]"),
        ("a_function_without_name", [one, one | {"function": ""}], "catalogue_invalid", "catalogue[1]"),
        ("a_function_without_apis", [one | {"apis": []}], "catalogue_invalid", "catalogue[0].apis"),
        ("a_function_of_api_1", [one | {"apis": ["uapi", "api1"]}], "catalogue_invalid", "catalogue[0].apis"),
        ("a_function_with_a_bad_feature", [FUNCTIONS[6], one | {"feature": "a b"}], "feature_invalid", "catalogue[1].feature"),
        ("a_function_twice", [one, FUNCTIONS[6], one], "catalogue_invalid", "catalogue"),
        ("a_function_twice_in_another_case", [one, one | {"module": "EMAIL", "apis": ["api2"]}], "catalogue_invalid", "catalogue"),
    ]:
        _wrong(book, what, code, field, catalogue=catalogue)
    for what, catalogue, code, field in [
        ("of_null", None, "type_invalid", "catalogue"),
        ("that_is_a_number", 1, "type_invalid", "catalogue"),
        ("with_a_name_alone", ["Email::list_pops"], "type_invalid", "catalogue[0]"),
        ("that_does_not_say_what_writes", [one, without(one, "writes")], "field_missing", "catalogue[1].writes"),
        ("that_does_not_say_what_feature", [without(one, "feature")], "field_missing", "catalogue[0].feature"),
        ("with_an_unknown_api", [one | {"apis": ["rest"]}], "value_invalid", "catalogue[0].apis[0]"),
        ("with_an_unknown_key", [one | {"reads": True}], "field_unknown", "catalogue[0].reads"),
    ]:
        book.error(f"refuses_to_validate_a_catalogue_{what}", _ask(catalogue=catalogue), code, field=field)
    text = '{"module":"Email","function":"list_pops","apis":["uapi"],"feature":null,"writes":true}'
    whole = {"head": f'{{"op":"validate","catalogue":[{text}', "unit": f",{text}", "tail": "]}"}
    most = (MIB8 - len(whole["head"]) - len(whole["tail"])) // len(whole["unit"])
    twice = GOOD | {"valid": False, "problems": [{"code": "catalogue_invalid", "field": "catalogue"}]}
    book.padded("finds_a_function_twice_in_a_catalogue_of_8_mib", **whole, times=most, expect={"ok": twice})
    book.padded("refuses_to_validate_a_catalogue_over_8_mib", **whole, times=most + 1, expect={"error": {"code": "request_too_large"}})


def _records(book):
    good = record()
    for what, records in {
        "no_record": [],
        "a_record": [good],
        "a_revoked_record": [record(revoked=NOW)],
        "a_record_under_a_pepper": [record(pepper=PEPPER)],
        "a_record_with_an_unknown_key": [record(note="x")],
        "one_record_twice": [good, good],
    }.items():
        book.ok(f"finds_nothing_wrong_with_{what}", _ask(records=records), GOOD)
    for what, changes, code, field in [
        ("a_record_without_a_user", {"user": ""}, "user_empty", "records[1].user"),
        ("a_record_with_a_bad_name", {"name": "a b"}, "name_character", "records[1].name"),
        ("a_record_with_a_short_hash", {"hash": "sha256:00"}, "hash_invalid", "records[1].hash"),
        ("a_record_with_a_hash_of_another_kind", {"hash": "md5:00"}, "hash_kind_unsupported", "records[1].hash"),
        ("a_record_with_a_bad_feature", {"access": {"features": ["a b"]}}, "feature_invalid", "records[1].access.features[0]"),
        ("a_record_with_a_bad_address", {"addresses": ["::1", "x"]}, "address_invalid", "records[1].addresses[1]"),
    ]:
        _wrong(book, what, code, field, records=[good, record(**changes)])
    for what, records, code, field in [
        ("a_record_of_a_newer_version", [good, record(v=2)], "record_version_unsupported", "records[1].v"),
        ("a_record_of_version_zero", [record(v=0)], "value_invalid", "records[0].v"),
        ("a_record_without_access", [without(good, "access")], "field_missing", "records[0].access"),
        ("a_record_with_a_text_as_expiry", [record(expires="never")], "type_invalid", "records[0].expires"),
        ("one_record_as_records", good, "type_invalid", "records"),
        ("null_as_records", None, "type_invalid", "records"),
    ]:
        book.error(f"refuses_to_validate_{what}", _ask(records=records), code, field=field)


def _names(book):
    book.ok("finds_nothing_wrong_with_a_free_name", _ask(name="ci", taken=["CI", "other"]), GOOD)
    book.ok("finds_nothing_wrong_with_names_in_use_alone", _ask(taken=["a b", ""]), GOOD)
    _wrong(book, "a_name_in_use", "name_taken", "name", name="ci", taken=["other", "ci"])
    _wrong(book, "a_bad_name_before_its_use", "name_character", "name", name="a b", taken=["a b"])
    book.error("refuses_to_validate_a_text_as_names_in_use", _ask(taken="ci"), "type_invalid", field="taken")


def _together(book):
    bad = _ask(now=NOW, records=[record(user="")], catalogue=[FUNCTIONS[0], FUNCTIONS[0]], peppers=[PEPPER, PEPPER], account=account(""))
    bad |= {"access": {"features": [""]}, "prefix": "X", "addresses": ["x"], "expires": 0, "policy": {"maxLifetime": 0}, "zone": "UTC"}
    bad |= {"token": "x", "user": "", "name": ""}
    order = ["name", "user", "token", "policy.maxLifetime", "expires", "addresses[0]", "prefix", "access.features[0]", "account.user"]
    order += ["peppers[1].id", "catalogue", "records[0].user"]
    like = {f"problems.{at}.field": field for at, field in enumerate(order)}
    book.ok("lists_the_problems_of_every_value_in_the_documented_order", bad, like)
    book.ok("lists_a_bad_zone_before_a_bad_policy", _ask(policy={"maxLifetime": 0}, zone=""), {"problems.0.code": "zone_invalid", "problems.1.field": "policy.maxLifetime"})
    good = _ask(now=NOW, name="ci", taken=["cd"], user="alice", zone="+01:00", policy={"maxLifetime": 400 * DAY, "expiryRequired": True})
    good |= {"expires": "2027-12-31", "addresses": ["::1"], "prefix": "tl", "access": LIMITED, "account": account(), "records": [record()]}
    good |= {"peppers": [PEPPER], "catalogue": FUNCTIONS}
    book.ok("finds_nothing_wrong_with_good_values_of_every_kind", good, {"valid": True, "problems": []})
    for key in ("entropy", "pepper", "record", "call", "creator", "held", "readOnly", "realm"):
        book.error(f"takes_no_{key.lower()}_in_validate", _ask(**{key: None}), "field_unknown", field=key)
    book.error("refuses_now_before_it_looks_at_an_account", _ask(now=0, account=account("")), "now_invalid", field="now")


def books():
    """validate.json."""
    book = Book(
        "validate",
        "Accounts, policies, access, peppers, catalogues, zones, records and names in use by `validate`: each problem is the error of the operation "
        "that uses the value. Expected values come from the model in tests/vectors/model, made by hand from OPERATIONS.md.",
    )
    _accounts(book)
    _access(book)
    _policies(book)
    _expiries(book)
    _zones(book)
    _peppers(book)
    _catalogues(book)
    _records(book)
    _names(book)
    _together(book)
    return [book]
