"""Routes: which one a request names, and what a token may do there."""

from model import ed25519
from model.snapshot import Message

from .book import FUNCTIONS, NOW, Book, account, header, record

ORDERS = [
    {"method": "GET", "path": "/v1/orders", "feature": "orders", "writes": False},
    {"method": "POST", "path": "/v1/orders", "feature": "orders", "writes": True},
    {"method": "GET", "path": "/v1/orders/{id}", "feature": "orders", "writes": False},
    {"method": "*", "path": "/v1/orders/{id}", "feature": "orders", "writes": True},
    {"method": "GET", "path": "/v1/orders/export", "feature": "export", "writes": False},
    {"method": "GET", "path": "/v1/{*rest}", "feature": None, "writes": False},
    {"method": "GET", "path": "/a/b/c", "feature": "mail", "writes": False},
    {"method": "GET", "path": "/a/{x}/d", "feature": "dns", "writes": False},
    {"method": "GET", "path": "/slash/", "feature": "mail", "writes": False},
    {"method": "GET", "path": "/", "feature": "mail", "writes": False},
    {"method": "GET", "path": "/health", "feature": None, "writes": False, "public": True},
    {"method": "GET", "path": "/caf%C3%A9", "feature": "mail", "writes": False},
]
"""The routes of most cases."""


def _call(method, path):
    return {"method": method, "path": path}


def _limited(*features):
    return record(access={"features": list(features)})


