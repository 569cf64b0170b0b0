"""`update`, and what the token that asks may give."""

from .book import DAY, NOW, PEPPER, Book, account, entropy, record, without

LIMITED = {"features": ["ftpaccts", "popaccts"]}


def _update(given=None, **more):
    return {"op": "update", "now": NOW, "record": record() if given is None else given} | more


def _create(**more):
    return {"op": "create", "now": NOW, "entropy": entropy("c"), "user": "alice", "name": "new", "access": "full", "expires": "never"} | more


def _lengthening(book, admin):
    """A token's end: no token that ends can give a later one, to itself or to another."""
    dying = record("by", realm="admin", expires=NOW + DAY)
    for what, given in {"itself": dying, "another": admin}.items():
        book.error(f"refuses_a_token_that_ends_to_make_{what}_endless", _update(given, expires="never", creator=dying), "access_exceeds_creator", field="expires")
        book.error(f"refuses_a_token_that_ends_to_let_{what}_end_a_second_later", _update(given, expires=NOW + DAY + 1, creator=dying), "access_exceeds_creator", field="expires")
        book.ok(f"lets_a_token_that_ends_let_{what}_end_with_it", _update(given, expires=NOW + DAY, creator=dying), {"record.expires": NOW + DAY})
        book.ok(f"lets_a_token_that_ends_let_{what}_end_sooner", _update(given, expires=NOW + 1, creator=dying), {"record.expires": NOW + 1})
    book.ok("lets_a_token_that_ends_rename_one_that_outlives_it", _update(admin, newName="n", creator=dying), {"record.name": "n"})
    endless = record("by", realm="admin", expires=None)
    book.ok("lets_an_endless_token_make_another_endless", _update(admin, expires="never", creator=endless), {"record.expires": None})
    book.error("names_the_policy_before_the_end_of_the_creator", _update(admin, expires="never", creator=dying, policy={"expiryRequired": True}), "expiry_required", field=False)


def _manageable(creator, *found):
    return {"op": "manageable", "creator": creator, "records": list(found)}


def _manageable_book():
    book = Book("manageable", "`manageable`: a token manages those of its user that have no more than it. Networks by Python's ipaddress.")
    every = [
        record("full"),
        record("endless", expires=None),
        record("limited", access=LIMITED),
        record("fewer", access={"features": ["popaccts"]}),
        record("none", access={"features": []}),
        record("more", access={"features": ["popaccts", "mysql"]}),
        record("reads", readOnly=True),
        record("bound", addresses=["10.0.0.0/8"]),
        record("inside", addresses=["10.1.0.0/16", "::ffff:10.2.0.1"]),
        record("beside", addresses=["10.1.0.0/16", "11.0.0.1"]),
        record("small", access={"features": ["popaccts"]}, readOnly=True, addresses=["10.1.2.3"]),
        record("admin", realm="admin"),
        record("other", user="bob"),
        record("expired", expires=NOW - 1),
    ]
    for what, by, names in [
        ("a_full_token", record("by"), "full endless limited fewer none more reads bound inside beside small expired"),
        ("a_full_token_that_ends_soon", record("by", expires=NOW + 1), "full endless limited fewer none more reads bound inside beside small expired"),
        ("a_full_token_of_the_administrator", record("by", realm="admin"), "full endless limited fewer none more reads bound inside beside small admin expired"),
        ("a_limited_token", record("by", access=LIMITED), "limited fewer none small"),
        ("a_token_of_no_features", record("by", access={"features": []}), "none"),
        ("a_read_only_token", record("by", readOnly=True), "reads small"),
        ("a_token_with_addresses", record("by", addresses=["10.0.0.0/8"]), "bound inside small"),
        ("a_token_limited_in_every_way", record("by", access=LIMITED, readOnly=True, addresses=["10.1.2.0/24"]), "small"),
        ("a_token_of_another_user", record("by", user="bob"), "other"),
    ]:
        wanted = [one["id"] for one in every if one["name"] in names.split()]
        book.ok(f"finds_what_{what}_manages", _manageable(by, *every), {"ids": wanted})
    for what, by in {"limited": every[2], "bound": every[7], "small": every[10], "admin": every[11]}.items():
        book.ok(f"lets_a_token_that_is_{what}_manage_itself", _manageable(by, by), {"ids": [by["id"]]})
    book.ok("finds_nothing_among_no_tokens", _manageable(record("by")), {"ids": []})
    book.ok("keeps_the_order_of_manageable_tokens", _manageable(record("by"), every[1], every[0]), {"ids": [every[1]["id"], every[0]["id"]]})
    case = record("case", access={"features": ["Popaccts"]})
    book.ok("tells_features_apart_by_case_in_what_is_managed", _manageable(record("by", access=LIMITED), case), {"ids": []})
    book.error("refuses_to_find_what_nobody_manages", without(_manageable(None), "creator"), "field_missing", field="creator")
    book.error("refuses_a_spoilt_manager", _manageable(record("by", hash="x")), "hash_kind_unsupported", field="creator.hash")
    book.error("refuses_spoilt_records_to_be_managed", _manageable(record("by"), every[0], record("x", name="")), "name_empty", field="records[1].name")
    return book


