"""`create`: what it makes, and the order in which it refuses."""

from model import tokens

from .book import DAY, LONG_PEPPER, NOW, OLD_PEPPER, PEPPER, Book, account, as_pepper, entropy, record, secret, without


def _create(label="making", **changes):
    base = {"op": "create", "now": NOW, "entropy": entropy(label), "user": "alice", "name": "ci", "access": "full", "expires": "never"}
    return base | changes


FAULTS = [
    ("now", {"now": 0}, "now_invalid"),
    ("user", {"user": ""}, "user_empty"),
    ("name", {"name": ""}, "name_empty"),
    ("taken", {"taken": ["ci"]}, "name_taken"),
    ("access", {"access": {"features": ["a b"]}}, "feature_invalid"),
    ("addresses", {"addresses": ["x"]}, "address_invalid"),
    ("prefix", {"prefix": "X"}, "prefix_invalid"),
    ("pepper", {"pepper": {"id": "", "key": "00" * 16}}, "pepper_invalid"),
    ("account", {"account": {"user": "alice", "suspended": True, "features": "all"}}, "account_suspended"),
    ("zone", {"zone": "CET"}, "zone_invalid"),
    ("expires", {"expires": "soon"}, "expiry_invalid"),
    ("entropy", {"entropy": "00"}, "entropy_length"),
]
"""One fault of each kind, in the documented order."""


def _order(book):
    for at, (first, fault, code) in enumerate(FAULTS):
        for second, other, _ in FAULTS[at + 1 : at + 3]:
            if {first, second} == {"name", "taken"}:
                continue
            book.error(f"checks_{first}_before_{second}", _create(**(other | fault)), code, field=False)
        everything = {}
        for _, other, _ in reversed(FAULTS[at:]):
            everything |= other
        book.error(f"checks_{first}_before_all_that_follows", _create(**everything), code, field=False)
    policy = {"policy": {"maxLifetime": DAY}}
    book.error("checks_expires_before_policy", _create(expires=0, **policy), "expiry_past", field="expires")
    book.error("checks_policy_before_entropy", _create(entropy="00", **policy), "expiry_required", field=False)


def _accounts(book):
    wide, narrow = ["apitokens", "popaccts", "ftpaccts"], ["apitokens", "popaccts"]
    limited = {"features": ["popaccts", "ftpaccts"]}
    book.ok("creates_for_an_account_with_every_feature", _create(access=limited, account=account()))
    book.ok("creates_within_the_features_of_the_account", _create(access=limited, account=account(features=wide)))
    book.ok("creates_full_access_for_a_narrow_account", _create(account=account(features=narrow)))
    book.ok("creates_for_an_account_that_is_not_suspended", _create(account=account(suspended=False)))
    for name, changes, code in [
        ("refuses_to_create_for_the_account_of_another_user", {"account": account("bob")}, "account_mismatch"),
        ("refuses_to_create_for_the_account_in_another_case", {"account": account("Alice")}, "account_mismatch"),
        ("refuses_to_create_for_a_suspended_account", {"account": account(suspended=True)}, "account_suspended"),
        ("refuses_to_create_without_the_feature_apitokens", {"account": account(features=["popaccts"])}, "tokens_disabled"),
        ("refuses_to_create_without_any_feature", {"account": account(features=[])}, "tokens_disabled"),
        ("refuses_a_feature_that_the_account_lacks", {"access": limited, "account": account(features=narrow)}, "feature_not_in_account"),
        ("names_another_user_before_suspension", {"account": account("bob", suspended=True)}, "account_mismatch"),
        ("names_suspension_before_disabled_tokens", {"account": account(features=[], suspended=True)}, "account_suspended"),
        ("names_disabled_tokens_before_a_lacking_feature", {"access": limited, "account": account(features=[])}, "tokens_disabled"),
        ("refuses_an_account_with_a_bad_feature", {"account": account(features=["a b"])}, "feature_invalid"),
        ("refuses_an_account_with_a_bad_user", {"account": account("a:b")}, "user_character"),
    ]:
        book.error(name, _create(**changes), code, field=False)
    book.error("refuses_an_account_of_null_in_create", _create(account=None), "type_invalid", field="account")
    book.error("refuses_an_account_without_features", _create(account={"user": "alice"}), "field_missing", field="account.features")
    book.error("refuses_an_account_whose_features_are_a_word", _create(account=account(features="none")), "value_invalid", field="account.features")
    book.error("refuses_an_account_whose_suspension_is_a_number", _create(account=account(suspended=0)), "type_invalid", field="account.suspended")
    book.error("refuses_an_account_with_an_unknown_key", _create(account=account(admin=True)), "field_unknown", field="account.admin")


