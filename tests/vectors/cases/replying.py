"""`reply`: the bodies of the compatible interfaces, byte for byte."""

from model import tokens

from .book import NOW, Book, record, secret, without

TOKEN = secret("ci")
LIMITED = {"features": ["apitokens", "popaccts"]}
ODD = 'A "quoted" \\ / <b>&amp;</b> \b\f\n\r\t\u0000\u001b\u007f \u00e9 \u2028 \U0001f511'
"""Text that has to be escaped with care."""


def _reply(shape, function, **more):
    return {"op": "reply", "shape": shape, "function": function} | more


def _rows():
    return [
        record("zeta", access=LIMITED, readOnly=True, addresses=["10.0.0.0/8", "::1"]),
        record("Beta", expires=None),
        record("gone", revoked=NOW - 1),
        record("alpha", access={"features": []}),
        record("constructor", readOnly=True, addresses=["192.0.2.1"]),
    ]


def _uapi_like(book):
    bodies = {
        "uapi": '{"status":1,"data":%s,"errors":null,"messages":null,"warnings":null,"metadata":{}}',
        "uapiCommand": '{"apiversion":3,"func":"%s","module":"Tokens","result":{"status":1,"data":%s,"errors":null,"messages":null,"warnings":null,"metadata":{}}}',
        "api2": '{"cpanelresult":{"apiversion":2,"module":"Tokens","func":"%s","data":%s,"event":{"result":1}}}',
    }
    for shape, body in bodies.items():
        word = shape.lower()

        def fill(function, data):
            return {"body": body % ((function, data) if shape != "uapi" else data), "status": 200}

        made = f'{{"create_time":{record()["created"]},"token":"{TOKEN}"}}'
        made = f"[{made}]" if shape == "api2" else made
        create = _reply(shape, "create_full_access", token=TOKEN, record=record())
        book.ok(f"replies_to_create_in_{word}", create, fill("create_full_access", made))
        book.ok(f"replies_to_rename_in_{word}", _reply(shape, "rename"), fill("rename", "[]" if shape == "api2" else "null"))
        book.ok(f"replies_to_revoke_in_{word}", _reply(shape, "revoke"), fill("revoke", "[1]" if shape == "api2" else "1"))
        bound = _reply(shape, "get_addresses", record=record(addresses=["10.0.0.0/8", "::1"]))
        book.ok(f"replies_to_get_addresses_in_{word}", bound, fill("get_addresses", '["10.0.0.0/8","::1"]'))
        book.ok(f"replies_to_get_addresses_of_an_open_token_in_{word}", _reply(shape, "get_addresses", record=record()), fill("get_addresses", "[]"))
        book.error(f"refuses_a_reply_to_get_addresses_without_record_in_{word}", _reply(shape, "get_addresses"), "field_missing", field="record")
        book.ok(f"replies_to_list_in_{word}", _reply(shape, "list", records=_rows()), {"status": 200})
        book.ok(f"replies_to_an_empty_list_in_{word}", _reply(shape, "list", records=[]), {"status": 200})
        book.ok(f"replies_to_a_list_of_revoked_tokens_in_{word}", _reply(shape, "list", records=[record(revoked=1)]))
        for function in ("create_full_access", "list", "rename", "revoke"):
            failed = _reply(shape, function, error="The token could not be found.")
            book.ok(f"replies_to_a_failed_{function}_in_{word}", failed, {"status": 200})
        book.ok(f"escapes_an_error_in_{word}", _reply(shape, "revoke", error=ODD))
        book.ok(f"replies_with_an_empty_error_in_{word}", _reply(shape, "revoke", error=""))
        book.error(f"refuses_an_unknown_function_in_{word}", _reply(shape, "create_none"), "function_unknown", field="function")
        book.ok(f"tells_the_failure_of_any_function_in_{word}", _reply(shape, "install_ssl", error="There is no such function here."))
        book.error(f"refuses_a_whm_function_in_{word}", _reply(shape, "api_token_list", records=[]), "function_unknown", field="function")
        book.error(f"refuses_a_reply_to_create_without_token_in_{word}", without(create, "token"), "field_missing", field="token")
        book.error(f"refuses_a_reply_to_create_without_record_in_{word}", without(create, "record"), "field_missing", field="record")
        book.error(f"refuses_a_reply_to_list_without_records_in_{word}", _reply(shape, "list"), "field_missing", field="records")
    row = '{"name":"ro","create_time":%d,"expires_at":null,"features":["b","a"],"has_full_access":0,"readonly":1}' % record()["created"]
    body = '{"status":1,"data":[%s],"errors":null,"messages":null,"warnings":null,"metadata":{"transformed":1}}' % row
    one = record("ro", access={"features": ["b", "a"]}, readOnly=True, expires=None)
    book.ok("lists_a_read_only_token_byte_for_byte", _reply("uapi", "list", records=[one]), {"body": body})
    prefixed = tokens.token_text(TOKEN, "tl")
    book.ok("replies_with_a_prefixed_token", _reply("uapi", "create_full_access", token=prefixed, record=record()))


