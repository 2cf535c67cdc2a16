"""One sensor in one Python process, as a batch script does it: peer.py CSV MODEL DEVICE TAG OUT

Reads the whole file, keeps the sensor's rows, unpickles its model, predicts, writes.
"""

import pickle
import sys

import numpy as np
import pandas as pd

readings, model, device, tag, out = sys.argv[1:]
frame = pd.read_csv(readings)
rows = frame[(frame["Device"] == int(device)) & (frame["Tag"] == int(tag))]
with open(model, "rb") as file:
    pipeline = pickle.load(file)
labels = pipeline.predict(rows[["Value"]].to_numpy())
rows.assign(Prediction=np.where(labels == 1, 0, 1)).to_csv(out, index=False)
