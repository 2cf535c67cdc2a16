"""All sensors in one Python process, as an expert writes it: peer_pyarrow.py READINGS MODELS OUT

pyarrow reads the file with all its threads and sorts it by sensor, scikit-learn predicts, pyarrow writes a file a sensor, in the format
of the readings. Prints the seconds that it took once everything was imported.
"""

import pathlib
import pickle
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import sklearn.svm  # noqa: F401

start = time.perf_counter()
readings, models, out = (pathlib.Path(argument) for argument in sys.argv[1:])
is_parquet = readings.suffix == ".parquet"
out.mkdir(parents=True)
table = pyarrow.parquet.read_table(readings) if is_parquet else pyarrow.csv.read_csv(readings)
sensor = pc.add(pc.multiply(table["Device"], 1_000_000), table["Tag"])
table = table.append_column("sensor", sensor).sort_by("sensor")
sensors = table["sensor"].to_numpy()
starts = np.flatnonzero(np.diff(sensors, prepend=-1)).tolist()
for first, end in zip(starts, [*starts[1:], len(sensors)]):
    device, tag = divmod(int(sensors[first]), 1_000_000)
    rows = table.slice(first, end - first).select(["TS", "Device", "Tag", "Value"])
    pipeline = pickle.loads((models / f"model_{device}_{tag}").read_bytes())
    scores = pipeline.decision_function(rows["Value"].to_numpy().reshape(-1, 1))
    rows = rows.append_column("Score", pa.array(scores))
    rows = rows.append_column("Prediction", pa.array((scores <= 0).astype(np.int8)))
    file = out / f"preds_{device}_{tag}{readings.suffix}"
    if is_parquet:
        pyarrow.parquet.write_table(rows, file, compression="zstd")
    else:
        pyarrow.csv.write_csv(rows, file)
print(time.perf_counter() - start)
