"""`verify`: every reason, every boundary, and the order among reasons."""

from model import tokens

from .book import DAY, FUNCTIONS, NOW, OLD_PEPPER, PEPPER, Book, account, header, record, secret, without

LIMITED = {"features": ["popaccts"]}


def _call(module, function, **more):
    return {"module": module, "function": function} | more


def _states(book):
    book.verdict("admits_a_good_token", "ok")
    book.verdict("admits_a_good_token_that_never_expires", "ok", record=record(expires=None))
    book.verdict("admits_a_good_bearer_token", "ok", authorization=header(scheme="Bearer"))
    book.verdict("admits_a_prefixed_token", "ok", authorization=f"cpanel alice:{tokens.token_text(secret('ci'), 'tl')}")
    book.verdict("admits_a_token_one_second_before_its_expiry", "ok", record=record(expires=NOW + 1))
    book.verdict("refuses_a_token_at_its_expiry_second", "token_expired", record=record(expires=NOW))
    book.verdict("refuses_a_token_one_second_after_its_expiry", "token_expired", record=record(expires=NOW - 1))
    book.verdict("refuses_a_token_that_expired_in_1970", "token_expired", record=record(expires=0))
    book.verdict("admits_a_token_of_an_account_that_only_has_apitokens", "ok", account=account(features=["apitokens"]))
    book.verdict("refuses_a_missing_header", "header_missing", authorization=[])
    book.verdict("refuses_a_repeated_header", "header_repeated", authorization=[header(), header()])
    book.verdict("refuses_a_malformed_header", "header_malformed", authorization="cpanel alice")
    book.verdict("refuses_an_unsupported_scheme", "scheme_unsupported", authorization="Basic abc")
    book.verdict("refuses_a_token_without_record", "token_unknown", record=None)
    book.verdict("refuses_a_token_without_record_and_account", "token_unknown", record=None, account=None)
    book.verdict("refuses_a_token_of_another_record", "token_unknown", record=record("other"))
    book.verdict("refuses_a_revoked_token", "token_revoked", record=record(revoked=NOW - 1))
    book.verdict("refuses_a_token_revoked_this_second", "token_revoked", record=record(revoked=NOW))
    book.verdict("refuses_a_token_revoked_in_the_future", "token_revoked", record=record(revoked=NOW + DAY))
    book.verdict("refuses_a_token_revoked_at_zero", "token_revoked", record=record(revoked=0))
    book.verdict("refuses_the_header_of_another_user", "user_mismatch", authorization=header(user="bob"))
    book.verdict("refuses_the_user_in_another_case", "user_mismatch", authorization=header(user="Alice"))
    book.verdict("refuses_a_token_without_account", "account_unknown", account=None)
    book.verdict("refuses_a_token_with_the_account_of_another", "account_unknown", account=account("bob"))
    book.verdict("refuses_a_token_with_the_account_in_another_case", "account_unknown", account=account("ALICE"))
    book.verdict("refuses_a_token_of_a_suspended_account", "account_suspended", account=account(suspended=True))
    book.verdict("refuses_a_token_where_tokens_are_disabled", "tokens_disabled", account=account(features=["popaccts"]))
    book.verdict("refuses_a_token_of_an_account_without_features", "tokens_disabled", account=account(features=[]))
    proto = record(user="__proto__", name="constructor")
    book.verdict("admits_a_user_named_proto", "ok", record=proto, account=account("__proto__"), authorization=header(user="__proto__"))
    book.verdict("shows_no_record_until_its_hash_matched", "token_unknown", authorization=header("other"))
    book.verdict("admits_by_a_record_without_its_optional_keys", "ok", record=without(record(), "hint", "realm", "revoked"))
    book.verdict("admits_at_the_first_second_of_2020", "ok", now=1577836800)
    last = record(expires=253402300799)
    book.verdict("admits_before_the_last_second", "ok", now=253402300798, record=last)
    book.verdict("refuses_at_the_last_second", "token_expired", now=253402300799, record=last)
    book.verdict("shows_features_and_reading_of_a_limited_token", "function_without_feature", record=record(access=LIMITED, readOnly=True))


