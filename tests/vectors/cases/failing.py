"""What went wrong elsewhere (RULES.md §7): each line that one request can show."""

from model import tokens

from .book import DAY, NOW, PEPPER, Book, account, entropy, header, record, secret, without

CACHE = "deleted tokens accepted from a cache for days"
BYTES = "secrets compared byte by byte"
DELAY = "a delay only on failure"
TOLD = '"expired" reported before the secret was checked'
SCOPE = "a missing scope read as every scope"
NEVER = "an unreadable expiry read as never"
DAY_END = "a date cut at the wrong end of the day"
GRACE = "a grace period that a cache prolonged"
DISABLED = "a rotation that enabled a disabled token"
RACE = "a verification that raced with a revocation and brought the token back"
COUNTER = "a counter below zero"
PROXY = "`X-Forwarded-For` trusted from anyone"
BACKUP = "a restored backup that brought revoked tokens back"
ZEROS = "zeros taken as random bytes"
SEPARATOR = "a prefix that holds the separator"
LENGTH = "a stored hash of another length that made the comparison throw"
EXISTS = "an error that revealed whether a user exists"


def _create(**changes):
    base = {"op": "create", "now": NOW, "entropy": entropy("elsewhere"), "user": "alice", "name": "ci", "access": "full"}
    return base | changes


def _tables(book):
    table = {"records": [record()], "accounts": [account()]}
    good, gone = ("verify", {}, "ok"), ("verify", {}, "token_unknown")
    steps = [good, ("update", {"removeIds": [record()["id"]]}, {"records": 0}), gone, ("verify", {"now": NOW + 1}, "token_unknown")]
    book.table("a_deleted_token_is_refused_at_once", table, steps, line=CACHE)
    ends = NOW + 60
    table = {"records": [record(expires=ends)], "accounts": [account()]}
    steps = [("verify", {"now": ends - 1}, "ok")] * 2 + [("verify", {"now": ends}, "token_expired"), ("verify", {"now": ends + DAY}, "token_expired")]
    book.table("a_token_seen_as_good_has_no_grace_at_its_expiry", table, steps, line=GRACE)
    table = {"records": [record()], "accounts": [account()]}
    revoked = ("verify", {}, "token_revoked")
    steps = [good, ("update", {"records": [record(revoked=NOW)]}, {"records": 1}), revoked, ("update", {"records": [record()]}, {"records": 1}), revoked]
    book.table("an_older_copy_of_a_record_does_not_undo_its_revocation", table, steps, line=RACE)
    table = {"records": [record(revoked=NOW - 1), record("b")], "accounts": [account()]}
    steps = [("update", {"records": [record(), record("b")]}, {"records": 2}), revoked, ("verify", {"authorization": header("b")}, "ok")]
    book.table("a_restored_copy_of_all_records_brings_no_revoked_token_back", table, steps, line=BACKUP)


def _secrets(book):
    good = secret("ci")
    for what, at in {"first": 0, "middle": 15, "last": 31}.items():
        guess = good[:at] + ("B" if good[at] == "A" else "A") + good[at + 1 :]
        book.verdict(f"a_secret_wrong_in_its_{what}_character_is_refused_like_any_other", "token_unknown", authorization=f"cpanel alice:{guess}", more={"line": BYTES})
    for what, value in {"missing": None, "malformed": f"cpanel alice:{good.lower()}", "well_formed": header("guess")}.items():
        request = {"op": "identify", "authorization": value, "peppers": [PEPPER]}
        book.ok(f"a_{what}_header_costs_as_many_hashes_as_a_good_one", request, line=DELAY)
    guess = header("guess")
    book.verdict("expiry_is_not_told_to_a_wrong_secret", "token_unknown", authorization=guess, record=record(expires=NOW - 1), more={"line": TOLD})
    book.verdict("revocation_is_not_told_to_a_wrong_secret", "token_unknown", authorization=guess, record=record(revoked=1), more={"line": TOLD})
    book.verdict("suspension_is_not_told_to_a_wrong_secret", "token_unknown", authorization=guess, account=account(suspended=True), more={"line": TOLD})
    for what, drawn in {"zeros": "00" * 64, "ones": "ff" * 64, "a_tail_of_zeros": entropy("x")[:64] + "00" * 32, "a_head_of_zeros": "00" * 8 + entropy("x")[16:]}.items():
        book.error(f"no_token_is_made_from_{what}", _create(entropy=drawn), "entropy_weak", field="entropy", line=ZEROS)
    book.error("no_token_is_made_from_nothing", _create(entropy=""), "entropy_length", field="entropy", line=ZEROS)
    book.error("no_token_is_made_without_entropy", without(_create(), "entropy"), "field_missing", field="entropy", line=ZEROS)
    book.error("no_token_is_made_with_a_prefix_that_holds_the_separator", _create(prefix="my_app"), "prefix_invalid", field="prefix", line=SEPARATOR)
    split = tokens.token_text(good, "my_app")
    book.ok("a_token_whose_prefix_holds_the_separator_is_malformed", {"op": "validate", "token": split}, {"problems.0.code": "token_prefix"}, line=SEPARATOR)
    request = {"op": "verify", "now": NOW, "authorization": header(), "account": account()}
    for what, text in {"shorter": "sha256:" + "ab" * 31, "longer": "sha256:" + "ab" * 33, "empty": "sha256:"}.items():
        book.error(f"a_stored_hash_that_is_{what}_is_a_coded_error", request | {"record": record(hash=text)}, "hash_invalid", field="record.hash", line=LENGTH)


