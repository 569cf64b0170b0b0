"""Expiry texts, zones and the default of one year, mostly by `validate` with `expires`."""

import datetime

from model import zones

from .book import DAY, NOW, Book, entropy

LAST = 253402300799


def _utc(*parts):
    return int(datetime.datetime(*parts, tzinfo=datetime.timezone.utc).timestamp())


GOOD = {
    "the_word_never": ("never", "never"),
    "the_next_second": (NOW + 1, NOW + 1),
    "the_last_second_of_9999": (LAST, LAST),
    "two_to_the_31": (2**31, 2**31),
    "two_to_the_32": (2**32, 2**32),
    "seconds_as_text": ("1800000001", NOW + 1),
    "seconds_as_text_with_leading_zeros": ("000000001800000001", NOW + 1),
    "a_date": ("2027-12-31", _utc(2027, 12, 31, 23, 59, 59)),
    "todays_date": ("2027-01-15", _utc(2027, 1, 15, 23, 59, 59)),
    "the_29th_of_february_of_2028": ("2028-02-29", _utc(2028, 2, 29, 23, 59, 59)),
    "the_29th_of_february_of_2400": ("2400-02-29", _utc(2400, 2, 29, 23, 59, 59)),
    "the_last_date": ("9999-12-31", LAST),
    "a_timestamp_in_utc": ("2027-06-01T12:30:45Z", _utc(2027, 6, 1, 12, 30, 45)),
    "a_timestamp_in_small_letters": ("2027-06-01t12:30:45z", _utc(2027, 6, 1, 12, 30, 45)),
    "a_timestamp_with_a_fraction": ("2027-06-01T12:30:45.999999999Z", _utc(2027, 6, 1, 12, 30, 45)),
    "a_timestamp_with_a_fraction_of_one_digit": ("2027-06-01T12:30:45.9Z", _utc(2027, 6, 1, 12, 30, 45)),
    "a_timestamp_with_a_fraction_of_thirty_digits": ("2027-06-01T12:30:45." + "9" * 30 + "Z", _utc(2027, 6, 1, 12, 30, 45)),
    "a_timestamp_east": ("2027-06-01T12:30:45+05:45", _utc(2027, 6, 1, 6, 45, 45)),
    "a_timestamp_west": ("2027-06-01T12:30:45-03:30", _utc(2027, 6, 1, 16, 0, 45)),
    "a_timestamp_of_unknown_local_offset": ("2027-06-01T12:30:45-00:00", _utc(2027, 6, 1, 12, 30, 45)),
    "a_timestamp_at_the_largest_offset": ("2027-06-01T12:30:45+23:59", _utc(2027, 5, 31, 12, 31, 45)),
    "the_last_timestamp": ("9999-12-31T23:59:59Z", LAST),
    "the_last_timestamp_with_a_fraction": ("9999-12-31T23:59:59.5Z", LAST),
    "the_last_timestamp_from_the_east": ("9999-12-31T23:59:59+01:00", LAST - 3600),
}

