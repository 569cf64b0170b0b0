"""Requests as text: what isn't JSON, what isn't closed, and what is too much; and the operations that take nothing."""

import json

from .book import NOW, Book, entropy, nested, record, without

MIB8 = 8 * 1024 * 1024
NAMED = {"ok": {"valid": True, "problems": [], "expires": None, "hint": None}}


def _error(code, field=None):
    return {"error": {"code": code} | ({} if field is None else {"field": field})}


def _text(value):
    return json.dumps(value, separators=(",", ":"))


def _nested(levels):
    """Text, because it may be too deep to be written."""
    return "[" * levels + "]" * levels


def _kept(levels):
    """A describe request, one level, whose record, the second, holds arrays of so many levels."""
    return _text({"op": "describe", "now": NOW, "record": record() | {"x": 0}}).replace('"x":0', f'"x":{_nested(levels)}')


def _bad_json(book):
    for what, text in {
        "an_empty_text": "",
        "white_space_alone": " \n\t",
        "an_open_object": '{"op":"info"',
        "an_open_string": '{"op":"info',
        "text_after_the_object": '{"op":"info"} x',
        "two_objects": '{"op":"info"}{"op":"info"}',
        "a_trailing_comma": '{"op":"info",}',
        "single_quotes": "{'op':'info'}",
        "a_bare_key": '{op:"info"}',
        "a_comment": '{"op":"info"/* x */}',
        "nan": '{"op":"validate","name":NaN}',
        "infinity": '{"op":"validate","name":Infinity}',
        "a_leading_plus": '{"op":"list","now":+1800000000,"records":[]}',
        "a_leading_zero": '{"op":"list","now":01800000000,"records":[]}',
        "a_bare_point": '{"op":"list","now":1800000000.,"records":[]}',
        "a_hexadecimal_number": '{"op":"list","now":0x6B49D200,"records":[]}',
        "a_number_with_underscores": '{"op":"list","now":1_800_000_000,"records":[]}',
        "a_raw_line_feed_in_a_string": '{"op":"validate","name":"a\nb"}',
        "a_raw_nul_in_a_string": '{"op":"validate","name":"a\u0000b"}',
        "an_unknown_escape": '{"op":"validate","name":"\\x41"}',
        "a_short_escape": '{"op":"validate","name":"\\u004"}',
        "a_lone_high_surrogate": '{"op":"validate","name":"\\ud800"}',
        "a_lone_low_surrogate": '{"op":"validate","name":"\\udc00"}',
        "surrogates_the_wrong_way_round": '{"op":"validate","name":"\\udc00\\ud800"}',
        "a_byte_order_mark": '\ufeff{"op":"info"}',
        "true_in_capitals": '{"op":"list","now":1800000000,"records":[],"descending":True}',
        "a_nul_after_the_object": '{"op":"info"}\u0000',
        "a_word": "info",
    }.items():
        book.raw(f"refuses_{what}_as_json", text, _error("json_invalid"))
    for what, text in {"an_array": "[]", "null": "null", "a_number": "1", "a_string": '"info"', "true": "true"}.items():
        book.raw(f"refuses_{what}_as_request", text, _error("type_invalid"))


def _well_formed(book):
    for what, text in {
        "white_space_around": ' \r\n\t{ "op" : "validate" , "name" : "ci" } \n',
        "escaped_letters": '{"\\u006fp":"valid\\u0061te","name":"\\u0063i"}',
        "keys_in_another_order": '{"name":"ci","op":"validate"}',
    }.items():
        book.raw(f"reads_{what}", text, NAMED)
    wrong = {"code": "name_character", "field": "name"}
    refused = {"ok": {"valid": False, "problems": [wrong], "expires": None, "hint": None}}
    for what, text in {"a_pair_of_surrogates": "\\ud83d\\udd11", "nul": "\\u0000", "a_line_feed": "\\n", "del": "\\u007f", "a_slash": "\\/"}.items():
        book.raw(f"reads_an_escape_of_{what}_in_a_name", f'{{"op":"validate","name":"{text}"}}', refused)