def _whm(book):
    create = _reply("whm", "api_token_create", token=TOKEN, record=record(addresses=["10.0.0.0/8"], access=LIMITED))
    ends = record()["expires"]
    body = '{"data":{"acls":["apitokens","popaccts"],"create_time":%d,"expires_at":%d,"name":"ci","token":"%s","whitelist_ips":["10.0.0.0/8"]},' % (
        record()["created"],
        ends,
        TOKEN,
    )
    body += '"metadata":{"command":"api_token_create","reason":"OK","result":1,"version":1}}'
    book.ok("replies_to_api_token_create", create, {"body": body})
    book.ok("replies_to_api_token_create_with_full_access", _reply("whm", "api_token_create", token=TOKEN, record=record(expires=None)))
    book.ok("replies_to_api_token_list", _reply("whm", "api_token_list", records=_rows()))
    book.ok("replies_to_an_empty_api_token_list", _reply("whm", "api_token_list", records=[]))
    protos = [record("__proto__"), record("constructor"), record("toString")]
    book.ok("replies_to_api_token_list_with_names_of_prototype_members", _reply("whm", "api_token_list", records=protos))
    numbers = [record("10"), record("9"), record("a")]
    book.ok("sorts_names_of_digits_as_text_in_api_token_list", _reply("whm", "api_token_list", records=numbers))
    book.ok("replies_to_api_token_update", _reply("whm", "api_token_update", record=record(access=LIMITED)))
    body = '{"metadata":{"command":"api_token_revoke","reason":"OK","result":1,"version":1}}'
    book.ok("replies_to_api_token_revoke", _reply("whm", "api_token_revoke"), {"body": body})
    book.ok("replies_to_api_token_get_details", _reply("whm", "api_token_get_details", record=record(readOnly=True)))
    body = body.replace("revoke", "get_details")
    book.ok("replies_to_api_token_get_details_of_an_unknown_token", _reply("whm", "api_token_get_details"), {"body": body})
    for function in ("api_token_create", "api_token_list", "api_token_update", "api_token_revoke", "api_token_get_details"):
        body = '{"metadata":{"command":"%s","reason":"No such token.","result":0,"version":1}}' % function
        book.ok(f"replies_to_a_failed_{function}", _reply("whm", function, error="No such token."), {"body": body})
    book.ok("escapes_an_error_in_whm", _reply("whm", "api_token_revoke", error=ODD))
    book.ok("tells_the_failure_of_any_function_in_whm", _reply("whm", "listaccts", error="There is no such function here."))
    book.error("refuses_an_unknown_function_in_whm", _reply("whm", "api_token_delete"), "function_unknown", field="function")
    book.error("refuses_a_uapi_function_in_whm", _reply("whm", "list", records=[]), "function_unknown", field="function")
    book.error("refuses_api_token_create_without_token", without(create, "token"), "field_missing", field="token")
    book.error("refuses_api_token_create_without_record", without(create, "record"), "field_missing", field="record")
    book.error("refuses_api_token_list_without_records", _reply("whm", "api_token_list"), "field_missing", field="records")
    book.error("refuses_api_token_update_without_record", _reply("whm", "api_token_update"), "field_missing", field="record")


def _denied(book):
    def denied(status, **more):
        return {"op": "reply", "shape": "denied", "httpStatus": status} | more

    body = '{"cpanelresult":{"apiversion":"2","error":"Access denied","data":{"reason":"Access denied","result":"0"},"type":"text"}}'
    book.ok("denies_with_401", denied(401), {"status": 401, "body": body, "headers.WWW-Authenticate": 'Bearer realm="tokenlatch"'})
    book.ok("denies_with_403", denied(403), {"status": 403, "body": body})
    book.ok("denies_with_429", denied(429, retryAfter=30), {"status": 429, "body": body, "headers.Retry-After": "30"})
    book.ok("denies_with_429_for_one_second", denied(429, retryAfter=1), {"headers.Retry-After": "1"})
    fault = body.replace("Access denied", "The token cannot be checked now; try again later")
    book.ok("denies_with_503_in_words_of_a_fault", denied(503), {"status": 503, "body": fault})
    book.ok("denies_with_503_for_a_second", denied(503, retryAfter=1), {"status": 503, "body": fault, "headers.Retry-After": "1"})
    book.error("refuses_503_with_retry_after_of_zero", denied(503, retryAfter=0), "value_invalid", field="retryAfter")
    book.error("refuses_429_without_retry_after", denied(429), "field_missing", field="retryAfter")
    book.error("refuses_429_with_retry_after_of_zero", denied(429, retryAfter=0), "value_invalid", field="retryAfter")
    book.error("refuses_429_with_a_negative_retry_after", denied(429, retryAfter=-5), "value_invalid", field="retryAfter")
    book.error("refuses_429_with_retry_after_of_text", denied(429, retryAfter="30"), "type_invalid", field="retryAfter")
    for status in (200, 400, 404, 500, 0, -1):
        book.error(f"refuses_to_deny_with_{str(status).replace('-', 'minus_')}", denied(status), "value_invalid", field="httpStatus")
    book.error("refuses_to_deny_without_a_status", {"op": "reply", "shape": "denied"}, "field_missing", field="httpStatus")


