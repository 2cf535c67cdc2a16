"""Measures the operator at scale on a cluster with KWOK's fake nodes: cluster.py OPERATOR WORK_DIR [ratio|operator|jobs ...]

ratio     The score step of a run with one pod a sensor, and a plain Indexed Job with the same number of pods, parallelism and pod
          template, in turns. The step lasts from the end of the plan's Job to the end of the last score Job, so it holds what the
          operator does in between; the plain Job, created by this program, from its creation to its end. Both are seen by the same
          polling. "Plain" is without what the operator adds: retries for each index, a policy for failures.
operator  Peak memory of the operator's process and its requests to the API server, for a run of 100 sensors and one of all, each with
          a new process. The pods of the small run last so long that both runs take about the same time: what grows with time would
          else pass for what grows with pods.
jobs      Indexed Jobs as the operator creates them, of several sizes: seconds per 1,000 pods.

The pods are fake and succeed at once, but for those of plan and collect; there are neither models nor readings. So every ledger is
missing, and the runs end with all sensors failed (NotScored), which their failure policy allows.
"""

import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

SENSORS = int(os.environ.get("SENSORS", "10000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SIZES = [int(size) for size in os.environ.get("SIZES", "1000 2500 5000 10000 20000").split()]
PARALLELISM = int(os.environ.get("PARALLELISM", "500"))
FEW = 100
POLL = 0.5
RUNS = "/apis/scoring.fleetscore.io/v1alpha1/namespaces/default/scoringruns"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods"
LISTEN = "127.0.0.1:18080"
SERVER = ""


def call(path, method="GET", body=None):
    """One request to the API server; None where the object is not there."""
    request = urllib.request.Request(SERVER + path, method=method, data=json.dumps(body).encode() if body else None)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from error


def until(what, look, seconds=1200):
    """Polls until `look` gives something, and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(POLL)
    raise RuntimeError(f"not within {seconds} s: {what}")


def condition(item, kind):
    """Whether a condition of an object is true."""
    found = ((item or {}).get("status") or {}).get("conditions") or []
    return any(one["type"] == kind and one["status"] == "True" for one in found)


def clear():
    """Removes all Jobs and pods."""
    call(f"{JOBS}?propagationPolicy=Background", "DELETE")
    until("no Jobs", lambda: not call(f"{JOBS}?limit=1")["items"])

    def gone():
        # A request is cut off after a minute, so a few at a time.
        call(f"{PODS}?limit=500", "DELETE")
        return not call(f"{PODS}?limit=1")["items"]

    until("no pods", gone)


# Runs


def upload(work, sensors):
    """Puts the list of sensors where runs find it."""
    folder = work / f"manifest-{sensors}"
    folder.mkdir(exist_ok=True)
    rows = "".join(f"{number},1\n" for number in range(sensors))
    (folder / f"{sensors}.csv").write_text("device,tag\n" + rows)
    subprocess.run(["scripts/azurite.sh", "upload", "config", folder], check=True, stdout=subprocess.DEVNULL)


def scoring_run(name, sensors, parallelism, milliseconds):
    """A run with one fake pod a sensor."""
    return {
        "apiVersion": "scoring.fleetscore.io/v1alpha1",
        "kind": "ScoringRun",
        "metadata": {"name": name},
        "spec": {
            "sensors": {"manifest": f"az://config/{sensors}.csv"},
            "model": {"location": "az://models/model_{device}_{tag}"},
            "input": {
                "location": "az://readings/{device}.csv",
                "columns": {"time": "TS", "keys": {"tag": "Tag"}, "features": ["Value"]},
            },
            "output": {"location": "az://predictions/{run}/", "file": "preds_{device}_{tag}.csv"},
            "storage": {
                "azure": {"account": "devstoreaccount1", "auth": "Emulator", "endpoint": "http://10.99.0.1:10000"}
            },
            "sharding": {"sensorsPerPod": 1, "maxPods": 100_000, "parallelism": parallelism},
            "failurePolicy": {"maxFailedSensors": "100%"},
            "podTemplate": {
                "metadata": {"annotations": {"testcluster/duration": f"{milliseconds}ms"}},
                "spec": {
                    "nodeSelector": {"type": "kwok"},
                    "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists", "effect": "NoSchedule"}],
                },
            },
        },
    }


class Operator:
    """A new process of the operator, for one run."""

    def __init__(self, program, work):
        config = work / "operator.yaml"
        config.write_text('{"scorer": {"image": "localhost/fleetscore-scorer:dev", "imagePullPolicy": "Never"}}')
        arguments = ["--config", config, "--no-leader-election", "--listen", LISTEN]
        self.log = open(work / "operator.log", "w", encoding="utf-8")
        self.process = subprocess.Popen([program, *arguments], stderr=self.log)
        until("the operator is ready", lambda: self.get("/readyz") is not None, 60)
        self.idle = self.peak_memory()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def get(self, path):
        """What it answers, None where it does not."""
        if self.process.poll() is not None:
            raise RuntimeError("the operator has ended; see operator.log")
        try:
            with urllib.request.urlopen(f"http://{LISTEN}{path}", timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def peak_memory(self):
        """KiB of its largest resident set so far."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmHWM:\s*(\d+)", status)[1])

    def requests(self):
        """Its requests to the API server so far, by verb and resource."""
        line = re.compile(r'fleetscore_api_requests_total\{verb="(.*?)",resource="(.*?)"\} (\d+)')
        return {f"{verb} {resource}": int(count) for verb, resource, count in line.findall(self.get("/metrics"))}


