"""The ticks of a timetable by their definition, slowly: the fields' values from cronsim, the local time from zoneinfo.

Not a fixed time of day: every instant, one minute after the other, at which the local clock shows a matching minute.
A fixed one: each matching minute of the calendar, at its first occurrence, or at the first minute after the gap that it is in.
"""

from datetime import date, datetime, timedelta, timezone

from cases import DAY, zone
from cronsim import CronSim

# No expression that is asked about pauses for longer; what comes later is not compared.
HORIZON = 3 * 366 * DAY


def is_fixed(schedule):
    minute, hour = schedule.split()[:2]
    return not minute.startswith("*") and not hour.startswith("*")


class Definition:
    def __init__(self, question):
        self.zone = zone(question["zone"])
        self.fields = CronSim(question["schedule"], datetime(2000, 1, 1, tzinfo=timezone.utc))
        self.fixed = is_fixed(question["schedule"])

    def ticks(self, at, count, direction):
        """At most `count` ticks after `at`, or with direction -1 at or before it; None where the horizon came first."""
        search = self.fixed_ticks if self.fixed else self.shown_ticks
        found = search(at, count, direction)
        return found if len(found) == count else None

    def matches_day(self, day):
        return day.month in self.fields.months and self.fields.match_day(day)

    def shown_ticks(self, at, count, direction):
        found = []
        at = at + 1 if direction > 0 else at
        instant = at
        while len(found) < count and abs(instant - at) < HORIZON:
            local = datetime.fromtimestamp(instant, self.zone)
            if local.second:
                instant += 60 - local.second if direction > 0 else -local.second
                continue
            matches = local.minute in self.fields.minutes and local.hour in self.fields.hours
            if matches and self.matches_day(local.date()):
                found.append(instant)
            instant += 60 * direction
        return found

    def fixed_ticks(self, at, count, direction):
        found = set()
        start = datetime.fromtimestamp(at, self.zone).date() - timedelta(days=3 * direction)
        for days in range(HORIZON // DAY):
            day = start + timedelta(days=days * direction)
            if self.matches_day(day):
                found |= {t for t in self.fixed_on(day) if (t > at) == (direction > 0)}
            # Three more days, so that no later day brings an earlier tick.
            if len(found) >= count and (day - self.day_of(found, count, direction)).days * direction > 3:
                break
        return sorted(found, reverse=direction < 0)[:count]

    def day_of(self, found, count, direction):
        last = sorted(found, reverse=direction < 0)[count - 1]
        return datetime.fromtimestamp(last, self.zone).date()

    def fixed_on(self, day: date):
        for hour in self.fields.hours:
            for minute in self.fields.minutes:
                yield self.first_at(datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone))

    def first_at(self, local):
        while local.astimezone(timezone.utc).astimezone(self.zone).replace(fold=0) != local:
            local += timedelta(minutes=1)
        return int(local.timestamp())