def _access(book):
    for what, features in {
        "no_feature": [],
        "one_feature": ["popaccts"],
        "a_feature_of_one_character": ["a"],
        "a_feature_of_64_characters": ["f" * 64],
        "a_feature_of_every_kind_of_character": ["aZ09-_."],
        "a_feature_that_starts_with_a_digit": ["2fa"],
        "a_feature_named_constructor": ["constructor"],
        "features_that_differ_in_case": ["Mail", "mail"],
        "features_in_an_order_of_their_own": ["zeta", "alpha", "mid"],
    }.items():
        book.ok(f"creates_with_{what}", _create(access={"features": features}), {"record.access": {"features": features}})
    for what, features in {
        "an_empty_feature": [""],
        "a_feature_of_65_characters": ["f" * 65],
        "a_feature_that_starts_with_a_dot": [".a"],
        "a_feature_that_starts_with_a_hyphen": ["-a"],
        "a_feature_that_starts_with_an_underscore": ["__proto__"],
        "a_feature_with_a_space": ["a b"],
        "a_feature_with_a_star": ["*"],
        "a_feature_beyond_ascii": ["\u0430"],
        "a_repeated_feature": ["mail", "ftp", "mail"],
    }.items():
        book.error(f"refuses_{what}", _create(access={"features": features}), "feature_invalid", field=False)
    book.error("refuses_an_account_with_1001_features", _create(account=account(features=[f"f{at}" for at in range(1_001)])), "features_too_many", field="account.features")
    for what, access, code, field in [
        ("a_word_as_access", "none", "value_invalid", "access"),
        ("full_in_capitals", "FULL", "value_invalid", "access"),
        ("an_empty_word_as_access", "", "value_invalid", "access"),
        ("null_as_access", None, "type_invalid", "access"),
        ("true_as_access", True, "type_invalid", "access"),
        ("a_list_as_access", ["mail"], "type_invalid", "access"),
        ("an_empty_object_as_access", {}, "field_missing", "access.features"),
        ("access_with_null_features", {"features": None}, "type_invalid", "access.features"),
        ("access_with_all_as_features", {"features": "all"}, "type_invalid", "access.features"),
        ("access_with_an_unknown_key", {"features": [], "full": True}, "field_unknown", "access.full"),
        ("access_with_a_number_as_feature", {"features": [1]}, "type_invalid", "access.features[0]"),
    ]:
        book.error(f"refuses_{what}", _create(access=access), code, field=field)