def _realms(book):
    admin = record(realm="admin")
    at_admin = {"realm": "admin"}
    for name, authorization, one, call, reason in [
        ("admits_whm_at_the_admin_port", header(scheme="whm"), admin, at_admin, "ok"),
        ("admits_bearer_at_the_admin_port", header(scheme="Bearer"), admin, at_admin, "ok"),
        ("admits_cpanel_at_the_named_account_port", header(), record(), {"realm": "account"}, "ok"),
        ("refuses_whm_at_the_account_port", header(scheme="whm"), admin, {}, "realm_mismatch"),
        ("refuses_whm_with_an_account_token", header(scheme="whm"), record(), {}, "realm_mismatch"),
        ("refuses_whm_with_an_account_token_at_the_admin_port", header(scheme="whm"), record(), at_admin, "realm_mismatch"),
        ("refuses_cpanel_with_an_admin_token", header(), admin, at_admin, "realm_mismatch"),
        ("refuses_cpanel_at_the_admin_port", header(), record(), at_admin, "realm_mismatch"),
        ("refuses_bearer_with_an_admin_token_at_the_account_port", header(scheme="Bearer"), admin, {}, "realm_mismatch"),
        ("refuses_bearer_with_an_account_token_at_the_admin_port", header(scheme="Bearer"), record(), at_admin, "realm_mismatch"),
    ]:
        book.verdict(name, reason, authorization=authorization, record=one, call=call)
    book.verdict("refuses_an_admin_token_when_no_call_is_given", "realm_mismatch", authorization=header(scheme="whm"), record=admin)


def _machines(book):
    for right, writes in {"snapshot-read": False, "usage-report": True, "metrics-read": False}.items():
        what = right.replace("-", "_")
        call = {"feature": right, "writes": writes}
        chief, every = account(administrator=True), account()
        one = record(access={"features": [right]})
        for name, given, whose, reason in [
            ("admits_a_limited_token_of_an_administrator_to", one, chief, "ok"),
            ("admits_a_full_token_of_an_administrator_to", record(), chief, "ok"),
            ("admits_an_administrators_token_without_regard_to_the_features_of_the_account_to", one, account(features=["apitokens"], administrator=True), "ok"),
            ("refuses_a_full_token_of_an_account_with_every_feature", record(), every, "feature_not_in_account"),
            ("refuses_a_limited_token_of_an_account_with_every_feature", one, every, "feature_not_in_account"),
            ("refuses_a_full_token_of_an_account_that_lists", record(), account(features=["apitokens", right]), "feature_not_in_account"),
            ("refuses_a_limited_token_of_an_account_that_lists", one, account(features=["apitokens", right]), "feature_not_in_account"),
            ("refuses_an_administrators_limited_token_that_does_not_name", record(access=LIMITED), chief, "feature_not_granted"),
            ("refuses_an_administrators_token_where_tokens_are_disabled", one, account(features=[], administrator=True), "tokens_disabled"),
        ]:
            book.verdict(f"{name}_{what}", reason, record=given, account=whose, call=call)
    book.verdict("gives_an_administrator_no_other_feature", "feature_not_in_account", account=account(features=["apitokens"], administrator=True), call={"feature": "mail"})
    book.verdict("takes_a_right_of_machines_in_another_case_for_a_feature", "ok", call={"feature": "Snapshot-Read"})
    book.verdict("refuses_a_read_only_token_to_report_uses", "read_only", record=record(readOnly=True), account=account(administrator=True), call={"feature": "usage-report"})


