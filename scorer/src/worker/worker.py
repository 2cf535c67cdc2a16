"""Scores models in Pythons of their own, for Fleetscore's scorer. It needs Python 3.6 or newer and numpy.

Started without `serve` this is the supervisor: it listens at the socket, starts a fresh Python for each connection, looks at its
memory, ends it, and tells how it ended. The supervisor runs nothing of what models bring.
"""
import csv
import importlib.util
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback

PROTOCOL = 1
HEAD_BYTES, PAYLOAD_BYTES, PIECE_BYTES = 1 << 20, 1 << 30, 64 << 10
# What is kept of the output for each sensor, and of each line.
OUTPUT_BYTES = 64 << 10
LINE_BYTES = 4096
TICK_MS = 100
SPEC = dict({"memoryMiB": 1024, "processes": 1}, **json.loads(os.environ.get("FLEETSCORE_WORKER") or "{}"))
SENSOR = b"\0sensor "  # Begins the line with which a process says whose model it has now.

def send(conn, head, *payload):
    """Sends a frame: the length of the head, the head, and the payload."""
    payload = [memoryview(part).cast("B") for part in payload if len(part)]
    size = sum(len(part) for part in payload)
    text = json.dumps(dict(head, bytes=size)).encode()
    if len(text) > HEAD_BYTES or size > PAYLOAD_BYTES:
        raise ValueError("the frame is too large")
    # In one piece if it is small, so that the other side wakes up once.
    frame = [struct.pack("<I", len(text)) + text] + payload
    for part in [b"".join(frame)] if size < PIECE_BYTES else frame:
        conn.sendall(part)

def receive(reader):
    """The head and the payload of the next frame; the head is None at the end."""
    length = reader.read(4)
    size = within(struct.unpack("<I", length)[0], HEAD_BYTES) if len(length) == 4 else 0
    text = reader.read(size)
    if not size or len(text) < size:
        return None, None
    head = json.loads(text.decode())
    payload = bytearray(within(head["bytes"], PAYLOAD_BYTES))
    return (head, payload) if reader.readinto(payload) == len(payload) else (None, None)

def within(length, most):
    """The length, where it is one that a part of a frame may have."""
    if not 0 <= length <= most:
        raise ValueError("a frame with %d bytes, where %d are the most" % (length, most))
    return length

# The connections that are told what processes write and how they end.
watchers, lock = [], threading.Lock()

def tell(head):
    with lock:
        for conn in list(watchers):
            try:
                send(conn, head)
            except OSError:
                watchers.remove(conn)
                conn.close()

