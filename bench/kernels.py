"""Times the scorer's decision function against other implementations: kernels.py EXAMPLES WORK_DIR FRAGMENT

One-class SVMs with an RBF kernel, fitted by scikit-learn to normal numbers with gamma 1/d. The peers score the same rows with the
same model (linfa-svm with one that it fits itself), one thread each. They take turns; the figures are medians. Fleetscore prepares
its form of the model anew in every turn, its time included. Labels are compared with scikit-learn's row by row. The results go to
FRAGMENT as Markdown.
"""

import ctypes
import os
import pathlib
import pickle
import platform
import statistics
import subprocess
import sys
import time

import numpy as np
import onnxruntime
from libsvm import svm as libsvm
from skl2onnx import to_onnx
from sklearn.svm import OneClassSVM

# Features, training rows, rows to score, rounds. Half of the training rows become support vectors.
CASES = [(1, 400, 50_000, 7), (1, 1_000, 20_000, 7), (5, 1_000, 20_000, 7), (32, 1_000, 10_000, 7), (1, 10_000, 100_000, 3)]
NU = 0.5


def case_model(features, training_rows):
    """A fitted model and its training data."""
    training = np.random.default_rng(1).normal(size=(training_rows, features))
    return OneClassSVM(nu=NU, gamma=1 / features).fit(training), training


def timed(function):
    """Calls it; returns the seconds."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def scikit_learn(model, rows):
    return lambda: timed(lambda: model.decision_function(rows))


def onnx_runtime(model, rows):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    single = rows.astype(np.float32)
    graph = to_onnx(model, single[:1]).SerializeToString()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda: timed(lambda: session.run(["scores"], {"X": single}))


def libsvm_text(model):
    """The model as libsvm writes it, every digit kept."""
    lines = ["svm_type one_class", "kernel_type rbf", f"gamma {model._gamma!r}", "nr_class 2", f"total_sv {len(model.support_vectors_)}",
             f"rho {-model.intercept_[0]!r}", "SV"]
    for alpha, vector in zip(model.dual_coef_[0].tolist(), model.support_vectors_.tolist()):
        lines.append(f"{alpha!r} " + " ".join(f"{index}:{value!r}" for index, value in enumerate(vector, 1)))
    return "\n".join(lines).replace("np.float64(", "").replace(")", "") + "\n"


def libsvm_c(model, rows, right, work):
    """libsvm's C function, called by a loop in C; checks its scores against `right`, which are scikit-learn's."""
    file = work / "model.libsvm"
    file.write_text(libsvm_text(model))
    library, loop = libsvm.libsvm, ctypes.CDLL(str(work / "libsvm_loop.so")).score_rows
    loaded = library.svm_load_model(str(file).encode())
    nodes = np.zeros((len(rows), rows.shape[1] + 1), dtype=[("index", "i4"), ("pad", "i4"), ("value", "f8")])
    nodes["index"][:, :-1] = np.arange(1, rows.shape[1] + 1)
    nodes["index"][:, -1] = -1
    nodes["value"][:, :-1] = rows
    addresses = np.uint64(nodes.ctypes.data) + np.arange(len(rows), dtype=np.uint64) * np.uint64(nodes.strides[0])
    scores = np.zeros(len(rows))
    predict = ctypes.cast(library.svm_predict_values, ctypes.c_void_p)

    def call(_nodes=nodes):
        count = ctypes.c_long(len(rows))
        loop(predict, loaded, ctypes.c_void_p(addresses.ctypes.data), count, ctypes.c_void_p(scores.ctypes.data))

    call()
    assert np.allclose(scores, right, rtol=0, atol=1e-9), "libsvm's scores differ"
    return lambda: timed(call)


class Child:
    """A program that scores once a line of its input and prints the seconds."""

    def __init__(self, command, environment=()):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([str(part) for part in command], stdin=pipe, stdout=pipe, text=True, env={**os.environ, **dict(environment)})
        self.vectors = int(self.process.stdout.readline())

    def __call__(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def cpu():
    """The processor's name and its flags."""
    lines = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith(("model name", "flags"))]
    return (lines + ["", ""])[:2]


