"""Time zones: the offsets of a request, and tables of transitions derived by zoneinfo from published rules."""

import datetime
import io
import re
import struct
import zoneinfo

from . import decoding
from .decoding import Refused

UTC = ([], [0])
DAY = 86400

RULES = {
    "Africa/Cairo": "EET-2EEST,M4.5.5/0,M10.5.4/24",
    "America/Havana": "CST5CDT,M3.2.0/0,M11.1.0/1",
    "America/New_York": "EST5EDT,M3.2.0,M11.1.0",
    "America/Santiago": "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "America/Scoresbysund": "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    "Asia/Beirut": "EET-2EEST,M3.5.0/0,M10.5.0/0",
    "Asia/Kathmandu": "<+0545>-5:45",
    "Atlantic/Azores": "<-01>1<+00>,M3.5.0/0,M10.5.0/1",
    "Australia/Lord_Howe": "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "Europe/Berlin": "CET-1CEST,M3.5.0,M10.5.0/3",
    "Pacific/Chatham": "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
}
"""The rules for the years ahead, as the zone database states them at the end of each zone's file. They are given here so that
the vectors don't change with the zone data of the machine that makes them."""


def by_rule(zone):
    """A zone of zoneinfo that follows its published rule and holds nothing else."""
    block = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    text = block + block + b"\n" + RULES[zone].encode() + b"\n"
    return zoneinfo.ZoneInfo.from_file(io.BytesIO(text), key=zone)


def end_of_day(zone, year, month, day):
    """23:59:59 of a date by zoneinfo: the later of the two readings (fold 0 and 1, PEP 495)."""
    moments = [
        datetime.datetime(year, month, day, 23, 59, 59, tzinfo=by_rule(zone), fold=fold).timestamp() for fold in (0, 1)
    ]
    return int(max(moments))


def transitions(zone, first_year=2026, last_year=2031):
    """The zone as a request gives it: the offset at the start, and each change found by halving between days."""
    rule = by_rule(zone)

    def offset(at):
        moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).astimezone(rule)
        return int(moment.utcoffset().total_seconds())

    start = int(datetime.datetime(first_year, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
    end = int(datetime.datetime(last_year, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
    changes = []
    for day in range(start, end, DAY):
        low, high = day, day + DAY
        if offset(low) == offset(high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
        changes.append([high, offset(high)])
    return {"offset": offset(start), "transitions": changes}


def zone(value, path):
    """A zone of a request as (instants, offsets): offsets[0] holds before the first instant, offsets[n] from instants[n-1]."""
    invalid = Refused("zone_invalid", path)
    if isinstance(value, str):
        if value == "UTC":
            return UTC
        match = re.fullmatch(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", value)
        if match is None:
            raise invalid
        seconds = int(match[2]) * 3600 + int(match[3]) * 60
        return [], [seconds if match[1] == "+" else -seconds]
    reader = decoding.Reader(value, path)
    first = reader.take("offset", decoding.integer())
    pairs = reader.take("transitions", decoding.array(decoding.array(decoding.integer())))
    if len(pairs) > 1000 or any(len(pair) != 2 for pair in pairs):
        raise invalid
    instants = [pair[0] for pair in pairs]
    offsets = [first] + [pair[1] for pair in pairs]
    if any(not -DAY < one < DAY for one in offsets) or any(a >= b for a, b in zip(instants, instants[1:])):
        raise invalid
    return instants, offsets


def offset_at(table, instant):
    """The offset in force at an instant."""
    instants, offsets = table
    return offsets[sum(1 for at in instants if at <= instant)]


def later_instant(table, local):
    """The instant at which clocks show `local` seconds: the later in an overlap, the offset before in a gap."""
    instants, offsets = table
    shown = [local - one for one in offsets if offset_at(table, local - one) == one]
    if shown:
        return max(shown)
    for at, before, after in zip(instants, offsets, offsets[1:]):
        if at + before <= local < at + after:
            return local - before
    raise AssertionError("a local time is either shown or in a gap")