def books():
    """routes.json."""
    book = Book("routes", "Routes by `verify`: the path's shape, the method, doubtful paths, paths that are near a route, public routes.")
    known = {"routes": ORDERS}
    for what, who, method, path, reason in [
        ("reads_orders", _limited("orders"), "GET", "/v1/orders", "ok"),
        ("reads_orders_with_a_query", _limited("orders"), "GET", "/v1/orders?x=/../", "ok"),
        ("reads_orders_by_head", _limited("orders"), "HEAD", "/v1/orders/7", "ok"),
        ("has_no_export", _limited("orders"), "GET", "/v1/orders/export", "feature_not_granted"),
        ("has_no_other_method_of_the_chosen_shape", _limited("orders"), "POST", "/v1/orders/export", "function_without_feature"),
        ("has_any_other_method", _limited("orders"), "DELETE", "/v1/orders/7", "ok"),
        ("has_the_rest_without_a_feature", _limited("orders"), "GET", "/v1/other", "function_without_feature"),
        ("goes_back_to_a_parameter", _limited("dns"), "GET", "/a/b/d", "ok"),
        ("has_the_literal_first", _limited("mail"), "GET", "/a/b/c", "ok"),
        ("has_an_escape", _limited("mail"), "GET", "/caf%C3%A9", "ok"),
        ("has_an_escape_in_small_letters", _limited("mail"), "GET", "/caf%c3%a9", "function_without_feature"),
        ("has_the_root", _limited("mail"), "GET", "/", "ok"),
        ("has_a_slash_at_the_end", _limited("mail"), "GET", "/slash/", "ok"),
        ("has_no_slash_at_the_end", _limited("mail"), "GET", "/slash", "function_without_feature"),
        ("has_one_slash_too_many", _limited("orders"), "GET", "/v1/orders/", "function_without_feature"),
        ("has_capitals", _limited("orders"), "GET", "/V1/Orders", "function_without_feature"),
        ("reads_only_with_capitals", record(readOnly=True), "GET", "/V1/Orders", "read_only"),
        ("is_full_with_capitals", record(), "GET", "/V1/Orders", "ok"),
        ("reads_only", record(readOnly=True), "GET", "/v1/orders/7", "ok"),
        ("reads_only_and_writes", record(readOnly=True), "POST", "/v1/orders", "read_only"),
        ("reads_only_what_is_unlisted", record(readOnly=True), "GET", "/unlisted", "read_only"),
        ("is_full_with_what_is_unlisted", record(), "PUT", "/unlisted", "ok"),
    ]:
        book.verdict(f"a_token_that_{what}", reason, record=who, call=_call(method, path), catalogue=known)
    for what, path in {
        "no_slash": "v1/orders", "an_empty_path": "", "a_star": "*", "a_whole_url": "http://x/v1/orders",
        "an_empty_segment": "/v1//orders", "an_empty_segment_first": "//v1/orders", "a_dot": "/v1/./orders", "two_dots": "/v1/../orders",
        "two_dots_at_the_end": "/v1/..", "three_dots": "/v1/...", "dots_and_a_space": "/v1/.%20/x", "an_escaped_dot": "/v1/%2e%2e/x",
        "an_escaped_letter": "/v1/%6frders", "an_escaped_tilde": "/v1/%7Ex", "an_escaped_slash": "/v1%2Forders", "an_escaped_backslash": "/v1/%5Cx",
        "an_escaped_percent": "/v1/%2541", "nul": "/v1/%00", "an_escaped_line_feed": "/v1/%0a", "delete": "/v1/%7f", "an_escaped_semicolon": "/v1/x%3b",
        "an_escaped_hash": "/v1/%23", "an_escaped_question_mark": "/v1/%3F", "a_bare_percent": "/v1/%", "half_an_escape": "/v1/%4",
        "an_escape_of_letters": "/v1/%zz", "a_half_character": "/v1/%C3", "a_surrogate": "/v1/%ED%A0%80", "an_overlong_slash": "/v1/%C0%AF",
        "a_semicolon": "/v1/orders;x", "a_hash": "/v1/orders#x", "a_backslash": "/v1\\orders", "a_space": "/v1/or ders", "a_tab": "/v1/\t",
        "a_quote": '/v1/"', "angle_brackets": "/v1/<x>", "a_backtick": "/v1/`", "braces": "/v1/{id}", "a_bar": "/v1/a|b", "a_caret": "/v1/^",
        "a_letter_beyond_ascii": "/v1/\u00e9", "2049_bytes": "/" + "a" * 2048,
    }.items():
        book.verdict(f"refuses_a_path_with_{what}", "target_doubtful", record=record(), call=_call("GET", path), catalogue=known)
    book.verdict("admits_to_a_path_of_2048_bytes", "ok", record=record(), call=_call("GET", "/" + "a" * 2047), catalogue=known)
    for what, method in {"small_letters": "get", "a_capital_first": "Get", "a_space": "GET ", "no_letters": "", "33_letters": "G" * 33, "a_colon": "A:B"}.items():
        book.verdict(f"refuses_a_method_with_{what}", "target_doubtful", record=record(), call=_call(method, "/v1/orders"), catalogue=known)
    for what, method in {"patch": "PATCH", "m_search": "M-SEARCH", "32_letters": "G" * 32}.items():
        book.verdict(f"reads_the_method_{what}", "ok", record=record(), call=_call(method, "/v1/orders"), catalogue=known)
    for what, query in {
        "the_method": "_method=DELETE", "the_method_in_capitals": "x&X-HTTP-Method=PUT", "the_method_after_a_semicolon": "a=1;_method=PUT",
        "the_method_escaped": "%5fmethod=PUT", "the_method_escaped_three_times": "%25255fmethod", "the_method_after_a_space": "+_method=PUT",
        "the_method_within_a_key": "a%26_method=PUT", "another_method_parameter": "x-http-method-override=PUT", "a_third_method_parameter": "?x-method-override",
    }.items():
        book.verdict(f"refuses_a_query_with_{what}", "target_doubtful", record=record(), call=_call("GET", "/v1/orders?" + query), catalogue=known)
    for what, query in {"method": "method=x", "a_value_like_it": "a=_method", "it_within_a_word": "a_method=x", "it_escaped_four_times": "%2525255fmethod"}.items():
        book.verdict(f"reads_a_query_with_{what}", "ok", record=record(), call=_call("GET", "/v1/orders?" + query), catalogue=known)
    for what, method, catalogue, reason in [
        ("get", "GET", {}, "ok"), ("head", "HEAD", {"routes": []}, "ok"), ("options", "OPTIONS", {}, "ok"), ("post", "POST", {}, "read_only"),
        ("another_method", "PROPFIND", {}, "read_only"), ("get_and_a_default", "GET", {"default": "full"}, "read_only"), ("get_and_one_route", "GET", {"routes": ORDERS[:1]}, "read_only"),
    ]:
        book.verdict(f"without_routes_a_reading_token_and_{what}", reason, record=record(readOnly=True), call=_call(method, "/other"), catalogue=catalogue)
    book.verdict("without_routes_a_limited_token_and_get", "function_without_feature", record=_limited("orders"), call=_call("GET", "/other"), catalogue={})
    book.verdict("without_a_catalogue_a_reading_token_and_get", "ok", record=record(readOnly=True), call=_call("GET", "/other"))
    denying = known | {"default": "deny"}
    for what, path, reason in [
        ("lists_a_route", "/v1/orders", "ok"), ("lists_the_rest", "/v1/x/y", "ok"), ("lists_nothing_else", "/v2", "route_unlisted"),
        ("knows_a_near_route", "/HEALTH", "ok"), ("tells_doubtful_first", "/v2//", "target_doubtful"),
    ]:
        book.verdict(f"a_catalogue_that_denies_and_{what}", reason, record=record(), call=_call("GET", path), catalogue=denying)
    book.verdict("denies_after_the_token", "token_expired", record=record(expires=1), call=_call("GET", "/v2"), catalogue=denying)
    for what, authorization in {"no_token": [], "a_token": header(), "a_malformed_header": "x", "two_headers": [header(), header()]}.items():
        book.verdict(f"lets_{what}_to_a_public_route", "public", record=None, authorization=authorization, call=_call("GET", "/health"), catalogue=known)
    book.verdict("says_nothing_of_a_token_on_a_public_route", "public", record=record(), call=_call("HEAD", "/health?x"), catalogue=known)
    for what, method, path in [("post", "POST", "/health"), ("a_slash", "GET", "/health/"), ("capitals", "GET", "/Health")]:
        book.verdict(f"is_not_public_with_{what}", "header_missing", record=None, authorization=[], call=_call(method, path), catalogue=known)
    for what, call, code, field in [
        ("a_method_alone", {"method": "GET"}, "field_missing", "call.path"), ("a_path_alone", {"path": "/"}, "field_missing", "call.method"),
        ("a_feature_too", _call("GET", "/") | {"feature": "x"}, "call_ambiguous", None), ("writes_too", _call("GET", "/") | {"writes": True}, "call_ambiguous", None),
        ("an_api_too", _call("GET", "/") | {"api": "uapi"}, "call_ambiguous", None), ("a_module_too", _call("GET", "/") | {"module": "x"}, "call_ambiguous", None),
    ]:
        book.error(f"refuses_a_call_with_{what}", {"op": "verify", "now": 1800000000, "authorization": None, "record": None, "account": None, "call": call}, code, field=field)
    _bytes(book)
    _shapes(book)
    _near(book)
    _rights(book)
    _catalogues(book)
    _limits(book)
    return [book, _held()]