def fleetscore_paths(flags):
    """The names of fleetscore's rows, and the path that each takes."""
    fastest = "avx512" if "avx512f" in flags else "avx2" if "avx2" in flags else "scalar"
    return {f"fleetscore, {path}": path for path in dict.fromkeys([fastest, "avx2" if "avx2" in flags else fastest, "scalar"])}


def differing(scores_file, right):
    """Rows whose label is not scikit-learn's, and the largest difference of scores."""
    scores = np.fromfile(scores_file)
    return int(((scores > 0) != (right > 0)).sum()), float(np.abs(scores - right).max())


def run_case(examples, work, case):
    """Times one case; returns its table, the ratios and the number of differing labels."""
    features, training_rows, count, rounds = case
    model, training = case_model(features, training_rows)
    rows = np.random.default_rng(2).normal(size=(count, features))
    (work / "model.pkl").write_bytes(pickle.dumps(model))
    rows.tofile(work / "rows")
    training.tofile(work / "training")
    vectors, right = len(model.support_vectors_), model.decision_function(rows)
    contenders, children = {}, []
    for name, path in fleetscore_paths(cpu()[1]).items():
        command = [examples / "kernel_speed", work / "model.pkl", work / "rows", work / f"scores-{path}"]
        contenders[name] = Child(command, {"FLEETSCORE_KERNEL": path})
        children.append(contenders[name])
    contenders["scikit-learn"] = scikit_learn(model, rows)
    contenders["libsvm, C"] = libsvm_c(model, rows, right, work)
    contenders["ONNX Runtime, f32"] = onnx_runtime(model, rows)
    # Its kernel matrix of the training rows would not fit.
    if training_rows < 5_000:
        linfa = Child([examples / "linfa_speed", work / "training", work / "rows", features, 1 / features, NU])
        contenders["linfa-svm"] = linfa
        children.append(linfa)
    seconds = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            seconds[name].append(contender())
    for child in children:
        child.end()
    labels = [differing(work / f"scores-{path}", right) for path in fleetscore_paths(cpu()[1]).values()]
    per_alpha = max(score for _, score in labels) / np.abs(model.dual_coef_).sum()
    lines = [f"d = {features}, {vectors} support vectors, {count} rows, {rounds} rounds:", "",
             "| | ms | million K a second | times scikit-learn | times libsvm |", "|---|---|---|---|---|"]
    for name, turns in seconds.items():
        own = vectors if name != "linfa-svm" else contenders[name].vectors
        ratio = {peer: statistics.median(theirs / ours * own / vectors for theirs, ours in zip(seconds[peer], turns)) for peer in ("scikit-learn", "libsvm, C")}
        median = statistics.median(turns)
        lines.append(f"| {name} | {median * 1e3:.2f} | {own * count / median / 1e6:,.0f} | {ratio['scikit-learn']:,.2f} | {ratio['libsvm, C']:,.2f} |")
    lines += ["", f"Labels that differ from scikit-learn's: {sum(count for count, _ in labels)}. "
              f"Largest difference of a score: {per_alpha:.1e} of the sum of the coefficients' sizes.", ""]
    return lines, sum(count for count, _ in labels)


def main():
    examples, work, fragment = (pathlib.Path(argument) for argument in sys.argv[1:])
    lines = [f"{platform.machine()}, {cpu()[0]}; one thread; {time.strftime('%Y-%m-%d')}. "
             f"scikit-learn {__import__('sklearn').__version__}, libsvm 3.37, ONNX Runtime {onnxruntime.__version__}, linfa-svm 0.8.", ""]
    wrong = 0
    for case in CASES:
        table, differ = run_case(examples, work, case)
        lines += table
        wrong += differ
        print("\n".join(table), flush=True)
        fragment.write_text("\n".join(lines))
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
