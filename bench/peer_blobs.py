"""Scores sensors in one Python process, as a script does that knows of threads: each of a pool fetches, scores and writes a sensor."""

import io
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from azure.storage.blob import BlobServiceClient

THREADS = 32
# The key of every emulator; public knowledge.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Peer:
    """Scores the sensors whose models and readings bear these names, in the storage at the endpoint."""

    def __init__(self, endpoint, names):
        self.names = names
        # requests keeps 10 connections unless told otherwise.
        self.service = BlobServiceClient(endpoint, credential=KEY, connection_data_block_size=1 << 20, pool_maxsize=THREADS)

    def read(self, container, name):
        return self.service.get_blob_client(container, name).download_blob().readall()

    def score(self, name, output):
        pipeline = pickle.loads(self.read("models", f"model_{name}"))
        rows = pd.read_csv(io.BytesIO(self.read("readings", f"{name}.csv")))
        labels = pipeline.predict(rows[["Value"]].to_numpy())
        text = rows.assign(Prediction=np.where(labels == 1, 0, 1)).to_csv(index=False)
        self.service.get_blob_client("bench", f"{output}/preds_{name}.csv").upload_blob(text, overwrite=True)

    def run(self, output):
        """Seconds that it takes to score all sensors."""
        start = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda name: self.score(name, output), self.names))
        return time.perf_counter() - start

    def compare(self, ours, theirs):
        """Counts rows, and those whose predictions differ between two outputs."""
        total = differing = 0
        for name in self.names:
            one, other = (pd.read_csv(io.BytesIO(self.read("bench", f"{output}/preds_{name}.csv"))) for output in (ours, theirs))
            total += len(other)
            differing += int((one["Prediction"].to_numpy() != other["Prediction"].to_numpy()).sum())
        return total, differing
