"""`parameters`: what the compatible interfaces were given."""

from .book import NOW, Book, without

LONG = "k" * 70


def _read(shape, function, *values):
    return {"op": "parameters", "shape": shape, "function": function, "values": [list(value) for value in values]}


def _spelt(key):
    """A key as a part of a vector's name."""
    spelt = {"[": "_open", "]": "_shut", "-": "_hyphen_", ".": "_dot_"}
    return "".join(spelt.get(letter, f"big_{letter.lower()}" if letter.isupper() else letter) for letter in key)


def _uapi(book):
    name = ("name", "ci")
    made = {"name": "ci", "expires": "never", "access": "full", "unknown": []}
    for shape in ("uapi", "uapiCommand", "api2"):
        book.ok(f"reads_create_full_access_in_{shape.lower()}", _read(shape, "create_full_access", name), made)
    for what, value in {"digits": str(NOW), "a_number": NOW, "zero": 0, "digits_of_zero": "0", "a_negative_number": -1}.items():
        book.ok(f"reads_an_expiry_of_{what}", _read("uapi", "create_full_access", name, ("expires_at", value)), {"expires": int(value)})
    for what, value in {"an_empty_text": "", "a_date": "2027-12-31", "the_word_never": "never", "a_sign": "-1", "a_fraction": "1.5", "nineteen_digits": "1" * 19, "too_many": "9007199254740992"}.items():
        book.error(f"refuses_an_expiry_parameter_of_{what}", _read("uapi", "create_full_access", name, ("expires_at", value)), "expiry_invalid", field="expires_at")
    for what, value in {"true": True, "an_array": [NOW]}.items():
        book.error(f"refuses_an_expiry_parameter_of_{what}", _read("uapi", "create_full_access", name, ("expires_at", value)), "type_invalid", field="expires_at")
    fraction = '{"op":"parameters","shape":"uapi","function":"create_full_access","values":[["name","ci"],["expires_at",%s]]}'
    for what, number in {"a_half": "1800000000.5", "a_number_beyond_every_clock": "1e300"}.items():
        book.raw(f"never_takes_{what}_for_never", fraction % number, {"error": {"code": "type_invalid", "field": "expires_at"}})
    for what, (value, on) in {"1": ("1", True), "0": ("0", False), "one": (1, True), "zero": (0, False), "true": (True, True), "false": (False, False)}.items():
        book.ok(f"reads_readonly_of_{what}_{type(value).__name__}", _read("uapi", "create_full_access", name, ("readonly", value)), {"readOnly": on})
    for what, value in {"two": 2, "yes": "yes", "an_empty_text": "", "an_array": [1], "a_one_with_space": "1 "}.items():
        book.error(f"refuses_readonly_of_{what}", _read("uapi", "create_full_access", name, ("readonly", value)), "value_invalid", field="readonly")
    book.error("refuses_readonly_given_twice", _read("uapi", "create_full_access", name, ("readonly", 1), ("readonly", 1)), "field_duplicate", field="readonly")
    book.ok("takes_null_for_left_out", _read("uapi", "create_full_access", name, ("expires_at", None), ("readonly", None), ("name", None)), made)
    book.error("takes_a_name_of_null_for_left_out", _read("uapi", "create_full_access", ("name", None)), "field_missing", field="name")
    book.error("refuses_create_full_access_without_name", _read("uapi", "create_full_access"), "field_missing", field="name")
    book.error("refuses_a_name_given_twice", _read("uapi", "create_full_access", name, ("name", "b")), "field_duplicate", field="name")
    book.error("refuses_a_name_of_number", _read("uapi", "create_full_access", ("name", 5)), "type_invalid", field="name")
    book.error("names_the_first_parameter_at_fault", _read("uapi", "create_full_access", ("readonly", "x"), ("expires_at", "y"), name), "expiry_invalid", field="expires_at")
    book.ok("leaves_a_bad_name_to_the_operation", _read("uapi", "create_full_access", ("name", "a b\u00e9")), {"name": "a b\u00e9"})
    for key, about in {"features": "features", "addresses": "addresses", "acl": "features", "whitelist_ip": "addresses", "read_only": "readonly", "expires": "expires_at", "Expiry": "expires_at"}.items():
        book.error(f"makes_no_full_token_of_one_with_{_spelt(key)}", _read("uapi", "create_full_access", name, (key, "x")), "field_unknown", field=about)
    book.ok("passes_over_a_limit_of_null", _read("uapi", "create_full_access", name, ("features", None)), {"unknown": ["features"], "access": "full"})
    book.ok("passes_over_what_limits_nothing", _read("uapi", "create_full_access", name, ("ac", "x"), ("comment", "x"), ("new_name", "b"), ("xacl", 1)), {"unknown": ["ac", "comment", "new_name", "xacl"]})
    book.error("tells_of_a_missing_name_before_a_limit", _read("uapi", "create_full_access", ("features", "x")), "field_missing", field="name")
    book.ok("looks_for_no_limits_where_none_is_set", _read("uapi", "rename", name, ("new_name", "b"), ("expires", "x"), ("acl", "y")), {"unknown": ["expires", "acl"]})
    for what, values in {
        "with_commas": [("features", "a,b,c")],
        "with_spaces_and_holes": [("features", " a,, b ,c,")],
        "by_number": [("features-0", "a"), ("features-1", "b"), ("features-10", "c")],
        "by_number_in_brackets": [("features[0]", "a"), ("features[1]", "b"), ("features[10]", "c")],
        "in_brackets": [("features[]", "a"), ("features[]", "b"), ("features[]", "c")],
        "repeatedly": [("features", "a"), ("features", "b"), ("features", "c")],
        "as_an_array": [("features", ["a", "b", "c"])],
        "as_an_array_with_commas": [("features", ["a,b", "c"])],
        "in_every_way": [("features", ["a"]), ("features-7", "b"), ("features", "c")],
    }.items():
        book.ok(f"reads_features_{what}", _read("uapi", "create_limited", name, *values), {"access": {"features": ["a", "b", "c"]}, "expires": "never"})
    book.ok("reads_features_of_nothing", _read("uapi", "create_limited", name, ("features", "")), {"access.features": []})
    book.ok("reads_the_feature_all_as_a_feature", _read("uapi", "create_limited", name, ("features", "all")), {"access.features": ["all"]})
    book.error("refuses_create_limited_without_features", _read("uapi", "create_limited", name), "field_missing", field="features")
    book.error("refuses_features_of_null", _read("uapi", "create_limited", name, ("features", None)), "field_missing", field="features")
    book.error("refuses_features_of_number", _read("uapi", "create_limited", name, ("features", [1])), "type_invalid", field="features")
    book.error("refuses_features_of_true", _read("uapi", "create_limited", name, ("features", True)), "type_invalid", field="features")
    book.error("refuses_features_of_null_in_an_array", _read("uapi", "create_limited", name, ("features", ["a", None])), "type_invalid", field="features")
    every = [name, ("features", "a"), ("expires_at", NOW), ("readonly", 1), ("addresses-0", "::1"), ("addresses-1", "10.0.0.0/8")]
    book.ok("reads_every_parameter_of_create_limited", _read("uapi", "create_limited", *every), {"addresses": ["::1", "10.0.0.0/8"], "unknown": []})
    book.ok("reads_set_addresses", _read("uapi", "set_addresses", name, ("addresses", "::1,192.0.2.0/24")), {"addresses": ["::1", "192.0.2.0/24"]})
    book.ok("reads_set_addresses_to_any", _read("uapi", "set_addresses", name, ("addresses", "any")), {"addresses": []})
    for what, value in {"an_empty_text": "", "commas": ",,", "an_empty_array": []}.items():
        book.error(f"opens_no_token_by_addresses_of_{what}", _read("uapi", "set_addresses", name, ("addresses", value)), "value_invalid", field="addresses")
        book.error(f"makes_no_open_token_by_addresses_of_{what}", _read("uapi", "create_limited", name, ("features", "a"), ("addresses", value)), "value_invalid", field="addresses")
    book.ok("reads_any_beside_another_address_as_an_address", _read("uapi", "set_addresses", name, ("addresses", "any,::1")), {"addresses": ["any", "::1"]})
    book.error("refuses_set_addresses_without_addresses", _read("uapi", "set_addresses", name), "field_missing", field="addresses")
    book.ok("reads_get_addresses", _read("uapi", "get_addresses", name), {"name": "ci", "unknown": []})
    book.error("refuses_get_addresses_without_name", _read("uapi", "get_addresses"), "field_missing", field="name")
    book.ok("reads_list", _read("uapi", "list"), {"unknown": []})
    book.ok("reads_rename", _read("uapi", "rename", name, ("new_name", "b")), {"newName": "b"})
    book.error("refuses_rename_without_new_name", _read("uapi", "rename", name), "field_missing", field="new_name")
    book.ok("reads_revoke", _read("uapi", "revoke", name), {"name": "ci"})
    book.ok("knows_no_list_of_names_in_revoke", _read("uapi", "revoke", name, ("name-0", "b")), {"unknown": ["name-0"]})