class Process:
    """A fresh Python that serves one connection."""
    def __init__(self, conn, name):
        self.conn, self.name = conn, name
        self.why, self.sensor, self.kept, self.last = None, "", 0, ""
        cores = int(os.environ.get("FLEETSCORE_THREADS") or len(os.sched_getaffinity(0)))
        env = dict(os.environ, PYTHONUNBUFFERED="1")
        for library in ("MKL", "NUMEXPR", "OMP", "OPENBLAS"):
            env.setdefault(library + "_NUM_THREADS", str(max(1, cores // SPEC["processes"])))
        alive, self.alive = os.pipe()
        command = [sys.executable, os.path.abspath(__file__), "serve", str(conn.fileno()), str(alive)]
        self.child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      pass_fds=(conn.fileno(), alive), start_new_session=True)
        os.close(alive)
        self.reader = threading.Thread(target=self.pass_on, daemon=True)
        self.reader.start()

    def pass_on(self):
        """Passes on what the process writes, line by line."""
        for line in iter(lambda: self.child.stdout.readline(LINE_BYTES), b""):
            text = line.decode("utf-8", "replace").rstrip()
            if line.startswith(SENSOR):
                self.sensor, self.kept = text[len(SENSOR):], 0
            elif text:
                self.last = text
                if self.kept < OUTPUT_BYTES:
                    self.kept += len(line)
                    text = text if self.kept < OUTPUT_BYTES else "(what follows for this sensor is left out)"
                    tell({"type": "log", "sensor": self.sensor, "line": text})
                    sys.stderr.write("%s: %s\n" % (self.sensor or "Python", text))

    def end(self, why):
        """Kills the process, with all that it has started."""
        self.why = self.why or why
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except OSError:
            pass

    def look(self):
        """Whether the process goes on. One that takes too much memory does not."""
        used = resident(self.child.pid) >> 20
        if used > SPEC["memoryMiB"]:
            self.end("it took %d MiB of memory, and spec.model.worker.memoryMiB is %d" % (used, SPEC["memoryMiB"]))
        if os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return True
        # What it has started is ended, too, as long as nobody else can have its number.
        self.end(None)
        code = self.child.wait()
        self.reader.join(1)
        os.close(self.alive)
        tell({"type": "exit", "connection": self.name, "message": self.why or self.message(code)})
        try:
            self.conn.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.conn.close()
        return False

    def message(self, code):
        names = {number.value: number.name for number in signal.Signals}
        how = "exit code %d" % code if code >= 0 else "killed by %s" % names.get(-code, "signal %d" % -code)
        return how + (", and its last line was: " + self.last if self.last else "")

def resident(pid):
    """Bytes of memory of a process and of those that it has started; 0 where the system does not say."""
    try:
        with open("/proc/%d/statm" % pid) as file:
            used = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as file:
                used += sum(resident(int(child)) for child in file.read().split())
        return used
    except OSError:
        return 0

def listen(path):
    """A socket at the path, where it is from the moment on that it can be connected to."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    for old in (path, path + "~"):
        if os.path.exists(old):
            os.remove(old)
    listener.bind(path + "~")
    os.chmod(path + "~", 0o666)
    listener.listen(128)
    os.rename(path + "~", path)
    return listener

def supervise(until_stdin_ends):
    """Starts a process for each connection, and looks after it."""
    listener = listen(os.environ["FLEETSCORE_WORKER_SOCKET"])
    processes = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            poll = select.poll()
            poll.register(listener, select.POLLIN)
            if until_stdin_ends:
                poll.register(0, select.POLLIN)
            for process in processes:
                poll.register(process.conn, 0)
            ready = {fd for fd, _ in poll.poll(TICK_MS)}
            if until_stdin_ends and 0 in ready and not os.read(0, 1):
                return
            for process in processes:
                if process.conn.fileno() in ready:
                    process.end("the scorer has ended the connection")
            processes = [process for process in processes if process.look()]
            if listener.fileno() in ready:
                accept(listener.accept()[0], processes)
    finally:
        for process in processes:
            process.end("the supervisor has ended")

def accept(conn, processes):
    """Does what the first frame of a connection asks for."""
    try:
        conn.settimeout(5)
        # It takes no byte more than the frame: what is behind it is for the process.
        head = receive(conn.makefile("rb", 1))[0] or {}
        if head.get("type") == "watch":
            send(conn, {"type": "watching", "protocol": PROTOCOL})
            watchers.append(conn)
        elif head.get("type") == "hello" and head.get("protocol") == PROTOCOL:
            conn.settimeout(None)
            processes.append(Process(conn, head.get("connection")))
        else:
            raise ValueError("this worker speaks protocol %d" % PROTOCOL)
    except (OSError, ValueError) as error:
        sys.stderr.write("a connection was refused: %s\n" % error)
        conn.close()

class Refusal(Exception):
    """What is wrong with a model, in our own words."""
    def __init__(self, message, reason="ModelFailed"):
        super().__init__(message)
        self.reason = reason

class Frame:
    """Readings of one sensor, in their order. It can be used as an array of numbers with a column for each feature."""
    def __init__(self, times, values, features, key):
        self.nanoseconds, self.values, self.features, self.key = times, values, features, key

    @property
    def times(self):
        return self.nanoseconds.view("datetime64[ns]")

    def __len__(self):
        return len(self.values)

    def __getitem__(self, name):
        return self.values[:, self.features.index(name)]

    def __array__(self, *args, **options):
        return np.array(self.values, *args, **options)

    def to_pandas(self, time=None):
        """A DataFrame of the features; the times are its index, or the column `time`."""
        import pandas
        frame = pandas.DataFrame(self.values, columns=self.features, index=pandas.DatetimeIndex(self.times, tz="UTC"))
        if time is not None:
            frame.insert(0, time, frame.index)
            frame.reset_index(drop=True, inplace=True)
        return frame

class ModuleModels:
    """A module with load(path, key) and score(model, frame), and with classes where it is a classifier's."""
    name = "Module"

    def __init__(self, module):
        self.load = lambda request: module.load(request["path"], request["key"])
        self.classes = lambda model: getattr(module, "classes", None)
        self.score = lambda model, frame, load: module.score(model, frame)

class BatchModels:
    """A module as those of Azure Machine Learning: init(), once for each sensor, and run(mini_batch)."""
    name = "AzureMl"

    def __init__(self, module, as_file):
        self.module, self.as_file = module, as_file
        self.classes = lambda model: getattr(module, "classes", None)

    def load(self, request):
        os.environ["AZUREML_MODEL_DIR"] = os.path.dirname(request["path"])
        self.module.init()

    def score(self, _, frame, load):
        time = load["time"]
        if not self.as_file:
            return self.module.run(frame.to_pandas(time))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "readings.csv")
            with open(path, "w", newline="") as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow([time] + frame.features)
                rows.writerows([str(at) + "Z"] + row for at, row in zip(frame.times, frame.values.tolist()))
            return self.module.run([path])

class FileModels:
    """Models by themselves: a folder of MLflow, or a file of joblib or pickle."""
    name = "Files"

    def load(self, request):
        path, request["signature"] = request["path"], None
        if os.path.basename(path) != "MLmodel":
            return importlib.import_module("joblib").load(path)
        described = importlib.import_module("mlflow.models").Model.load(path)
        if "sklearn" not in described.flavors:
            return importlib.import_module("mlflow.pyfunc").load_model(os.path.dirname(path))
        schema = described.get_input_schema()
        if schema is not None and schema.has_input_names():
            request["signature"] = schema.input_names()
        return importlib.import_module("mlflow.sklearn").load_model(os.path.dirname(path))

    def classes(self, model):
        """Those of a classifier. Regressors may have none, or an empty list."""
        classes = getattr(model, "classes_", None)
        return None if classes is None or not len(classes) else classes

    def score(self, model, frame, load):
        rows = self.columns(model, frame, load["signature"])
        if not hasattr(model, "predict"):
            raise Refusal("%s has no predict(); name a module with load() and score() in spec.model.worker.module" % type(model).__name__)
        if load["classes"] is not None:
            return self.classify(model, rows, load["classes"])
        if load["output"] == "Value" or not hasattr(model, "decision_function"):
            told = model.predict(rows)
            if load["output"] == "Value" or hasattr(told, "columns"):
                return told
            raise Refusal("%s predicts values, which are no scores: set spec.model.output to Value, or spec.model.residual" % type(model).__name__)
        scores, labels = model.decision_function(rows), np.asarray(model.predict(rows))
        last = estimator(model)
        if is_of(last, "pyod."):
            # What is above the threshold is an outlier, and labelled 1.
            return last.threshold_ - scores, labels
        if not np.isin(labels, (-1, 1)).all():
            raise Refusal("%s predicts labels other than -1 and 1; make scores of them in a module" % type(last).__name__)
        return scores, labels == -1

    @staticmethod
    def classify(model, rows, classes):
        """How sure a classifier is, as the scorer's own ones are, and the labels that it predicts."""
        labels, last = np.asarray(model.predict(rows)).reshape(-1), estimator(model)
        # Shares that may contradict predict() are no scores.
        no_shares = is_of(last, "sklearn.", "SVC", "NuSVC") or is_of(last, "sklearn.", "SGDClassifier") and "log" not in last.loss
        if hasattr(model, "predict_proba") and not no_shares:
            sure = np.asarray(model.predict_proba(rows))
        elif hasattr(model, "decision_function"):
            if hasattr(last, "decision_function_shape"):
                last.decision_function_shape = "ovr"  # A number for each class, not for each pair.
            sure = np.asarray(model.decision_function(rows))
            sure = np.column_stack([-sure, sure]) if sure.ndim == 1 and len(classes) == 2 else sure
        else:
            raise Refusal("%s has neither predict_proba() nor decision_function(), so nothing to make scores of; have a module return both "
                          "scores and labels" % type(last).__name__)
        if sure.shape != (len(rows), len(classes)):
            raise Refusal("%s gives numbers of the shape %s for %d readings and %d classes" % (type(last).__name__, sure.shape, len(rows), len(classes)))
        return sure[np.arange(len(sure)), 1 if len(classes) == 2 else numbers(labels, classes)], labels

    @staticmethod
    def columns(model, frame, signature):
        """The readings as the model knows them: by its own names, else those of its signature, else as they come."""
        own = getattr(model, "feature_names_in_", None)
        names = signature if own is None else list(own)
        if names is None:
            return frame.to_pandas() if type(model).__module__.startswith("mlflow.") else frame.values
        if sorted(names) != sorted(frame.features):
            raise Refusal("the model was trained on %s, but spec.input.columns.features lists %s" % (names, frame.features), "ModelMismatch")
        return np.column_stack([frame[name] for name in names]) if own is None else frame.to_pandas()[names]

def estimator(model):
    """The last step of a pipeline, the best model of a search."""
    while hasattr(model, "steps") or hasattr(model, "best_estimator_"):
        model = model.steps[-1][1] if hasattr(model, "steps") else model.best_estimator_
    return model

def is_of(model, package, *names):
    """Whether a model is of a package's classes, or of those with these names."""
    return any(kind.__module__.startswith(package) and (not names or kind.__name__ in names) for kind in type(model).__mro__)

def labels_of(classes):
    """The classes as the scorer knows them: whole numbers, with 1 for True, or texts."""
    listed = classes.tolist() if hasattr(classes, "tolist") else classes
    if isinstance(listed, (list, tuple)):
        if all(isinstance(label, str) for label in listed):
            return [str(label) for label in listed]
        kinds = (int, float, np.number, np.bool_)
        if all(isinstance(label, kinds) and abs(label) < 1 << 53 and label == int(label) for label in listed):
            return [int(label) for label in listed]
    raise Refusal("classes are a list of whole numbers or one of texts, and not %.300r; have a module give them such names" % (listed,))

def numbers(labels, classes):
    """The number of each label among the classes."""
    known = {label: number for number, label in enumerate(classes)}
    labels = labels.tolist()
    found = [known.get(label) for label in labels]
    if None in found:
        at = found.index(None)
        raise Refusal("the model's code returned the label %.80r for reading %d of %d, which is none of its classes: %.300r"
                      % (labels[at], at + 1, len(labels), classes))
    return np.array(found, "<i4")

def models_of(spec):
    """What knows how to load and score: that is told by what the module has."""
    name = spec.get("module")
    if not name:
        return FileModels()
    sys.path[:0] = [os.path.dirname(os.path.abspath(name)), os.getcwd()]
    if name.endswith(".py"):
        found = importlib.util.spec_from_file_location(os.path.basename(name)[:-3], name)
        module = sys.modules[found.name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    else:
        module = importlib.import_module(name)
    if hasattr(module, "load") and hasattr(module, "score"):
        return ModuleModels(module)
    if hasattr(module, "init") and hasattr(module, "run"):
        return BatchModels(module, spec.get("miniBatch") == "Files")
    raise AttributeError("%s has neither load() and score() nor init() and run()" % name)

def verdicts(result, rows, as_values, classes):
    """Scores, and whether each is an anomaly or, where there are classes, of which one, of what the code has returned."""
    if hasattr(result, "columns"):
        names = {str(name).lower(): name for name in result.columns}
        if "score" not in names:
            raise Refusal("the model's code returned a DataFrame without a column score: it has %s" % list(result.columns))
        result = tuple(result[names[name]] for name in ("score", "prediction") if name in names)
    columns = [np.asarray(column) for column in (result if isinstance(result, tuple) else (result,))]
    if len(columns) not in (1, 2) or any(column.size != rows or column.ndim > 2 for column in columns):
        raise Refusal("the model's code returned %s values for %d readings; it is to return scores, or scores and labels"
                      % (" and ".join(str(column.size) for column in columns), rows))
    if len(columns) == 1 and classes is not None:
        raise Refusal("the model's code returned scores alone, and it has classes; return scores and labels")
    if len(columns) == 1 and not as_values and columns[0].dtype.kind in "biu":
        raise Refusal("the model's code returned whole numbers alone, which look like labels; return scores as floats, or scores and labels")
    scores = np.ascontiguousarray(columns[0].reshape(-1), "<f8")
    finite = np.isfinite(scores)
    if not finite.all():
        raise Refusal("the model's code returned the score %s for reading %d of %d" % (scores[np.argmin(finite)], np.argmin(finite) + 1, rows))
    if classes is not None:
        return scores, numbers(columns[1].reshape(-1), classes)
    if len(columns) == 1:
        return scores, np.zeros(rows, "<i4") if as_values else (scores < 0).astype("<i4")
    labels = columns[1].reshape(-1)
    if not np.all((labels == 0) | (labels == 1)):
        raise Refusal("the model's code returned labels other than 1, an anomaly, and 0; a classifier's module has a list of its classes")
    return scores, np.ascontiguousarray(labels, "<i4")

def answer(models, loaded, head, payload):
    """The frame that answers a request."""
    kind, at = head["type"], head["id"]
    if kind == "load":
        os.write(2, SENSOR + head["sensor"].encode() + b"\n")
        model = models.load(head)
        name, classes = os.path.basename(SPEC.get("module") or type(estimator(model)).__name__), models.classes(model)
        classes = None if classes is None else labels_of(classes)
        if classes is not None and not head.get("classes"):
            raise Refusal("%s predicts classes, and the scorer does not know them; make scores of them in a module" % name)
        loaded[at] = (model, dict(head, classes=classes))
        return ({"type": "loaded", "id": at, "model": name, "classes": classes},)
    if kind == "unload":
        del loaded[at]
        return ({"type": "unloaded", "id": at},)
    model, load = loaded[at]
    rows, features = head["rows"], load["features"]
    times = np.frombuffer(payload, "<i8", rows)
    values = np.frombuffer(payload, "<f8", rows * len(features), 8 * rows).reshape(rows, len(features))
    result = models.score(model, Frame(times, values, features, load["key"]), load)
    return ({"type": "scored", "id": at, "rows": rows},) + verdicts(result, rows, load["output"] == "Value", load["classes"])

def refusal(error):
    """The frame that tells of an exception, which goes to the log from the model's code on."""
    if isinstance(error, Refusal):
        return ({"type": "error", "reason": error.reason, "message": str(error)[:LINE_BYTES]},)
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)
    message = traceback.format_exception_only(type(error), error)[-1].strip()
    return ({"type": "error", "reason": "ModelFailed", "message": message[:LINE_BYTES]},)

def serve(conn, alive):
    """Answers the requests of a connection."""
    threading.Thread(target=lambda: (os.read(alive, 1), os._exit(1)), daemon=True).start()
    models = models_of(SPEC)
    send(conn, {"type": "hello", "protocol": PROTOCOL, "python": sys.version.split()[0], "convention": models.name})
    loaded, reader = {}, conn.makefile("rb", PIECE_BYTES)
    while True:
        head, payload = receive(reader)
        if head is None:
            return
        try:
            send(conn, *answer(models, loaded, head, payload))
        except Exception as error:
            send(conn, *refusal(error))

if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        import numpy as np
        for number in sys.argv[2:4]:
            os.set_inheritable(int(number), False)
        serve(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=int(sys.argv[2])), int(sys.argv[3]))
    else:
        until_stdin_ends = sys.argv[1:2] == ["until-stdin-ends"]
        try:
            supervise(until_stdin_ends)
        finally:
            if until_stdin_ends:
                shutil.rmtree(os.environ["FLEETSCORE_WORKER_DIR"], ignore_errors=True)