def _bytes(book):
    """What a path may hold and what makes it doubtful, byte by byte and escape by escape."""
    wide = {"routes": [_route("/v1/{id}", "orders"), _route("/{*rest}")]}

    def asked(name, reason, target, method="GET"):
        book.verdict(name, reason, record=_limited("orders"), call=_call(method, target), catalogue=wide)

    for what, letter in {
        "an_exclamation_mark": "!", "a_dollar": "$", "an_ampersand": "&", "an_apostrophe": "'", "a_left_parenthesis": "(", "a_right_parenthesis": ")",
        "an_asterisk": "*", "a_plus": "+", "a_comma": ",", "a_minus": "-", "a_full_stop": ".", "a_colon": ":", "an_equals_sign": "=", "an_at": "@",
        "a_left_bracket": "[", "a_right_bracket": "]", "an_underscore": "_", "a_tilde": "~", "a_digit": "0", "a_capital": "Z",
    }.items():
        asked(f"a_segment_may_have_{what}", "ok", f"/v1/a{letter}b")
    for what, escape in {
        "a_space": "%20", "an_exclamation_mark": "%21", "a_quote": "%22", "a_dollar": "%24", "an_ampersand": "%26", "an_apostrophe": "%27",
        "a_parenthesis": "%28", "an_asterisk": "%2A", "a_plus": "%2B", "a_comma": "%2C", "a_colon": "%3A", "an_angle_bracket": "%3C", "an_equals_sign": "%3D",
        "an_at": "%40", "a_square_bracket": "%5B", "a_caret": "%5E", "a_backtick": "%60", "a_brace": "%7B", "a_bar": "%7C", "small_digits": "%3a",
        "two_bytes": "%C3%A9", "three_bytes": "%E2%82%AC", "four_bytes": "%F0%9F%98%80", "the_last_character": "%F4%8F%BF%BF", "a_control_beyond_ascii": "%C2%80",
        "a_wide_slash": "%EF%BC%8F", "a_combining_mark": "e%CC%81",
    }.items():
        asked(f"a_segment_may_have_an_escape_of_{what}", "ok", f"/v1/a{escape}b")
    for what, letter in {
        "nul": "\0", "an_escape_character": "\x1b", "a_line_feed": "\n", "a_carriage_return": "\r", "delete": "\x7f", "a_no_break_space": "\xa0",
        "a_zero_width_space": "\u200b", "a_wide_dot": "\uff0e", "an_emoji": "\U0001f600", "a_right_brace": "}", "a_left_brace": "{", "a_right_angle_bracket": ">",
    }.items():
        asked(f"a_segment_never_has_{what}", "target_doubtful", f"/v1/a{letter}b")
    for what, escape in {
        "a_digit": "%30", "the_last_digit": "%39", "a_capital": "%41", "the_last_letter": "%7a", "a_minus": "%2D", "an_underscore": "%5F", "a_full_stop": "%2E",
        "a_slash_in_small_letters": "%2f", "a_backslash_in_small_letters": "%5c", "a_unit_separator": "%1F", "a_tab": "%09", "a_carriage_return": "%0D",
        "a_character_begun": "%E2%82", "a_byte_that_goes_on": "%80", "a_long_form_of_a_letter": "%C1%81", "a_long_form_of_nul": "%C0%80",
        "a_character_beyond_the_last": "%F4%90%80%80", "a_byte_of_no_character": "%FF", "a_character_cut_by_a_letter": "%C3a", "one_digit_and_a_sign": "%2-",
        "a_sign_and_a_digit": "%+1", "a_space_and_a_digit": "% 1", "an_escape_twice": "%25C3%25A9", "an_escape_of_ucs_2": "%u00e9",
    }.items():
        asked(f"a_segment_never_has_an_escape_of_{what}", "target_doubtful", f"/v1/a{escape}b")
    asked("a_character_isn_t_cut_by_a_slash", "target_doubtful", "/v1/%C3/%A9")
    asked("an_escape_isn_t_cut_by_a_slash", "target_doubtful", "/v1/%4/1")
    asked("an_escape_isn_t_cut_by_the_query", "target_doubtful", "/v1/%C3?%A9")
    for what, path in {
        "a_dot_first": "/./v1", "two_dots_first": "/../v1", "a_dot_last": "/v1/.", "four_dots": "/v1/....", "a_dot_before_a_slash": "/v1/./",
        "a_dot_and_spaces": "/v1/.%20%20", "a_dot_a_space_and_a_dot": "/v1/.%20.", "a_dot_before_the_query": "/v1/..?x", "a_dot_alone": "/.",
    }.items():
        asked(f"no_segment_is_{what}", "target_doubtful", path)
    for what, path in {
        "a_name_after_a_dot": "/v1/.well-known", "a_dot_after_a_name": "/v1/a.", "dots_after_a_name": "/v1/a..", "dots_before_a_name": "/v1/..a", "a_space_before_a_dot": "/v1/%20.",
        "a_space": "/v1/%20", "a_wide_dot": "/v1/%EF%BC%8E",
    }.items():
        asked(f"a_segment_may_be_{what}", "ok", path)
    for what, path in {"slashes_at_the_end": "/v1/a//", "slashes_alone": "//", "slashes_before_the_query": "/v1//?x", "a_host": "//v1/a", "many_slashes": "/v1////a"}.items():
        asked(f"no_segment_is_empty_as_in_{what}", "target_doubtful", path)
    for what, query in {
        "nothing": "?", "a_question_mark": "??", "a_slash": "?/", "dots": "?/../..", "a_bare_percent": "?%", "an_escaped_slash": "?%2F", "a_backslash": "?\\",
        "a_semicolon": "?a;b", "brackets": "?a[]=<b>", "an_escape_of_a_letter": "?%41", "2048_bytes": "?" + "a" * 2048,
    }.items():
        asked(f"a_query_may_have_{what}", "ok", f"/v1/a{query}")
    for what, query in {"a_hash": "?a#b", "a_space": "?a b", "a_line_feed": "?a\n", "nul": "?\0", "delete": "?\x7f", "a_letter_beyond_ascii": "?\xe9"}.items():
        asked(f"a_query_never_has_{what}", "target_doubtful", f"/v1/a{query}")
    asked("the_query_does_not_count_in_the_length", "ok", "/v1/" + "a" * 2044 + "?" + "b" * 100)
    asked("the_length_counts_escapes_as_they_are_written", "target_doubtful", "/v1/" + "%C3%A9" * 341)
    for what, method in {
        "a_hash": "G#T", "an_apostrophe": "G'T", "a_star": "*", "digits": "123", "a_bar": "G|T", "every_sign": "!#$%&'*+-.^_`|~",
    }.items():
        asked(f"a_method_may_have_{what}", "function_without_feature", "/v1/a", method)
    for what, method in {
        "a_slash": "G/T", "a_tab": "G\tT", "nul": "G\0T", "a_quote": 'G"T', "a_parenthesis": "G(T", "a_comma": "G,T", "a_brace": "G{T", "a_letter_beyond_ascii": "G\xc9T",
        "a_line_feed_at_the_end": "GET\n", "a_space_first": " GET", "a_small_letter_last": "GEt", "a_long_s": "PO\u017fT", "head_in_small_letters": "head",
    }.items():
        asked(f"a_method_never_has_{what}", "target_doubtful", "/v1/a", method)