def _functions(book):
    mail, mail_add = _call("Email", "list_pops"), _call("Email", "add_pop")
    read, write = _call("Variables", "get_user_information"), _call("Variables", "set_theme")
    limited, reads = record(access=LIMITED), record(readOnly=True)
    nothing, narrow = record(access={"features": []}), account(features=["apitokens", "ftpaccts"])
    for name, one, call, reason in [
        ("admits_a_full_token_to_a_function_with_a_feature", record(), mail_add, "ok"),
        ("admits_a_full_token_to_a_function_without_feature", record(), write, "ok"),
        ("admits_a_full_token_to_an_unknown_function", record(), _call("No", "such"), "ok"),
        ("admits_a_limited_token_to_its_feature", limited, mail, "ok"),
        ("admits_a_limited_token_to_write_with_its_feature", limited, mail_add, "ok"),
        ("admits_a_read_only_token_to_a_function_that_reads", reads, read, "ok"),
        ("admits_a_function_by_api2", limited, mail | {"api": "api2"}, "ok"),
        ("refuses_a_limited_token_a_function_without_feature", limited, read, "function_without_feature"),
        ("refuses_a_limited_token_an_unknown_function", limited, _call("No", "such"), "function_without_feature"),
        ("refuses_a_limited_token_another_feature", limited, _call("Ftp", "list_ftp"), "feature_not_granted"),
        ("refuses_a_token_of_no_features_any_feature", nothing, mail, "feature_not_granted"),
        ("refuses_a_token_of_no_features_a_function_without_feature", nothing, read, "function_without_feature"),
        ("refuses_a_read_only_token_a_function_that_writes", reads, mail_add, "read_only"),
        ("refuses_a_read_only_token_a_writing_function_without_feature", reads, write, "read_only"),
        ("refuses_a_read_only_token_an_unknown_function", reads, _call("No", "such"), "read_only"),
        ("refuses_a_read_only_token_a_function_in_another_case", reads, _call("email", "list_pops"), "read_only"),
        ("refuses_a_read_only_token_a_function_by_an_api_it_lacks", reads, read | {"api": "api2"}, "read_only"),
        ("reads_a_function_whose_apis_differ_by_the_first", reads, _call("Ftp", "list_ftp"), "ok"),
        ("reads_a_function_whose_apis_differ_by_the_second", reads, _call("Ftp", "list_ftp", api="api2"), "read_only"),
        ("refuses_a_limited_token_a_module_in_another_case", limited, _call("email", "list_pops"), "function_without_feature"),
        ("refuses_a_limited_token_a_function_in_another_case", limited, _call("Email", "LIST_POPS"), "function_without_feature"),
        ("refuses_a_read_only_token_a_function_without_feature_in_another_case", reads, _call("variables", "get_user_information"), "read_only"),
        ("admits_a_full_token_a_function_in_another_case", record(), _call("EMAIL", "List_Pops"), "ok"),
        ("admits_a_full_token_a_name_that_folds_by_no_ascii_letter", record(), _call("Email", "list\u017fpops"), "ok"),
        ("refuses_a_limited_token_a_function_named_constructor", limited, _call("__proto__", "constructor"), "function_without_feature"),
        ("refuses_api1", record(), mail | {"api": "api1"}, "api_unsupported"),
        ("refuses_api1_without_a_function", record(), {"api": "api1"}, "api_unsupported"),
        ("refuses_api1_to_a_limited_token_before_its_feature", limited, {"api": "api1"}, "api_unsupported"),
    ]:
        book.verdict(name, reason, record=one, call=call, catalogue=FUNCTIONS)
    # A server that doesn't tell cases apart would carry the function out.
    without_mail = account(features=["apitokens", "ftpaccts"])
    for what, call, reason in [
        ("a_module", _call("email", "list_pops"), "feature_not_in_account"),
        ("a_function", _call("Email", "List_pops"), "feature_not_in_account"),
        ("a_function_by_another_api", _call("EMAIL", "ADD_POP", api="api2"), "feature_not_in_account"),
        ("a_function_in_two_apis", _call("Email", "ADD_POP"), "feature_not_in_account"),
        ("a_function_of_a_granted_feature", _call("FTP", "LIST_FTP"), "ok"),
        ("a_function_without_feature", _call("variables", "SET_THEME"), "ok"),
    ]:
        book.verdict(f"reads_{what}_in_another_case_for_an_account", reason, record=record(), account=without_mail, call=call, catalogue=FUNCTIONS)
    # So would one that offers a function by more than the one API that is listed.
    for what, one, whose, call, reason in [
        ("an_account", record(), without_mail, _call("Email", "list_pops", api="whm"), "feature_not_in_account"),
        ("an_account_in_another_case", record(), without_mail, _call("email", "list_pops", api="whm"), "feature_not_in_account"),
        ("an_account_that_has_the_feature", record(), account(), _call("Email", "list_pops", api="whm"), "ok"),
        ("a_limited_token", limited, account(), _call("Email", "list_pops", api="whm"), "function_without_feature"),
        ("a_read_only_token", reads, account(), _call("Email", "list_pops", api="whm"), "read_only"),
        ("an_account_without_a_feature_to_lack", record(), without_mail, _call("Variables", "set_theme", api="api2"), "ok"),
    ]:
        book.verdict(f"reads_a_function_by_an_api_it_lacks_for_{what}", reason, record=one, account=whose, call=call, catalogue=FUNCTIONS)
    for name, one, whose, call, reason in [
        ("admits_a_named_feature_that_reads", reads, account(), {"feature": "popaccts", "writes": False}, "ok"),
        ("refuses_a_read_only_token_a_named_feature_that_writes", reads, account(), {"feature": "popaccts", "writes": True}, "read_only"),
        ("takes_a_named_feature_to_write", reads, account(), {"feature": "popaccts"}, "read_only"),
        ("admits_a_named_feature_to_a_limited_token", limited, account(), {"feature": "popaccts"}, "ok"),
        ("refuses_a_named_feature_that_is_not_granted", limited, account(), {"feature": "ftpaccts"}, "feature_not_granted"),
        ("refuses_a_named_feature_in_another_case", limited, account(), {"feature": "PopAccts"}, "feature_not_granted"),
        ("refuses_a_full_token_a_feature_that_the_account_lacks", record(), narrow, {"feature": "popaccts"}, "feature_not_in_account"),
        ("refuses_a_limited_token_a_feature_that_the_account_lost", limited, narrow, {"feature": "popaccts"}, "feature_not_in_account"),
        ("admits_a_full_token_a_feature_that_the_account_has", record(), narrow, {"feature": "ftpaccts"}, "ok"),
        ("admits_a_full_token_that_names_nothing", record(), narrow, {}, "ok"),
        ("refuses_a_limited_token_that_names_nothing", limited, account(), {}, "function_without_feature"),
        ("refuses_a_read_only_token_that_names_nothing", reads, account(), {}, "read_only"),
        ("admits_a_read_only_token_that_says_it_only_reads", reads, account(), {"writes": False}, "ok"),
        ("refuses_a_limited_token_that_only_says_it_reads", limited, account(), {"writes": False}, "function_without_feature"),
        ("admits_a_named_feature_by_whm", record(), account(), {"feature": "list-accts", "api": "whm"}, "ok"),
    ]:
        book.verdict(name, reason, record=one, account=whose, call=call)
    book.verdict("refuses_a_limited_token_without_a_call", "function_without_feature", record=limited)
    book.verdict("refuses_a_read_only_token_without_a_call", "read_only", record=reads)
    book.verdict("takes_every_function_as_unknown_in_an_empty_catalogue", "read_only", record=reads, call=read, catalogue=[])