def _whm(book):
    name = ("token_name", "ci")
    book.ok("reads_api_token_create", _read("whm", "api_token_create", name), {"name": "ci", "access": "full", "expires": "never", "unknown": []})
    for what, value in {"zero": 0, "digits_of_zero": "0"}.items():
        book.ok(f"reads_never_from_{what}_in_whm", _read("whm", "api_token_create", name, ("expires_at", value)), {"expires": "never"})
    book.ok("reads_an_expiry_in_whm", _read("whm", "api_token_create", name, ("expires_at", str(NOW))), {"expires": NOW})
    book.error("refuses_an_empty_expiry_in_whm", _read("whm", "api_token_create", name, ("expires_at", "")), "expiry_invalid", field="expires_at")
    book.ok("reads_acls_by_number", _read("whm", "api_token_create", name, ("acl-0", "list-accts"), ("acl-1", "kill-acct")), {"access": {"features": ["list-accts", "kill-acct"]}})
    book.ok("reads_the_acl_all_as_full", _read("whm", "api_token_create", name, ("acl", "all")), {"access": "full"})
    book.ok("reads_all_beside_another_acl_as_limited", _read("whm", "api_token_create", name, ("acl-0", "all"), ("acl-1", "x")), {"access": {"features": ["all", "x"]}})
    book.ok("reads_an_empty_acl_as_none", _read("whm", "api_token_create", name, ("acl", "")), {"access": {"features": []}})
    book.ok("reads_whitelist_ips", _read("whm", "api_token_create", name, ("whitelist_ip-0", "::1"), ("whitelist_ip-1", "10.0.0.1")), {"addresses": ["::1", "10.0.0.1"]})
    for function in ("api_token_create", "api_token_update"):
        book.ok(f"reads_any_address_in_{function}", _read("whm", function, name, ("whitelist_ip", "any")), {"addresses": []})
    for function in ("api_token_create", "api_token_update"):
        book.error(f"refuses_an_empty_whitelist_in_{function}", _read("whm", function, name, ("whitelist_ip", "")), "value_invalid", field="whitelist_ip")
        for key in ("acl[0]", "acl[]", "acl[123456789012345678]"):
            book.ok(f"reads_{_spelt(key)}_in_{function}", _read("whm", function, name, (key, "list-accts")), {"access": {"features": ["list-accts"]}})
        for key in ("whitelist_ip[0]", "whitelist_ip[]", "whitelist-ip-3", "whitelist-ip", "whitelist-ip[0]"):
            book.ok(f"reads_{_spelt(key)}_in_{function}", _read("whm", function, name, (key, "::1")), {"addresses": ["::1"]})
        for key in ("acls", "acl_0", "acl.0", "acl0", "ACL", "Acl", "acl[a]", "acl[0", "acl[0]x", "acl[1234567890123456789]", "acl-", "acl--1", "feature", "features"):
            book.error(f"refuses_{_spelt(key)}_in_{function}", _read("whm", function, name, (key, "list-accts")), "field_unknown", field="acl")
        for key in ("whitelist_ips", "whitelist_ip_0", "whitelist", "addresses", "address", "whitelist__ip"):
            book.error(f"refuses_{_spelt(key)}_in_{function}", _read("whm", function, name, (key, "::1")), "field_unknown", field="whitelist_ip")
        book.error(f"refuses_expire_at_in_{function}", _read("whm", function, name, ("expire_at", NOW)), "field_unknown", field="expires_at")
        book.error(f"refuses_readonly_in_{function}", _read("whm", function, name, ("readonly", 1)), "field_unknown", field="readonly")
    book.ok("reads_a_hyphen_for_an_underscore", _read("whm", "api_token_update", ("token-name", "ci"), ("new-name", "b"), ("expires-at", NOW)), {"name": "ci", "newName": "b", "expires": NOW})
    book.error("refuses_one_parameter_in_two_spellings", _read("whm", "api_token_update", name, ("token-name", "b")), "field_duplicate", field="token_name")
    book.ok("leaves_out_what_an_update_leaves_out", _read("whm", "api_token_update", name), {"name": "ci", "unknown": []})
    every = [name, ("new_name", "b"), ("acl", "all"), ("expires_at", 0), ("whitelist_ip", "::1")]
    book.ok("reads_every_parameter_of_an_update", _read("whm", "api_token_update", *every), {"newName": "b", "access": "full", "expires": "never", "addresses": ["::1"]})
    for what, values in {"one": [name], "several": [("token_name-0", "a"), ("token_name-1", "b")], "several_with_commas": [("token_name", "a,b")]}.items():
        book.ok(f"reads_the_names_of_{what}_to_revoke", _read("whm", "api_token_revoke", *values))
    book.error("refuses_to_revoke_no_name_in_whm", _read("whm", "api_token_revoke"), "field_missing", field="token_name")
    book.error("refuses_to_revoke_an_empty_name_in_whm", _read("whm", "api_token_revoke", ("token_name", ",")), "field_missing", field="token_name")
    book.ok("reads_a_thousand_names_to_revoke", _read("whm", "api_token_revoke", ("token_name", "a," * 1_000)))
    for function, key, count, code in (
        ("api_token_revoke", "token_name", 1_001, "value_invalid"),
        ("api_token_create", "acl", 1_001, "features_too_many"),
        ("api_token_create", "whitelist_ip", 101, "addresses_too_many"),
    ):
        values = [] if key == "token_name" else [name]
        long = ",".join(["a"] * count)
        book.error(f"refuses_{count}_items_of_{key}", _read("whm", function, *values, (key, long)), code, field=key)
        book.error(f"refuses_{count}_items_of_{key}_in_two_lists", _read("whm", function, *values, (f"{key}-0", long[2:]), (f"{key}-1", ["b"])), code, field=key)
    book.ok("reads_api_token_get_details", _read("whm", "api_token_get_details", ("token", "ABC")), {"token": "ABC"})
    book.error("refuses_api_token_get_details_without_token", _read("whm", "api_token_get_details"), "field_missing", field="token")
    book.ok("reads_api_token_list", _read("whm", "api_token_list", ("api.version", "1")), {"unknown": []})
    book.error("refuses_api_token_create_without_name", _read("whm", "api_token_create"), "field_missing", field="token_name")
    book.ok("knows_no_list_of_names_in_api_token_create", _read("whm", "api_token_create", name, ("token_name-0", "b")), {"unknown": ["token_name-0"]})


