"""Times models that Python scores for fleetscore: worker.py FLEETSCORE WORK_DIR FRAGMENT

- What a call costs beside the model: one sensor's readings in calls of 60 rows each (`maxRows`). The module notes when each call begins and
  ends; what lies between two of them is fleetscore's, the predictions that it writes meanwhile among it.
- The whole: 200 sensors of 60 readings each with an isolation forest of 100 trees, scored by `fleetscore run` with one Python process, against
  one Python process with a loop over the sensors that reads, predicts and writes. They take turns; whole processes, imports and all.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import time

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

import plant as simulated

ROUNDS, CALLS, ROWS, SENSORS = 5, 2000, 60, 200

MODULE = """
import json, time
marks = []
def load(path, key):
    return path
def score(path, frame):
    begin = time.perf_counter()
    scores = frame.values[:, 0] - 20.0
    marks.append((begin, time.perf_counter()))
    if len(marks) == {calls}:
        json.dump(marks, open({marks!r}, "w"))
    return scores
"""

LOOP = """
import sys, joblib, pandas
folder = sys.argv[1]
readings = pandas.read_csv(folder + "/readings.csv", dtype={"Device": str})
for device, rows in readings.groupby("Device"):
    model = joblib.load("%s/models/%s.joblib" % (folder, device))
    values = rows[["Value"]].to_numpy()
    rows = rows.assign(Score=model.decision_function(values), Prediction=(model.predict(values) == -1).astype(int))
    rows.to_csv("%s/loop_%s.csv" % (folder, device), index=False)
"""


def write_readings(folder, sensors, rows):
    values = np.round(np.random.default_rng(1).normal(20, 2, (rows, sensors)), 1)
    times = pd.date_range("2026-01-01", periods=rows, freq="s").strftime("%Y-%m-%dT%H:%M:%SZ")
    frame = pd.DataFrame({
        "Time": np.repeat(times, sensors),
        "Device": np.tile(["%03d" % sensor for sensor in range(sensors)], rows),
        "Value": values.reshape(-1),
    })
    frame.to_csv(folder / "readings.csv", index=False)


def manifest(folder, model, worker):
    run = {
        "apiVersion": "scoring.fleetscore.io/v1alpha1",
        "kind": "ScoringRun",
        "metadata": {"name": "worker"},
        "spec": {
            "model": {"location": model, "worker": {"command": [sys.executable], **worker}},
            "input": {"location": "readings.csv", "columns": {"time": "Time", "keys": {"device": "Device"}, "features": ["Value"]}},
            "output": {"location": "out/{run}/", "file": "preds_{device}.csv"},
        },
    }
    path = folder / "run.json"
    path.write_text(json.dumps(run))
    return path


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def call_cost(fleetscore, folder):
    """Microseconds between two calls: the median of all of a run, and of the runs."""
    folder.mkdir()
    write_readings(folder, 1, CALLS * ROWS)
    (folder / "models").mkdir()
    (folder / "models" / "000").write_text("")
    marks = folder / "marks.json"
    (folder / "module.py").write_text(MODULE.format(calls=CALLS, marks=str(marks)))
    path = manifest(folder, "models/{device}", {"module": "module.py", "maxRows": ROWS})
    found = []
    for _ in range(ROUNDS):
        seconds([fleetscore, "run", "-q", "-f", str(path)])
        calls = json.loads(marks.read_text())
        found.append(statistics.median(after[0] - before[1] for before, after in zip(calls, calls[1:])) * 1e6)
    return statistics.median(found)


def whole(fleetscore, folder):
    """Seconds of the loop, seconds of fleetscore, medians; labels that differ."""
    folder.mkdir()
    write_readings(folder, SENSORS, ROWS)
    (folder / "models").mkdir()
    training = np.round(np.random.default_rng(2).normal(20, 2, (256, 1)), 1)
    for sensor in range(SENSORS):
        model = IsolationForest(n_estimators=100, random_state=sensor).fit(training)
        joblib.dump(model, folder / "models" / ("%03d.joblib" % sensor))
    (folder / "loop.py").write_text(LOOP)
    path = manifest(folder, "models/{device}.joblib", {})
    loop, own = [], []
    for _ in range(ROUNDS):
        loop.append(seconds([sys.executable, str(folder / "loop.py"), str(folder)]))
        own.append(seconds([fleetscore, "run", "-q", "-f", str(path)]))
    differing = 0
    for sensor in range(SENSORS):
        ours = pd.read_csv(folder / "out" / "worker" / ("preds_%03d.csv" % sensor))
        theirs = pd.read_csv(folder / ("loop_%03d.csv" % sensor))
        differing += int((ours["Prediction"].to_numpy() != theirs["Prediction"].to_numpy()).sum())
    return statistics.median(loop), statistics.median(own), differing


def main():
    fleetscore, work, fragment = sys.argv[1], pathlib.Path(sys.argv[2]) / "worker", pathlib.Path(sys.argv[3])
    work.mkdir()
    cost = call_cost(fleetscore, work / "calls")
    loop, own, differing = whole(fleetscore, work / "whole")
    lines = [
        f"{simulated.machine()}; {time.strftime('%Y-%m-%d')}; medians of {ROUNDS} rounds",
        f"between two calls of {ROWS} rows       {cost:10.0f} us",
        f"{SENSORS} sensors, a loop in Python   {loop:12.2f} s",
        f"{SENSORS} sensors, fleetscore run     {own:12.2f} s",
        f"ratio                            {own / loop:10.2f}",
        f"labels that differ               {differing:10d}",
    ]
    print("\n".join(lines))
    fragment.write_text("\n".join(["```", *lines, "```"]))
    sys.exit(differing != 0)


if __name__ == "__main__":
    main()