LADDER = [
    ("token_revoked", {"record": {"revoked": NOW}}),
    ("realm_mismatch", {"call": {"realm": "admin"}}),
    ("user_mismatch", {"record": {"user": "carol"}}),
    ("token_expired", {"record": {"expires": NOW}}),
    ("account_unknown", {"account": {"user": "dave"}}),
    ("account_suspended", {"account": {"suspended": True}}),
    ("tokens_disabled", {"account": {"features": ["x"]}}),
    ("address_unknown", {"record": {"addresses": ["10.0.0.0/8"]}}),
    ("api_unsupported", {"call": {"api": "api1"}}),
    ("function_without_feature", {"record": {"access": {"features": []}}}),
    ("read_only", {"record": {"readOnly": True}}),
]
"""Faults that can all be present at once, in the order of the table of reasons."""


def _order(book):
    for at, (reason, _) in enumerate(LADDER):
        parts = {"record": record(), "account": account(), "call": {}}
        for _, changes in LADDER[at:]:
            for key, change in changes.items():
                parts[key] = parts[key] | change
        book.verdict(f"names_{reason}_before_all_that_follows", reason, **parts)
        book.verdict(f"names_token_unknown_before_{reason}", "token_unknown", authorization=header("guess"), **parts)
    worst = {"record": record(revoked=NOW, expires=0), "account": None}
    book.verdict("names_header_missing_before_a_revoked_record", "header_missing", authorization="", **worst)
    book.verdict("names_header_repeated_before_a_revoked_record", "header_repeated", authorization=["", ""], **worst)
    book.verdict("names_header_malformed_before_a_revoked_record", "header_malformed", authorization="x\n", **worst)
    book.verdict("names_scheme_unsupported_before_a_revoked_record", "scheme_unsupported", authorization="Basic x", **worst)
    only = record(addresses=["10.0.0.0/8"], access={"features": []}, readOnly=True)
    book.verdict("names_address_refused_before_api_unsupported", "address_refused", record=only, call={"api": "api1", "address": "11.0.0.1"})
    lacking = {"record": record(access=LIMITED, readOnly=True), "account": account(features=["apitokens"])}
    book.verdict("names_feature_not_granted_before_feature_not_in_account", "feature_not_granted", call={"feature": "ftpaccts"}, **lacking)
    book.verdict("names_feature_not_in_account_before_read_only", "feature_not_in_account", call={"feature": "popaccts"}, **lacking)