BAD = {
    "zero": (0, "expiry_past"),
    "minus_one": (-1, "expiry_past"),
    "the_smallest_number": (-(2**53 - 1), "expiry_past"),
    "the_present_second": (NOW, "expiry_past"),
    "the_second_before": (NOW - 1, "expiry_past"),
    "zero_as_text": ("0", "expiry_past"),
    "the_present_second_as_text": ("1800000000", "expiry_past"),
    "yesterdays_date": ("2027-01-14", "expiry_past"),
    "a_date_in_year_0": ("0000-01-01", "expiry_past"),
    "a_date_in_year_1": ("0001-01-01", "expiry_past"),
    "a_timestamp_in_year_0_east": ("0000-01-01T00:00:00+23:59", "expiry_past"),
    "the_present_second_as_timestamp": ("2027-01-15T08:00:00Z", "expiry_past"),
    "the_present_second_with_a_fraction": ("2027-01-15T08:00:00.999Z", "expiry_past"),
    "the_present_second_with_an_offset": ("2027-01-15T10:00:00+02:00", "expiry_past"),
    "the_first_second_of_10000": (LAST + 1, "expiry_out_of_range"),
    "milliseconds_for_seconds": (NOW * 1000, "expiry_out_of_range"),
    "the_largest_number": (2**53 - 1, "expiry_out_of_range"),
    "eighteen_digits": ("9" * 18, "expiry_out_of_range"),
    "the_last_timestamp_from_the_west": ("9999-12-31T23:59:59-00:01", "expiry_out_of_range"),
    "nineteen_digits": ("1" * 19, "expiry_invalid"),
    "nineteen_digits_with_leading_zeros": ("0000000001800000001", "expiry_invalid"),
    "an_empty_text": ("", "expiry_invalid"),
    "a_space": (" ", "expiry_invalid"),
    "a_word": ("tomorrow", "expiry_invalid"),
    "never_in_capitals": ("Never", "expiry_invalid"),
    "never_with_a_space": ("never ", "expiry_invalid"),
    "the_word_null": ("null", "expiry_invalid"),
    "the_word_nan": ("NaN", "expiry_invalid"),
    "a_signed_number": ("+1800000001", "expiry_invalid"),
    "a_negative_number_as_text": ("-1", "expiry_invalid"),
    "a_number_with_a_space": (" 1800000001", "expiry_invalid"),
    "a_number_with_a_line_feed": ("1800000001\n", "expiry_invalid"),
    "a_number_with_an_underscore": ("1_800_000_001", "expiry_invalid"),
    "a_fraction_as_text": ("1800000001.5", "expiry_invalid"),
    "an_exponent_as_text": ("18e8", "expiry_invalid"),
    "hexadecimal_digits": ("0x6B49D201", "expiry_invalid"),
    "arabic_digits": ("\u0661\u0662\u0663", "expiry_invalid"),
    "the_29th_of_february_of_2027": ("2027-02-29", "expiry_invalid"),
    "the_29th_of_february_of_2100": ("2100-02-29", "expiry_invalid"),
    "the_30th_of_february": ("2028-02-30", "expiry_invalid"),
    "the_31st_of_february": ("2028-02-31", "expiry_invalid"),
    "the_31st_of_april": ("2028-04-31", "expiry_invalid"),
    "a_month_of_zero": ("2028-00-10", "expiry_invalid"),
    "a_month_of_13": ("2028-13-10", "expiry_invalid"),
    "a_day_of_zero": ("2028-01-00", "expiry_invalid"),
    "a_year_of_five_digits": ("10000-01-01", "expiry_invalid"),
    "a_signed_year": ("+2028-01-01", "expiry_invalid"),
    "a_negative_year": ("-2028-01-01", "expiry_invalid"),
    "a_year_of_two_digits": ("28-01-01", "expiry_invalid"),
    "a_date_without_zeros": ("2028-1-1", "expiry_invalid"),
    "a_date_with_slashes": ("2028/01/01", "expiry_invalid"),
    "a_date_without_hyphens": ("2028-0101", "expiry_invalid"),
    "a_date_the_american_way": ("01-31-2028", "expiry_invalid"),
    "a_date_of_fullwidth_digits": ("\uff12\uff10\uff12\uff18-01-01", "expiry_invalid"),
    "a_date_with_a_trailing_space": ("2028-01-01 ", "expiry_invalid"),
    "a_date_with_a_line_feed": ("2028-01-01\n", "expiry_invalid"),
    "a_date_with_an_offset": ("2028-01-01Z", "expiry_invalid"),
    "a_timestamp_without_offset": ("2028-01-01T00:00:00", "expiry_invalid"),
    "a_timestamp_with_a_space": ("2028-01-01 00:00:00Z", "expiry_invalid"),
    "a_timestamp_with_an_underscore": ("2028-01-01_00:00:00Z", "expiry_invalid"),
    "a_timestamp_without_seconds": ("2028-01-01T00:00Z", "expiry_invalid"),
    "a_timestamp_with_second_60": ("2027-12-31T23:59:60Z", "expiry_invalid"),
    "a_timestamp_with_second_61": ("2027-12-31T23:59:61Z", "expiry_invalid"),
    "a_timestamp_with_minute_60": ("2027-12-31T23:60:00Z", "expiry_invalid"),
    "a_timestamp_with_hour_24": ("2027-12-31T24:00:00Z", "expiry_invalid"),
    "a_timestamp_with_an_empty_fraction": ("2027-12-31T23:59:59.Z", "expiry_invalid"),
    "a_timestamp_with_a_comma": ("2027-12-31T23:59:59,5Z", "expiry_invalid"),
    "a_timestamp_with_an_offset_without_colon": ("2027-12-31T23:59:59+0100", "expiry_invalid"),
    "a_timestamp_with_an_offset_of_hours": ("2027-12-31T23:59:59+01", "expiry_invalid"),
    "a_timestamp_with_an_offset_of_24_hours": ("2027-12-31T23:59:59+24:00", "expiry_invalid"),
    "a_timestamp_with_an_offset_of_60_minutes": ("2027-12-31T23:59:59+01:60", "expiry_invalid"),
    "a_timestamp_with_a_minus_sign_beyond_ascii": ("2027-12-31T23:59:59\u221201:00", "expiry_invalid"),
    "a_timestamp_with_a_zone_name": ("2027-12-31T23:59:59[Europe/Berlin]", "expiry_invalid"),
    "a_timestamp_on_no_date": ("2027-02-29T00:00:00Z", "expiry_invalid"),
    "a_timestamp_with_text_after_it": ("2027-12-31T23:59:59Zx", "expiry_invalid"),
    "an_http_date": ("Fri, 31 Dec 2027 23:59:59 GMT", "expiry_invalid"),
}

