"""`reply` with coded errors and unknown keys: one stable sentence a code."""

from model import sentences

from .book import Book, record, secret

UNTOLD = sentences.UNTOLD


def _failed(shape, function, code, field=None, **more):
    error = {"code": code} | ({} if field is None else {"field": field}) | more
    return {"op": "reply", "shape": shape, "function": function, "error": error}


def _body(sentence):
    quoted = sentence.replace('"', '\\"')
    return '{"status":0,"data":null,"errors":["%s"],"messages":null,"warnings":null,"metadata":{}}' % quoted


def books():
    """wording.json."""
    book = Book("wording", "`reply`: coded errors as sentences, and warnings of unknown keys. Some bodies are written out by hand in the generator.")
    for code in sentences.SENTENCES:
        book.ok(f"words_{code}_in_uapi", _failed("uapi", "create_limited", code, "name"))
        book.ok(f"words_{code}_without_a_field_in_whm", _failed("whm", "api_token_update", code))
    for what, (function, code, field, sentence) in {
        "a_bad_name": ("create_full_access", "name_character", "name", 'The parameter "name" may contain only letters, digits, "-" and "_".'),
        "a_past_expiry": ("create_full_access", "expiry_past", "expires", 'The parameter "expires_at" must lie in the future.'),
        "a_missing_name": ("revoke", "field_missing", "name", 'The parameter "name" is missing.'),
        "a_taken_name": ("create_limited", "name_taken", "name", 'You already have a token named by the parameter "name".'),
        "a_taken_name_without_a_field": ("create_limited", "name_taken", None, 'You already have a token named by the parameter "name".'),
        "a_taken_new_name_without_a_field": ("rename", "name_taken", None, 'You already have a token named by the parameter "new_name".'),
        "a_bad_new_name": ("rename", "name_empty", "newName", 'The parameter "new_name" must not be empty.'),
        "a_feature_by_its_path": ("create_limited", "feature_invalid", "access.features[3]", 'The parameter "features" may contain only names of features, each once.'),
        "an_address_by_its_path": ("set_addresses", "address_invalid", "addresses[0]", 'The parameter "addresses" may contain only IP addresses and CIDR blocks.'),
        "a_switch": ("create_limited", "value_invalid", "readonly", 'The parameter "readonly" has a value that is not allowed.'),
        "an_unknown_token": ("rename", "token_unknown", None, 'You have no token named by the parameter "name".'),
        "what_exceeds_the_creator": ("create_limited", "access_exceeds_creator", "access", "The token that asks may not give more than it has itself."),
        "a_busy_store": ("list", "store_busy", None, UNTOLD),
        "a_taken_hash": ("create_limited", "hash_taken", None, UNTOLD),
        "a_code_of_nobody": ("list", "constructor", None, UNTOLD),
        "an_empty_code": ("list", "", None, UNTOLD),
        "a_code_with_a_line_feed": ("list", "\nname_empty", "name", UNTOLD),
        "the_beginning_of_a_code": ("list", "name", "name", UNTOLD),
        "a_field_of_the_inside": ("list", "hash_invalid", "record.hash", UNTOLD),
        "a_field_without_parameter": ("list", "type_invalid", "policy.maxLifetime", UNTOLD),
        "an_empty_field": ("list", "field_missing", "", UNTOLD),
        "a_coded_error_without_a_field": ("list", "type_invalid", None, UNTOLD),
    }.items():
        book.ok(f"words_{what}", _failed("uapi", function, code, field, message="never told"), {"body": _body(sentence)})
    for what, (function, code, field, sentence) in {
        "a_bad_name": ("api_token_create", "name_character", "name", 'The parameter "token_name" may contain only letters, digits, "-" and "_".'),
        "a_missing_name": ("api_token_revoke", "field_missing", "token_name", 'The parameter "token_name" is missing.'),
        "a_taken_name": ("api_token_update", "name_taken", None, 'You already have a token named by the parameter "new_name".'),
        "an_address": ("api_token_update", "address_invalid", "addresses[1]", 'The parameter "whitelist_ip" may contain only IP addresses and CIDR blocks.'),
        "an_acl": ("api_token_create", "feature_not_in_account", "access.features[0]", 'The parameter "acl" may contain only features that your account has.'),
        "a_token": ("api_token_get_details", "field_missing", "token", 'The parameter "token" is missing.'),
    }.items():
        quoted = sentence.replace('"', '\\"')
        body = '{"metadata":{"command":"%s","reason":"%s","result":0,"version":1}}' % (function, quoted)
        book.ok(f"words_{what}_in_whm", _failed("whm", function, code, field), {"body": body})
    for shape in ("uapiCommand", "api2"):
        book.ok(f"words_an_error_in_{shape.lower()}", _failed(shape, "rename", "name_too_long", "newName"))
    for shape in ("uapi", "uapiCommand", "api2"):
        word = shape.lower()
        made = {"op": "reply", "shape": shape, "function": "create_limited", "token": secret("ci"), "record": record()}
        book.ok(f"replies_to_create_limited_in_{word}", made)
        book.ok(f"replies_to_set_addresses_in_{word}", {"op": "reply", "shape": shape, "function": "set_addresses"})
        warned = {"op": "reply", "shape": shape, "function": "revoke", "unknown": ["x", 'a "b" \\ \u00e9\n']}
        book.ok(f"warns_of_unknown_keys_in_{word}", warned)
        book.ok(f"warns_of_unknown_keys_beside_an_error_in_{word}", _failed(shape, "revoke", "field_missing", "name") | {"unknown": ["nam"]})
        book.ok(f"warns_of_nothing_in_{word}", {"op": "reply", "shape": shape, "function": "rename", "unknown": []})
    warned = '{"status":1,"data":1,"errors":null,"messages":null,"warnings":["The parameter \\"x\\" is not known and was ignored."],"metadata":{}}'
    book.ok("warns_byte_for_byte", {"op": "reply", "shape": "uapi", "function": "revoke", "unknown": ["x"]}, {"body": warned})
    book.ok("warns_of_nothing_in_whm", {"op": "reply", "shape": "whm", "function": "api_token_revoke", "unknown": ["x"]})
    book.error("refuses_an_error_without_code", _failed("uapi", "list", "x") | {"error": {"field": "name"}}, "field_missing", field="error.code")
    book.error("refuses_an_error_with_an_unknown_key", _failed("uapi", "list", "x", detail="y"), "field_unknown", field="error.detail")
    book.error("refuses_an_error_of_number", _failed("uapi", "list", "x") | {"error": 1}, "type_invalid", field="error")
    book.error("refuses_a_code_of_number", _failed("uapi", "list", 1), "type_invalid", field="error.code")
    book.error("refuses_unknown_keys_of_text", {"op": "reply", "shape": "uapi", "function": "revoke", "unknown": "x"}, "type_invalid", field="unknown")
    return [book]