def _closed(book):
    for what, text, code, field in [
        ("an_empty_object", "{}", "field_missing", "op"),
        ("a_request_without_op", '{"name":"ci"}', "field_missing", "op"),
        ("an_op_of_null", '{"op":null}', "type_invalid", "op"),
        ("an_op_of_number", '{"op":1}', "type_invalid", "op"),
        ("an_unknown_op", '{"op":"rotate"}', "op_unknown", "op"),
        ("an_empty_op", '{"op":""}', "op_unknown", "op"),
        ("an_op_in_capitals", '{"op":"Info"}', "op_unknown", "op"),
        ("an_op_with_a_space", '{"op":"info "}', "op_unknown", "op"),
        ("an_op_named_proto", '{"op":"__proto__"}', "op_unknown", "op"),
        ("an_op_named_constructor", '{"op":"constructor"}', "op_unknown", "op"),
        ("info_with_a_key", '{"op":"info","x":1}', "field_unknown", "x"),
        ("functions_with_a_key", '{"op":"functions","module":"Email"}', "field_unknown", "module"),
        ("the_key_proto", '{"op":"validate","__proto__":{"name":"ci"}}', "field_unknown", "__proto__"),
        ("the_key_constructor", '{"op":"validate","constructor":1}', "field_unknown", "constructor"),
        ("an_empty_key", '{"op":"validate","":1}', "field_unknown", ""),
        ("a_key_in_another_case", '{"op":"validate","Name":"ci"}', "field_unknown", "Name"),
    ]:
        book.raw(f"refuses_{what}", text, _error(code, field))
    doubled = _text(record()).replace('"access":"full"', '"access":{"features":[]},"access":"full"')
    for what, text in {
        "op": '{"op":"info","op":"info"}',
        "op_written_with_an_escape": '{"op":"info","\\u006fp":"info"}',
        "name": '{"op":"validate","name":"a","name":"b"}',
        "an_unknown_key": '{"op":"validate","x":1,"x":1}',
        "access_in_a_record": f'{{"op":"describe","now":{NOW},"record":{doubled}}}',
        "a_key_that_a_record_would_keep": _text({"op": "describe", "now": NOW, "record": record() | {"x": 0}}).replace('"x":0', '"x":0,"x":0'),
        "a_key_deep_in_what_a_record_would_keep": _text({"op": "describe", "now": NOW, "record": record() | {"x": 0}}).replace('"x":0', '"x":{"y":[{"z":1,"z":2}]}'),
        "suspended_in_an_account": '{"op":"verify","now":1800000000,"authorization":null,"record":null,"account":{"user":"a","suspended":true,"suspended":false,"features":"all"}}',
    }.items():
        book.raw(f"refuses_to_read_twice_{what}", text, _error("field_duplicate"))
    book.ok("takes_keys_that_differ_in_case_as_two", {"op": "describe", "now": NOW, "record": record() | {"Note": 1, "note": 2}})


def _numbers(book):
    listed = '{"op":"list","now":%s,"records":[]}'
    described = _text({"op": "describe", "now": NOW, "record": record()})
    created = _text({"op": "create", "now": NOW, "entropy": entropy("n"), "user": "a", "name": "b", "access": "full", "expires": 0})
    for what, text, code, field in [
        ("a_fraction_by_exponent_as_now", listed % "18000000005e-1", "type_invalid", "now"),
        ("a_fraction_as_now", listed % "1800000000.5", "type_invalid", "now"),
        ("now_over_two_to_the_53", listed % "9007199254740993", "type_invalid", "now"),
        ("the_largest_64_bit_number_as_now", listed % "9223372036854775807", "type_invalid", "now"),
        ("the_smallest_64_bit_number_as_now", listed % "-9223372036854775808", "type_invalid", "now"),
        ("a_warning_of_two_to_the_53", described[:-1] + ',"warnDays":9007199254740992}', "type_invalid", "warnDays"),
        ("a_warning_of_half_a_day", described[:-1] + ',"warnDays":0.5}', "type_invalid", "warnDays"),
        ("a_page_over_two_to_the_53", listed[:-1] % NOW + ',"page":9007199254740993}', "type_invalid", "page"),
        ("a_creation_over_two_to_the_53", described.replace(str(record()["created"]), "9007199254740993"), "type_invalid", "record.created"),
        ("an_expiry_over_two_to_the_53_in_a_record", described.replace(str(record()["expires"]), "9007199254740992"), "type_invalid", "record.expires"),
        ("a_fraction_as_expiry_in_a_record", described.replace(str(record()["expires"]), "1900000000.25"), "type_invalid", "record.expires"),
        ("an_expiry_over_two_to_the_53", created.replace('"expires":0', '"expires":9007199254740993'), "type_invalid", "expires"),
        ("the_largest_64_bit_number_as_expiry", created.replace('"expires":0', '"expires":9223372036854775807'), "type_invalid", "expires"),
        ("a_fraction_as_expiry", created.replace('"expires":0', '"expires":1900000000.5'), "type_invalid", "expires"),
        ("a_huge_number_as_expiry", created.replace('"expires":0', '"expires":1e300'), "type_invalid", "expires"),
    ]:
        book.raw(f"refuses_{what}_in_a_request", text, _error(code, field))
    listed_ok = {"ok": {"tokens": [], "page": 1, "pageSize": 20, "pages": 1, "total": 0}}
    book.raw("reads_minus_zero_as_zero", listed[:-1] % NOW + ',"warnDays":-0}', listed_ok)
    # A number is what it is worth, however it is written: a host that hands over values can't tell 1 from 1.0.
    for what, number in {"a_point": "1800000000.0", "an_exponent": "18e8", "a_negative_exponent": "18000000000e-1"}.items():
        book.raw(f"reads_a_whole_number_written_with_{what}", listed % number, listed_ok)
    kept = {"op": "rename", "record": record() | {"big": 2**53 - 1, "small": -(2**53 - 1)}, "newName": "n"}
    book.ok("keeps_the_largest_and_smallest_number_of_a_record", kept, {"record.big": 2**53 - 1})