DATES = {
    "Europe/Berlin": ["2027-01-31", "2027-03-28", "2027-10-31", "2028-02-29"],
    "America/New_York": ["2027-03-14", "2027-11-07"],
    "Australia/Lord_Howe": ["2027-04-04", "2027-10-03", "2027-07-01"],
    "Africa/Cairo": ["2027-04-29", "2027-04-30", "2027-10-28", "2028-10-26"],
    "Asia/Beirut": ["2027-03-27", "2027-10-30", "2027-10-31"],
    "America/Havana": ["2027-03-13", "2027-11-06", "2027-11-07"],
    "America/Santiago": ["2027-04-03", "2027-09-04", "2028-04-01"],
    "Atlantic/Azores": ["2027-03-27", "2027-10-30", "2027-10-31"],
    "America/Scoresbysund": ["2027-03-27", "2027-10-30", "2028-03-25"],
    "Pacific/Chatham": ["2027-04-04", "2027-09-26"],
    "Asia/Kathmandu": ["2027-05-05"],
}
"""Dates on and around changes of the clock. In Scoresbysund 23:59:59 is left out in spring; there, and in Beirut, Cairo and
Santiago, it comes twice in autumn."""

MISSING_DAY = {"offset": -36000, "transitions": [[_utc(2027, 12, 30, 10, 0, 0), 50400]]}
"""As Samoa did in 2011: the 30th of December 2027 does not happen, for the clock goes from -10:00 to +14:00 at its midnight."""
DOUBLED_DAY = {"offset": 50400, "transitions": [[_utc(2027, 12, 29, 10, 0, 0), -36000]]}
"""The other way: the 29th of December 2027, which began at +14:00, happens a second time."""
THREE_TIMES = {"offset": 58228, "transitions": [[1800230398, -1], [1800236030, -23569], [1800268130, -1]]}
"""No zone does this: 23:59:59 of the 17th of January 2027 comes three times, and the offset of the second time comes again."""


def _validate(value, **more):
    return {"op": "validate", "now": NOW, "expires": value} | more


def _snake(zone):
    return zone.lower().replace("/", "_")


