"""Checks that windows follow one another and that their runs scored each of their readings once: partition.py READINGS WINDOWS PREDICTIONS...

A reading is told by its time, device and tag.

WINDOWS holds a line a run: start and end. The predictions of the runs are taken together.
"""
import collections
import csv
import datetime
import sys


def time_of(text: str) -> datetime.datetime:
    """A time in RFC 3339, or as the predictions have it."""
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)


def keys(file: str) -> list[tuple[datetime.datetime, str, str]]:
    """The readings of a CSV file."""
    with open(file, encoding="utf-8", newline="") as rows:
        return [(time_of(row["TS"]), row["Device"], row["Tag"]) for row in csv.DictReader(rows)]


def main() -> None:
    readings, windows, *predictions = sys.argv[1:]
    with open(windows, encoding="utf-8") as lines:
        intervals = sorted([time_of(part) for part in line.split()] for line in lines)
    for before, after in zip(intervals, intervals[1:]):
        assert before[1] == after[0], f"the window from {before[0]} ends at {before[1]}, the next one begins at {after[0]}"
    wanted = [key for key in keys(readings) if intervals[0][0] <= key[0] < intervals[-1][1]]
    scored = collections.Counter(key for file in predictions for key in keys(file))
    assert wanted, "no reading lies in the windows"
    assert scored == collections.Counter(wanted), f"scored otherwise than once each: {scored - collections.Counter(wanted)}, {collections.Counter(wanted) - scored}"
    print(f"{len(wanted)} readings in {len(intervals)} windows scored once each")


main()