def _peppers(book):
    new, old = record(pepper=PEPPER), record(pepper=OLD_PEPPER)
    book.verdict("admits_under_its_pepper", "ok", record=new, peppers=[PEPPER])
    book.verdict("admits_an_old_pepper_during_rotation", "ok", record=old, peppers=[PEPPER, OLD_PEPPER])
    book.verdict("admits_a_new_pepper_during_rotation", "ok", record=new, peppers=[PEPPER, OLD_PEPPER])
    book.verdict("admits_a_bare_hash_beside_peppers", "ok", peppers=[PEPPER])
    book.verdict("refuses_a_wrong_token_under_a_pepper", "token_unknown", record=new, peppers=[PEPPER], authorization=header("guess"))
    changed = PEPPER | {"key": "11" * 32}
    book.verdict("refuses_a_pepper_whose_key_changed", "token_unknown", record=new, peppers=[changed])
    bare = {"op": "verify", "now": NOW, "authorization": header(), "record": old, "account": account()}
    book.error("refuses_a_hash_under_a_retired_pepper", bare | {"peppers": [PEPPER]}, "pepper_unknown", field=False)
    book.error("refuses_a_hash_under_a_pepper_when_none_is_given", bare, "pepper_unknown", field=False)
    guess = bare | {"authorization": header("guess"), "peppers": [PEPPER]}
    book.error("names_an_unknown_pepper_for_a_wrong_token_too", guess, "pepper_unknown", field=False)
    same = tokens.hash_of(secret("ci")).split(":")[1]
    forged = record(hash=f"hmac-sha256:{PEPPER['id']}:{same}")
    book.verdict("does_not_take_a_bare_hash_for_a_peppered_one", "token_unknown", record=forged, peppers=[PEPPER])
    bare_forged = record(hash="sha256:" + new["hash"].split(":")[2])
    book.verdict("does_not_take_a_peppered_hash_for_a_bare_one", "token_unknown", record=bare_forged, peppers=[PEPPER])