def _zone_book():
    book = Book(
        "zones",
        "Dates in time zones: 23:59:59 of the date, the later instant in a gap or an overlap. Transitions and instants come from Python's "
        "zoneinfo, following each zone's published rule for the years ahead; the instant is the later of fold 0 and fold 1.",
    )
    for zone, dates in DATES.items():
        table = zones.transitions(zone)
        for date in dates:
            parts = [int(part) for part in date.split("-")]
            expected = zones.end_of_day(zone, *parts)
            name = f"ends_{date.replace('-', '_')}_in_{_snake(zone)}"
            book.ok(name, _validate(date, zone=table), {"valid": True, "expires": expected})
    for text, seconds in {"+00:00": 0, "+05:45": 20700, "-03:30": -12600, "+23:59": 86340, "-23:59": -86340}.items():
        name = f"ends_a_date_at_{text.replace('+', 'plus_').replace('-', 'minus_').replace(':', '_')}"
        book.ok(name, _validate("2027-06-01", zone=text), {"expires": _utc(2027, 6, 1, 23, 59, 59) - seconds})
    book.ok("ends_a_date_in_a_zone_without_transitions", _validate("2027-06-01", zone={"offset": 3600, "transitions": []}))
    for date, at in {"2027-12-29": (2027, 12, 30, 9, 59, 59), "2027-12-30": (2027, 12, 31, 9, 59, 59), "2027-12-31": (2027, 12, 31, 9, 59, 59)}.items():
        like = {"expires": _utc(*at)}
        book.ok(f"ends_{date.replace('-', '_')}_where_the_30th_is_missing", _validate(date, zone=MISSING_DAY), like)
    book.ok("ends_the_later_of_two_equal_days", _validate("2027-12-29", zone=DOUBLED_DAY), {"expires": _utc(2027, 12, 30, 9, 59, 59)})
    book.ok("ends_the_latest_of_three_equal_times", _validate("2027-01-17", zone=THREE_TIMES), {"expires": _utc(2027, 1, 18, 6, 32, 48)})
    seconds = {"offset": 4772, "transitions": [[NOW + 10 * DAY, -17762]]}
    book.ok("ends_a_date_at_an_offset_of_odd_seconds", _validate("2027-01-16", zone=seconds))
    book.ok("ends_the_last_date_east_of_utc", _validate("9999-12-31", zone="+01:00"), {"expires": LAST - 3600})
    book.ok("refuses_the_last_date_west_of_utc", _validate("9999-12-31", zone="-01:00"), {"problems.0.code": "expiry_out_of_range"})
    book.ok("a_date_that_is_still_today_in_the_west", _validate("2027-01-14", zone="-12:00"), {"expires": _utc(2027, 1, 15, 11, 59, 59)})
    many = {"offset": 0, "transitions": [[NOW + at * DAY, at % 2 * 3600] for at in range(1, 1002)]}
    like = {"valid": True}
    book.ok("reads_a_zone_of_1000_transitions", _validate("2027-02-01", zone={"offset": 0, "transitions": many["transitions"][:1000]}), like)
    book.error("refuses_a_zone_of_1001_transitions", _create(zone=many, expires="never"), "zone_invalid", field=False)
    for what, zone in {
        "a_zone_name": "Europe/Berlin",
        "utc_in_small_letters": "utc",
        "the_letter_z": "Z",
        "an_empty_zone": "",
        "an_offset_without_sign": "01:00",
        "an_offset_of_one_digit": "+1:00",
        "an_offset_without_colon": "+0100",
        "an_offset_of_24_hours": "+24:00",
        "an_offset_of_60_minutes": "+01:60",
        "an_offset_with_seconds": "+01:00:00",
        "an_offset_object_of_24_hours": {"offset": 86400, "transitions": []},
        "an_offset_object_of_minus_24_hours": {"offset": -86400, "transitions": []},
        "a_transition_to_24_hours": {"offset": 0, "transitions": [[NOW, 86400]]},
        "transitions_that_repeat": {"offset": 0, "transitions": [[NOW, 1], [NOW, 2]]},
        "transitions_that_fall": {"offset": 0, "transitions": [[NOW, 1], [NOW - 1, 2]]},
    }.items():
        book.error(f"refuses_{what}_as_zone", _create(zone=zone, expires="never"), "zone_invalid", field=False)
    book.error("refuses_a_number_as_zone", _create(zone=1), "type_invalid", field="zone")
    book.error("refuses_null_as_zone", _create(zone=None), "type_invalid", field="zone")
    book.error("refuses_a_zone_without_offset", _create(zone={"transitions": []}), "field_missing", field="zone.offset")
    book.error("refuses_a_zone_with_an_unknown_key", _create(zone={"offset": 0, "transitions": [], "name": "x"}), "field_unknown", field="zone.name")
    book.ok("reads_a_zone_of_86399_seconds", _validate("2027-06-01", zone={"offset": 86399, "transitions": []}))
    return book