def _update_book():
    book = Book("update", "`update`: what is left out stays as it was. Answers from the model; addresses by Python's ipaddress.")
    admin = record(realm="admin")
    whole = record(access={"features": ["mail"]}, readOnly=True, addresses=["10.0.0.0/8"], realm="admin", pepper=PEPPER) | {"note": 1}
    book.ok("updates_nothing", _update(whole), {"record": whole})
    book.ok("updates_the_name_and_nothing_else", _update(whole, newName="next"), {"record": whole | {"name": "next"}})
    book.ok("updates_the_access_and_nothing_else", _update(whole, access=LIMITED), {"record": whole | {"access": LIMITED}})
    book.ok("updates_the_access_to_full", _update(whole, access="full"), {"record": whole | {"access": "full"}})
    book.ok("updates_the_access_to_nothing", _update(access={"features": []}), {"record.access": {"features": []}})
    book.ok("updates_the_addresses_and_nothing_else", _update(whole, addresses=["::1"]), {"record": whole | {"addresses": ["::1"]}})
    book.ok("updates_the_addresses_to_any", _update(whole, addresses=[]), {"record": whole | {"addresses": []}})
    book.ok("updates_the_expiry_of_the_administrators_token", _update(admin, expires=NOW + DAY), {"record": admin | {"expires": NOW + DAY}})
    book.ok("updates_the_expiry_to_never", _update(admin, expires="never"), {"record.expires": None})
    book.ok("updates_the_expiry_to_a_date_in_the_zone", _update(admin, expires="2027-02-01", zone="+02:00"), {"record.expires": 1801519199})
    book.ok("updates_everything_at_once", _update(admin, newName="n", taken=["ci", "x"], access=LIMITED, addresses=["192.0.2.1"], expires=NOW + 1), {"record.name": "n"})
    book.ok("updates_an_expired_token_and_leaves_it_expired", _update(record(expires=NOW - 1), newName="n"), {"record.expires": NOW - 1})
    book.ok("updates_to_its_own_name_though_taken", _update(newName="ci", taken=["ci"]), {"record.name": "ci"})
    book.ok("updates_within_the_longest_life_since_creation", _update(admin, expires=NOW + DAY, policy={"maxLifetime": 31 * DAY}), {"record.expires": NOW + DAY})
    book.ok("updates_the_name_whatever_the_policy", _update(record(expires=None), newName="n", policy={"expiryRequired": True}), {"record.expires": None})
    lost = account(features=["apitokens"])
    book.ok("updates_the_name_of_a_token_whose_account_lost_a_feature", _update(record(access=LIMITED), newName="n", account=lost), {"record.name": "n"})
    few = {"caps": {"features": 1, "addresses": 1, "recordBytes": 530}}
    wide = record(access={"features": ["a", "b", "c"]}, addresses=["::1", "::2"])
    book.ok("updates_the_name_of_a_token_above_the_caps", _update(wide, newName="n", policy=few), {"record.name": "n"})
    book.ok("narrows_the_addresses_of_a_token_with_too_many_features", _update(wide, addresses=["::1"], policy=few), {"record.addresses": ["::1"]})
    book.ok("narrows_the_features_of_a_token_with_too_many_addresses", _update(wide, access={"features": ["a"]}, policy=few), {"record.access": {"features": ["a"]}})
    book.error("refuses_to_update_to_more_features_than_allowed", _update(access=LIMITED, policy=few), "features_too_many", field="access.features")
    book.error("refuses_to_update_to_more_addresses_than_allowed", _update(addresses=["::1", "::2"], policy=few), "addresses_too_many", field="addresses")
    small = {"caps": {"recordBytes": 550}}
    half = {"access": {"features": ["f" * 20]}, "addresses": ["2001:db8:1:2:3:4:5:6"]}
    for part, value in half.items():
        rest = {key: other for key, other in half.items() if key != part}
        book.error(f"refuses_more_bytes_than_allowed_by_the_{part}_beside_what_the_token_has", _update(record(**{"access": {"features": []}} | rest), **{part: value}, policy=small), "record_too_large", field=False)
        book.ok(f"keeps_the_{part}_of_a_token_above_the_bytes", _update(record(**half), **{part: value}, policy=small), {f"record.{part}": value})
        book.error(f"refuses_larger_{part}_of_a_token_above_the_bytes", _update(record(**half), **{part: {"features": ["f" * 21]} if part == "access" else ["2001:db8:11:2:3:4:5:6"]}, policy=small), "record_too_large", field=False)
    book.ok("narrows_a_token_above_the_bytes", _update(record(**half), access={"features": ["f"]}, policy=small), {"record.access": {"features": ["f"]}})
    book.error("refuses_to_update_to_more_bytes_than_allowed", _update(access={"features": ["f" * 20]}, policy=few), "record_too_large", field=False)
    for what, realm in {"an_accounts_token": "account", "a_token_without_realm": None}.items():
        given = record(realm=realm) if realm else without(record(), "realm")
        book.error(f"refuses_another_expiry_for_{what}", _update(given, expires=NOW + DAY), "expiry_fixed", field="expires")
    book.error("refuses_its_own_expiry_for_an_accounts_token", _update(expires=record()["expires"]), "expiry_fixed", field="expires")
    book.error("refuses_to_update_a_revoked_token", _update(record(revoked=NOW), newName="n"), "record_revoked", field="record")
    book.error("refuses_to_update_nothing_of_a_revoked_token", _update(record(revoked=NOW - 1)), "record_revoked", field="record")
    book.error("refuses_to_update_to_a_taken_name", _update(newName="x", taken=["x"]), "name_taken", field="newName")
    for what, (name, code) in {"an_empty_name": ("", "name_empty"), "a_bad_name": ("a b", "name_character"), "a_long_name": ("n" * 51, "name_too_long")}.items():
        book.error(f"refuses_to_update_to_{what}", _update(newName=name), code, field="newName")
    book.error("refuses_to_update_at_zero", _update() | {"now": 0}, "now_invalid", field="now")
    book.error("refuses_to_update_to_a_bad_feature", _update(access={"features": ["a b"]}), "feature_invalid", field="access.features[0]")
    book.error("refuses_to_update_to_a_bad_address", _update(addresses=["::1", "x"]), "address_invalid", field="addresses[1]")
    book.error("refuses_to_update_to_too_many_addresses", _update(addresses=["::1"] * 101), "addresses_too_many", field="addresses")
    book.error("refuses_to_update_to_a_past_expiry", _update(admin, expires=NOW), "expiry_past", field="expires")
    book.error("refuses_to_update_to_zero", _update(admin, expires=0), "expiry_past", field="expires")
    book.error("refuses_to_update_to_an_unreadable_expiry", _update(admin, expires="soon"), "expiry_invalid", field="expires")
    book.error("refuses_to_update_to_null", _update(admin, expires=None), "type_invalid", field="expires")
    book.error("refuses_to_update_to_never_where_an_expiry_is_required", _update(admin, expires="never", policy={"expiryRequired": True}), "expiry_required", field=False)
    book.error("refuses_to_update_beyond_the_longest_life_since_creation", _update(admin, expires=NOW + DAY, policy={"maxLifetime": 30 * DAY}), "expiry_too_late", field=False)
    book.error("refuses_to_update_for_a_suspended_account", _update(newName="n", account=account(suspended=True)), "account_suspended", field=False)
    book.error("refuses_to_update_for_another_account", _update(newName="n", account=account(user="bob")), "account_mismatch", field=False)
    book.error("refuses_to_update_without_the_feature_of_tokens", _update(newName="n", account=account(features=["mail"])), "tokens_disabled", field=False)
    book.error("refuses_to_update_to_a_feature_that_the_account_lacks", _update(access=LIMITED, account=lost), "feature_not_in_account", field=False)
    book.error("refuses_to_update_the_user", _update(user="bob"), "field_unknown", field="user")
    book.error("refuses_to_update_what_is_read_only", _update(readOnly=False), "field_unknown", field="readOnly")
    book.error("refuses_to_update_a_newer_record", _update(record(v=2)), "record_version_unsupported", field="record.v")
    book.error("refuses_to_update_no_record", without(_update(), "record"), "field_missing", field="record")
    for what, by in {
        "a_limited_token": (record("by", access=LIMITED), "access"),
        "a_read_only_token": (record("by", readOnly=True), "readOnly"),
        "a_token_with_addresses": (record("by", addresses=["10.0.0.0/8"]), "addresses"),
    }.items():
        creator, field = by
        book.error(f"checks_the_name_before_the_record_of_{what}", _update(newName="", creator=creator | {"hash": "x"}), "name_empty", field="newName")
        book.error(f"checks_the_address_before_the_record_of_{what}", _update(addresses=["x"], creator=creator | {"hash": "x"}), "address_invalid", field="addresses[0]")
        book.error(f"refuses_{what}_to_update_one_that_has_more", _update(newName="n", creator=creator), "access_exceeds_creator", field=field)
    by = record("by", access=LIMITED, addresses=["10.0.0.0/8"])
    low = record(access={"features": ["popaccts"]}, addresses=["10.1.0.0/16"])
    book.ok("lets_a_limited_token_update_one_that_has_less", _update(low, addresses=["10.2.0.0/16"], creator=by), {"record.addresses": ["10.2.0.0/16"]})
    book.error("refuses_a_limited_token_to_give_full_access", _update(low, access="full", creator=by), "access_exceeds_creator", field="access")
    book.error("refuses_a_token_with_addresses_to_open_another", _update(low, addresses=[], creator=by), "access_exceeds_creator", field="addresses")
    book.error("refuses_a_limited_token_to_narrow_one_that_has_more", _update(access=LIMITED, addresses=by["addresses"], creator=by), "access_exceeds_creator", field="access")
    bound = record("by", addresses=["10.0.0.0/8"])
    book.error("refuses_a_token_with_addresses_to_bind_one_without", _update(addresses=["10.0.0.0/8"], creator=bound), "access_exceeds_creator", field="addresses")
    _lengthening(book, admin)
    book.error("refuses_an_accounts_token_to_update_the_administrators", _update(admin, newName="n", creator=record("by")), "access_exceeds_creator", field="realm")
    return book