def _caps(book):
    words = [f"f{at}" for at in range(1001)]
    for what, cap, held, code in [
        ("a_token_beside_a_thousand", {}, {"tokens": 1000}, "tokens_too_many"),
        ("a_token_beside_more_than_a_thousand", {}, {"tokens": 5000, "lastHour": 2}, "tokens_too_many"),
        ("a_token_beside_as_many_as_allowed", {"tokens": 2}, {"tokens": 2}, "tokens_too_many"),
        ("the_thousand_and_first_of_an_hour", {}, {"tokens": 1, "lastHour": 1000}, "creations_too_many"),
        ("more_in_an_hour_than_allowed", {"tokensPerHour": 1}, {"lastHour": 1}, "creations_too_many"),
    ]:
        book.error(f"refuses_{what}", _create(policy={"caps": cap}, held=held), code, field=False)
    for what, held in {"fewer_than_no_tokens": {"tokens": -1}, "fewer_than_no_creations": {"lastHour": -1}}.items():
        book.error(f"refuses_{what}", _create(held=held), "value_invalid", field=f"held.{next(iter(held))}")
    book.ok("creates_the_thousandth_token", _create(held={"tokens": 999, "lastHour": 999}))
    book.ok("creates_as_many_as_a_higher_cap_allows", _create(held={"tokens": 1999}, policy={"caps": {"tokens": 2000}}))
    for what, count, caps in [("250_features", 250, {}), ("a_feature_within_a_cap_of_one", 1, {"features": 1}), ("1000_features_where_they_are_allowed", 1000, {"features": 1000})]:
        book.ok(f"creates_with_{what}", _create(access={"features": words[:count]}, policy={"caps": caps}))
    for what, count, caps in [("251_features", 251, {}), ("1001_features", 1001, {"features": 1000}), ("two_features_where_one_is_allowed", 2, {"features": 1})]:
        book.error(f"refuses_{what}", _create(access={"features": words[:count]}, policy={"caps": caps}), "features_too_many", field="access.features")
    book.error("refuses_more_addresses_than_the_policy_allows", _create(addresses=["::1", "::2"], policy={"caps": {"addresses": 1}}), "addresses_too_many", field="addresses")
    creator = record(addresses=["::1", "::2"])
    book.error("refuses_more_addresses_from_the_creator_than_the_policy_allows", _create(creator=creator, policy={"caps": {"addresses": 1}}), "addresses_too_many", field="addresses")
    # 512 bytes, then 64 + 3 for each feature: 114 of them are 8150, 115 are 8217.
    long = [f"{at:064}" for at in range(115)]
    book.ok("creates_with_features_of_8150_bytes", _create(access={"features": long[:114]}))
    book.error("refuses_features_of_8217_bytes", _create(access={"features": long}), "record_too_large", field=False)
    book.ok("creates_with_features_of_8217_bytes_where_they_are_allowed", _create(access={"features": long}, policy={"caps": {"recordBytes": 8217}}))
    book.error("counts_addresses_among_the_bytes_of_a_record", _create(addresses=["::1"], policy={"caps": {"recordBytes": 517}}), "record_too_large", field=False)
    book.ok("creates_with_an_address_of_518_bytes", _create(addresses=["::1"], policy={"caps": {"recordBytes": 518}}))
    for key, most in {"tokens": 10**6, "tokensPerHour": 10**6, "features": 1000, "addresses": 100, "recordBytes": 10**6}.items():
        for value in (0, -1, most + 1):
            name = f"refuses_a_cap_of_{value}_on_{key}".lower().replace("-1", "minus_one")
            book.error(name, _create(policy={"caps": {key: value}}), "value_invalid", field=f"policy.caps.{key}")
    book.error("refuses_an_unknown_cap", _create(policy={"caps": {"names": 1}}), "field_unknown", field="policy.caps.names")
    book.error("refuses_a_cap_of_null", _create(policy={"caps": {"tokens": None}}), "type_invalid", field="policy.caps.tokens")
    book.error("checks_the_number_of_tokens_before_the_features", _create(access={"features": [" "] * 300}, held={"tokens": 1000}), "tokens_too_many", field=False)
    book.error("checks_the_number_of_features_before_what_they_are", _create(access={"features": [" "] * 300}), "features_too_many", field=False)
    book.error("checks_the_name_before_the_number_of_tokens", _create(name="", held={"tokens": 1000}), "name_empty", field=False)
    book.error("checks_the_number_of_tokens_before_taken_names", _create(taken=["ci"], held={"tokens": 1000}), "tokens_too_many", field=False)


