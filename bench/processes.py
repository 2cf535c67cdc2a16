"""Times fleetscore against a Python process per sensor on the same data: processes.py FLEETSCORE WORK_DIR FRAGMENT [forest]

The models are one-class SVMs, or isolation forests. 15 sensors with 1,184 readings each, in one CSV file; models fitted by scikit-learn and pickled. The two take turns; the
figures are medians of whole processes, and the predictions of both are compared row by row. Each run of fleetscore writes into a
folder of its own, as the runs of a schedule do: replacing a file costs more than making one.
"""

import pathlib
import statistics
import subprocess
import sys
import time

import pandas as pd

import plant as simulated

SENSORS, ROUNDS, RUNS_A_ROUND = 15, 5, 20
HERE = pathlib.Path(__file__).parent


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
    fleetscore, work, fragment = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    make = simulated.forest if sys.argv[4:] == ["forest"] else simulated.svm
    plant = work / f"plant-{make.__name__}"
    simulated.simulate(fleetscore, plant, SENSORS, 1.6444)
    sensors = simulated.fit(plant, make)
    manifest = simulated.manifest(plant, "readings.csv", "csv")
    theirs = [
        [sys.executable, str(HERE / "peer.py"), str(plant / "readings.csv"), str(plant / "pickles" / f"model_{device}_{tag}"),
         str(device), str(tag), str(plant / f"peer_{device}_{tag}.csv")]
        for device, tag in sensors
    ]
    runs = [simulated.run(fleetscore, manifest, number) for number in range(ROUNDS * RUNS_A_ROUND + 1)]
    first, folder = runs.pop()
    timed([first])
    peer, own = [], []
    for number in range(ROUNDS):
        peer.append(timed(theirs))
        ours = runs[number * RUNS_A_ROUND :][:RUNS_A_ROUND]
        own.append(timed(command for command, _ in ours) / RUNS_A_ROUND)
    total, differing = compare(folder, plant, sensors)
    lines = [
        f"{simulated.machine()}; {time.strftime('%Y-%m-%d')}; {SENSORS} sensors, {total} rows, one CSV file; medians of {ROUNDS} rounds",
        f"a Python process per sensor  {statistics.median(peer) * 1000:10.1f} ms",
        f"fleetscore run               {statistics.median(own) * 1000:10.1f} ms",
        f"ratio                        {statistics.median(p / o for p, o in zip(peer, own)):10.0f}",
        f"predictions that differ      {differing:10d}",
    ]
    print("\n".join(lines))
    fragment.write_text("\n".join(["```", *lines, "```"]))
    sys.exit(differing != 0)


if __name__ == "__main__":
    main()