def _creator_book():
    book = Book("creator", "`create` with the token that asks: it can't give more than it has. Networks by Python's ipaddress.")
    book.ok("lets_a_full_token_create_a_full_one", _create(creator=record("by")), {"record.access": "full"})
    by = record("by", access=LIMITED)
    book.ok("lets_a_limited_token_create_one_of_its_features", _create(access=LIMITED, creator=by), {"record.access": LIMITED})
    book.ok("lets_a_limited_token_create_one_of_fewer_features", _create(access={"features": ["popaccts"]}, creator=by), {"record.access.features": ["popaccts"]})
    book.ok("lets_a_limited_token_create_one_of_no_features", _create(access={"features": []}, creator=by), {"record.access.features": []})
    book.error("refuses_a_limited_token_a_full_one", _create(creator=by), "access_exceeds_creator", field="access")
    book.error("refuses_a_limited_token_to_give_another_feature", _create(access={"features": ["popaccts", "mysql"]}, creator=by), "access_exceeds_creator", field="access")
    book.error("refuses_a_limited_token_a_feature_in_another_case", _create(access={"features": ["Popaccts"]}, creator=by), "access_exceeds_creator", field="access")
    book.error("refuses_a_token_without_features_any", _create(access=LIMITED, creator=record("by", access={"features": []})), "access_exceeds_creator", field="access")
    quiet = record("by", readOnly=True)
    book.ok("lets_a_read_only_token_create_a_read_only_one", _create(readOnly=True, creator=quiet), {"record.readOnly": True})
    book.error("refuses_a_read_only_token_one_that_writes", _create(creator=quiet), "access_exceeds_creator", field="readOnly")
    bound = record("by", addresses=["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])
    book.ok("gives_the_creators_addresses_to_a_token_without_any", _create(creator=bound), {"record.addresses": bound["addresses"]})
    for what, listed in {
        "the_same": ["10.0.0.0/8"],
        "one_inside": ["10.255.255.255", "2001:db8:1::/48", "192.0.2.7/32"],
        "one_written_as_mapped": ["::ffff:10.0.0.1", "::ffff:10.1.0.0/112"],
    }.items():
        book.ok(f"lets_a_token_with_addresses_list_{what}", _create(addresses=listed, creator=bound), {"record.addresses": listed})
    for what, listed in {
        "a_wider_one": ["10.0.0.0/7"],
        "one_outside": ["11.0.0.1"],
        "one_of_several_outside": ["10.0.0.1", "2001:db9::1"],
        "any_address_of_the_other_family": ["::/0"],
        "all_addresses": ["0.0.0.0/0"],
        "a_neighbour": ["192.0.2.6/31"],
    }.items():
        book.error(f"refuses_a_token_with_addresses_to_list_{what}", _create(addresses=listed, creator=bound), "access_exceeds_creator", field="addresses")
    book.error("refuses_an_accounts_token_one_of_the_administrator", _create(realm="admin", creator=record("by")), "access_exceeds_creator", field="realm")
    book.ok("lets_the_administrators_token_create_its_like", _create(realm="admin", creator=record("by", realm="admin")), {"record.realm": "admin"})
    book.ok("lets_the_administrators_token_create_one_of_an_account", _create(creator=record("by", realm="admin")), {"record.realm": "account"})
    book.error("names_the_account_before_the_creator", _create(account=account(suspended=True), creator=by), "account_suspended", field=False)
    book.error("names_the_creator_before_the_expiry", _create(expires=NOW, creator=by), "access_exceeds_creator", field="access")
    book.error("refuses_a_creator_of_null", _create(creator=None), "type_invalid", field="creator")
    _machine_rights(book)
    book.error("refuses_a_spoilt_creator", _create(creator=record("by", hash="sha256:00")), "hash_invalid", field="creator.hash")
    return book


def _machine_rights(book):
    machine = {"features": ["snapshot-read", "usage-report"]}
    chief = account(administrator=True)
    book.ok("lets_an_administrator_grant_the_rights_of_machines", _create(access=machine, account=chief), {"record.access": machine})
    book.ok("lets_an_administrators_full_token_grant_the_rights_of_machines", _create(access=machine, account=chief, creator=record("by")), {"record.access": machine})
    book.error("refuses_a_token_the_rights_of_machines_in_an_account_with_every_feature", _create(access=machine, account=account()), "feature_not_in_account", field=False)
    listing = account(features=["apitokens", "snapshot-read", "usage-report"])
    book.error("refuses_a_token_the_rights_of_machines_in_an_account_that_lists_them", _create(access=machine, account=listing), "feature_not_in_account", field=False)
    book.error("refuses_a_limited_token_to_grant_the_rights_of_machines", _create(access=machine, account=chief, creator=record("by", access=LIMITED)), "access_exceeds_creator", field="access")
    book.error("refuses_to_update_to_the_rights_of_machines_in_an_account_with_every_feature", _update(access=machine, account=account()), "feature_not_in_account", field=False)
    book.error("refuses_an_administrator_flag_of_number", _create(account=account(administrator=1)), "type_invalid", field="account.administrator")


def books():
    """update.json, creator.json and manageable.json."""
    return [_update_book(), _creator_book(), _manageable_book()]