def _shapes(book):
    """Which shape a path chooses, and which route of it a method."""
    def asked(name, wanted, target, *paths, method="GET"):
        """Each route has the feature `f` and its number; the token has the feature of the wanted one, or of all if none is wanted."""
        given = [one if isinstance(one, tuple) else ("GET", one) for one in paths]
        known = {"routes": [_route(path, f"f{at}", method=of) for at, (of, path) in enumerate(given)]}
        features = [f"f{at}" for at in range(len(given))] if wanted is None else [f"f{wanted}"]
        reason = "function_without_feature" if wanted is None else "ok"
        book.verdict(name, reason, record=_limited(*features), call=_call(method, target), catalogue=known)
        if wanted is not None and len(given) > 1:
            others = [f"f{at}" for at in range(len(given)) if at != wanted]
            book.verdict(f"{name}_and_no_other", "feature_not_granted", record=_limited(*others), call=_call(method, target), catalogue=known)

    asked("a_literal_is_chosen_before_a_parameter", 1, "/a/b", "/a/{x}", "/a/b")
    asked("a_parameter_is_chosen_before_a_rest", 1, "/a/b", "/a/{*x}", "/a/{x}")
    asked("a_literal_is_chosen_before_a_rest", 1, "/a", "/{*x}", "/a")
    asked("the_first_segment_decides", 0, "/a/b", "/a/{x}", "/{x}/b")
    asked("the_first_segment_decides_over_several", 0, "/a/b/c", "/a/{x}/{y}", "/{x}/b/c")
    asked("a_rest_after_a_literal_is_chosen_before_a_parameter", 0, "/a/b", "/a/{*x}", "/{x}/b")
    asked("a_literal_that_leads_nowhere_is_left", 1, "/a/b/c", "/a/b/d", "/a/{x}/c")
    asked("a_literal_that_leads_nowhere_is_left_for_a_rest", 2, "/a/b/c", "/a/b/d", "/a/{x}/d", "/a/{*x}")
    asked("literals_that_lead_nowhere_are_left_up_to_the_root", 1, "/a/b/c/d", "/a/b/c/e", "/{*x}")
    asked("a_parameter_takes_one_segment", 0, "/a/b/c", "/a/{*x}", "/a/{x}")
    asked("a_rest_takes_several_segments", 0, "/a/b/c/d/e", "/a/{*x}")
    asked("a_rest_takes_a_slash_at_the_end", 0, "/a/b/", "/a/{*x}")
    asked("a_rest_takes_at_least_one_segment", None, "/a", "/a/{*x}")
    asked("a_rest_takes_more_than_an_empty_segment", None, "/a/", "/a/{*x}")
    asked("a_rest_of_everything_doesn_t_take_the_root", None, "/", "/{*x}")
    asked("a_parameter_takes_no_empty_segment", None, "/a/", "/a/{x}")
    asked("a_parameter_takes_an_escaped_space", 0, "/a/%20", "/a/{x}")
    asked("a_path_with_more_segments_is_another", None, "/a/b/c", "/a/b")
    asked("a_path_with_fewer_segments_is_another", None, "/a", "/a/b")
    asked("a_slash_at_the_end_of_a_route_counts", 1, "/a/", "/a", "/a/")
    asked("no_slash_at_the_end_of_a_route_counts", 0, "/a", "/a", "/a/")
    asked("a_slash_after_a_parameter_counts", 1, "/a/x/", "/a/{x}", "/a/{x}/")
    asked("two_routes_may_differ_in_case", 1, "/A", "/a", "/A")
    asked("two_routes_may_differ_in_case_in_the_middle", 0, "/a/x/b", "/a/{x}/b", "/A/{x}/b")
    asked("the_order_of_routes_does_not_matter", 3, "/a/b", "/{*x}", "/{x}/{y}", "/a/{x}", "/a/b")
    asked("the_names_of_parameters_do_not_matter", 1, "/a/7", ("POST", "/a/{id}"), ("GET", "/a/{number}"))
    asked("the_method_chooses_among_routes_of_one_shape", 1, "/a", "/a", ("POST", "/a"), ("*", "/a"), method="POST")
    asked("a_star_takes_the_other_methods", 2, "/a", "/a", ("POST", "/a"), ("*", "/a"), method="DELETE")
    asked("a_star_takes_methods_that_nobody_knows", 0, "/a", ("*", "/a"), method="BREW")
    asked("head_is_read_as_get_before_a_star", 0, "/a", "/a", ("*", "/a"), method="HEAD")
    asked("head_is_a_star_s_without_get", 1, "/a", ("POST", "/a"), ("*", "/a"), method="HEAD")
    asked("options_is_a_method_like_others", None, "/a", "/a", method="OPTIONS")
    asked("a_missing_method_is_not_sought_at_a_parameter", None, "/a/b", "/a/b", ("POST", "/a/{x}"), method="POST")
    asked("a_missing_method_is_not_sought_at_a_star_of_a_rest", None, "/a/b", "/a/b", ("*", "/{*x}"), method="POST")
    asked("a_route_may_have_a_star_in_a_segment", 0, "/a*b", "/a*b", "/{x}")
    asked("a_route_may_be_a_star_segment", 0, "/*", "/*", "/{x}")
    asked("a_parameter_s_name_in_a_literal_is_text", 0, "/:x", "/:x", "/{x}")
    asked("a_route_may_have_an_escaped_brace", 0, "/%7Bx%7D", "/%7Bx%7D", "/{x}")
    asked("sixty_segments_are_one_path", 0, "/a" * 60, "/a" * 60, "/a" * 59 + "/{x}")


