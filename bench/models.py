"""Times isolation forests against scikit-learn: models.py EXAMPLES WORK_DIR FRAGMENT

Forests of 100 trees of 256 samples, fitted by scikit-learn to readings in steps of 0.1 and pickled. Each turn reads the pickle anew and
scores the rows, one thread, all preparation included; both take turns, and the figures are medians. Scores are compared bit by bit, so
numpy may not use AVX-512, whose powers differ from those of other processors. The results go to FRAGMENT as Markdown.
"""

import os

os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"

import pathlib
import pickle
import platform
import statistics
import subprocess
import sys
import time

import numpy as np
import sklearn
from sklearn.ensemble import IsolationForest

# Features and rows to score.
CASES = [(1, 60), (5, 60), (1, 50_000), (2, 50_000), (5, 50_000)]
ROUNDS = int(os.environ.get("ROUNDS", "7"))


class Fleetscore:
    """The program that reads and scores once a line of its input, and prints the seconds of both."""

    def __init__(self, command):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([str(part) for part in command], stdin=pipe, stdout=pipe, text=True)
        self.trees = int(self.process.stdout.readline())

    def __call__(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [float(seconds) for seconds in self.process.stdout.readline().split()]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def scikit_learn(file, rows):
    """The seconds of reading and of scoring."""
    start = time.perf_counter()
    model = pickle.loads(file.read_bytes())
    read = time.perf_counter()
    model.decision_function(rows)
    return [read - start, time.perf_counter() - read]


def run_case(examples, work, features, count):
    """Times one case; returns its lines and the number of scores that differ."""
    random = np.random.default_rng(features)
    readings = lambda rows: np.round(random.normal(size=(rows, features)) * 3 + 20, 1)
    model = IsolationForest(contamination=0.02, random_state=0).fit(readings(2_000))
    rows, file = readings(count), work / "forest.pkl"
    file.write_bytes(pickle.dumps(model))
    rows.tofile(work / "rows")
    ours = Fleetscore([examples / "forest_speed", file, work / "rows", work / "scores"])
    turns = [(ours(), scikit_learn(file, rows)) for _ in range(ROUNDS)]
    ours.end()
    differ = int((np.fromfile(work / "scores", np.uint64) != model.decision_function(rows).view(np.uint64)).sum())
    lines = []
    for name, side in (("fleetscore", 0), ("scikit-learn", 1)):
        read, score = (statistics.median(turn[side][part] for turn in turns) for part in (0, 1))
        whole, alone = (statistics.median(turn[1][1] / turn[side][1] if alone else sum(turn[1]) / sum(turn[side]) for turn in turns)
                        for alone in (False, True))
        lines.append(f"| {features} | {count:,} | {name} | {read * 1e3:.2f} | {score * 1e3:.2f} | {score / count * 1e6:.3f} "
                     f"| {whole:,.1f} | {alone:,.1f} |")
    return lines, differ


def main():
    examples, work, fragment = (pathlib.Path(argument) for argument in sys.argv[1:])
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    lines = [f"{platform.machine()}, {(names + [''])[0]}; one thread; {time.strftime('%Y-%m-%d')}; {ROUNDS} rounds. "
             f"scikit-learn {sklearn.__version__}.", "",
             "| features | rows | | reading, ms | scoring, ms | us a row | times scikit-learn | scoring alone |", "|---|---|---|---|---|---|---|---|"]
    wrong = 0
    for features, count in CASES:
        table, differ = run_case(examples, work, features, count)
        lines += table
        wrong += differ
    lines += ["", f"Scores that differ in a bit: {wrong}.", ""]
    fragment.write_text("\n".join(lines))
    print("\n".join(lines), flush=True)
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