def _create(label="times", **changes):
    return {"op": "create", "now": NOW, "entropy": entropy(label), "user": "alice", "name": "ci", "access": "full"} | changes


def _default_book():
    book = Book(
        "defaults",
        "`create` without `expires`: 23:59:59 of the date one year ahead in the zone, by Python's datetime and zoneinfo; and what a policy makes of it.",
    )
    for what, now, zone, end in [
        ("an_ordinary_day", NOW, None, (2028, 1, 15)),
        ("the_29th_of_february", _utc(2028, 2, 29, 12), None, (2029, 2, 28)),
        ("the_28th_of_february_before_a_leap_year", _utc(2027, 2, 28, 12), None, (2028, 2, 28)),
        ("the_28th_of_february_of_a_leap_year", _utc(2028, 2, 28, 12), None, (2029, 2, 28)),
        ("the_first_second_of_a_day", _utc(2027, 6, 1), None, (2028, 6, 1)),
        ("the_last_second_of_a_day", _utc(2027, 6, 1, 23, 59, 59), None, (2028, 6, 1)),
        ("the_last_day_of_a_year", _utc(2027, 12, 31, 23, 59, 59), None, (2028, 12, 31)),
        ("the_earliest_time", 1577836800, None, (2021, 1, 1)),
        ("the_last_day_that_has_one", _utc(9998, 12, 31, 23, 59, 59), None, (9999, 12, 31)),
    ]:
        like = {"record.expires": _utc(*end, 23, 59, 59)}
        book.ok(f"defaults_to_a_year_from_{what}", _create(now=now) | ({"zone": zone} if zone else {}), like)
    book.error("has_no_default_in_the_year_9999", _create(now=_utc(9999, 1, 1)), "expiry_out_of_range", field=False)
    berlin = zones.transitions("Europe/Berlin")
    like = {"record.expires": zones.end_of_day("Europe/Berlin", 2028, 6, 2)}
    book.ok("defaults_by_the_date_in_berlin_when_utc_is_a_day_behind", _create(now=_utc(2027, 6, 1, 22, 30), zone=berlin), like)
    new_york = zones.transitions("America/New_York")
    like = {"record.expires": zones.end_of_day("America/New_York", 2028, 5, 31)}
    book.ok("defaults_by_the_date_in_new_york_when_utc_is_a_day_ahead", _create(now=_utc(2027, 6, 1, 2), zone=new_york), like)
    like = {"record.expires": zones.end_of_day("America/Scoresbysund", 2028, 3, 25)}
    gap = zones.transitions("America/Scoresbysund")
    book.ok("defaults_to_the_later_instant_in_a_gap", _create(now=_utc(2027, 3, 25, 12), zone=gap), like)
    like = {"record.expires": zones.end_of_day("Africa/Cairo", 2028, 10, 26)}
    book.ok("defaults_to_the_later_instant_in_an_overlap", _create(now=_utc(2027, 10, 26, 12), zone=zones.transitions("Africa/Cairo")), like)
    like = {"record.expires": _utc(2029, 2, 28, 10, 0, 0) - 1}
    book.ok("defaults_from_the_29th_of_february_in_a_zone_far_east", _create(now=_utc(2028, 2, 28, 12), zone="+14:00"), like)

    day = {"maxLifetime": DAY}
    book.ok("shortens_the_default_to_the_longest_lifetime", _create(policy=day), {"record.expires": NOW + DAY})
    book.ok("keeps_a_default_within_the_longest_lifetime", _create(policy={"maxLifetime": 1000 * DAY}), {"record.expires": _utc(2028, 1, 15, 23, 59, 59)})
    book.ok("takes_the_largest_number_as_longest_lifetime", _create(policy={"maxLifetime": 2**53 - 1}))
    book.ok("admits_an_expiry_at_the_longest_lifetime", _create(policy=day, expires=NOW + DAY), {"record.expires": NOW + DAY})
    book.error("refuses_an_expiry_past_the_longest_lifetime", _create(policy=day, expires=NOW + DAY + 1), "expiry_too_late", field=False)
    book.error("refuses_never_under_a_longest_lifetime", _create(policy=day, expires="never"), "expiry_required", field=False)
    book.error("refuses_never_where_expiry_is_required", _create(policy={"expiryRequired": True}, expires="never"), "expiry_required", field=False)
    book.ok("admits_never_where_expiry_is_not_required", _create(policy={"expiryRequired": False}, expires="never"), {"record.expires": None})
    book.ok("admits_the_default_where_expiry_is_required", _create(policy={"expiryRequired": True}))
    book.ok("admits_never_under_an_empty_policy", _create(policy={}, expires="never"), {"record.expires": None})
    book.ok("admits_a_lifetime_of_one_second", _create(policy={"maxLifetime": 1}), {"record.expires": NOW + 1})
    book.error("refuses_a_longest_lifetime_of_zero", _create(policy={"maxLifetime": 0}), "value_invalid", field="policy.maxLifetime")
    book.error("refuses_a_negative_longest_lifetime", _create(policy={"maxLifetime": -1}), "value_invalid", field="policy.maxLifetime")
    book.error("refuses_an_unknown_policy", _create(policy={"maxLifeTime": 1}), "field_unknown", field="policy.maxLifeTime")
    book.error("refuses_a_policy_of_null", _create(policy=None), "type_invalid", field="policy")
    return book