def _near(book):
    """Paths that some servers take for a more specific route."""
    def asked(name, near, target, *paths, method="GET", default="full"):
        """A full token passes, the account must have the feature of the near route, a limited token has no use of its features."""
        given = [one if isinstance(one, tuple) else ("GET", one) for one in paths]
        known = {"routes": [_route(path, f"f{at}", method=of) for at, (of, path) in enumerate(given)], "default": default}
        every = [f"f{at}" for at in range(len(given))]
        book.verdict(f"near_{name}_is_refused_to_limited_tokens", "function_without_feature", record=_limited(*every), call=_call(method, target), catalogue=known)
        without = account(features=["apitokens", *(feature for feature in every if feature != f"f{near}")])
        book.verdict(f"near_{name}_requires_the_feature", "feature_not_in_account", account=without, call=_call(method, target), catalogue=known)

    asked("by_case", 1, "/a/B", "/a/{x}", "/a/b")
    asked("by_case_where_nothing_else_is", 0, "/A", "/a")
    asked("by_the_case_of_one_letter_of_many", 0, "/v1/orderS/7", "/v1/orders/{id}", "/v1/{*rest}")
    asked("by_a_slash_more", 1, "/a/b/", "/a/{*x}", "/a/b")
    asked("by_a_slash_less", 1, "/a/b", "/a/{x}", "/a/b/")
    asked("by_a_slash_more_after_a_parameter", 0, "/a/7/", "/a/{x}", "/{*rest}")
    asked("by_a_slash_and_case", 0, "/A/", "/a", "/{*x}")
    asked("by_an_escape_too_many", 0, "/a%2Bb", "/a+b", "/{x}")
    asked("by_an_escape_too_few", 0, "/a+b", "/a%2Bb", "/{x}")
    asked("by_small_digits_of_an_escape", 0, "/caf%c3%a9", "/caf%C3%A9", "/{x}")
    asked("by_an_escape_and_case", 0, "/%40ME", "/@me", "/{x}")
    asked("by_an_escape_and_a_slash", 0, "/%40me/", "/@me", "/{*x}")
    asked("by_an_escape_before_others", 1, "/a/%2A/c", "/a/{x}/c", "/a/*/{y}")
    asked("prefers_the_path_as_it_is_to_another_end", 1, "/A/b/", "/a/{*x}", "/a/b/", "/a/b")
    asked("prefers_the_first_of_two_by_bytes", 1, "/aB", "/ab", "/AB", "/{x}")
    asked("looks_further_for_a_shape_that_leads_on", 2, "/aB/c", "/AB/{*x}", "/{x}/c", "/ab/c")
    asked("by_a_slash_at_the_root_of_a_folder", 0, "/a/", "/a", "/{*x}")

    def exact(name, target, *paths, **more):
        known = {"routes": [_route(path, f"f{at}") for at, path in enumerate(paths)]}
        book.verdict(f"near_to_nothing_is_{name}", "ok", record=_limited("f0"), call=_call("GET", target), catalogue=known, **more)

    exact("a_path_whose_shape_is_no_wider", "/A/x", "/A/{x}", "/a/{y}")
    exact("a_path_that_a_wider_shape_has_in_another_case", "/A/x", "/A/x", "/a/{y}")
    exact("a_literal_beside_one_of_another_case", "/ab", "/ab", "/AB")
    exact("a_path_beside_one_with_a_slash", "/a", "/a", "/a/")
    exact("a_letter_beyond_ascii_in_another_case", "/%C3%89", "/{x}", "/%C3%A9")
    exact("the_kelvin_sign", "/%E2%84%AA", "/{x}", "/k")
    exact("a_dotless_i", "/%C4%B1", "/{x}", "/i")
    exact("an_accent_of_its_own", "/e%CC%81", "/{x}", "/%C3%A9")
    exact("an_escape_in_a_parameter", "/a%2Bb", "/{x}", "/a-b")
    exact("a_plus_for_a_space", "/a+b", "/{x}", "/a%20b")
    exact("a_slash_more_at_a_rest", "/a/b/c/", "/a/{*x}", "/a/b")
    book.verdict("near_without_the_method_is_unlisted", "route_unlisted", call=_call("PUT", "/A"), catalogue={"routes": [_route("/a"), _route("/{x}", method="*")], "default": "deny"})
    book.verdict("near_is_listed_where_all_else_is_denied", "ok", call=_call("GET", "/A"), catalogue={"routes": [_route("/a")], "default": "deny"})
    book.verdict("near_writes_whatever_the_route_does", "read_only", record=record(readOnly=True), call=_call("GET", "/a%2Bb"), catalogue={"routes": [_route("/a+b")]})
    book.verdict("near_a_public_route_is_judged_by_rights", "ok", call=_call("GET", "/open/"), catalogue={"routes": [_route("/open", public=True)]})
    book.verdict("near_a_public_route_needs_a_token", "header_missing", record=None, authorization=[], call=_call("GET", "/%6Fpen"), catalogue={"routes": [_route("/open", public=True)]})


