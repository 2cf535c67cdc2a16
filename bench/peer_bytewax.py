"""Means over minutes with Bytewax: python -m bytewax.run "peer_bytewax:flow('HOST:PORT', 'TOPIC', 'FOLDER')"

Reads a topic to its end; each worker writes a file of Parquet with its rows, as soon as it has some tens of thousands.
"""

import datetime
import os
import uuid

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
import pyarrow
import pyarrow.parquet
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition

EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
MINUTE = datetime.timedelta(minutes=1)
ROWS = 65_536
SCHEMA = pyarrow.schema(
    [("device", pyarrow.string()), ("tag", pyarrow.string()), ("Time", pyarrow.timestamp("us", "UTC")), ("Value", pyarrow.float64()), ("Readings", pyarrow.int64())]
)


class Rows(StatelessSinkPartition):
    """Closed windows, written as row groups of a file."""

    def __init__(self, path):
        self.writer, self.rows = pyarrow.parquet.ParquetWriter(path, SCHEMA, compression="zstd"), []

    def write_batch(self, items):
        self.rows += items
        if len(self.rows) >= ROWS:
            self.write()

    def write(self):
        devices, tags, windows, sums, counts = zip(*((*key.split("|"), window, *folded) for key, (window, folded) in self.rows))
        times = [EPOCH + window * MINUTE for window in windows]
        means = [total / count for total, count in zip(sums, counts)]
        self.writer.write_table(pyarrow.table([devices, tags, times, means, counts], schema=SCHEMA))
        self.rows = []

    def close(self):
        if self.rows:
            self.write()
        self.writer.close()


class Folder(DynamicSink):
    """A file for each worker."""

    def __init__(self, folder):
        self.folder = folder

    def build(self, _step_id, _worker_index, _worker_count):
        return Rows(os.path.join(self.folder, f"{uuid.uuid4()}.parquet"))


def parse(messages):
    """Sensor, and time and value, of each event."""
    readings = []
    for message in messages:
        event = orjson.loads(message.value)
        time = datetime.datetime.fromisoformat(event["ts"])
        readings.append((event["device"] + "|" + event["tag"], (time, event["value"])))
    return readings


def fold(folded, reading):
    folded[0] += reading[1]
    folded[1] += 1
    return folded


def merge(one, other):
    return [one[0] + other[0], one[1] + other[1]]


def flow(broker, topic, folder):
    """The dataflow."""
    flow = Dataflow("bench")
    messages = op.input("events", flow, KafkaSource([broker], [topic], tail=False, batch_size=10_000))
    readings = op.flat_map_batch("parse", messages, parse)
    # Without waking up for windows whose end has passed long ago, which here all have.
    clock = win.EventClock(lambda reading: reading[0], wait_for_system_duration=datetime.timedelta(seconds=300), to_system_utc=lambda _: None)
    minutes = win.TumblingWindower(length=MINUTE, align_to=EPOCH)
    means = win.fold_window("means", readings, clock, minutes, lambda: [0.0, 0], fold, merge, ordered=False)
    op.output("rows", means.down, Folder(folder))
    return flow
