"""Expiry as people give it, and the instant it means."""

import calendar
import datetime
import re

from . import decoding, zones
from .decoding import Refused

EARLIEST_NOW = 1577836800
LAST = 253402300799
"""9999-12-31T23:59:59Z."""

now = decoding.integer(EARLIEST_NOW, LAST, "now_invalid")

_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?"
_ZONE = r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"


def _day_number(year, month, day):
    """Days since 1970-01-01; year 0 too, which `datetime` lacks. It is a leap year like 400."""
    shift = 400 if year == 0 else 0
    return datetime.date(year + shift, month, day).toordinal() - 719163 - shift // 400 * 146097


def _instant(text, table):
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    try:
        match = re.fullmatch(_DATE, text)
        if match:
            return zones.later_instant(table, _day_number(*map(int, match.groups())) * 86400 + 86399)
        match = re.fullmatch(f"{_DATE}[Tt]{_TIME}{_ZONE}", text)
        if match:
            year, month, day, hour, minute, second = map(int, match.groups()[:6])
            sign, off_hour, off_minute = match.groups()[6:]
            if hour > 23 or minute > 59 or second > 59 or int(off_hour or 0) > 23 or int(off_minute or 0) > 59:
                raise ValueError(text)
            local = _day_number(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
            if sign is None:
                return local
            east = int(off_hour) * 3600 + int(off_minute) * 60
            return local - east if sign == "+" else local + east
    except ValueError:
        pass
    raise Refused("expiry_invalid", "expires")


def resolve(value, current, table):
    """The instant that an expiry means, or "never"."""
    if value == "never":
        return "never"
    if isinstance(value, str):
        instant = _instant(value, table)
    elif isinstance(value, int) and not isinstance(value, bool):
        instant = value
    else:
        raise Refused("type_invalid", "expires")
    if instant <= current:
        raise Refused("expiry_past", "expires")
    if instant > LAST:
        raise Refused("expiry_out_of_range", "expires")
    return instant


def one_year_ahead(current, table):
    """The default: 23:59:59 of the date one year after today's."""
    local = current + zones.offset_at(table, current)
    if local > LAST:
        raise Refused("expiry_out_of_range", "expires")
    shown = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=local)
    year, month, day = shown.year + 1, shown.month, shown.day
    if year > 9999:
        raise Refused("expiry_out_of_range", "expires")
    day = min(day, calendar.monthrange(year, month)[1])
    return resolve(f"{year:04d}-{month:02d}-{day:02d}", current, table)
