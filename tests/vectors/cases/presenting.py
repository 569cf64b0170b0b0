"""`identify`: the Authorization header by its grammar, and the hashes to look a record up by."""

from model import tokens

from .book import LONG_PEPPER, OLD_PEPPER, PEPPER, Book, as_pepper, header, secret

S = secret("ci")
P = tokens.token_text(S, "tl")
LONG_USER = "u" * 64


def _padded(length):
    """A good header of so many bytes, filled with spaces after its scheme."""
    return "cpanel" + " " * (length - 7 - len(f"alice:{S}") + 1) + f"alice:{S}"


GOOD = {
    "the_cpanel_scheme": (f"cpanel alice:{S}", "cpanel", "alice"),
    "the_whm_scheme": (f"whm root:{S}", "whm", "root"),
    "the_bearer_scheme": (f"Bearer {S}", "bearer", None),
    "the_cpanel_scheme_in_capitals": (f"CPANEL alice:{S}", "cpanel", "alice"),
    "the_cpanel_scheme_in_mixed_case": (f"cPanel alice:{S}", "cpanel", "alice"),
    "the_whm_scheme_in_capitals": (f"WHM root:{S}", "whm", "root"),
    "the_bearer_scheme_in_small_letters": (f"bearer {S}", "bearer", None),
    "the_bearer_scheme_in_capitals": (f"BEARER {S}", "bearer", None),
    "two_spaces_after_the_scheme": (f"cpanel  alice:{S}", "cpanel", "alice"),
    "many_spaces_after_the_scheme": (f"Bearer {' ' * 40}{S}", "bearer", None),
    "a_header_of_512_bytes": (_padded(512), "cpanel", "alice"),
    "a_prefixed_token": (f"cpanel alice:{P}", "cpanel", "alice"),
    "a_prefixed_bearer_token": (f"Bearer {P}", "bearer", None),
    "a_user_that_is_an_email_address": (f"cpanel alice@example.com:{S}", "cpanel", "alice@example.com"),
    "a_user_of_64_characters_in_a_header": (f"cpanel {LONG_USER}:{S}", "cpanel", LONG_USER),
    "a_user_named_proto_in_a_header": (f"cpanel __proto__:{S}", "cpanel", "__proto__"),
    "an_array_of_one_header": ([f"cpanel alice:{S}"], "cpanel", "alice"),
}

BAD = {
    "null": (None, "header_missing"),
    "an_empty_array": ([], "header_missing"),
    "an_empty_text_as_header": ("", "header_missing"),
    "an_array_of_one_empty_text": ([""], "header_missing"),
    "two_headers": ([f"cpanel alice:{S}", f"cpanel bob:{S}"], "header_repeated"),
    "two_equal_headers": ([f"cpanel alice:{S}", f"cpanel alice:{S}"], "header_repeated"),
    "two_empty_headers": (["", ""], "header_repeated"),
    "a_good_header_and_an_empty_one": ([f"cpanel alice:{S}", ""], "header_repeated"),
    "101_headers": ([f"cpanel alice:{S}"] * 101, "header_repeated"),
    "a_space": (" ", "header_malformed"),
    "a_leading_space": (f" cpanel alice:{S}", "header_malformed"),
    "a_trailing_space": (f"cpanel alice:{S} ", "header_malformed"),
    "a_scheme_alone": ("cpanel", "header_malformed"),
    "a_scheme_and_a_space": ("cpanel ", "header_malformed"),
    "an_unknown_scheme_alone": ("Basic", "header_malformed"),
    "an_unknown_scheme_and_a_space": ("Basic ", "header_malformed"),
    "an_unknown_scheme_and_a_space_at_the_end": ("Basic x ", "header_malformed"),
    "an_unknown_scheme_and_two_spaces": ("Basic  x", "scheme_unsupported"),
    "a_bearer_scheme_alone": ("Bearer", "header_malformed"),
    "a_tab_after_the_scheme": (f"cpanel\talice:{S}", "header_malformed"),
    "a_tab_and_a_space_after_the_scheme": (f"cpanel \talice:{S}", "header_malformed"),
    "a_space_before_the_colon": (f"cpanel alice :{S}", "header_malformed"),
    "a_space_after_the_colon": (f"cpanel alice: {S}", "header_malformed"),
    "a_space_inside_the_token": (f"cpanel alice:{S[:16]} {S[16:]}", "header_malformed"),
    "no_colon": (f"cpanel {S}", "header_malformed"),
    "no_user": (f"cpanel :{S}", "header_malformed"),
    "no_token": ("cpanel alice:", "header_malformed"),
    "a_colon_alone": ("cpanel :", "header_malformed"),
    "two_colons": (f"cpanel a:b:{S}", "header_malformed"),
    "a_user_with_a_bad_character": (f"cpanel al/ice:{S}", "header_malformed"),
    "a_user_of_65_characters_in_a_header": (f"cpanel {LONG_USER}u:{S}", "header_malformed"),
    "a_token_one_short": (f"cpanel alice:{S[:-1]}", "header_malformed"),
    "a_token_one_long": (f"cpanel alice:{S}A", "header_malformed"),
    "a_token_in_small_letters": (f"cpanel alice:{S.lower()}", "header_malformed"),
    "a_token_with_a_wrong_checksum": (f"cpanel alice:{P[:-1]}{'1' if P[-1] == '0' else '0'}", "header_malformed"),
    "a_token_with_a_malformed_prefix": (f"cpanel alice:{tokens.token_text(S, 'TL')}", "header_malformed"),
    "a_bearer_token_with_a_user": (f"Bearer alice:{S}", "header_malformed"),
    "a_bearer_token_of_another_kind": ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "header_malformed"),
    "a_comma_joined_pair": (f"cpanel alice:{S}, cpanel bob:{S}", "header_malformed"),
    "a_comma_joined_pair_without_space": (f"cpanel alice:{S},bob:{S}", "header_malformed"),
    "a_quoted_token": (f'cpanel alice:"{S}"', "header_malformed"),
    "a_header_of_513_bytes": (_padded(513), "header_malformed"),
    "a_header_of_64_kib": ("cpanel " + "a" * 4090, "header_malformed"),
    "513_bytes_of_an_unknown_scheme": ("Basic " + "a" * 507, "header_malformed"),
    "513_bytes_in_fewer_characters": ("Basic " + "\u00e9" * 254, "header_malformed"),
    "nul_in_the_user": (f"cpanel al\u0000ice:{S}", "header_malformed"),
    "nul_at_the_end": (f"cpanel alice:{S}\u0000", "header_malformed"),
    "a_line_feed_at_the_end": (f"cpanel alice:{S}\n", "header_malformed"),
    "a_carriage_return_and_line_feed": (f"cpanel alice:{S}\r\nX: y", "header_malformed"),
    "an_obsolete_fold": (f"cpanel\r\n alice:{S}", "header_malformed"),
    "del": (f"cpanel alice\u007f:{S}", "header_malformed"),
    "a_letter_beyond_ascii": (f"cpanel \u00e4lice:{S}", "header_malformed"),
    "the_letter_of_byte_ff": (f"cpanel alice\u00ff:{S}", "header_malformed"),
    "a_no_break_space": (f"cpanel\u00a0alice:{S}", "header_malformed"),
    "a_bad_byte_in_an_unknown_scheme": ("Basic \u0001abc", "header_malformed"),
    "a_leading_space_before_an_unknown_scheme": (" Basic abc", "header_malformed"),
    "512_bytes_of_an_unknown_scheme": ("Basic " + "a" * 506, "scheme_unsupported"),
    "the_basic_scheme": ("Basic YWxpY2U6c2VjcmV0", "scheme_unsupported"),
    "the_digest_scheme": ('Digest username="alice", realm="x"', "scheme_unsupported"),
    "the_negotiate_scheme": ("Negotiate YII", "scheme_unsupported"),
    "a_scheme_that_is_too_long_by_one": (f"cpanels alice:{S}", "scheme_unsupported"),
    "a_scheme_that_is_too_short_by_one": (f"cpane alice:{S}", "scheme_unsupported"),
    "a_scheme_followed_by_a_colon": (f"cpanel: alice:{S}", "scheme_unsupported"),
    "a_scheme_followed_by_a_comma": (f"Bearer, {S}", "scheme_unsupported"),
    "the_scheme_basic_with_a_good_token": (f"Basic alice:{S}", "scheme_unsupported"),
}


