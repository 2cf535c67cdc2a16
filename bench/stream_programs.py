"""The programs that make means over minutes of a topic: fleetscore ingest, Flink SQL and Bytewax."""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.dataset

import stream_events

HERE = pathlib.Path(__file__).parent
MANIFEST = """
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ReadingStream
metadata: {name: bench}
spec:
  source: {kafka: {bootstrapServers: ["BROKER"], topic: TOPIC}, startAt: Earliest}
  event:
    fields: {ts: {type: Time}, device: {}, tag: {}, value: {type: Number}}
    columns: {time: ts, keys: {device: device, tag: tag}, features: [value]}
  window: {sizeSeconds: 60}
  aggregates: [{column: Value, of: value}, {column: Readings, of: value, function: Count}]
  lateness: {idleSeconds: 1}
  output: {location: FOLDER/}
  checkpointSeconds: 1
"""
SQL = """
SET 'parallelism.default' = '2';
SET 'pipeline.object-reuse' = 'true';
SET 'execution.checkpointing.interval' = '10 s';
SET 'execution.checkpointing.storage' = 'filesystem';
SET 'execution.checkpointing.dir' = 'file://FOLDER-checkpoints';
SET 'restart-strategy.type' = 'none';
SET 'table.local-time-zone' = 'UTC';
CREATE TABLE events (ts TIMESTAMP_LTZ(3), device STRING, tag STRING, `value` DOUBLE, WATERMARK FOR ts AS ts - INTERVAL '5' MINUTE) WITH (
  'connector' = 'kafka', 'properties.bootstrap.servers' = 'BROKER', 'topic' = 'TOPIC', 'properties.group.id' = 'flink',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
  'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'
);
CREATE TABLE means (device STRING, tag STRING, `Time` TIMESTAMP(3), `Value` DOUBLE, `Readings` BIGINT) WITH (
  'connector' = 'filesystem', 'path' = 'file://FOLDER', 'format' = 'parquet', 'parquet.compression' = 'ZSTD'
);
INSERT INTO means SELECT device, tag, window_start, AVG(`value`), COUNT(`value`)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY device, tag, window_start, window_end;
"""
# Runs a command in a small process, since a process counts the memory of the one that it was forked from as its own.
MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, done.returncode)
"""


# No program may take longer for a topic, in seconds.
PATIENCE = 900


def measure(command, **environment):
    """Runs a command on two CPUs at most. Seconds, the largest process's peak memory in MiB, and what it wrote to standard error."""
    pin = lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # noqa: E731
    command = [sys.executable, "-S", "-c", MEASURE, "timeout", str(PATIENCE), *map(str, command)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=pin, env={**os.environ, **environment})
    seconds, mib, code = done.stdout.split()
    if code != "0":
        sys.exit(f"{' '.join(command[6:])} failed{' to end' * (code == '124')}:\n{done.stderr}")
    return float(seconds), float(mib), done.stderr


def fill(template, broker, topic, folder):
    return template.replace("BROKER", broker).replace("TOPIC", topic).replace("FOLDER", str(folder))


class Ingest:
    """`fleetscore ingest` with so many threads."""

    def __init__(self, fleetscore, threads):
        self.name, self.command = f"fleetscore, {threads} thread{'s' * (threads > 1)}", [fleetscore, "ingest", "--threads", str(threads)]

    def run(self, broker, topic, folder):
        """Seconds, MiB, log."""
        folder.mkdir(parents=True)
        manifest = folder.with_suffix(".yaml")
        manifest.write_text(fill(MANIFEST, broker, topic, folder))
        command = [*self.command, "--verbose", "--until", "Latest", "--close", "-f", manifest]
        return measure(command, FLEETSCORE_LOG="info,fleetscore_ingest=debug")

    def rows(self, folder):
        files = [
            success.with_name(file["name"]) for success in folder.glob("date=*/time=*/_SUCCESS") for file in json.loads(success.read_text())["files"]
        ]
        return pyarrow.dataset.dataset(files).to_table()


class Flink:
    """Flink SQL in one process, with two slots."""

    name, aim, most_sensors = "Flink SQL 1.20, parallelism 2", 6, 100_000

    def run(self, broker, topic, folder):
        """Seconds, MiB, log."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        checkpoints = folder.with_name(f"{folder.name}-checkpoints")
        checkpoints.mkdir(exist_ok=True)
        statements = folder.with_suffix(".sql")
        statements.write_text(fill(SQL, broker, topic, folder))
        return measure([HERE.parent / "scripts/flink.sh", "run", statements], FLEETSCORE_FLINK_HEAP="4g")

    def rows(self, folder):
        return pyarrow.dataset.dataset(folder, format="parquet").to_table()


class Bytewax:
    """Bytewax with two workers. With 100,000 sensors it takes more than 0.1 ms an event, which is too long to wait for."""

    name, aim, most_sensors = "Bytewax 0.21, 2 workers", 8, 1_000

    def run(self, broker, topic, folder):
        """Seconds, MiB, log."""
        folder.mkdir(parents=True)
        command = [sys.executable, "-m", "bytewax.run", "-w", "2", f"peer_bytewax:flow('{broker}', '{topic}', '{folder}')"]
        return measure(command, PYTHONPATH=str(HERE))

    def rows(self, folder):
        return pyarrow.dataset.dataset(folder, format="parquet").to_table()


def differing(rows, plant):
    """How many of the plant's windows are not there once, with as many readings and the same mean but for rounding."""
    compute = pyarrow.compute
    device = compute.cast(compute.utf8_slice_codeunits(rows["device"], 5), pyarrow.int64()).to_numpy()
    tag = compute.index_in(rows["tag"], value_set=pyarrow.array(stream_events.TAGS)).to_numpy()
    time = compute.cast(compute.cast(rows["Time"], pyarrow.timestamp("us")), pyarrow.int64()).to_numpy()
    sensor, minute = device * 4 + tag, (time // 1_000_000 - stream_events.START) // 60
    times, counts, means = (np.zeros_like(plant.sums) for _ in range(3))
    np.add.at(times, (sensor, minute), 1)
    counts[sensor, minute] = rows["Readings"].to_numpy()
    means[sensor, minute] = rows["Value"].to_numpy()
    is_right = (times == 1) & (counts == plant.counts) & np.isclose(means, plant.sums / plant.counts, rtol=1e-12, atol=0)
    return int((~is_right).sum())


class Log:
    """What `fleetscore ingest --verbose` tells: when reading began, when all was read, when it ended, how long it stood still for each checkpoint, and when all
    was published."""

    def __init__(self, text):
        self.began = self.find(text, "claimed")[0]
        cuts = re.findall(r"^(\S+) DEBUG cut partition=(\d+) events=(\d+) microseconds=(\d+)", text, re.MULTILINE)
        self.ended = self.time(cuts[-1][0])
        self.pauses = [int(microseconds) / 1000 for *_, microseconds in cuts]
        # The first cut of each partition behind which nothing came.
        first = {(partition, events): stamp for stamp, partition, events, _ in reversed(cuts)}
        self.read = max(self.time(first[last]) for last in {partition: (partition, events) for _, partition, events, _ in cuts}.values())
        self.published = self.find(text, "published")[-1]

    def find(self, text, word):
        return [self.time(stamp) for stamp in re.findall(rf"^(\S+) +INFO {word} ", text, re.MULTILINE)]

    def time(self, stamp):
        return datetime.datetime.fromisoformat(stamp).timestamp()