def books():
    """expiry.json, zones.json and defaults.json."""
    book = Book(
        "expiry",
        "Expiry texts by `validate`, at 2027-01-15T08:00:00Z; instants by Python's datetime. The errors of a wrong type are those of the request.",
    )
    for what, (value, instant) in GOOD.items():
        book.ok(f"expires_at_{what}", _validate(value), {"valid": True, "expires": instant})
    for what, (value, code) in BAD.items():
        book.ok(f"finds_{code}_in_{what}", _validate(value), {"valid": False, "problems.0.code": code, "expires": None})
    for what, value in {"null": None, "true": True, "false": False, "an_array": [NOW + 1], "an_object": {}}.items():
        book.error(f"refuses_{what}_as_expiry", _validate(value), "type_invalid", field="expires")
        book.error(f"refuses_to_create_with_{what}_as_expiry", _create(expires=value), "type_invalid", field="expires")
    for what in ("the_word_never", "the_next_second", "a_date", "a_timestamp_with_a_fraction", "the_last_second_of_9999"):
        value, instant = GOOD[what]
        like = {"record.expires": None if instant == "never" else instant}
        book.ok(f"creates_a_token_that_expires_at_{what}", _create(expires=value), like)
    for what in ("the_present_second", "zero", "milliseconds_for_seconds", "a_word", "an_empty_text", "a_timestamp_with_second_60"):
        value, code = BAD[what]
        book.error(f"refuses_to_create_a_token_that_expires_at_{what}", _create(expires=value), code, field="expires")
    for what, now, code in [
        ("zero", 0, "now_invalid"),
        ("minus_one", -1, "now_invalid"),
        ("the_last_second_of_2019", 1577836799, "now_invalid"),
        ("the_first_second_of_10000", LAST + 1, "now_invalid"),
        ("milliseconds", NOW * 1000, "now_invalid"),
        ("null", None, "type_invalid"),
        ("text", str(NOW), "type_invalid"),
    ]:
        book.error(f"refuses_{what}_as_now_in_create", _create(now=now), code, field="now")
        book.error(f"refuses_{what}_as_now_in_validate", _validate("never") | {"now": now}, code, field="now")
    book.ok("takes_the_first_second_of_2020_as_now", _validate(1577836801) | {"now": 1577836800}, {"expires": 1577836801})
    book.ok("takes_the_last_second_but_one_as_now", _validate(LAST) | {"now": LAST - 1}, {"expires": LAST})
    book.ok("has_no_later_instant_than_the_last", _validate("9999-12-31") | {"now": LAST}, {"problems.0.code": "expiry_past"})
    book.error("refuses_to_validate_an_expiry_without_now", {"op": "validate", "expires": "never"}, "field_missing", field="now")
    return [book, _zone_book(), _default_book()]