def books():
    """identify.json."""
    book = Book(
        "identify",
        "`identify`: each form of the header, and hashes by Python's hashlib and hmac, for an unreadable header those of the decoy.",
    )
    for what, (value, scheme, user) in GOOD.items():
        like = {"scheme": scheme, "user": user, "reason": "ok", "hashes": [tokens.hash_of(S)]}
        book.ok(f"identifies_{what}", {"op": "identify", "authorization": value}, like)
    for what, (value, reason) in BAD.items():
        like = {"scheme": None, "user": None, "reason": reason, "hashes": [tokens.hash_of(tokens.DECOY)]}
        book.ok(f"finds_{reason}_in_{what}", {"op": "identify", "authorization": value}, like)
    for what, peppers in {"one_pepper": [PEPPER], "two_peppers": [PEPPER, OLD_PEPPER], "two_peppers_the_other_way": [OLD_PEPPER, PEPPER], "no_pepper": []}.items():
        hashes = [tokens.hash_of(S, as_pepper(one)) for one in peppers] + [tokens.hash_of(S)]
        book.ok(f"hashes_for_{what}", {"op": "identify", "authorization": header(), "peppers": peppers}, {"hashes": hashes})
    eight = [LONG_PEPPER | {"id": f"p{at}"} for at in range(8)]
    book.ok("hashes_for_eight_peppers", {"op": "identify", "authorization": header(), "peppers": eight})
    nine = {"op": "identify", "authorization": header(), "peppers": eight + [PEPPER]}
    book.error("refuses_nine_peppers", nine, "pepper_invalid", field=False)
    decoys = [tokens.hash_of(tokens.DECOY, as_pepper(PEPPER)), tokens.hash_of(tokens.DECOY)]
    for what, value in {"a_missing": None, "a_malformed": "cpanel x", "an_unsupported": "Basic abc", "a_repeated": ["a", "b"]}.items():
        like = {"hashes": decoys}
        book.ok(f"hashes_a_decoy_under_a_pepper_for_{what}_header", {"op": "identify", "authorization": value, "peppers": [PEPPER]}, like)
    book.error("refuses_to_identify_without_authorization", {"op": "identify"}, "field_missing", field="authorization")
    book.error("refuses_a_number_as_authorization", {"op": "identify", "authorization": 1}, "type_invalid", field="authorization")
    book.error("refuses_an_object_without_fields_as_authorization", {"op": "identify", "authorization": {}}, "field_missing", field="authorization.fields")
    book.error("refuses_null_inside_authorization", {"op": "identify", "authorization": [None]}, "type_invalid", field=False)
    book.error("refuses_a_bad_pepper_in_identify", {"op": "identify", "authorization": None, "peppers": [{"id": "a", "key": "00"}]}, "pepper_invalid", field=False)
    book.error("refuses_null_as_peppers", {"op": "identify", "authorization": None, "peppers": None}, "type_invalid", field="peppers")
    return [book]
