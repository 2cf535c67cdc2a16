"""Bytes that a run of one sensor reads of what a stream has published."""

import json
import os
import pickle
import subprocess
import urllib.parse

import numpy as np
from azure.storage.blob import BlobServiceClient
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

import stream_events
from delay import Delay
from latency import at
from peer_blobs import KEY

MANIFEST = """
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {name: bench}
spec:
  storage: {azure: {account: devstoreaccount1, auth: Emulator, endpoint: "ENDPOINT"}}
  window: {start: "START", end: "END"}
  sensors: {list: [{device: "DEVICE", tag: "TAG"}]}
  model: {location: "model"}
  input:
    location: az://stream/
    format: Stream
    columns: {time: Time, keys: {device: device, tag: tag}, features: [Value]}
  output: {location: predictions/, file: "rows.csv"}
  failurePolicy: {maxFailedSensors: 0}
"""


def upload(service, folder):
    """Puts what a stream has published, and what says that it is one, into a container."""
    container = service.create_container("stream")
    for path in [folder / "_stream/stream.json", *folder.glob("date=*/time=*/*")]:
        with open(path, "rb") as file:
            container.upload_blob(str(path.relative_to(folder)), file, max_concurrency=4)


def reads(fleetscore, folder, plant, work):
    """All bytes that came from storage for a run of one sensor, and those of the files of its hour. The run's readings are compared with
    the plant's."""
    endpoint = os.environ["FLEETSCORE_AZURITE_ENDPOINT"]
    upload(BlobServiceClient(endpoint, credential=KEY), folder)
    sensor = plant.sensors // 3
    device, tag = f"pump-{sensor // 4:06}", stream_events.TAGS[sensor % 4]
    work.mkdir()
    values = stream_events.VALUES[:500].reshape(-1, 1)
    (work / "model").write_bytes(pickle.dumps(make_pipeline(StandardScaler(), OneClassSVM(nu=0.01)).fit(values)))
    proxy = Delay(urllib.parse.urlsplit(endpoint).port, 0)
    text = MANIFEST.replace("ENDPOINT", at(endpoint, proxy.port)).replace("DEVICE", device).replace("TAG", tag)
    start, end = (stream_events.instant(minute) for minute in (0, plant.minutes))
    (work / "run.yaml").write_text(text.replace("START", start).replace("END", end))
    subprocess.run([fleetscore, "run", "--quiet", "-f", work / "run.yaml"], check=True, stdout=subprocess.DEVNULL)
    proxy.close()
    rows = np.genfromtxt(work / "predictions/rows.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    means = plant.sums[sensor] / plant.counts[sensor]
    if len(rows) != plant.minutes or not np.allclose(rows["Value"], means, rtol=1e-12, atol=0):
        raise RuntimeError(f"the run's readings of {device} {tag} are not the stream's")
    files = [file["bytes"] for success in folder.glob("date=*/time=*/_SUCCESS") for file in json.loads(success.read_text())["files"]]
    return proxy.bytes, sum(files)
