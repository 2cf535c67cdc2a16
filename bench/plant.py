"""A simulated plant whose models scikit-learn has fitted, and fleetscore's runs over it."""

import pickle
import platform
import subprocess

import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

MANIFEST = """
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {name: bench}
spec:
  model: {location: "pickles/model_{device}_{tag}"}
  input:
    location: READINGS
    columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value]}
  output: {location: predictions/, file: "preds_{device}_{tag}.FORMAT"}
  failurePolicy: {maxFailedSensors: 0}
"""


def machine():
    """The machine in a few words."""
    lines = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{platform.machine()}, {lines[0] if lines else 'unknown processor'}, {len(lines)} CPUs"


def simulate(fleetscore, plant, sensors, hours):
    """Makes a plant of so many sensors and hours of readings, one every 5 s."""
    options = ["simulate", "--sensors", str(sensors), "--hours", str(hours), "--train-hours", "6", "--seed", "1", "--out", str(plant)]
    subprocess.run([fleetscore, *options], check=True, stdout=subprocess.DEVNULL)


def svm():
    """A one-class SVM behind its scaler."""
    return make_pipeline(StandardScaler(), OneClassSVM(nu=0.01))


def forest():
    """An isolation forest of 100 trees."""
    return IsolationForest(contamination=0.01, random_state=0)


def fit(plant, make=svm):
    """Fits and pickles a model for each sensor; returns the sensors."""
    (plant / "pickles").mkdir()
    history = pd.read_csv(plant / "train.csv", usecols=["Device", "Tag", "Value"])
    sensors = []
    for (device, tag), rows in history.groupby(["Device", "Tag"]):
        pipeline = make().fit(rows[["Value"]].to_numpy())
        (plant / "pickles" / f"model_{device}_{tag}").write_bytes(pickle.dumps(pipeline))
        sensors.append((device, tag))
    return sensors


def manifest(plant, readings, extension):
    """Writes a manifest that scores a file of the plant; returns its path."""
    path = plant / f"bench-{extension}.yaml"
    path.write_text(MANIFEST.replace("READINGS", readings).replace("FORMAT", extension))
    return path


def run(fleetscore, manifest, number):
    """The command of one run, and the folder it writes into."""
    folder = manifest.parent / "predictions" / f"{manifest.stem}-{number}"
    location = f"spec.output.location={folder}/"
    return [fleetscore, "run", "--quiet", "-f", str(manifest), "--set", location], folder