def score(program, work, name, sensors, parallelism, milliseconds=0):
    """One run with a new operator: seconds of the score step, what the operator took, and a score Job's template."""
    with Operator(program, work) as operator:
        call(RUNS, "POST", scoring_run(name, sensors, parallelism, milliseconds))
        until("the plan", lambda: condition(call(f"{JOBS}/{name}-plan"), "Complete"), 120)
        start = time.monotonic()

        def scored():
            pods = ((call(f"{RUNS}/{name}") or {}).get("status") or {}).get("pods") or {}
            parts = [f"{name}-score-{part}" for part in range(-(-sensors // 10_000))]
            return pods.get("total") == sensors and all(condition(call(f"{JOBS}/{part}"), "Complete") for part in parts)

        until("the score Jobs", scored)
        seconds = time.monotonic() - start
        job = call(f"{JOBS}/{name}-score-0")
        ended = until("the end", lambda: ended_run(name), 600)
        time.sleep(1)
        figures = {"seconds": seconds, "idle": operator.idle, "peak": operator.peak_memory(), "requests": operator.requests()}
    if ended["status"]["phase"] != "PartiallySucceeded":
        raise RuntimeError(f"{name} is {ended['status']['phase']}: {json.dumps(ended['status'])}")
    figures["status"] = len(json.dumps(ended["status"], separators=(",", ":")))
    (work / f"{name}.json").write_text(json.dumps(figures))
    call(f"{RUNS}/{name}?propagationPolicy=Background", "DELETE")
    clear()
    return figures, job


def ended_run(name):
    """The run, if it has ended."""
    run = call(f"{RUNS}/{name}")
    return run if run["status"].get("completionTime") else None


# Jobs


def copy_of(job, name, completions, parallelism, plain):
    """A Job like one of the operator's, that no one owns; `plain`: without retries for each index and a policy for failures."""
    spec = {key: value for key, value in job["spec"].items() if key not in ("selector", "manualSelector", "suspend")}
    spec["template"] = json.loads(json.dumps(spec["template"]))
    labels = spec["template"]["metadata"]["labels"]
    for label in [label for label in labels if "controller-uid" in label or "job-name" in label]:
        del labels[label]
    labels["scoring.fleetscore.io/run"] = name
    if plain:
        for field in ("backoffLimitPerIndex", "maxFailedIndexes", "podFailurePolicy", "podReplacementPolicy", "backoffLimit"):
            spec.pop(field, None)
    spec.update(completions=completions, parallelism=parallelism)
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def timed_job(job):
    """Seconds from a Job's creation to its end."""
    start = time.monotonic()
    call(JOBS, "POST", job)
    until("the Job", lambda: condition(call(f"{JOBS}/{job['metadata']['name']}"), "Complete"))
    seconds = time.monotonic() - start
    clear()
    return seconds


# Measurements


def ratio(program, work):
    """The score step over a plain Job."""
    steps, plains, runs = [], [], []
    _, job = score(program, work, "template", FEW, FEW)

    def plain_job(number):
        return timed_job(copy_of(job, f"plain-{number}", SENSORS, PARALLELISM, plain=True))

    for number in range(ROUNDS):
        # The one that was last in a round is first in the next.
        plain = plain_job(number) if number % 2 == 0 else None
        figures, _ = score(program, work, f"round-{number}", SENSORS, PARALLELISM)
        plain = plain or plain_job(number)
        print(f"  round {number + 1}: score step {figures['seconds']:.1f} s, plain Job {plain:.1f} s", flush=True)
        steps.append(figures["seconds"])
        plains.append(plain)
        runs.append(figures)
    step, plain = statistics.median(steps), statistics.median(plains)
    print(f"score step {step:.1f} s, plain Job {plain:.1f} s, ratio {step / plain:.3f} (medians of {ROUNDS})", flush=True)
    return runs


def operator_cost(program, work, large):
    """The operator's memory and requests, for few sensors and for many."""
    large = large or [score(program, work, "large", SENSORS, PARALLELISM)[0]]
    lanes = 5
    milliseconds = int(statistics.median(run["seconds"] for run in large) * 1000 * lanes / FEW)
    small = [score(program, work, f"small-{number}", FEW, lanes, milliseconds)[0] for number in range(len(large))]
    print(f"{'':34}{FEW:>9} sensors{SENSORS:>9} sensors   medians of {len(large)}")
    rows = [("score step, s", "seconds", 1), ("memory before the run, MiB", "idle", 1024), ("peak memory, MiB", "peak", 1024)]
    for title, key, unit in rows + [("final status, bytes", "status", 1)]:
        print_row(title, *(statistics.median(run[key] for run in runs) / unit for runs in (small, large)))
    for key in sorted({key for run in small + large for key in run["requests"]}):
        print_row(f"  {key}", *(statistics.median(run["requests"].get(key, 0) for run in runs) for runs in (small, large)))
    print_row("all requests", *(statistics.median(sum(run["requests"].values()) for run in runs) for runs in (small, large)))


def print_row(title, small, large):
    """One line of the table."""
    print(f"{title:34}{small:17.1f}{large:17.1f}", flush=True)


def jobs(program, work):
    """Indexed Jobs of several sizes."""
    _, job = score(program, work, "template", FEW, FEW)
    print(f"{'pods of one Job':>17}{'parallelism':>13}{'seconds':>9}{'a 1,000 pods':>14}", flush=True)
    for size in SIZES:
        for parallelism in sorted({min(PARALLELISM, size), size}):
            seconds = timed_job(copy_of(job, f"size-{size}-{parallelism}", size, parallelism, plain=False))
            print(f"{size:17}{parallelism:13}{seconds:9.1f}{seconds * 1000 / size:14.2f}", flush=True)


def main():
    """Measures what the command line names, or all."""
    global SERVER
    program, work, *words = sys.argv[1:]
    work = pathlib.Path(work)
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        SERVER = "http://" + proxy.stdout.readline().split()[-1]
        clear()
        for sensors in (FEW, SENSORS):
            upload(work, sensors)
        print(f"{platform.machine()}, {os.cpu_count()} CPUs; {SENSORS} sensors, parallelism {PARALLELISM}", flush=True)
        words = words or ["ratio", "operator", "jobs"]
        large = ratio(program, work) if "ratio" in words else []
        if "operator" in words:
            operator_cost(program, work, large)
        if "jobs" in words:
            jobs(program, work)
    finally:
        proxy.terminate()
        proxy.wait()


if __name__ == "__main__":
    main()
