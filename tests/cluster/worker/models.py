"""Models of the scenario `worker`, and what they must say: models.py make READINGS MODELS TARGET | check READINGS PREDICTIONS

`make` puts into TARGET the files of device 1 in MODELS, and pickles instead of the others: a limit for each tag of device 2, the median of its
readings, of tag 4 a classifier's; of device 3, tag 1 crashes and tag 2 hangs. `check` compares the predictions of device 2 with those limits,
row by row.
"""
import csv
import pickle
import shutil
import statistics
import sys
from pathlib import Path

import plant

GRADED = "4"


def readings(file: str) -> dict[tuple[str, str], dict[str, float]]:
    """The values of each sensor by their times."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    with open(file, newline="", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            found.setdefault((row["Device"], row["Tag"]), {})[row["TS"]] = float(row["Value"])
    return found


def limits(file: str) -> dict[str, float]:
    """The limit of each tag of device 2."""
    return {tag: statistics.median(values.values()) for (device, tag), values in readings(file).items() if device == "2"}


def make(file: str, models: str, target: str) -> None:
    """Writes the models."""
    for model in Path(models).glob("model_1_*.fsm"):
        shutil.copy(model, target)
    pickles = {f"2_{tag}": (plant.Grade if tag == GRADED else plant.Limit)(limit) for tag, limit in limits(file).items()}
    pickles.update({"3_1": plant.Crash(), "3_2": plant.Hang()})
    for name, model in pickles.items():
        (Path(target) / f"model_{name}.fsm").write_bytes(pickle.dumps(model, protocol=4))


def check(file: str, predictions: str) -> None:
    """Ends with what is wrong first."""
    rows = 0
    for tag, limit in limits(file).items():
        values = readings(file)["2", tag]
        with open(Path(predictions) / f"preds_2_{tag}.csv", newline="", encoding="utf-8") as text:
            found = list(csv.DictReader(text))
        if [float(row["Value"]) for row in found] != list(values.values()):
            sys.exit(f"tag {tag}: other readings than those of the file")
        for row in found:
            value = float(row["Value"])
            if tag == GRADED:
                # A classifier's score is how sure it is of the second class.
                expected = ["high", 0.25, "0"] if value > limit else ["normal", 0.75, "0"]
                told = [row["Prediction"], float(row["Score"]), row["Anomaly"]]
            else:
                expected, told = [value > limit, limit - value], [int(row["Prediction"]), float(row["Score"])]
            if told != expected:
                sys.exit(f"tag {tag}: {row}, and the limit is {limit}")
        rows += len(found)
    print(f"{rows} rows of Python's models as expected")


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])