def _errors(book):
    good = {"op": "verify", "now": NOW, "authorization": header(), "record": record(), "account": account()}
    for key in ("now", "authorization", "record", "account"):
        book.error(f"refuses_to_verify_without_{key}", without(good, key), "field_missing", field=key)
    for key, value in {"now": "1800000000", "authorization": 5, "record": [], "account": "alice", "call": None, "peppers": {}, "catalogue": "x"}.items():
        book.error(f"refuses_a_wrong_type_of_{key}_in_verify", good | {key: value}, "type_invalid", field=key)
    book.error("refuses_to_verify_at_zero", good | {"now": 0}, "now_invalid", field="now")
    book.error("refuses_to_verify_after_the_last_second", good | {"now": 253402300800}, "now_invalid", field="now")
    book.error("refuses_to_verify_with_an_unknown_key", good | {"address": "10.0.0.1"}, "field_unknown", field="address")
    for what, call, code, field in [
        ("a_function_and_a_feature", _call("Email", "list_pops", feature="popaccts", writes=False), "call_ambiguous", False),
        ("a_function_and_a_feature_alone", _call("Email", "list_pops", feature="popaccts"), "call_ambiguous", False),
        ("a_function_that_says_whether_it_writes", _call("Email", "list_pops", writes=False), "call_ambiguous", False),
        ("an_unknown_api", {"api": "uapi3"}, "value_invalid", "call.api"),
        ("an_api_in_capitals", {"api": "UAPI"}, "value_invalid", "call.api"),
        ("an_unknown_realm", {"realm": "root"}, "value_invalid", "call.realm"),
        ("a_bad_feature", {"feature": "a b"}, "feature_invalid", "call.feature"),
        ("a_feature_of_null", {"feature": None}, "type_invalid", "call.feature"),
        ("a_number_for_writes", {"feature": "mail", "writes": 0}, "type_invalid", "call.writes"),
        ("an_unknown_key", {"verb": "GET"}, "field_unknown", "call.verb"),
        ("a_number_as_address", {"address": 1}, "type_invalid", "call.address"),
    ]:
        book.error(f"refuses_a_call_with_{what}", good | {"call": call}, code, field=field)
    one = FUNCTIONS[0]
    for what, catalogue, code, field in [
        ("a_repeated_function", [one, one], "catalogue_invalid", False),
        ("an_api_in_common", [one, one | {"apis": ["api2"]}], "catalogue_invalid", False),
        ("an_api_in_common_with_one_between", [one | {"apis": ["uapi"]}, one | {"apis": ["whm"]}, one | {"apis": ["uapi"]}], "catalogue_invalid", False),
        ("a_function_in_two_cases", [one, one | {"function": one["function"].upper()}], "catalogue_invalid", False),
        ("a_module_in_two_cases", [one | {"module": one["module"].lower()}, one], "catalogue_invalid", False),
        ("an_empty_module", [one | {"module": ""}], "catalogue_invalid", False),
        ("an_empty_function", [one | {"function": ""}], "catalogue_invalid", False),
        ("no_api", [one | {"apis": []}], "catalogue_invalid", False),
        ("the_api_api1", [one | {"apis": ["api1"]}], "catalogue_invalid", False),
        ("a_bad_feature", [one | {"feature": "a b"}], "feature_invalid", False),
        ("no_word_on_its_feature", [without(one, "feature")], "field_missing", "catalogue[0].feature"),
        ("no_word_on_writing", [one, without(FUNCTIONS[2], "writes")], "field_missing", "catalogue[1].writes"),
        ("an_unknown_key", [one | {"reads": True}], "field_unknown", "catalogue[0].reads"),
    ]:
        book.error(f"refuses_a_catalogue_with_{what}", good | {"catalogue": catalogue}, code, field=field)


def books():
    """verify.json."""
    book = Book(
        "verify",
        "`verify`: every reason, the boundaries of each, and the order among them; hashes by Python's hashlib and hmac.",
    )
    _states(book)
    _realms(book)
    _machines(book)
    _functions(book)
    _order(book)
    _peppers(book)
    _errors(book)
    return [book]
