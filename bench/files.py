"""Times fleetscore on large files: files.py FLEETSCORE WORK_DIR FRAGMENT

- 5.3 million rows of 15 sensors, CSV to CSV and Parquet to Parquet, against one Python process with pyarrow and scikit-learn
  (`peer_pyarrow.py`), on one CPU and on all. The peer's imports are not counted; fleetscore's figure is that of the whole process.
- As many rows of 4,500 sensors, CSV to CSV, against copying the same bytes: the readings once, the predictions once, file by file.

They take turns; the figures are medians. Labels are compared with scikit-learn's row by row. The results go to FRAGMENT as Markdown.
"""

import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet

import plant as simulated

ROUNDS = int(os.environ.get("ROUNDS", "5"))
HOURS = float(os.environ.get("HOURS", "493.34"))
HERE = pathlib.Path(__file__).parent


def spawn(command, cpus):
    """Runs a command on so many CPUs; returns its output, the seconds, and the seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    pin = lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cpus])  # noqa: E731
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True, preexec_fn=pin)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, seconds, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime


def predictions(path):
    """The labels of a file of predictions."""
    table = pyarrow.parquet.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)
    return table["Prediction"].to_numpy()


def differing(ours, theirs):
    """Rows of all files, and those whose labels differ."""
    rows = different = 0
    for path in theirs.iterdir():
        right = predictions(path)
        own = predictions(ours / path.name)
        rows += len(right)
        different += int((own != right).sum()) if len(own) == len(right) else len(right)
    return rows, different


def to_parquet(plant):
    """Writes the readings as zstd Parquet with the default row groups."""
    table = pyarrow.csv.read_csv(plant / "readings.csv").select(["TS", "Device", "Tag", "Value"])
    pyarrow.parquet.write_table(table, plant / "readings.parquet", compression="zstd")


def megabytes(path):
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def against_pyarrow(fleetscore, plant, extension, cpus):
    """Times both on so many CPUs; a line of the table, and the labels that differ."""
    readings = plant / f"readings.{extension}"
    manifest = simulated.manifest(plant, readings.name, extension)
    own, peer = [], []
    for number in range(ROUNDS):
        shutil.rmtree(plant / "peer", ignore_errors=True)
        peer.append(float(spawn([sys.executable, HERE / "peer_pyarrow.py", readings, plant / "pickles", plant / "peer"], cpus)[0]))
        command, folder = simulated.run(fleetscore, manifest, number)
        own.append(spawn([*command, "--threads", cpus], cpus)[1])
        rows, different = differing(folder, plant / "peer") if number == 0 else (rows, different)
        size = megabytes(folder)
        shutil.rmtree(folder)
    ratio = statistics.median(theirs / ours for theirs, ours in zip(peer, own))
    line = (f"| {extension}, {cpus} CPU{'s' * (cpus > 1)} | {rows:,} | {megabytes(readings):,.0f} / {size:,.0f} | {statistics.median(peer):.2f} "
            f"| {statistics.median(own):.2f} | {ratio:.2f} | {different} |")
    print(line, flush=True)
    return line, different


def copy(readings, written, target):
    """Reads the readings once and writes the predictions once, by the simplest program; the seconds of each."""
    start = time.perf_counter()
    with open(readings, "rb") as file:
        while file.read(1 << 20):
            pass
    read = time.perf_counter()
    target.mkdir()
    for path, data in written:
        (target / path).write_bytes(data)
    return read - start, time.perf_counter() - read


def many_sensors(fleetscore, plant):
    """4,500 sensors: the lines of the breakdown, and the labels that differ."""
    simulated.simulate(fleetscore, plant, 4_500, 1.6444)
    simulated.fit(plant)
    manifest = simulated.manifest(plant, "readings.csv", "csv")
    cpus = len(os.sched_getaffinity(0))
    turns, copies = [], []
    written = None
    for number in range(ROUNDS):
        command, folder = simulated.run(fleetscore, manifest, number)
        turns.append(spawn(command, cpus)[1:])
        if written is None:
            spawn([sys.executable, HERE / "peer_pyarrow.py", plant / "readings.csv", plant / "pickles", plant / "peer"], cpus)
            rows, different = differing(folder, plant / "peer")
            written = [(path.name, path.read_bytes()) for path in folder.glob("preds_*")]
        copies.append(copy(plant / "readings.csv", written, plant / f"copy-{number}"))
    wall, user, system = (statistics.median(column) for column in zip(*turns))
    read, write = (statistics.median(column) for column in zip(*copies))
    output = sum(len(data) for _, data in written) / 1e6
    lines = [f"{len(written):,} sensors, {rows:,} rows, {megabytes(plant / 'readings.csv'):,.0f} MB in, {output:,.0f} MB out, {cpus} CPUs, {ROUNDS} rounds:", "",
             "| | seconds |", "|---|---|", f"| fleetscore, whole process | {wall:.2f} |", f"| its processor time, user / kernel | {user:.2f} / {system:.2f} |",
             f"| reading the readings once | {read:.2f} |", f"| writing the predictions once, file by file | {write:.2f} |", "",
             f"Labels that differ from scikit-learn's: {different}.", ""]
    print("\n".join(lines), flush=True)
    return lines, different


def main():
    fleetscore, work, fragment = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    plant = work / "large"
    simulated.simulate(fleetscore, plant, 15, HOURS)
    simulated.fit(plant)
    to_parquet(plant)
    every = len(os.sched_getaffinity(0))
    lines = [f"{simulated.machine()}; {time.strftime('%Y-%m-%d')}; medians of {ROUNDS} rounds; pyarrow {pyarrow.__version__}.", "",
             "| | rows | MB in / out | pyarrow and scikit-learn, s | fleetscore, s | ratio | labels that differ |", "|---|---|---|---|---|---|---|"]
    wrong = 0
    for extension in ("csv", "parquet"):
        for cpus in dict.fromkeys([1, every]):
            line, different = against_pyarrow(fleetscore, plant, extension, cpus)
            lines.append(line)
            wrong += different
    shutil.rmtree(plant)
    table, different = many_sensors(fleetscore, work / "many")
    fragment.write_text("\n".join([*lines, "", *table]))
    sys.exit(wrong + different != 0)


if __name__ == "__main__":
    main()