def _rights(book):
    """What a route asks of token and account, and in which order."""
    known = {"routes": ORDERS}

    def asked(name, reason, method="GET", path="/v1/orders", **more):
        book.verdict(name, reason, call=_call(method, path) | more.pop("beside", {}), **({"catalogue": known} | more))

    asked("a_route_asks_its_feature_of_the_account", "feature_not_in_account", account=account(features=["apitokens", "mail"]))
    asked("a_route_asks_apitokens_of_the_account", "tokens_disabled", account=account(features=["orders"]))
    asked("a_route_asks_the_token_before_the_account", "feature_not_granted", record=_limited("mail"), account=account(features=["apitokens"]))
    asked("a_route_without_a_feature_asks_none_of_the_account", "ok", path="/v1/other", account=account(features=["apitokens"]))
    asked("a_limited_token_without_features_has_no_route", "feature_not_granted", record=_limited())
    asked("a_token_limited_in_another_case_has_no_route", "feature_not_granted", record=_limited("Orders"))
    asked("a_read_only_token_reads_a_route_by_head", "ok", "HEAD", record=record(readOnly=True))
    asked("a_read_only_token_has_no_star_that_writes", "read_only", "OPTIONS", "/v1/orders/7", record=record(readOnly=True))
    asked("a_read_only_limited_token_is_told_of_features_first", "feature_not_granted", "POST", record=record(readOnly=True, access={"features": ["mail"]}))
    asked("a_route_is_of_the_realm_of_its_port", "realm_mismatch", beside={"realm": "admin"})
    asked("a_route_of_the_admin_s_port", "ok", beside={"realm": "admin"}, record=record(realm="admin"), authorization=header(scheme="whm"))
    asked("a_route_from_an_address", "ok", beside={"address": "10.0.0.7"}, record=record(addresses=["10.0.0.0/8"]))
    asked("a_route_from_another_address", "address_refused", beside={"address": "192.0.2.7"}, record=record(addresses=["10.0.0.0/8"]))
    asked("an_address_is_asked_before_a_route", "address_unknown", path="/v1/orders;", record=record(addresses=["10.0.0.0/8"]))
    for what, changes, reason in [
        ("a_revoked_token", {"record": record(revoked=1)}, "token_revoked"), ("no_record", {"record": None}, "token_unknown"),
        ("a_suspended_account", {"account": account(suspended=True)}, "account_suspended"), ("no_account", {"account": None}, "account_unknown"),
        ("a_malformed_header", {"authorization": "x"}, "header_malformed"),
    ]:
        asked(f"a_doubtful_target_with_{what}", reason, path="/v1/orders;", **changes)
        asked(f"a_public_route_with_{what}", "public", path="/health", **changes)
    asked("a_public_route_whose_query_names_a_token", "public", path="/health?token=x", record=None, authorization=[])
    asked("a_public_route_from_any_address", "public", path="/health", record=record(addresses=["10.0.0.0/8"]))
    asked("a_public_route_that_is_written_with_an_escape", "target_doubtful", path="/%68ealth")
    asked("routes_beside_functions_leave_the_functions", "feature_not_granted", record=_limited("orders"), catalogue=known | {"functions": FUNCTIONS},
          path="/v1/orders/export")
    book.verdict("a_function_beside_routes_is_found", "ok", record=_limited("popaccts"), call={"module": "Email", "function": "list_pops"}, catalogue=known)
    book.verdict("a_function_of_the_file_beside_routes", "ok", record=_limited("popaccts"), call={"module": "Email", "function": "list_pops"},
                 catalogue=known | {"functions": FUNCTIONS})
    book.verdict("a_function_is_unlisted_without_routes", "function_without_feature", record=_limited("popaccts"), call={"module": "Email", "function": "list_pops"},
                 catalogue=known | {"functions": []})
    book.verdict("a_denying_catalogue_leaves_functions", "ok", record=_limited("popaccts"), call={"module": "Email", "function": "list_pops"}, catalogue=known | {"default": "deny"})
    book.verdict("a_path_like_a_function_s_is_a_route", "function_without_feature", record=_limited("popaccts"), call=_call("GET", "/execute/Email/list_pops"), catalogue=known)
    book.verdict("routes_without_a_catalogue_are_unlisted", "ok", call=_call("GET", "/v1/orders"))
    book.verdict("no_routes_deny_everything", "route_unlisted", call=_call("GET", "/"), catalogue={"default": "deny", "routes": []})
    book.verdict("a_catalogue_of_a_default_alone_is_for_full_tokens", "read_only", record=record(readOnly=True), call=_call("GET", "/"), catalogue={"default": "full"})


def _limits(book):
    """As many routes as a catalogue may have, and one more, which must be refused before the rest is looked at."""
    head = '{"op":"validate","catalogue":{"routes":['
    one = '{"method":"get","path":"/","feature":null,"writes":false}'
    for what, times in {"a_catalogue_of_10001_routes": 10_000, "a_catalogue_of_10000_routes": 9_999}.items():
        at = "catalogue.routes" if times == 10_000 else "catalogue.routes[0].method"
        found = {"valid": False, "problems": [{"code": "catalogue_invalid", "field": at}], "expires": None, "hint": None}
        book.padded(f"is_told_of_{what}", head, one + ",", times, one + "]}}", {"ok": found})


