"""Models of the scenario `worker`, as a plant has them: classes of its own, which Python alone can read."""
import json
import os


class Limit:
    """What is above the limit is an anomaly. Its first call tells what it sees of the pod."""

    def __init__(self, limit):
        self.limit = limit

    def decision_function(self, rows):
        """Distance to the limit: below 0 above it."""
        print("SEES " + json.dumps(seen()))
        return self.limit - rows[:, 0]

    def predict(self, rows):
        """As scikit-learn's outlier detectors: -1 is one."""
        return 1 - 2 * (rows[:, 0] > self.limit).astype(int)


class Grade:
    """A classifier: what is above the limit is high."""

    classes_ = ["high", "normal"]

    def __init__(self, limit):
        self.limit = limit

    def predict(self, rows):
        """The labels."""
        return [self.classes_[0] if value > self.limit else self.classes_[1] for value in rows[:, 0]]

    def predict_proba(self, rows):
        """How sure it is of each class."""
        return [[0.75, 0.25] if value > self.limit else [0.25, 0.75] for value in rows[:, 0]]


class Crash:
    """Reads a place of memory that is not its own, as a broken extension does."""

    def predict(self, rows):
        import ctypes

        ctypes.string_at(0)


class Hang:
    """Never answers."""

    def predict(self, rows):
        import threading

        threading.Event().wait()


def seen():
    """What a model could take from its pod: names of variables, files of the run, tokens, writable folders, other processes."""
    tokens = ["/var/run/secrets/kubernetes.io/serviceaccount/token", "/var/run/secrets/azure/tokens/azure-identity-token"]
    return {
        "variables": sorted(name for name in os.environ if name.startswith(("AZURE", "FLEETSCORE_AZURE", "FLEETSCORE_RUN"))),
        "tokens": [path for path in tokens if os.path.exists(path)],
        "files": sorted(os.listdir("/etc/fleetscore")),
        "user": os.getuid(),
        "writable": [path for path in ("/", "/app", "/etc/fleetscore", "/tmp") if os.access(path, os.W_OK)],
        "scorer": [pid for pid in os.listdir("/proc") if pid.isdigit() and b"scorer" in command(pid)],
    }


def command(pid):
    """The command line of a process."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")[0]
    except OSError:
        return b""
