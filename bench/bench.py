"""Times fleetscore against a Python process per sensor on the same data: bench.py FLEETSCORE WORK_DIR

15 sensors with 1,184 readings each, in one CSV file; models fitted by scikit-learn and pickled. The two take turns; the
figures are medians of whole processes, and the predictions of both are compared row by row. Each run of fleetscore writes into a
folder of its own, as the runs of a schedule do: replacing a file costs more than making one.
"""

import pathlib
import pickle
import platform
import statistics
import subprocess
import sys
import time

import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

SENSORS, ROUNDS, RUNS_A_ROUND = 15, 5, 20
HERE = pathlib.Path(__file__).parent
MANIFEST = """
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {name: bench}
spec:
  model: {location: "pickles/model_{device}_{tag}"}
  input:
    location: readings.csv
    columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value]}
  output: {location: predictions/, file: "preds_{device}_{tag}.csv"}
  failurePolicy: {maxFailedSensors: 0}
"""


def prepare(fleetscore, work):
    """Simulates the plant and fits a model for each sensor; returns the sensors."""
    simulate = ["simulate", "--sensors", str(SENSORS), "--hours", "1.6444", "--seed", "1", "--out", str(work / "plant")]
    subprocess.run([fleetscore, *simulate], check=True, stdout=subprocess.DEVNULL)
    plant = work / "plant"
    (plant / "pickles").mkdir()
    history = pd.read_csv(plant / "train.csv")
    sensors = []
    for (device, tag), rows in history.groupby(["Device", "Tag"]):
        pipeline = make_pipeline(StandardScaler(), OneClassSVM(nu=0.01)).fit(rows[["Value"]].to_numpy())
        (plant / "pickles" / f"model_{device}_{tag}").write_bytes(pickle.dumps(pipeline))
        sensors.append((device, tag))
    (plant / "bench.yaml").write_text(MANIFEST)
    return plant, sensors


def run(fleetscore, plant, number):
    """The command of one run, and the folder it writes into."""
    folder = plant / "predictions" / str(number)
    location = f"spec.output.location={folder}/"
    return [fleetscore, "run", "--quiet", "-f", str(plant / "bench.yaml"), "--set", location], folder


def timed(commands):
    """Seconds of wall time of the commands, one after the other."""
    start = time.perf_counter()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def compare(folder, plant, sensors):
    """Counts rows, and those whose predictions in the folder differ from the peer's."""
    total = differing = 0
    for device, tag in sensors:
        ours = pd.read_csv(folder / f"preds_{device}_{tag}.csv")
        theirs = pd.read_csv(plant / f"peer_{device}_{tag}.csv")
        total += len(theirs)
        differing += int((ours["Prediction"].to_numpy() != theirs["Prediction"].to_numpy()).sum())
    return total, differing


def main():
    fleetscore, work = sys.argv[1], pathlib.Path(sys.argv[2])
    plant, sensors = prepare(fleetscore, work)
    theirs = [
        [sys.executable, str(HERE / "peer.py"), str(plant / "readings.csv"), str(plant / "pickles" / f"model_{device}_{tag}"),
         str(device), str(tag), str(plant / f"peer_{device}_{tag}.csv")]
        for device, tag in sensors
    ]
    runs = [run(fleetscore, plant, number) for number in range(ROUNDS * RUNS_A_ROUND + 1)]
    first, folder = runs.pop()
    timed([first])
    peer, own = [], []
    for number in range(ROUNDS):
        peer.append(timed(theirs))
        ours = runs[number * RUNS_A_ROUND :][:RUNS_A_ROUND]
        own.append(timed(command for command, _ in ours) / RUNS_A_ROUND)
    total, differing = compare(folder, plant, sensors)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    print(f"{platform.machine()}, {cpu}; {SENSORS} sensors, {total} rows, one CSV file; medians of {ROUNDS} rounds")
    print(f"a Python process per sensor  {statistics.median(peer) * 1000:10.1f} ms")
    print(f"fleetscore run               {statistics.median(own) * 1000:10.1f} ms")
    print(f"ratio                        {statistics.median(p / o for p, o in zip(peer, own)):10.0f}")
    print(f"predictions that differ      {differing:10d}")
    sys.exit(differing != 0)


if __name__ == "__main__":
    main()
