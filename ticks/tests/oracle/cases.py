"""Random questions about timetables: expressions, zones, and instants near the zones' transitions."""

import random
import zoneinfo
from bisect import bisect_left
from datetime import datetime, timezone
from functools import cache
from importlib import resources
from io import BytesIO

# Zones come from the package tzdata, not from the machine.
zoneinfo.reset_tzpath(to=[])

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
RANGES = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
FIRST = int(datetime(1970, 1, 1, tzinfo=timezone.utc).timestamp())
LAST = int(datetime(2038, 1, 1, tzinfo=timezone.utc).timestamp())
DAY = 86400
STEP = 4 * DAY


def zones():
    """The names that any database holds: those of IANA."""
    return sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})


@cache
def zone(name):
    return zoneinfo.ZoneInfo(name)


def transitions(name):
    """(instant, seconds before, seconds after) of every change of the offset from FIRST to LAST, but for pairs within a STEP."""
    # Many names are of one zone.
    return found_in(resources.files("tzdata.zoneinfo").joinpath(name).read_bytes())


@cache
def found_in(data):
    place = zoneinfo.ZoneInfo.from_file(BytesIO(data))
    offset = lambda at: int(datetime.fromtimestamp(at, place).utcoffset().total_seconds())
    found = []
    before = offset(FIRST)
    for at in range(FIRST + STEP, LAST, STEP):
        after = offset(at)
        if after != before:
            seconds = range(at - STEP, at + 1)
            change = seconds[bisect_left(seconds, True, key=lambda t: offset(t) == after)]
            found.append((change, before, after))
        before = after
    return found


def instant(rng, name):
    """An instant from 1970 to 2037, most often near a transition."""
    near = transitions(name)
    if near and rng.random() < 0.8:
        reach = rng.choice([600, 4000, 10_000, 100_000, 200_000])
        at = rng.choice(near)[0] + rng.randint(-reach, reach)
        # On and beside the minute as well.
        if rng.random() < 0.5:
            at -= at % 60
        return min(max(at, FIRST), LAST)
    return rng.randint(FIRST, LAST)


def value(rng, field, low, high):
    number = rng.randint(low, high)
    if field == 3 and rng.random() < 0.3:
        return number, MONTHS[number - 1]
    if field == 4 and number < 7 and rng.random() < 0.4:
        return number, rng.choice([str.lower, str.upper, str.title])(DAYS[number])
    if rng.random() < 0.1:
        return number, f"{number:02}"
    return number, str(number)


def item(rng, field):
    low, high = RANGES[field]
    roll = rng.random()
    if field == 2 and roll < 0.15:
        return rng.choice(["L", "LW", "l"])
    if field == 4 and roll < 0.2:
        return f"{rng.randint(0, 7)}L" if rng.random() < 0.5 else f"{value(rng, 4, 0, 7)[1]}#{rng.randint(1, 5)}"
    step = rng.choice([1, 2, 3, 5, 7, 10, 15, 20, 30])
    roll = rng.random()
    if roll < 0.5:
        return value(rng, field, low, high)[1]
    if roll < 0.6:
        return f"{value(rng, field, low, high)[1]}/{step}"
    if roll < 0.65:
        return f"*/{step}"
    # A range of one value with a step: see definition.py.
    first, text = value(rng, field, low, high - 1)
    last, until = value(rng, field, first + 1, high)
    if last < first + 1:
        return text
    return f"{text}-{until}" if roll < 0.85 else f"{text}-{until}/{step}"


def field(rng, number, star):
    if rng.random() < star:
        return "*"
    if rng.random() < 0.1:
        return f"*/{rng.choice([2, 3, 5, 7, 10, 15, 20, 30])}"
    items = [item(rng, number) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    if rng.random() < 0.03:
        items[rng.randrange(len(items))] = "*"
    return ",".join(items)


def expression(rng):
    """Five fields; hours near those at which clocks change are more frequent than others."""
    minute, hour = field(rng, 0, 0.2), field(rng, 1, 0.3)
    if rng.random() < 0.4:
        hour = rng.choice(["0", "1", "2", "3", "0-3", "1,2", "2-4/2", "23", "23,0", "0,1,2,3"])
    rest = [field(rng, 2, 0.7), field(rng, 3, 0.85), field(rng, 4, 0.7)]
    return " ".join([minute, hour, *rest])


def question(rng, names):
    name = rng.choice(names)
    return {
        "schedule": expression(rng),
        "zone": name,
        "at": instant(rng, name),
        "after": rng.randint(1, 8),
        "until": rng.randint(1, 8),
    }


def words(rng):
    """A text that may or may not be an expression."""
    text = expression(rng)
    for _ in range(rng.choice([0, 1, 1, 2])):
        place = rng.randrange(len(text) + 1)
        insert = rng.choice(list("0123456789*/,-#LW? ") + ["mon", "jan", "  ", "60", "/0", "+", "a"])
        text = text[:place] + insert + text[place + rng.choice([0, 0, 1, 2]) :]
    return text