def books():
    """parameters.json."""
    book = Book("parameters", "`parameters`: the parameters of UAPI, API 2 and WHM in the words of the operations. Typical answers are also written out by hand in the generator.")
    _uapi(book)
    _whm(book)
    own = [("api.version", "1"), ("api.chunk.size", "5"), ("cpanel_jsonapi_user", "alice"), ("cpanel_jsonapi_", ""), ("cpanel_jsonap", "")]
    book.ok("passes_over_the_keys_of_the_interface", _read("api2", "list", *own), {"unknown": ["cpanel_jsonap"]})
    strange = [(f"key{number}", None) for number in range(20)]
    book.ok("tells_sixteen_unknown_keys", _read("uapi", "list", *strange), {"unknown": [f"key{number}" for number in range(16)]})
    book.ok("cuts_unknown_keys", _read("uapi", "list", (LONG, "x"), ("\u00e9" * 32 + "x", ""), ("x" + "\u00e9" * 40, "")), {"unknown": [LONG[:64], "\u00e9" * 32, "x" + "\u00e9" * 31]})
    book.ok("tells_odd_keys", _read("uapi", "list", ("", "x"), ("__proto__", "x"), ("constructor", {"a": 1}), ("-0", 1)), {"unknown": ["", "__proto__", "constructor", "-0"]})
    for what, key in {"without_digits": "features-", "with_a_letter": "features-a", "in_capitals": "Features"}.items():
        book.error(f"knows_no_list_{what}", _read("uapi", "create_limited", ("name", "a"), (key, "x")), "field_missing", field="features")
    book.error("knows_no_whm_function_in_uapi", _read("uapi", "api_token_list"), "function_unknown", field="function")
    book.error("knows_no_uapi_function_in_whm", _read("whm", "list"), "function_unknown", field="function")
    book.error("knows_no_function_named_constructor", _read("uapi", "constructor"), "function_unknown", field="function")
    book.error("reads_no_parameters_of_a_refusal", _read("denied", "list"), "value_invalid", field="shape")
    book.error("reads_no_unknown_shape", _read("api3", "list"), "value_invalid", field="shape")
    good = _read("uapi", "list")
    for key in ("shape", "function", "values"):
        book.error(f"refuses_parameters_without_{key}", without(good, key), "field_missing", field=key)
    for what, values in {"an_object": {"name": "a"}, "text": "name=a", "null": None}.items():
        book.error(f"refuses_values_of_{what}", good | {"values": values}, "type_invalid", field="values")
    for what, pair in {"one": ["a"], "three": ["a", "b", "c"], "a_number_for_key": [1, "a"], "an_object": {"a": 1}, "text": "a=1"}.items():
        book.error(f"refuses_a_pair_of_{what}", good | {"values": [["x", "y"], pair]}, "type_invalid", field="values[1]")
    return [book]
