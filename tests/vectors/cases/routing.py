"""Routes: which one a request names, and what a token may do there."""

from .book import Book, header, record

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
        ("has_an_escape_decoded", _limited("mail"), "GET", "/caf%c3%a9", "ok"),
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
    _catalogues(book)
    return [book]


def _catalogues(book):
    def wrong(what, *routes, code="catalogue_invalid", field="catalogue"):
        found = {"valid": False, "problems.0.code": code, "problems.0.field": field}
        book.ok(f"finds_{what}_in_a_catalogue", {"op": "validate", "catalogue": {"routes": list(routes)}}, found)

    def route(method="GET", path="/", **more):
        return {"method": method, "path": path, "feature": None, "writes": False} | more

    book.ok("finds_nothing_wrong_with_the_routes", {"op": "validate", "catalogue": {"routes": ORDERS, "default": "deny"}}, {"valid": True})
    wrong("two_routes_of_one_shape", route(path="/a/{x}"), route(path="/a/{y}"), field="catalogue.routes")
    wrong("two_rests_of_one_shape", route(path="/a/{*x}"), route(path="/a/{*y}"), field="catalogue.routes")
    wrong("two_spellings_of_one_path", route(path="/%c3%a9"), route(path="/%C3%A9"), field="catalogue.routes")
    wrong("head", route("HEAD"), field="catalogue.routes[0].method")
    for what, method in {"a_small_method": "get", "no_method": "", "a_long_method": "G" * 33, "two_stars": "**x"}.items():
        wrong(what, route(method), field="catalogue.routes[0].method")
    for what, path in {
        "no_slash": "a", "no_path": "", "an_empty_segment": "/a//b", "a_rest_before_the_end": "/{*a}/b", "a_name_twice": "/{a}/{a}", "an_empty_name": "/{}",
        "an_empty_rest": "/{*}", "a_name_with_a_dash": "/{a-b}", "a_name_of_33_letters": "/{" + "a" * 33 + "}", "a_parameter_within_a_segment": "/a{b}",
        "a_dot_segment": "/a/..", "a_needless_escape": "/%61", "a_question_mark": "/a?b", "a_query_escape": "/%3F", "a_long_path": "/" + "a" * 2048,
    }.items():
        wrong(f"{what}_as_path", route(path=path), field="catalogue.routes[0].path")
    wrong("a_bad_feature", route(feature="a b"), code="feature_invalid", field="catalogue.routes[0].feature")
    for what, one in {"every_method": route("*", public=True), "every_path": route(path="/{*x}", public=True), "a_feature": route(feature="a", public=True)}.items():
        wrong(f"a_public_route_of_{what}", one, field="catalogue.routes[0].public")
    book.ok("takes_a_public_rest_below_the_root", {"op": "validate", "catalogue": {"routes": [route(path="/a/{*x}", public=True)]}}, {"valid": True})
    book.error("refuses_another_default", {"op": "validate", "catalogue": {"default": "open"}}, "value_invalid", field="catalogue.default")
    book.error("refuses_a_text_as_catalogue", {"op": "validate", "catalogue": "x"}, "type_invalid", field="catalogue")