def books():
    """create.json."""
    book = Book(
        "create",
        "`create`: records, hashes by Python's hashlib and hmac, access, peppers, accounts, and the order of its checks.",
    )
    book.ok("creates_a_full_token_with_its_defaults", without(_create(), "expires"), {"record.hint": secret("making")[-4:]})
    whole = _create(readOnly=True, addresses=["203.0.113.7", "2001:db8::/32", "::ffff:198.51.100.1"], realm="admin", prefix="tl")
    whole |= {"pepper": PEPPER, "zone": "+02:00", "expires": "2027-12-31", "taken": ["CI", "ci2"], "user": "a.b-c_d@example.com"}
    whole |= {"access": {"features": ["popaccts"]}, "policy": {"maxLifetime": 400 * DAY, "expiryRequired": True}}
    book.ok("creates_a_token_with_everything", whole, {"record.readOnly": True, "record.realm": "admin"})
    for what, pepper in {"a_pepper": PEPPER, "the_shortest_pepper": OLD_PEPPER, "the_longest_pepper": LONG_PEPPER}.items():
        book.ok(f"hashes_under_{what}", _create(pepper=pepper), {"record.hash": tokens.hash_of(secret("making"), as_pepper(pepper))})
    book.ok("hashes_the_32_characters_alone_without_the_prefix", _create(prefix="tl"), {"record.hash": tokens.hash_of(secret("making"))})
    for what, changes in {
        "an_empty_id": {"id": ""},
        "an_id_of_33_characters": {"id": "p" * 33},
        "an_id_with_a_colon": {"id": "a:b"},
        "an_id_with_a_dot": {"id": "a.b"},
        "a_key_of_15_bytes": {"key": "00" * 15},
        "a_key_of_129_bytes": {"key": "00" * 129},
        "an_empty_key": {"key": ""},
        "a_key_of_odd_length": {"key": "00" * 16 + "0"},
        "a_key_that_is_not_hex": {"key": "zz" * 16},
    }.items():
        book.error(f"refuses_a_pepper_with_{what}", _create(pepper=PEPPER | changes), "pepper_invalid", field=False)
    book.error("refuses_a_pepper_without_key", _create(pepper={"id": "a"}), "field_missing", field="pepper.key")
    book.error("refuses_a_pepper_with_an_unknown_key", _create(pepper=PEPPER | {"salt": ""}), "field_unknown", field="pepper.salt")
    book.error("refuses_a_pepper_that_is_text", _create(pepper="secret"), "type_invalid", field="pepper")
    book.error("refuses_a_taken_name", _create(taken=["other", "ci"]), "name_taken", field="name")
    book.ok("takes_a_name_that_differs_in_case_as_free", _create(taken=["CI", "Ci"]), {"record.name": "ci"})
    for name in ("__proto__", "constructor", "toString"):
        book.ok(f"creates_a_token_named_{name.strip('_').lower()}", _create(name=name, taken=["x"]), {"record.name": name})
        book.error(f"refuses_a_taken_name_{name.strip('_').lower()}", _create(name=name, taken=[name]), "name_taken", field="name")
    book.ok("creates_a_token_for_user_proto", _create(user="__proto__", account=account("__proto__")), {"record.user": "__proto__"})
    for key in ("now", "entropy", "user", "name", "access"):
        book.error(f"refuses_to_create_without_{key}", without(_create(), key), "field_missing", field=key)
    for key, value in {"now": None, "user": 1, "name": ["ci"], "readOnly": "true", "addresses": "10.0.0.1", "realm": 1, "prefix": None, "taken": "ci", "policy": []}.items():
        book.error(f"refuses_a_wrong_type_of_{key.lower()}_in_create", _create(**{key: value}), "type_invalid", field=key)
    book.error("refuses_an_unknown_realm_in_create", _create(realm="root"), "value_invalid", field="realm")
    book.error("refuses_an_option_in_snake_case", _create(read_only=True), "field_unknown", field="read_only")
    book.error("refuses_the_key_proto_in_create", _create(**{"__proto__": {"access": "full"}}), "field_unknown", field="__proto__")
    book.error("refuses_a_prefix_with_the_separator_in_create", _create(prefix="t_l"), "prefix_invalid", field="prefix")
    book.ok("creates_with_100_addresses", _create(addresses=[f"10.0.0.{at}" for at in range(100)]))
    book.error("refuses_101_addresses", _create(addresses=[f"10.0.0.{at}" for at in range(101)]), "addresses_too_many", field=False)
    _access(book)
    _caps(book)
    _accounts(book)
    _order(book)
    return [book]