def _held():
    """Tables and snapshots with routes."""
    book = Book("routes_held", "Routes in tables and snapshots: prepared calls by method and path, their numbers, and a catalogue that is set anew.")
    base = {"records": [_limited("orders")], "accounts": [account()]}

    def table(name, catalogue, *steps, code=None):
        book.table(name, base | {"catalogue": catalogue}, steps, code)

    known = {"routes": ORDERS}
    seed = b"\x01" * 32
    message = Message(1, made=NOW, rows=base["records"], accounts=base["accounts"])
    table("a_table_judges_routes", known, ("prepare", _call("GET", "/v1/orders/7"), {"call": 1}), ("verify", {"call": 1}, "ok"),
          ("prepare", _call("GET", "/v1/orders/export"), {"call": 2}), ("verify", {"call": 2}, "feature_not_granted"))
    table("a_table_shares_the_number_of_paths_of_one_route", known, ("prepare", _call("GET", "/v1/orders/7"), {"call": 1}),
          ("prepare", _call("HEAD", "/v1/orders/8?x"), {"call": 1}), ("prepare", _call("GET", "/v1/orders"), {"call": 1}),
          ("prepare", _call("POST", "/v1/orders"), {"call": 2}), ("verify", {"call": 2}, "ok"))
    table("a_table_shares_the_number_of_a_route_and_of_its_feature", known, ("prepare", {"feature": "orders", "writes": False}, {"call": 1}),
          ("prepare", _call("GET", "/v1/orders"), {"call": 1}))
    table("a_table_shares_number_0_with_what_is_unlisted", known, ("prepare", _call("GET", "/other"), {"call": 0}), ("verify", {"call": 0}, "function_without_feature"))
    table("a_table_numbers_what_is_denied", known | {"default": "deny"}, ("prepare", _call("GET", "/other"), {"call": 1}), ("verify", {"call": 1}, "route_unlisted"),
          ("prepare", _call("GET", "/another"), {"call": 1}), ("verify", {"call": 0}, "function_without_feature"))
    table("a_table_numbers_what_is_doubtful", known, ("prepare", _call("GET", "/v1/../x"), {"call": 1}), ("verify", {"call": 1}, "target_doubtful"),
          ("prepare", _call("get", "/v1/orders"), {"call": 1}))
    table("a_table_numbers_what_is_near", known, ("prepare", _call("GET", "/v1/orders"), {"call": 1}), ("prepare", _call("GET", "/V1/orders"), {"call": 2}),
          ("verify", {"call": 2}, "function_without_feature"), ("prepare", _call("GET", "/v1/orders/"), {"call": 2}))
    table("a_table_lets_everyone_to_a_public_route", known, ("prepare", _call("GET", "/health"), {"call": 1}), ("verify", {"call": 1, "authorization": ""}, "public"),
          ("verify", {"call": 1, "authorization": header("nobody")}, "public"), ("verify", {"call": 1, "now": 0}, "public"))
    table("a_table_refuses_a_route_with_an_address", known, ("prepare", _call("GET", "/") | {"address": "10.0.0.1"}, "value_invalid"))
    table("a_table_refuses_half_a_route", known, ("prepare", {"method": "GET"}, "field_missing"), ("prepare", {"path": "/"}, "field_missing"))
    table("a_table_refuses_a_route_and_a_feature", known, ("prepare", _call("GET", "/") | {"feature": "mail"}, "call_ambiguous"))
    for what, target, reason in [
        ("a_route", "/v1/orders", "ok"), ("a_near_route", "/V1/orders", "function_without_feature"), ("a_doubtful_path", "/v1//orders", "target_doubtful"),
        ("another_route", "/v1/orders/export", "feature_not_granted"), ("a_public_route", "/health", "public"), ("no_route", "/v2", "route_unlisted"),
    ]:
        steps = [("apply", (message, message.signed(seed).hex(), NOW), None), ("prepare", _call("GET", target), {"call": 1}), ("verify", {"call": 1}, reason)]
        book.snapshot(f"a_snapshot_judges_{what}", {"publicKeys": [ed25519.public_key(seed).hex()], "catalogue": known | {"default": "deny"}}, steps)
    table("a_table_refuses_a_wrong_route", {"routes": [_route("/a//b")]}, code="catalogue_invalid")
    table("a_table_refuses_two_routes_of_one_shape", {"routes": [_route("/{a}"), _route("/{b}")]}, code="catalogue_invalid")
    return book


def _route(path="/", feature=None, method="GET", **more):
    return {"method": method, "path": path, "feature": feature, "writes": False} | more