def _refused(book):
    """A request that was refused before it reached a function: the interface's envelope, the status, and the code."""

    def refused(shape, **more):
        return {"op": "reply", "shape": shape, "httpStatus": 404, "code": "function_unknown", "error": "There is no such function here."} | more

    told = '"detail":"There is no such function here.","code":"function_unknown"}'
    uapi = '"status":0,"data":null,"errors":["There is no such function here."],"messages":null,"warnings":null,"metadata":{}'
    bodies = {
        "uapi": "{" + uapi + ",",
        "uapiCommand": '{"apiversion":3,"result":{' + uapi + "},",
        "api2": '{"cpanelresult":{"apiversion":2,"data":[],"error":"There is no such function here.","event":{"result":0,"reason":"There is no such function here."}},',
        "whm": '{"metadata":{"command":"","reason":"There is no such function here.","result":0,"version":1},',
    }
    for shape, body in bodies.items():
        word = shape.lower()
        book.ok(f"tells_a_refused_request_in_{word}", refused(shape), {"status": 404, "body": body + told})
        book.ok(f"tells_a_refused_request_for_a_function_in_{word}", refused(shape, function="list", httpStatus=415), {"status": 415})
        book.ok(f"escapes_a_refusal_in_{word}", refused(shape, error=ODD, httpStatus=400))
        book.error(f"refuses_a_refusal_without_error_in_{word}", without(refused(shape), "error"), "field_missing", field="error")
        book.error(f"refuses_a_refusal_without_status_in_{word}", without(refused(shape), "httpStatus"), "field_missing", field="httpStatus")
    for status in (0, 200, 399, 600, -404, 65936):
        book.error(f"refuses_a_refusal_with_{str(status).replace('-', 'minus_')}", refused("uapi", httpStatus=status), "value_invalid", field="httpStatus")
    command = refused("whm", function="listaccts")
    body = '{"metadata":{"command":"listaccts","reason":"There is no such function here.","result":0,"version":1},' + told
    book.ok("names_the_command_of_a_refused_request_in_whm", command, {"body": body})


def books():
    """reply.json."""
    book = Book(
        "reply",
        "`reply`: bodies byte for byte, from RULES.md §3 to §5; JSON text by Python's json. Typical bodies are also written out by hand in the generator.",
    )
    _uapi_like(book)
    _whm(book)
    _denied(book)
    _refused(book)
    book.error("refuses_an_unknown_shape", _reply("api3", "list", records=[]), "value_invalid", field="shape")
    book.error("refuses_a_shape_named_constructor", _reply("constructor", "list", records=[]), "value_invalid", field="shape")
    book.error("refuses_a_reply_without_shape", without(_reply("x", "list"), "shape"), "field_missing", field="shape")
    broken = record(hash="sha256:0")
    for what, parts in (("record", {"record": broken}), ("list", {"records": [broken]})):
        book.error(f"looks_for_the_function_before_a_broken_{what}", without(_reply("uapi", "x", **parts), "function"), "field_missing", field="function")
        book.error(f"names_an_unknown_function_before_a_broken_{what}", _reply("uapi", "x", **parts), "function_unknown", field="function")
        book.ok(f"denies_whatever_a_broken_{what}_holds", {"op": "reply", "shape": "denied", "httpStatus": 401, **parts})
        refused = {"op": "reply", "shape": "uapi", "code": "x", "error": "No.", "httpStatus": 200, **parts}
        book.error(f"looks_at_the_status_before_a_broken_{what}", refused, "value_invalid", field="httpStatus")
    book.error("names_a_broken_record_of_a_reply", _reply("uapi", "revoke", record=broken), "hash_invalid", field="record.hash")
    book.error("names_a_broken_record_of_a_failed_reply", _reply("uapi", "revoke", error="No.", record=broken), "hash_invalid", field="record.hash")
    book.error("names_a_broken_record_before_a_missing_part", _reply("uapi", "list", record=broken), "hash_invalid", field="record.hash")
    book.error("refuses_a_reply_without_function", without(_reply("uapi", "x"), "function"), "field_missing", field="function")
    book.error("refuses_a_reply_with_an_error_of_null", _reply("uapi", "revoke", error=None), "type_invalid", field="error")
    book.error("refuses_a_reply_with_an_unknown_key", _reply("uapi", "revoke", count=1), "field_unknown", field="count")
    return [book]