def _deep(book):
    # A record, the second level or the third, may be one of a list, so it nests less than a request may.
    book.raw("reads_eight_levels_of_a_field_that_a_record_keeps", _kept(8), {"ok": {}}, partial=True)
    book.raw("refuses_nine_levels_of_a_field_that_a_record_keeps", _kept(9), _error("too_deep", "record.x"))
    book.raw("refuses_fourteen_levels_of_a_field_that_a_record_keeps", _kept(14), _error("too_deep", "record.x"))
    book.raw("refuses_nesting_of_seventeen", _kept(15), _error("too_deep"))
    book.raw("refuses_nesting_of_a_hundred", _kept(98), _error("too_deep"))
    book.raw("refuses_nesting_of_a_thousand", _kept(998), _error("too_deep"))
    deep = record() | {"x": nested(8), "y": {"a": [{"b": [{"c": [{"d": []}]}]}]}}
    validated = {"op": "validate", "now": NOW, "records": [deep], "account": {"user": "alice", "features": "all"}}
    for op, request in {
        "verify": {"op": "verify", "now": NOW, "authorization": None, "record": deep, "account": None},
        "list": {"op": "list", "now": NOW, "records": [deep]},
        "rename": {"op": "rename", "record": deep, "newName": "n"},
        "revoke": {"op": "revoke", "now": NOW, "records": [deep], "ids": [deep["id"]]},
        "manageable": {"op": "manageable", "creator": deep, "records": [deep]},
        "validate": validated,
        "reply": {"op": "reply", "shape": "uapi", "function": "list", "records": [deep]},
    }.items():
        book.ok(f"takes_a_record_of_the_deepest_kind_in_{op}", request)
    for what, changes, code in [
        ("a_fraction_before_a_deep_field", {"a": 0.5, "b": nested(9)}, "type_invalid"),
        ("a_deep_field_before_a_fraction", {"b": 0.5, "a": nested(9)}, "too_deep"),
        ("a_fraction_in_a_deep_field", {"a": json.loads(json.dumps(nested(9)).replace("[]", "[0.5]"))}, "type_invalid"),
    ]:
        book.error(f"refuses_{what}_of_a_record", {"op": "describe", "now": NOW, "record": record() | changes}, code, field="record.a")
    book.raw("refuses_nested_objects", '{"op":"validate","name":' + '{"a":' * 40 + "1" + "}" * 41, _error("too_deep"))
    book.raw("refuses_an_array_of_a_thousand_levels_as_request", _nested(1000), _error("too_deep"))
    text = {"head": '{"op":"info"}', "unit": " ", "tail": ""}
    whole = MIB8 - len(text["head"])
    book.padded("reads_a_request_of_8_mib", **text, times=whole, expect={"ok": {}}, partial=True)
    book.padded("refuses_a_request_of_a_byte_over_8_mib", **text, times=whole + 1, expect=_error("request_too_large"))
    long_name = {"head": '{"op":"validate","name":"', "unit": "a", "tail": '"}'}
    too_long = {"valid": False, "problems": [{"code": "name_too_long", "field": "name"}], "expires": None, "hint": None}
    book.padded("refuses_a_name_of_a_mib", **long_name, times=1024 * 1024, expect={"ok": too_long})
    book.padded("refuses_a_request_of_10_mib", **long_name, times=10 * 1024 * 1024, expect=_error("request_too_large"))
    deep = {"head": '{"op":"validate","name":', "unit": "[", "tail": ""}
    book.padded("refuses_a_million_open_brackets", **deep, times=1_000_000, expect={"error": {}})
    header = {"head": '{"op":"identify","authorization":"cpanel ', "unit": "a", "tail": '"}'}
    malformed = {"ok": {"scheme": None, "user": None, "reason": "header_malformed"}}
    book.padded("finds_a_header_of_64_kib_malformed", **header, times=65536, expect=malformed, partial=True)
    book.padded("finds_a_header_of_a_mib_malformed", **header, times=1 << 20, expect=malformed, partial=True)


def books():
    """requests.json and large.json."""
    book = Book(
        "requests",
        "Requests as text, and the errors of a request. Expectations are written by hand: the text isn't a well-formed request, or stands on the edge of one.",
    )
    _bad_json(book)
    _well_formed(book)
    _closed(book)
    _numbers(book)
    book.partial("informs_about_itself", {"op": "info"}, {"ok": {"abi": 1}})
    book.partial("lists_its_functions", {"op": "functions"}, {"ok": {}})
    book.error("refuses_an_unknown_key_beside_a_good_request", {"op": "list", "now": NOW, "records": [], "limit": 5}, "field_unknown", field="limit")
    book.error("refuses_to_rename_with_now", {"op": "rename", "record": record(), "newName": "x", "now": NOW}, "field_unknown", field="now")
    book.error("refuses_a_missing_key_of_describe", without({"op": "describe", "now": NOW, "record": record()}, "now"), "field_missing", field="now")
    large = Book(
        "large",
        "Requests on the edge of what is too large or too deep. A vector with `padded` stands for the text `head`, then `unit` `times` times, then `tail`. "
        "An expectation of an empty error object is met by any error. Expectations are written by hand.",
    )
    _deep(large)
    return [book, large]