def _catalogues(book):
    def wrong(what, *routes, code="catalogue_invalid", field="catalogue"):
        found = {"valid": False, "problems.0.code": code, "problems.0.field": field}
        book.ok(f"finds_{what}_in_a_catalogue", {"op": "validate", "catalogue": {"routes": list(routes)}}, found)

    def route(method="GET", path="/", **more):
        return _route(path, method=method, **more)

    book.ok("finds_nothing_wrong_with_the_routes", {"op": "validate", "catalogue": {"routes": ORDERS, "default": "deny"}}, {"valid": True})
    wrong("two_routes_of_one_shape", route(path="/a/{x}"), route(path="/a/{y}"), field="catalogue.routes")
    wrong("two_rests_of_one_shape", route(path="/a/{*x}"), route(path="/a/{*y}"), field="catalogue.routes")
    wrong("two_spellings_of_one_path", route(path="/%c3%a9"), route(path="/%C3%A9"), field="catalogue.routes")
    wrong("two_spellings_of_a_folder", route(path="/a/x+y/b"), route(path="/a/x%2By/c"), field="catalogue.routes")
    wrong("two_spellings_after_a_parameter", route(path="/{a}/@"), route("POST", "/{b}/%40"), field="catalogue.routes")
    wrong("the_same_route_twice", route(path="/a"), route(path="/b"), route(path="/a"), field="catalogue.routes")
    wrong("two_stars_of_one_shape", route("*", "/a"), route("*", "/a"), field="catalogue.routes")
    wrong("a_wrong_route_before_two_of_one_shape", route(path="/a"), route(path="/a"), route(path="b"), field="catalogue.routes[2].path")
    wrong("the_first_of_two_wrong_routes", route(path="/a"), route("get"), route(path="b"), field="catalogue.routes[1].method")
    wrong("a_wrong_method_before_a_wrong_path", route("get", "b"), field="catalogue.routes[0].method")
    wrong("a_wrong_feature_before_a_wrong_method", route("get", feature=""), code="feature_invalid", field="catalogue.routes[0].feature")
    wrong("a_wrong_path_before_a_wrong_public", route("*", "b", public=True), field="catalogue.routes[0].path")
    for what, given in {
        "spellings_after_different_segments": [route(path="/a/@"), route(path="/b/%40")], "methods_of_one_shape": [route(), route("POST"), route("*")],
        "a_parameter_and_a_rest": [route(path="/{a}"), route(path="/{*a}")], "routes_that_differ_in_case": [route(path="/a"), route(path="/A")],
        "routes_that_differ_in_a_slash": [route(path="/a"), route(path="/a/")], "names_of_32_letters": [route(path="/{" + "a" * 32 + "}/{*" + "b" * 32 + "}")],
        "names_of_digits_and_underscores": [route(path="/{_}/{0}/{a_1}")], "names_that_differ_in_case": [route(path="/{a}/{A}")],
        "a_path_of_2048_bytes": [route(path="/" + "a" * 2047)], "a_method_of_32_letters": [route("G" * 32)], "a_method_with_a_star": [route("*X")],
        "a_public_route_that_writes": [route("POST", "/hook", public=True, writes=True)], "a_public_root": [route(public=True)],
        "a_public_parameter": [route(path="/{a}", public=True)], "a_route_that_is_said_not_to_be_public": [route("*", feature="a", public=False)], "no_route": [],
    }.items():
        book.ok(f"finds_nothing_wrong_with_{what}", {"op": "validate", "catalogue": {"routes": given}}, {"valid": True})
    for what, broken, code, at in [
        ("a_route_without_a_method", {"path": "/", "feature": None, "writes": False}, "field_missing", ".method"),
        ("a_route_without_a_path", {"method": "GET", "feature": None, "writes": False}, "field_missing", ".path"),
        ("a_route_without_a_feature", {"method": "GET", "path": "/", "writes": False}, "field_missing", ".feature"),
        ("a_route_that_does_not_say_whether_it_writes", {"method": "GET", "path": "/", "feature": None}, "field_missing", ".writes"),
        ("a_route_with_another_key", route(module="x"), "field_unknown", ".module"), ("a_route_whose_method_is_a_number", route(1), "type_invalid", ".method"),
        ("a_route_whose_path_is_null", route(path=None), "type_invalid", ".path"), ("a_route_whose_public_is_null", route(public=None), "type_invalid", ".public"),
        ("a_route_that_writes_1", route(writes=1), "type_invalid", ".writes"), ("a_route_that_is_a_text", "GET /", "type_invalid", ""),
    ]:
        book.error(f"refuses_{what}", {"op": "validate", "catalogue": {"routes": [route(path="//"), broken]}}, code, field=f"catalogue.routes[1]{at}")
    book.error("refuses_routes_that_are_an_object", {"op": "validate", "catalogue": {"routes": {}}}, "type_invalid", field="catalogue.routes")
    book.error("refuses_a_catalogue_with_another_key", {"op": "validate", "catalogue": {"paths": []}}, "field_unknown", field="catalogue.paths")
    book.error("refuses_a_default_of_null", {"op": "validate", "catalogue": {"default": None}}, "type_invalid", field="catalogue.default")
    book.error("refuses_a_verification_by_a_wrong_route", {"op": "verify", "now": 1800000000, "authorization": None, "record": None, "account": None,
               "catalogue": {"routes": [route("HEAD")]}, "call": _call("GET", "/")}, "catalogue_invalid", field="catalogue.routes[0].method")
    wrong("head", route("HEAD"), field="catalogue.routes[0].method")
    for what, method in {"a_small_method": "get", "a_method_with_a_space": "GET ", "a_method_with_a_slash": "A/B", "a_method_beyond_ascii": "G\u00c9T", "two_methods": "GET,POST", "no_method": "", "a_long_method": "G" * 33, "two_stars": "**x"}.items():
        wrong(what, route(method), field="catalogue.routes[0].method")
    for what, path in {
        "no_slash": "a", "no_path": "", "an_empty_segment": "/a//b", "a_rest_before_the_end": "/{*a}/b", "a_name_twice": "/{a}/{a}", "an_empty_name": "/{}",
        "an_empty_rest": "/{*}", "a_name_with_a_dash": "/{a-b}", "a_rest_within_a_segment": "/a{*b}", "text_after_a_parameter": "/{a}b", "an_open_brace": "/{a", "a_star_as_name": "/{**a}", "a_space_in_a_name": "/{a b}", "a_letter_beyond_ascii_in_a_name": "/{\u00e9}", "a_name_of_a_parameter_and_a_rest": "/{a}/{*a}", "an_empty_segment_first": "//a", "slashes_alone": "//", "a_rest_and_a_slash": "/{*a}/", "a_hash": "/a#b", "a_semicolon": "/a;b", "a_letter_beyond_ascii": "/\u00e9", "half_a_character": "/%C3", "an_escaped_slash": "/a%2Fb", "a_space": "/a b", "a_dot": "/./a", "three_dots": "/...", "a_dot_and_a_space": "/.%20", "a_whole_url": "http://a/b", "a_star_alone": "*", "a_name_of_33_letters": "/{" + "a" * 33 + "}", "a_parameter_within_a_segment": "/a{b}",
        "a_dot_segment": "/a/..", "a_needless_escape": "/%61", "a_question_mark": "/a?b", "a_query_escape": "/%3F", "a_long_path": "/" + "a" * 2048,
    }.items():
        wrong(f"{what}_as_path", route(path=path), field="catalogue.routes[0].path")
    wrong("a_bad_feature", route(feature="a b"), code="feature_invalid", field="catalogue.routes[0].feature")
    for what, one in {"every_method": route("*", public=True), "every_path": route(path="/{*x}", public=True), "a_feature": route(feature="a", public=True)}.items():
        wrong(f"a_public_route_of_{what}", one, field="catalogue.routes[0].public")
    book.ok("takes_a_public_rest_below_the_root", {"op": "validate", "catalogue": {"routes": [route(path="/a/{*x}", public=True)]}}, {"valid": True})
    book.error("refuses_another_default", {"op": "validate", "catalogue": {"default": "open"}}, "value_invalid", field="catalogue.default")
    book.error("refuses_a_text_as_catalogue", {"op": "validate", "catalogue": "x"}, "type_invalid", field="catalogue")
