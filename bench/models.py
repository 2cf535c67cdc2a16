"""Times models of trees against scikit-learn: models.py EXAMPLES WORK_DIR FRAGMENT

Fitted by scikit-learn to readings in steps of 0.1 and pickled: isolation forests of 100 trees of 256 samples, then random forests and
boosted trees. Each turn reads the pickle anew and scores the rows, one thread, all preparation included; both take turns, and the figures
are medians. Scores are compared bit by bit, so numpy may not use AVX-512, whose powers differ from those of other processors. The results
go to FRAGMENT as Markdown.
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
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, IsolationForest, RandomForestRegressor

ISOLATION = lambda: IsolationForest(contamination=0.02, random_state=0)
# What is fitted, features, and rows to score.
CASES = [(ISOLATION, 1, 60), (ISOLATION, 5, 60), (ISOLATION, 1, 50_000), (ISOLATION, 2, 50_000), (ISOLATION, 5, 50_000)]
CASES += [(fitted, 3, rows) for rows in (60, 50_000) for fitted in (
    lambda: RandomForestRegressor(random_state=0, n_jobs=1),
    lambda: GradientBoostingRegressor(random_state=0),
    lambda: HistGradientBoostingRegressor(random_state=0),
)]
# Readings that they are fitted to: those of a random forest make a pickle of 7 MB.
FITTED = {"RandomForestRegressor": 770}
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


def scored(model, rows):
    return model.decision_function(rows) if hasattr(model, "decision_function") else model.predict(rows)


def scikit_learn(file, rows):
    """The seconds of reading and of scoring."""
    start = time.perf_counter()
    model = pickle.loads(file.read_bytes())
    read = time.perf_counter()
    scored(model, rows)
    return [read - start, time.perf_counter() - read]


def run_case(examples, work, fitted, features, count):
    """Times one case; returns its lines and the number of scores that differ."""
    random = np.random.default_rng(features)
    readings = lambda rows: np.round(random.normal(size=(rows, features)) * 3 + 20, 1)
    model = fitted()
    kind = type(model).__name__
    training = readings(FITTED.get(kind, 2_000))
    model.fit(training, training.sum(axis=1) + random.normal(size=len(training)))
    rows, file = readings(count), work / "forest.pkl"
    file.write_bytes(pickle.dumps(model))
    rows.tofile(work / "rows")
    ours = Fleetscore([examples / "forest_speed", file, work / "rows", work / "scores"])
    turns = [(ours(), scikit_learn(file, rows)) for _ in range(ROUNDS)]
    ours.end()
    differ = int((np.fromfile(work / "scores", np.uint64) != scored(model, rows).view(np.uint64)).sum())
    lines = []
    for name, side in (("fleetscore", 0), ("scikit-learn", 1)):
        read, score = (statistics.median(turn[side][part] for turn in turns) for part in (0, 1))
        whole, alone = (statistics.median(turn[1][1] / turn[side][1] if alone else sum(turn[1]) / sum(turn[side]) for turn in turns)
                        for alone in (False, True))
        lines.append(f"| {kind}, {file.stat().st_size / 1e6:.1f} MB | {features} | {count:,} | {name} | {read * 1e3:.2f} | {score * 1e3:.2f} | {score / count * 1e6:.3f} "
                     f"| {whole:,.1f} | {alone:,.1f} |")
    return lines, differ


def main():
    examples, work, fragment = (pathlib.Path(argument) for argument in sys.argv[1:])
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    lines = [f"{platform.machine()}, {(names + [''])[0]}; one thread; {time.strftime('%Y-%m-%d')}; {ROUNDS} rounds. "
             f"scikit-learn {sklearn.__version__}.", "",
             "| model | features | rows | | reading, ms | scoring, ms | us a row | times scikit-learn | scoring alone |",
             "|---|---|---|---|---|---|---|---|---|"]
    wrong = 0
    for fitted, features, count in CASES:
        table, differ = run_case(examples, work, fitted, features, count)
        lines += table
        wrong += differ
    lines += ["", f"Scores that differ in a bit: {wrong}.", ""]
    fragment.write_text("\n".join(lines))
    print("\n".join(lines), flush=True)
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
