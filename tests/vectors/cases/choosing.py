"""Where a token may stand: the credentials that are chosen, and tokens in a query."""

import base64

from model import tokens

from .book import NOW, PEPPER, Book, account, as_pepper, header, record, secret

S = secret("ci")
P = tokens.token_text(S, "tl")
DECOY = [tokens.hash_of(tokens.DECOY)]


def _basic(pair, scheme="Basic"):
    data = pair if isinstance(pair, bytes) else pair.encode()
    return f"{scheme} {base64.b64encode(data).decode()}"


def _given(credentials, *fields):
    fields = [list(one) for one in fields]
    return {"fields": fields} if credentials is None else {"credentials": credentials, "fields": fields}


def _auth(value):
    return "Authorization", value


def _key(value, name="X-API-Key"):
    return name, value


def books():
    """credentials.json and queries.json."""
    book = Book("credentials", "The credentials that are chosen: where a token may stand, more than one, what isn't looked at, and the challenge.")
    _grammar(book)
    _presented(book)
    _several(book)
    _judged(book)
    _held(book)
    return [book, _queries()]


USUAL = 'Bearer realm="tokenlatch"'


def _api_key(name):
    return f'ApiKey realm="tokenlatch", in="header", name="{name}"'


def _grammar(book):
    for what, texts, fields, challenge in [
        ("nothing", None, ["authorization"], USUAL),
        ("the_usual", ["bearer", "cpanel", "whm"], ["authorization"], USUAL),
        ("the_usual_in_another_order", ["whm", "cpanel", "bearer"], ["authorization"], USUAL),
        ("bearer", ["bearer"], ["authorization"], USUAL),
        ("cpanel", ["cpanel"], ["authorization"], 'cpanel realm="tokenlatch"'),
        ("whm_and_cpanel", ["whm", "cpanel"], ["authorization"], 'whm realm="tokenlatch", cpanel realm="tokenlatch"'),
        ("basic", ["basic"], ["authorization", "sec-fetch-site"], 'Basic realm="tokenlatch"'),
        ("basic_and_bearer", ["basic", "bearer"], ["authorization", "sec-fetch-site"], 'Basic realm="tokenlatch", Bearer realm="tokenlatch"'),
        ("x_api_key", ["x-api-key"], ["x-api-key"], _api_key("x-api-key")),
        ("a_header", ["header:X-Auth-Key"], ["x-auth-key"], _api_key("X-Auth-Key")),
        ("two_headers", ["header:b", "header:a"], ["b", "a"], _api_key("b") + ", " + _api_key("a")),
        ("a_scheme", ["scheme:Token"], ["authorization"], 'Token realm="tokenlatch"'),
        ("a_small_scheme", ["scheme:apikey"], ["authorization"], 'apikey realm="tokenlatch"'),
        ("a_header_and_bearer", ["x-api-key", "bearer"], ["authorization", "x-api-key"], _api_key("x-api-key") + ", " + USUAL),
        ("a_scheme_and_a_header_of_one_name", ["scheme:key", "header:key"], ["authorization", "key"], 'key realm="tokenlatch", ' + _api_key("key")),
        ("a_scheme_and_a_header_named_alike", ["scheme:x-api-key", "x-api-key"], ["authorization", "x-api-key"], 'x-api-key realm="tokenlatch", ' + _api_key("x-api-key")),
        ("a_name_of_64", ["header:" + "a" * 64], ["a" * 64], _api_key("a" * 64)),
        ("digits_and_hyphens", ["header:-1-"], ["-1-"], _api_key("-1-")),
        ("names_that_only_begin_alike", ["header:accepted", "header:hosts", "header:x-host-key"], ["accepted", "hosts", "x-host-key"], ", ".join(map(_api_key, ("accepted", "hosts", "x-host-key")))),
    ]:
        request = {"op": "credentials"} | ({} if texts is None else {"credentials": texts})
        book.ok(f"tells_what_is_looked_at_for_{what}", request, {"fields": fields, "challenge": challenge})
    book.ok("takes_sixteen_credentials", {"op": "credentials", "credentials": [f"header:h{at}" for at in range(16)]})
    for what, texts, field in [
        ("no_credentials", [], "credentials"),
        ("seventeen_credentials", [f"header:h{at}" for at in range(17)], "credentials"),
        ("a_credential_twice", ["bearer", "bearer"], "credentials[1]"),
        ("a_header_twice", ["x-api-key", "bearer", "header:X-Api-Key"], "credentials[2]"),
        ("a_scheme_twice", ["scheme:Token", "scheme:TOKEN"], "credentials[1]"),
    ]:
        book.error(f"refuses_{what}", {"op": "credentials", "credentials": texts}, "credentials_invalid", field=field)
    for what, text in {
        "an_empty_text": "", "capitals": "Bearer", "an_unknown_word": "digest", "a_space": "bearer ", "a_header_without_name": "header:", "a_header_without_colon": "header",
        "a_scheme_without_name": "scheme:", "a_name_of_65": "header:" + "a" * 65, "a_scheme_of_65": "scheme:" + "a" * 65, "an_underscore": "header:x_api_key",
        "a_dot": "header:x.api.key", "a_space_in_a_name": "header:x key", "a_colon_in_a_name": "header:x:y", "a_letter_beyond_ascii": "header:x-\u00e9", "a_tab_in_a_scheme": "scheme:a\tb",
        "a_quote_in_a_scheme": 'scheme:a"b', "a_comma_in_a_scheme": "scheme:a,b", "an_underscore_in_a_scheme": "scheme:api_key", "capitals_before_the_colon": "Header:x-key", "a_space_after_the_colon": "header: x-key",
    }.items():
        book.error(f"refuses_a_credential_with_{what}", {"op": "credentials", "credentials": ["bearer", text]}, "credentials_invalid", field="credentials[1]")
    for name in (
        "authorization", "Authorization", "proxy-authorization", "cookie", "Cookie", "set-cookie", "host", "Host", "origin", "referer", "user-agent", "accept", "accept-language", "content-type",
        "content-length", "range", "if-match", "sec-fetch-site", "sec-anything", "access-control-request-method", "te", "via", "x-forwarded-for", "X-Forwarded-Anything", "x-tokenlatch-user",
        "X-Tokenlatch-Key", "x-real-ip", "x-user", "remote-user", "x-request-id", "forwarded", "x-http-method-override", "x-original-url", "proxy", "client-cert", "traceparent", "dpop",
        "transfer-encoding", "connection", "cf-access-anything", "x-auth-request-token",
    ):
        what = ("capital_" if name != name.lower() else "") + name.lower().replace("-", "_")
        book.error(f"refuses_the_field_{what}", {"op": "credentials", "credentials": [f"header:{name}"]}, "credentials_invalid", field="credentials[0]")
    for name in ("basic", "Basic", "bearer", "cpanel", "WHM", "Digest", "negotiate", "NTLM", "hoba", "mutual", "dpop", "OAuth", "SCRAM-SHA-256", "AWS4-HMAC-SHA256", "vapid", "kerberos"):
        what = name.replace("-", "_").lower() + ("_in_capitals" if name != name.lower() else "")
        book.error(f"refuses_the_scheme_{what}", {"op": "credentials", "credentials": [f"scheme:{name}"]}, "credentials_invalid", field="credentials[0]")
    book.error("refuses_a_text_as_credentials", {"op": "credentials", "credentials": "bearer"}, "type_invalid", field="credentials")
    book.error("refuses_a_number_as_credential", {"op": "credentials", "credentials": [1]}, "type_invalid", field="credentials[0]")
    book.error("refuses_null_as_credentials", {"op": "credentials", "credentials": None}, "type_invalid", field="credentials")
    for what, value, code, field in [
        ("no_fields", {"credentials": ["basic"]}, "field_missing", "authorization.fields"),
        ("an_object_of_fields", {"fields": {}}, "type_invalid", "authorization.fields"),
        ("a_field_of_three", {"fields": [["a", "b", "c"]]}, "type_invalid", "authorization.fields[0]"),
        ("a_field_without_value", {"fields": [["a", "b"], ["a"]]}, "type_invalid", "authorization.fields[1]"),
        ("a_field_of_null", {"fields": [["a", None]]}, "type_invalid", "authorization.fields[0]"),
        ("a_field_named_by_a_number", {"fields": [[1, "a"]]}, "type_invalid", "authorization.fields[0]"),
        ("another_key", {"fields": [], "field": []}, "field_unknown", "authorization.field"),
        ("a_refused_credential", {"credentials": ["header:cookie"], "fields": []}, "credentials_invalid", "authorization.credentials[0]"),
        ("no_credential", {"credentials": [], "fields": []}, "credentials_invalid", "authorization.credentials"),
    ]:
        book.error(f"refuses_an_authorization_with_{what}", {"op": "identify", "authorization": value}, code, field=field)
    book.error("finds_bad_credentials_before_a_bad_pepper", {"op": "identify", "authorization": _given([]), "peppers": [{"id": "a", "key": "00"}]}, "credentials_invalid", field="authorization.credentials")
    whole = {"op": "verify", "now": NOW, "authorization": _given(["x"]), "record": None, "account": None}
    book.error("refuses_to_verify_by_bad_credentials", whole, "credentials_invalid", field="authorization.credentials[0]")
    book.error("finds_a_bad_time_before_bad_credentials", whole | {"now": 0}, "now_invalid", field="now")
    book.error("finds_bad_credentials_before_a_bad_account", whole | {"account": account(user="")}, "credentials_invalid", field="authorization.credentials[0]")


