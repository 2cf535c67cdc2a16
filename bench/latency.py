"""Times fleetscore against Python on storage that answers late: latency.py FLEETSCORE WORK_DIR FRAGMENT

400 sensors with a pickled model and a CSV file each, in Azurite (FLEETSCORE_AZURITE_ENDPOINT) behind a proxy that passes every answer on
30 ms late. The peer is one Python process that fetches, scores and writes sensors in a pool of 32 threads, with azure-storage-blob, pandas
and scikit-learn; its imports do not count. The two take turns, and the predictions of both are compared row by row.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.parse

import pandas as pd

import plant as simulated
from delay import Delay
from peer_blobs import Peer

SENSORS, ROUNDS, DELAY = 400, 5, 0.030
HERE = pathlib.Path(__file__).parent
MANIFEST = """
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {name: bench}
spec:
  storage: {azure: {account: devstoreaccount1, auth: Emulator, endpoint: "ENDPOINT"}}
  model: {location: "az://models/model_{device}_{tag}"}
  input:
    location: "az://readings/{device}_{tag}.csv"
    columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value]}
  output: {location: "az://bench/OUTPUT/", file: "preds_{device}_{tag}.csv"}
  failurePolicy: {maxFailedSensors: 0}
"""
# Runs a command in a small process, since a process counts the memory of the one that it was forked from as its own.
MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""
# Requests in flight, for the histogram.
STEPS = [0, 1, 8, 32, 56]


def upload(plant):
    """Makes the plant's files and puts them into Azurite; returns the sensors."""
    sensors = simulated.fit(plant)
    readings = plant / "by-sensor"
    readings.mkdir()
    for (device, tag), rows in pd.read_csv(plant / "readings.csv").groupby(["Device", "Tag"]):
        rows.to_csv(readings / f"{device}_{tag}.csv", index=False)
    azurite = HERE.parent / "scripts/azurite.sh"
    for command in (["container", "bench", "models", "readings"], ["upload", "models", plant / "pickles"], ["upload", "readings", readings]):
        subprocess.run([azurite, *command], check=True, stdout=subprocess.DEVNULL)
    return sensors


def at(endpoint, port):
    """The endpoint by way of a proxy."""
    url = urllib.parse.urlsplit(endpoint)
    return url._replace(netloc=f"127.0.0.1:{port}").geturl()


def run(fleetscore, plant, endpoint, output, threads):
    """Seconds, and peak memory in MiB, of one run."""
    manifest = plant / "latency.yaml"
    manifest.write_text(MANIFEST.replace("ENDPOINT", endpoint).replace("OUTPUT", output))
    command = [fleetscore, "run", "--quiet", "--threads", str(threads), "-f", str(manifest)]
    measured = subprocess.run([sys.executable, "-S", "-c", MEASURE, *command], check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds, mib = measured.split()
    return float(seconds), int(mib)


def histogram(seconds):
    """The shares of the time with so many requests in flight."""
    total, shares = sum(seconds.values()), []
    for low, high in zip(STEPS, [*STEPS[1:], 10**6]):
        share = sum(time for count, time in seconds.items() if low <= count < high) / total
        shares.append((f"{low} or more" if high == 10**6 else str(low) if high == low + 1 else f"{low} to {high - 1}", share))
    return shares


def main():
    fleetscore, work, fragment = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    endpoint = os.environ["FLEETSCORE_AZURITE_ENDPOINT"]
    plant = work / "latency"
    simulated.simulate(fleetscore, plant, SENSORS, 1)
    sensors = upload(plant)
    upstream = urllib.parse.urlsplit(endpoint).port
    far, near = Delay(upstream, DELAY), Delay(upstream, 0)
    seconds = {"peer": [], "1": [], "2": [], "near": []}
    ratios, shares, memory = [], [], 0
    peer = Peer(at(endpoint, far.port), [name for sensor in sensors for name in [f"{sensor[0]}_{sensor[1]}"]])
    for number in range(ROUNDS):
        seconds["peer"].append(peer.run(f"peer-{number}"))
        far.in_flight()
        for threads in ("1", "2"):
            took, mib = run(fleetscore, plant, at(endpoint, far.port), f"far-{threads}-{number}", threads)
            seconds[threads].append(took)
            memory = max(memory, mib)
            requests, in_flight = far.in_flight()
            if threads == "1":
                shares = histogram(in_flight)
        seconds["near"].append(run(fleetscore, plant, at(endpoint, near.port), f"near-{number}", "1")[0])
        ratios.append(seconds["peer"][-1] / seconds["1"][-1])
    total, differing = peer.compare("far-1-0", "peer-0")
    for proxy in (near, far):
        proxy.close()
    median = {name: statistics.median(values) for name, values in seconds.items()}
    lines = [
        f"{simulated.machine()}; {time.strftime('%Y-%m-%d')}; {SENSORS} sensors, a model and a file each, {total} rows; answers "
        f"{DELAY * 1000:.0f} ms late; medians of {ROUNDS} rounds",
        f"Python, pool of 32 threads            {median['peer']:8.2f} s",
        f"fleetscore run --threads 1            {median['1']:8.2f} s, {requests} requests",
        f"fleetscore run --threads 2            {median['2']:8.2f} s",
        f"the same without the delay            {median['near']:8.2f} s",
        f"ratio, --threads 1                    {statistics.median(ratios):8.1f}",
        f"peak memory                           {memory:8d} MiB",
        f"predictions that differ               {differing:8d}",
        "requests in flight, share of the time: " + ", ".join(f"{name}: {share:.0%}" for name, share in shares),
    ]
    print("\n".join(lines))
    fragment.write_text("\n".join(["```", *lines, "```"]))
    sys.exit(differing != 0)


if __name__ == "__main__":
    main()
