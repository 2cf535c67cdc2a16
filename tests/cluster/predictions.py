"""Compares predictions with expected ones: predictions.py FOUND EXPECTED, folders of preds_*.csv

Columns TS, Device, Tag, Value and Prediction must be equal, Score to 1e-12 of the sum of the model's coefficients. A score is at
most that sum, so the sum is at least the largest score: stricter than asked.
"""
import csv
import sys
from pathlib import Path


def rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


def compare(found: list[dict[str, str]], expected: list[dict[str, str]]) -> str:
    """What differs first; empty where nothing does."""
    if len(found) != len(expected):
        return f"{len(found)} rows, not {len(expected)}"
    tolerance = 1e-12 * max(abs(float(row["Score"])) for row in expected)
    for number, (ours, theirs) in enumerate(zip(found, expected), start=2):
        for column in ("TS", "Device", "Tag", "Prediction"):
            if ours[column] != theirs[column]:
                return f"line {number}: {column} is {ours[column]}, not {theirs[column]}"
        if float(ours["Value"]) != float(theirs["Value"]):
            return f"line {number}: Value is {ours['Value']}, not {theirs['Value']}"
        if abs(float(ours["Score"]) - float(theirs["Score"])) > tolerance:
            return f"line {number}: Score is {ours['Score']}, not {theirs['Score']}"
    return ""


def main() -> None:
    ours, theirs = (Path(folder) for folder in sys.argv[1:3])
    expected = sorted(file.name for file in theirs.glob("preds_*.csv"))
    found = sorted(file.name for file in ours.glob("preds_*.csv"))
    if found != expected:
        sys.exit(f"files {found}, not {expected}")
    count = 0
    for name in expected:
        wanted = rows(theirs / name)
        difference = compare(rows(ours / name), wanted)
        if difference:
            sys.exit(f"{name}: {difference}")
        count += len(wanted)
    print(f"{len(expected)} files, {count} rows as expected")


main()