def _found(book, what, credentials, *fields, scheme, user=None):
    like = {"scheme": scheme, "user": user, "reason": "ok", "hashes": [tokens.hash_of(S)]}
    book.ok(f"finds_a_token_{what}", {"op": "identify", "authorization": _given(credentials, *fields)}, like)


def _none(book, what, reason, credentials, *fields):
    like = {"scheme": None, "user": None, "reason": reason, "hashes": DECOY}
    book.ok(f"finds_no_token_{what}", {"op": "identify", "authorization": _given(credentials, *fields)}, like)


def _presented(book):
    for what, credentials, fields, scheme, user in [
        ("by_default_in_a_field", None, [_auth(header())], "cpanel", "alice"),
        ("by_default_in_a_small_field", None, [("authorization", f"Bearer {S}")], "bearer", None),
        ("by_default_beside_other_fields", None, [_key(S), _auth(f"Bearer {S}"), ("Cookie", "a=b")], "bearer", None),
        ("in_basic_without_user", ["basic"], [_auth(_basic(f":{S}"))], "basic", None),
        ("in_basic_with_user", ["basic"], [_auth(_basic(f"alice:{S}"))], "basic", "alice"),
        ("in_basic_with_padding_of_one", ["basic"], [_auth(_basic(f"ab:{S}"))], "basic", "ab"),
        ("in_basic_with_padding_of_two", ["basic"], [_auth(_basic(f"abcd:{S}"))], "basic", "abcd"),
        ("in_basic_with_no_padding", ["basic"], [_auth(_basic(f"abc:{S}"))], "basic", "abc"),
        ("in_small_basic", ["basic"], [_auth(_basic(f":{S}", "basic"))], "basic", None),
        ("in_basic_in_capitals", ["basic"], [_auth(_basic(f":{S}", "BASIC"))], "basic", None),
        ("in_basic_after_spaces", ["basic"], [_auth(_basic(f":{S}", "Basic  "))], "basic", None),
        ("in_basic_with_a_prefix", ["basic"], [_auth(_basic(f":{P}"))], "basic", None),
        ("in_basic_with_a_mail_address", ["basic"], [_auth(_basic(f"al@example.com:{S}"))], "basic", "al@example.com"),
        ("in_basic_from_the_same_origin", ["basic"], [_auth(_basic(f":{S}")), ("Sec-Fetch-Site", "same-origin")], "basic", None),
        ("in_basic_from_no_site", ["basic"], [("sec-fetch-site", "none"), _auth(_basic(f":{S}"))], "basic", None),
        ("in_bearer_from_another_site", ["basic", "bearer"], [_auth(f"Bearer {S}"), ("Sec-Fetch-Site", "cross-site")], "bearer", None),
        ("in_a_key_from_another_site", ["basic", "x-api-key"], [_key(S), ("Sec-Fetch-Site", "cross-site")], "header", None),
        ("in_bearer_alone", ["bearer"], [_auth(f"bearer {S}")], "bearer", None),
        ("in_whm_alone", ["whm"], [_auth(header(user="root", scheme="whm"))], "whm", "root"),
        ("in_token", ["scheme:Token"], [_auth(f"Token {S}")], "scheme", None),
        ("in_token_in_another_case", ["scheme:Token"], [_auth(f"tOKEN   {P}")], "scheme", None),
        ("in_apikey", ["bearer", "scheme:apikey"], [_auth(f"ApiKey {S}")], "scheme", None),
        ("in_a_scheme_with_hyphens", ["scheme:X-My-Key"], [_auth(f"x-my-key {S}")], "scheme", None),
        ("in_x_api_key", ["x-api-key"], [_key(S)], "header", None),
        ("in_x_api_key_with_a_prefix", ["x-api-key"], [_key(P)], "header", None),
        ("in_x_api_key_in_another_case", ["x-api-key"], [_key(S, "x-API-kEY")], "header", None),
        ("in_another_field", ["header:X-Auth-Key"], [_key(S, "x-auth-key")], "header", None),
        ("in_the_second_of_two_fields", ["header:a", "header:b"], [("b", S)], "header", None),
        ("beside_an_empty_field", ["x-api-key", "header:b"], [_key(""), ("b", S)], "header", None),
        ("beside_an_empty_authorization", ["bearer", "x-api-key"], [_auth(""), _key(S)], "header", None),
        ("in_authorization_beside_an_empty_key", ["bearer", "x-api-key"], [_auth(f"Bearer {S}"), _key("")], "bearer", None),
        ("beside_a_field_with_an_underscore", ["x-api-key"], [_key(S), _key("other", "X_API_Key")], "header", None),
        ("beside_an_authorization_that_is_not_chosen", ["x-api-key"], [_auth(f"Bearer {S}"), _key(S)], "header", None),
        ("beside_two_authorizations_that_are_not_chosen", ["x-api-key"], [_auth("Basic x"), _auth("y"), _key(S)], "header", None),
        ("beside_basic_that_is_not_chosen", ["bearer", "x-api-key"], [_auth(_basic("alice:secret")), _key(S)], "header", None),
        ("beside_digest_that_is_not_chosen", ["bearer", "x-api-key"], [_auth('Digest username="a"'), _key(S)], "header", None),
        ("beside_a_long_negotiate_that_is_not_chosen", ["bearer", "x-api-key"], [_auth("Negotiate " + "A" * 4000), _key(S)], "header", None),
        ("beside_a_bare_scheme_that_is_not_chosen", ["bearer", "x-api-key"], [_auth("Negotiate"), _key(S)], "header", None),
        ("beside_a_key_that_is_not_chosen", ["bearer"], [_auth(f"Bearer {S}"), _key(S)], "bearer", None),
        ("beside_a_bad_site_without_basic", ["bearer"], [_auth(f"Bearer {S}"), ("Sec-Fetch-Site", "cross-site")], "bearer", None),
    ]:
        _found(book, what, credentials, *fields, scheme=scheme, user=user)
    for what, reason, credentials, fields in [
        ("by_default_in_no_field", "header_missing", None, []),
        ("by_default_in_a_key", "header_missing", None, [_key(S)]),
        ("by_default_in_basic", "scheme_unsupported", None, [_auth(_basic(f":{S}"))]),
        ("in_a_key_without_a_value", "header_missing", ["x-api-key"], [_key("")]),
        ("in_an_authorization_that_is_not_looked_at", "header_missing", ["x-api-key"], [_auth(f"Bearer {S}")]),
        ("in_cpanel_that_is_not_chosen", "scheme_unsupported", ["bearer"], [_auth(header())]),
        ("in_bearer_that_is_not_chosen", "scheme_unsupported", ["cpanel", "whm"], [_auth(f"Bearer {S}")]),
        ("in_token_that_is_not_chosen", "scheme_unsupported", ["scheme:apikey"], [_auth(f"Token {S}")]),
        ("in_a_long_scheme_that_is_not_chosen", "header_malformed", ["bearer", "x-api-key"], [_auth("Negotiate " + "A" * 600)]),
        ("in_a_bare_scheme", "header_malformed", ["scheme:Token"], [_auth("Token")]),
        ("in_a_scheme_with_two_words", "header_malformed", ["scheme:Token"], [_auth(f"Token {S} {S}")]),
        ("in_a_scheme_with_a_parameter", "header_malformed", ["scheme:Token"], [_auth(f"Token token={S}")]),
        ("in_a_scheme_with_a_quoted_parameter", "header_malformed", ["scheme:Token"], [_auth(f'Token token="{S}"')]),
        ("in_a_scheme_with_a_user", "header_malformed", ["scheme:Token"], [_auth(f"Token alice:{S}")]),
        ("in_a_scheme_after_a_tab", "header_malformed", ["scheme:Token"], [_auth(f"Token\t{S}")]),
        ("in_a_scheme_before_a_space", "header_malformed", ["scheme:Token"], [_auth(f"Token {S} ")]),
        ("in_a_key_with_a_space_before", "header_malformed", ["x-api-key"], [_key(f" {S}")]),
        ("in_a_key_with_a_space_after", "header_malformed", ["x-api-key"], [_key(f"{S} ")]),
        ("in_a_key_with_a_scheme", "header_malformed", ["x-api-key"], [_key(f"Bearer {S}")]),
        ("in_a_key_with_a_user", "header_malformed", ["x-api-key"], [_key(f"alice:{S}")]),
        ("in_a_key_in_quotes", "header_malformed", ["x-api-key"], [_key(f'"{S}"')]),
        ("in_a_key_joined_by_a_comma", "header_malformed", ["x-api-key"], [_key(f"{S}, {S}")]),
        ("in_a_key_with_a_line_feed", "header_malformed", ["x-api-key"], [_key(f"{S}\n")]),
        ("in_a_key_with_nul", "header_malformed", ["x-api-key"], [_key(f"{S}\0")]),
        ("in_a_key_in_small_letters", "header_malformed", ["x-api-key"], [_key(S.lower())]),
        ("in_a_key_of_64_kib", "header_malformed", ["x-api-key"], [_key("A" * 4096)]),
        ("in_a_key_with_a_letter_beyond_ascii", "header_malformed", ["x-api-key"], [_key(f"{S[:-1]}\u00c9")]),
        ("in_a_field_with_a_kelvin_sign", "header_missing", ["header:key"], [_key(S, "\u212aey")]),
        ("in_a_field_with_an_underscore", "header_missing", ["x-api-key"], [_key(S, "x_api_key")]),
        ("in_a_field_with_a_space", "header_missing", ["x-api-key"], [_key(S, "x-api-key ")]),
        ("in_basic_from_another_site", "cross_site", ["basic"], [_auth(_basic(f":{S}")), ("Sec-Fetch-Site", "cross-site")]),
        ("in_basic_from_the_same_site", "cross_site", ["basic"], [_auth(_basic(f":{S}")), ("sec-fetch-site", "same-site")]),
        ("in_basic_from_an_empty_site", "cross_site", ["basic"], [_auth(_basic(f":{S}")), ("Sec-Fetch-Site", "")]),
        ("in_basic_from_a_site_in_capitals", "cross_site", ["basic"], [_auth(_basic(f":{S}")), ("Sec-Fetch-Site", "None")]),
        ("in_basic_from_a_site_with_a_parameter", "cross_site", ["basic"], [_auth(_basic(f":{S}")), ("Sec-Fetch-Site", "none;a=b")]),
        ("in_basic_from_two_sites", "cross_site", ["basic"], [_auth(_basic(f":{S}")), ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")]),
        ("in_basic_from_one_site_twice", "cross_site", ["basic"], [_auth(_basic(f":{S}")), ("Sec-Fetch-Site", "none"), ("sec-fetch-site", "none")]),
        ("in_malformed_basic_from_another_site", "header_malformed", ["basic"], [_auth("Basic x"), ("Sec-Fetch-Site", "cross-site")]),
        ("in_nothing_from_another_site", "header_missing", ["basic"], [("Sec-Fetch-Site", "cross-site")]),
    ]:
        _none(book, what, reason, credentials, *fields)
    good = base64.b64encode(f"ab:{S}".encode()).decode()
    two = base64.b64encode(f"abcd:{S}".encode()).decode()
    assert good.endswith("=") and two.endswith("==")
    after = {"A": "B", "Q": "R", "g": "h", "w": "x", "E": "F", "I": "J", "M": "N", "U": "V", "Y": "Z", "c": "d", "k": "l", "o": "p", "s": "t", "0": "1", "4": "5", "8": "9"}
    for what, text in {
        "without_its_padding": good.rstrip("="), "with_half_its_padding": two[:-1], "with_too_much_padding": good + "=", "with_a_block_of_padding": good + "====",
        "with_padding_that_is_not_needed": base64.b64encode(f"abc:{S}".encode()).decode() + "====", "with_unused_bits": good[:-2] + after[good[-2]] + "=", "with_four_unused_bits": two[:-3] + after[two[-3]] + "==",
        "with_padding_inside": good[:8] + "=" + good[9:], "with_the_alphabet_for_urls": base64.urlsafe_b64encode(f"a:{S}".encode() + b"\xff\xfe").decode(), "with_a_space_inside": good[:8] + " " + good[8:],
        "with_a_line_feed": good[:8] + "\n" + good[8:], "with_a_tab_at_the_end": good + "\t", "with_a_space_at_the_end": good + " ", "in_quotes": f'"{good}"', "that_is_not_encoded": f"alice:{S}", "with_a_comma": good + ",",
        "with_a_dot": good[:-1] + ".", "of_one_letter": "A", "of_padding": "====", "of_padding_after_a_letter": "A===", "with_a_parameter": good + " charset=x",
    }.items():
        _none(book, f"in_basic_{what}", "header_malformed", ["basic"], _auth(f"Basic {text}"))
    for what, pair in {
        "no_colon": S, "two_colons": f"alice::{S}", "a_colon_at_the_end": f"alice:{S}:", "no_token": "alice:", "nothing": "", "a_colon_alone": ":", "the_token_as_user": f"{S}:", "the_token_twice": f"{S}:{S}:",
        "a_user_of_65": "u" * 65 + f":{S}", "a_bad_user": f"al/ice:{S}", "a_space_before": f" :{S}", "a_space_after": f":{S} ", "nul": f":{S}\0", "nul_before": f"\0:{S}", "a_line_feed": f"alice\n:{S}",
        "a_carriage_return": f"alice:{S}\r", "delete": f"ali\x7fce:{S}", "a_letter_beyond_ascii": f"\u00e9:{S}", "a_byte_beyond_utf_8": b"\xff:" + S.encode(), "a_byte_order_mark": f"\ufeff:{S}",
        "small_letters": f":{S.lower()}", "a_wrong_checksum": f":{P[:-1]}{'1' if P[-1] == '0' else '0'}", "a_long_text": "a" * 370,
    }.items():
        _none(book, f"in_basic_of_{what}", "header_malformed", ["basic"], _auth(_basic(pair)))
    longest = _basic(f":{S}", "Basic" + " " * (512 - len(_basic(f":{S}"))))
    assert len(longest) == 512
    _found(book, "in_basic_of_512_bytes", ["basic"], _auth(longest), scheme="basic")
    _none(book, "in_basic_of_513_bytes", "header_malformed", ["basic"], _auth(longest.replace("Basic", "Basic ")))
    hashes = [tokens.hash_of(S, as_pepper(PEPPER)), tokens.hash_of(S)]
    book.ok("hashes_a_key_under_a_pepper", {"op": "identify", "authorization": _given(["x-api-key"], _key(S)), "peppers": [PEPPER]}, {"hashes": hashes})


def _several(book):
    for what, credentials, fields in [
        ("two_keys", ["x-api-key"], [_key(S), _key(S)]),
        ("two_keys_in_two_spellings", ["x-api-key"], [_key(S), _key(S, "x-api-key")]),
        ("a_key_and_an_empty_one", ["x-api-key"], [_key(S), _key("")]),
        ("two_empty_keys", ["x-api-key"], [_key(""), _key("")]),
        ("two_fields", ["x-api-key", "header:b"], [_key(S), ("b", S)]),
        ("two_fields_one_malformed", ["x-api-key", "header:b"], [_key(S), ("b", "x")]),
        ("bearer_and_a_key", ["bearer", "x-api-key"], [_auth(f"Bearer {S}"), _key(S)]),
        ("basic_and_a_key", ["basic", "x-api-key"], [_auth(_basic(f":{S}")), _key(S)]),
        ("a_malformed_bearer_and_a_key", ["bearer", "x-api-key"], [_auth("Bearer x"), _key(S)]),
        ("a_bare_bearer_and_a_key", ["bearer", "x-api-key"], [_auth("Bearer"), _key(S)]),
        ("a_bearer_with_a_tab_and_a_key", ["bearer", "x-api-key"], [_auth(f"Bearer\t{S}"), _key(S)]),
        ("a_bearer_with_a_comma_and_a_key", ["bearer", "x-api-key"], [_auth(f"Bearer,{S}"), _key(S)]),
        ("a_space_before_a_scheme_and_a_key", ["bearer", "x-api-key"], [_auth(f" Basic {S}"), _key(S)]),
        ("a_scheme_beyond_ascii_and_a_key", ["bearer", "x-api-key"], [_auth("Bas\u00efc x"), _key(S)]),
        ("two_authorizations_and_a_key", ["bearer", "x-api-key"], [_auth("Basic x"), _auth("Basic y"), _key(S)]),
        ("two_authorizations", ["bearer"], [_auth(f"Bearer {S}"), _auth("Basic x")]),
        ("two_that_are_not_chosen", ["bearer"], [_auth("Digest x"), _auth("Basic x")]),
        ("two_equal_authorizations", ["basic"], [_auth(_basic(f":{S}"))] * 2),
        ("two_by_default", None, [_auth(header()), _auth(header())]),
        ("two_empty_by_default", None, [_auth(""), _auth("")]),
        ("three_fields", ["header:a", "header:b", "header:c"], [("a", S), ("b", S), ("c", S)]),
        ("two_from_another_site", ["basic", "x-api-key"], [_auth(_basic(f":{S}")), _key(S), ("Sec-Fetch-Site", "cross-site")]),
    ]:
        _none(book, f"in_{what}", "header_repeated", credentials, *fields)


def _judged(book):
    def verdict(what, reason, credentials, *fields, **request):
        book.verdict(f"judges_{what}", reason, authorization=_given(credentials, *fields), **request)

    challenged = _api_key("x-api-key") + ', Basic realm="tokenlatch"'
    chosen = ["x-api-key", "basic"]
    root = record(realm="admin", user="root")
    verdict("a_key", "ok", chosen, _key(S))
    verdict("basic_without_user", "ok", chosen, _auth(_basic(f":{S}")))
    verdict("basic_with_its_user", "ok", chosen, _auth(_basic(f"alice:{S}")))
    verdict("basic_with_another_user", "user_mismatch", chosen, _auth(_basic(f"bob:{S}")))
    verdict("basic_with_the_user_in_capitals", "user_mismatch", chosen, _auth(_basic(f"Alice:{S}")))
    verdict("basic_from_another_site", "cross_site", chosen, _auth(_basic(f":{S}")), ("Sec-Fetch-Site", "cross-site"))
    verdict("basic_of_a_revoked_token_from_another_site", "cross_site", chosen, _auth(_basic(f":{S}")), ("Sec-Fetch-Site", "cross-site"), record=record(revoked=1))
    verdict("a_scheme", "ok", ["scheme:Token"], _auth(f"Token {S}"))
    verdict("a_key_of_an_expired_token", "token_expired", chosen, _key(S), record=record(expires=1))
    verdict("a_key_of_another_token", "token_unknown", chosen, _key(secret("other")))
    verdict("a_key_that_is_not_chosen", "header_missing", ["bearer"], _key(S))
    verdict("two_credentials", "header_repeated", chosen, _key(S), _auth(_basic(f":{S}")))
    for what, field in {"a_key": _key(S), "basic": _auth(_basic(f":{S}")), "a_scheme": _auth(f"Token {S}")}.items():
        verdict(f"{what}_of_an_admins_token", "ok", [*chosen, "scheme:Token"], field, record=root, account=account("root"), call={"realm": "admin"})
        verdict(f"{what}_of_an_admins_token_at_the_other_port", "realm_mismatch", [*chosen, "scheme:Token"], field, record=root, account=account("root"))
    verdict("a_public_route_with_a_malformed_key", "public", chosen, _key("x"), call={"method": "GET", "path": "/p"}, catalogue=PUBLIC)
    verdict("a_public_route_with_basic_from_another_site", "public", chosen, _auth(_basic(f":{S}")), ("Sec-Fetch-Site", "cross-site"), call={"method": "GET", "path": "/p"}, catalogue=PUBLIC)
    for what, credentials, challenge in [
        ("the_usual_credentials", ["cpanel", "bearer", "whm"], USUAL), ("a_key_and_basic", chosen, challenged), ("no_credentials_given", None, USUAL),
        ("a_scheme_alone", ["scheme:ApiKey"], 'ApiKey realm="tokenlatch"'), ("whm_alone", ["whm"], 'whm realm="tokenlatch"'),
    ]:
        whole = {"op": "verify", "now": NOW, "authorization": _given(credentials), "record": None, "account": None}
        book.ok(f"challenges_for_{what}", whole, {"status": 401, "refusal.headers.WWW-Authenticate": challenge})
        request = {"op": "reply", "shape": "denied", "httpStatus": 401} | ({} if credentials is None else {"credentials": credentials})
        book.ok(f"replies_with_the_challenge_for_{what}", request, {"headers.WWW-Authenticate": challenge})
    book.ok("replies_without_a_challenge_to_503", {"op": "reply", "shape": "denied", "httpStatus": 503, "credentials": ["basic"]})
    book.error("refuses_to_reply_for_bad_credentials", {"op": "reply", "shape": "denied", "httpStatus": 401, "credentials": []}, "credentials_invalid", field="credentials")
    book.ok("replies_of_a_function_whatever_the_credentials", {"op": "reply", "shape": "uapi", "function": "rename", "credentials": []})


PUBLIC = {"routes": [{"method": "GET", "path": "/p", "feature": None, "writes": False, "public": True}]}


def _held(book):
    table = {"records": [record(), record("root", realm="admin", user="root")], "accounts": [account(), account("root")]}
    basic, key = _basic(f":{S}"), f"Token {S}"
    book.table("a_table_that_takes_basic_and_a_scheme", table | {"credentials": ["basic", "scheme:Token"]}, [
        ("verify", {"authorization": basic}, "ok"),
        ("verify", {"authorization": _basic(f"alice:{S}")}, "ok"),
        ("verify", {"authorization": _basic(f"bob:{S}")}, "user_mismatch"),
        ("verify", {"authorization": key}, "ok"),
        ("verify", {"authorization": key.upper()}, "ok"),
        ("verify", {"authorization": f"Bearer {S}"}, "scheme_unsupported"),
        ("verify", {"authorization": header()}, "scheme_unsupported"),
        ("verify", {"authorization": ""}, "header_missing"),
        ("verify", {"authorization": "Basic x"}, "header_malformed"),
        ("verify", {"authorization": basic + "\0"}, "header_malformed"),
        ("prepare", {"realm": "admin"}, {"call": 1}),
        ("verify", {"authorization": f"token {secret('root')}", "call": 1}, "ok"),
    ])
    book.table("a_table_that_takes_a_key_only", table | {"credentials": ["x-api-key"]}, [
        ("verify", {"authorization": f"Bearer {S}"}, "header_missing"), ("verify", {"authorization": S}, "header_missing"), ("verify", {"authorization": ""}, "header_missing"),
    ])
    book.table("a_table_that_takes_the_usual", table | {"credentials": ["whm", "bearer", "cpanel"]}, [
        ("verify", {"authorization": header()}, "ok"), ("verify", {"authorization": basic}, "scheme_unsupported"), ("verify", {"authorization": ""}, "header_missing"),
    ])
    book.table("a_table_that_takes_bearer_only", table | {"credentials": ["bearer"]}, [
        ("verify", {"authorization": f"Bearer {S}"}, "ok"), ("verify", {"authorization": header()}, "scheme_unsupported"),
    ])
    book.table("refuses_a_table_with_bad_credentials", table | {"credentials": ["header:host"]}, code="credentials_invalid")
    book.table("finds_bad_credentials_before_a_bad_record", {"credentials": [], "records": [record(user="")]}, code="credentials_invalid")


ROUTES = {"routes": [
    {"method": "GET", "path": "/v1/orders", "feature": "orders", "writes": False},
    {"method": "GET", "path": "/p", "feature": None, "writes": False, "public": True},
]}


def _escaped(text, times=1):
    for _ in range(times):
        text = "".join(f"%{byte:02X}" for byte in text.encode())
    return text


def _queries():
    book = Book("queries", "A token in the query of a route.")

    def verdict(what, reason, query, path="/v1/orders", **request):
        book.verdict(f"{what}", reason, call={"method": "GET", "path": f"{path}?{query}"}, catalogue=ROUTES, **request)

    twice = S[0] + _escaped(S[1], 2) + S[2:]
    for what, query in {
        "token": f"token={S}", "token_of_another": f"token={secret('other')}", "token_in_capitals": f"TOKEN={S}", "access_token": f"access_token={S}", "api_key": f"api_key={S}", "apikey": f"apiKey={S}",
        "api_hyphen_key": f"api-key={S}", "api_dot_key": f"api.key={S}", "x_api_key": f"X-API-Key={S}", "auth_token": f"authToken={S}", "key": f"key={S}", "password": f"password={S}", "bearer": f"bearer={S}",
        "authorization": f"authorization={S}", "authorization_with_a_scheme": f"authorization=Bearer%20{S}", "authorization_with_a_plus": f"authorization=Bearer+{S}",
        "authorization_with_a_user": f"Authorization=cpanel%20alice:{S}", "a_list": f"token[]={S}", "a_list_with_an_index": f"token[0]={S}", "an_escaped_list": f"token%5B%5D={S}", "the_last_parameter": f"a=b&token={S}",
        "the_first_parameter": f"token={S}&a=b", "a_second_token": f"token=x&token={S}", "a_semicolon": f"a=b;token={S}", "a_second_question_mark": f"a?token={S}", "an_escaped_hash": f"a%23token={S}",
        "an_equals_sign_more": f"token=={S}", "quotes": f'token="{S}"', "escaped_quotes": f"token=%22{S}%22", "a_space": f"token=%20{S}", "a_nul": f"token={S}%00", "a_line_feed": f"token={S}%0A", "a_comma": f"token=a,{S}",
        "an_escaped_letter": f"token={_escaped(S[0])}{S[1:]}", "small_hex": f"token={_escaped(S[0]).lower()}{S[1:]}", "every_letter_escaped": f"token={_escaped(S)}", "a_letter_escaped_twice": f"token={twice}",
        "a_letter_escaped_three_times": f"token={_escaped(S[0], 3)}{S[1:]}", "an_escaped_key": f"{_escaped('token')}={S}", "a_key_escaped_twice": f"{_escaped('token', 2)}={S}", "an_escaped_equals_sign": f"token%3D{S}",
        "an_escaped_ampersand": f"a=b%26token={S}", "an_escaped_percent": f"token=%25{_escaped(S[0])[1:]}{S[1:]}", "a_broken_escape_before": f"a=%zz&token={S}", "a_broken_escape_in_the_value": f"token=%{S}",
        "a_space_in_the_key": f"%20token={S}", "a_nul_in_the_key": f"token%00={S}", "a_prefix": f"token={P}", "a_prefix_in_any_parameter": f"q={P}", "a_prefix_without_parameter": P, "a_prefix_as_key": f"{P}=1",
        "a_prefix_within_text": f"q=a-{P}-b", "an_escaped_prefix": f"q={_escaped(P, 2)}", "a_prefix_with_an_escaped_underscore": f"q={P.replace('_', '%5F')}",
    }.items():
        verdict(f"refuses_a_query_with_{what}", "token_in_url", query)
    for what, query in {
        "nothing": "", "a_short_token": f"token={S[:-1]}", "a_long_token": f"token={S}A", "a_small_token": f"token={S.lower()}", "a_token_of_another_kind": "token=eyJhbGciOiJIUzI1NiJ9.e30.abc", "an_id": f"id={S}",
        "a_page_token": f"page_token={S}", "a_key_that_begins_alike": f"tokens={S}", "a_key_that_ends_alike": f"sort_key={S}", "an_escape_too_many": f"token={_escaped(S[0], 4)}{S[1:]}", "a_token_in_two": f"token={S[:16]}&token={S[16:]}",
        "a_token_after_a_letter": f"token=x{S}", "an_underscore_after": f"token={S}_", "a_token_as_key": f"{S}=token", "a_token_alone": S, "a_wrong_checksum": f"token={P[:-1]}{'1' if P[-1] == '0' else '0'}",
        "a_capital_prefix": f"token=TL{P[2:]}", "a_doubtful_path_inside": "x=/../", "a_value_with_a_dash_inside": f"token={S[:16]}-{S[16:]}", "a_letter_beyond_ascii": "token=%C3%A9",
    }.items():
        verdict(f"passes_a_query_with_{what}", "ok", query)
    verdict("is_no_public_route_with_a_token_in_the_query", "header_missing", f"token={S}", path="/p", record=None, authorization=[])
    verdict("refuses_a_token_in_the_query_of_a_public_route", "token_in_url", f"token={S}", path="/p")
    verdict("is_public_with_another_query", "public", "token=x", path="/p", record=None, authorization=[])
    verdict("tells_a_hash_before_a_token_in_the_query", "target_doubtful", f"a#token={S}")
    verdict("tells_a_doubtful_path_before_a_token_in_the_query", "target_doubtful", f"token={S}", path="/v1//orders")
    verdict("tells_a_token_in_the_query_before_an_unlisted_route", "token_in_url", f"token={S}", path="/other")
    verdict("tells_an_expired_token_before_one_in_the_query", "token_expired", f"token={S}", record=record(expires=1))
    verdict("refuses_a_limited_token_one_in_the_query", "token_in_url", f"token={S}", record=record(access={"features": []}))
    book.verdict("reads_no_query_in_a_path", "function_without_feature", call={"method": "GET", "path": f"/{S}"}, catalogue=ROUTES, record=record(access={"features": []}))
    book.table("a_table_with_a_token_in_a_query", {"records": [record()], "accounts": [account()], "catalogue": ROUTES}, [
        ("prepare", {"method": "GET", "path": f"/p?token={S}"}, {"call": 1}),
        ("prepare", {"method": "GET", "path": f"/v1/orders?api_key={secret('other')}"}, {"call": 1}),
        ("prepare", {"method": "GET", "path": "/p?token=x"}, {"call": 2}),
        ("verify", {"call": 1}, "token_in_url"),
        ("verify", {"call": 2}, "public"),
        ("verify", {"call": 1, "authorization": ""}, "header_missing"),
    ])
    return book