def _rules(book):
    book.error("no_token_is_made_without_access", without(_create(), "access"), "field_missing", field="access", line=SCOPE)
    book.error("no_token_is_made_with_access_of_null", _create(access=None), "type_invalid", field="access", line=SCOPE)
    request = {"op": "verify", "now": NOW, "authorization": header(), "account": account()}
    book.error("a_record_that_lost_its_access_is_an_error", request | {"record": without(record(), "access")}, "field_missing", field="record.access", line=SCOPE)
    book.error("a_record_that_lost_its_addresses_is_an_error", request | {"record": without(record(), "addresses")}, "field_missing", field="record.addresses", line=SCOPE)
    nothing = record(access={"features": []})
    book.verdict("an_empty_list_of_features_grants_nothing", "feature_not_granted", record=nothing, call={"feature": "mail"}, more={"line": SCOPE})
    book.verdict("an_empty_list_of_features_grants_no_function_without_feature", "function_without_feature", record=nothing, more={"line": SCOPE})
    for what, value in {"a_word": "next year", "an_empty_text": "", "no_date": "2027-02-30", "the_word_none": "none", "a_month": "2027-12"}.items():
        book.error(f"an_expiry_that_is_{what}_is_an_error", _create(expires=value), "expiry_invalid", field="expires", line=NEVER)
    book.error("an_expiry_that_is_null_is_an_error", _create(expires=None), "type_invalid", field="expires", line=NEVER)
    book.error("an_expiry_of_zero_is_past_and_not_never", _create(expires=0), "expiry_past", field="expires", line=NEVER)
    book.error("a_record_that_lost_its_expiry_is_an_error", request | {"record": without(record(), "expires")}, "field_missing", field="record.expires", line=NEVER)
    end = 1803513599
    book.ok("a_date_lasts_to_the_end_of_its_day", _create(expires="2027-02-24"), {"record.expires": end}, line=DAY_END)
    one = {"record": record(expires=end)}
    book.verdict("a_token_works_in_the_last_second_before_the_end_of_its_day", "ok", now=end - 1, more={"line": DAY_END}, **one)
    book.verdict("a_token_is_refused_at_the_end_of_its_day", "token_expired", now=end, more={"line": DAY_END}, **one)
    book.ok("a_date_of_today_still_lasts_to_the_end_of_today", _create(expires="2027-01-15"), {"record.expires": 1800057599}, line=DAY_END)
    rename = {"op": "rename", "record": record(revoked=NOW - 1), "newName": "next"}
    book.error("renaming_a_revoked_token_does_not_enable_it", rename, "record_revoked", field=False, line=DISABLED)
    book.error("a_suspended_account_gets_no_new_token", _create(account=account(suspended=True)), "account_suspended", field=False, line=DISABLED)
    revoke = {"op": "revoke", "now": NOW, "records": [record(revoked=NOW - 1)], "ids": [record()["id"]]}
    book.ok("revoking_again_keeps_the_first_revocation", revoke, {"records.0.revoked": NOW - 1}, line=RACE)
    book.verdict("a_token_revoked_before_the_verification_is_refused", "token_revoked", record=record(revoked=NOW), more={"line": RACE})
    for what, expires in {"long_ago": 1, "a_second_ago": NOW - 1, "now": NOW}.items():
        describe = {"op": "describe", "now": NOW, "record": record(expires=expires)}
        book.ok(f"a_token_that_expired_{what}_has_no_time_left", describe, {"token.remaining": 0}, line=COUNTER)
    listed = record(addresses=["10.0.0.0/8"])
    for what, text in {"a_forwarded_list": "10.0.0.1, 198.51.100.7", "a_forwarded_pair": "for=10.0.0.1", "no_address": ""}.items():
        book.verdict(f"{what}_is_not_taken_for_an_address", "address_unknown", record=listed, call={"address": text}, more={"line": PROXY})
    book.verdict("a_good_token_from_another_address_is_refused", "address_refused", record=listed, call={"address": "198.51.100.7"}, more={"line": PROXY})
    refusals = []
    for what, reason, parts in [
        ("an_unknown_user", "token_unknown", {"authorization": header(user="nobody"), "record": None, "account": None}),
        ("a_known_user_and_a_wrong_token", "token_unknown", {"authorization": header("guess")}),
        ("the_token_of_another_user", "user_mismatch", {"authorization": header(user="bob")}),
        ("a_deleted_account", "account_unknown", {"account": None}),
        ("no_header_at_all", "header_missing", {"authorization": ""}),
        ("an_expired_token", "token_expired", {"record": record(expires=NOW)}),
    ]:
        book.verdict(f"the_refusal_of_{what}_tells_nothing", reason, more={"line": EXISTS}, **parts)
        refusals.append(book.vectors[-1]["expect"]["ok"]["refusal"])
    assert all(one == refusals[0] for one in refusals)


def books():
    """went_wrong_elsewhere.json."""
    book = Book(
        "went_wrong_elsewhere",
        "Failures seen in other systems, RULES.md §7; `line` quotes the one that a vector is about. "
        "Timing, logs and who is trusted as a proxy are not part of an answer: of these a vector can show only what the answer itself must not reveal.",
    )
    _tables(book)
    _secrets(book)
    _rules(book)
    return [book]
