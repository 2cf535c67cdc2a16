"""Measures many ScoringSchedules that tick in one minute, and as many CronJobs: schedules.py OPERATOR WORK_DIR

Both are created on the same cluster before the first tick, and tick ROUNDS times, the CronJobs two minutes after the schedules, so that
neither is in the other's way. Their runs and Jobs are suspended: no pod starts, so what is measured is the making of the objects.

lateness    From the full minute to when this program's watch has the new run or Job. The same watch, the same program for both.
operator    Peak memory of the process, and its processor time and requests to the API server from just before a tick of the schedules to
            just before that of the CronJobs, for each run: what the schedule's controller and the run's do.
"""

import collections
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import cluster

SCHEDULES = int(os.environ.get("SCHEDULES", "1000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
# Minutes for creating them all.
PREPARE = int(os.environ.get("PREPARE", "4"))
MINUTE = 60
BETWEEN = 2 * MINUTE
ROUND = 4 * MINUTE
LOOK_BEFORE = 3
API = "/apis/scoring.fleetscore.io/v1alpha1/namespaces/default"
BATCH = "/apis/batch/v1/namespaces/default"


def minutes(ticks):
    """A cron expression with these ticks and none between them, for a program that lasts less than an hour."""
    numbers = sorted({time.gmtime(tick).tm_min for tick in ticks})
    return f"{','.join(map(str, numbers))} * * * *"


def schedule(name, cron):
    """A schedule whose runs do nothing."""
    template = {
        "suspend": True,
        "model": {"location": "file:///models/{device}"},
        "input": {"location": "file:///readings.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
        "output": {"location": "file:///predictions/{run}/", "file": "{device}.csv"},
    }
    spec = {"schedule": cron, "concurrencyPolicy": "Allow", "runTemplate": {"spec": template}}
    return {
        "apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": "ScoringSchedule", "metadata": {"name": name}, "spec": spec,
    }


def cron_job(name, cron):
    """A CronJob whose Jobs do nothing."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "nothing", "image": "localhost/nothing:1"}]}
    job = {"spec": {"suspend": True, "template": {"spec": pod}}}
    spec = {"schedule": cron, "timeZone": "Etc/UTC", "concurrencyPolicy": "Allow", "jobTemplate": job}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}


class Watch:
    """Notes when objects come."""

    def __init__(self, path):
        self.came = {}
        self.path = path
        self.version = cluster.call(f"{path}?limit=1")["metadata"]["resourceVersion"]
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """Reads events, on a new connection where the server ends one, as it does now and then."""
        while True:
            request = urllib.request.Request(f"{cluster.SERVER}{self.path}?watch=true&resourceVersion={self.version}")
            request.add_header("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
            try:
                with urllib.request.urlopen(request) as answer:
                    for line in answer:
                        self.note(json.loads(line), time.time())
            except urllib.error.URLError:
                return  # The proxy has ended, and so does this program.

    def note(self, event, now):
        """Takes an event."""
        if event["type"] == "ERROR":
            raise RuntimeError(f"the watch of {self.path} has failed: {event['object']}")
        meta = event["object"]["metadata"]
        self.version = meta["resourceVersion"]
        if event["type"] == "ADDED":
            self.came[meta["name"]] = now

    def lateness(self, tick):
        """Seconds after the tick of all that came within its two minutes."""
        late = [came - tick for came in list(self.came.values()) if tick - 1 <= came < tick + BETWEEN]
        return sorted(late)


def seconds_of(operator):
    """Processor time of the process so far."""
    fields = pathlib.Path(f"/proc/{operator.process.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until_time(moment):
    """Waits until then."""
    time.sleep(max(0.0, moment - time.time()))


def create(ticks):
    """Creates all schedules and CronJobs."""
    with ThreadPoolExecutor(8) as pool:
        crons = minutes(ticks), minutes([tick + BETWEEN for tick in ticks])
        made = [
            pool.submit(cluster.call, f"{API}/scoringschedules", "POST", schedule(f"s-{number}", crons[0])) for number in range(SCHEDULES)
        ]
        made += [
            pool.submit(cluster.call, f"{BATCH}/cronjobs", "POST", cron_job(f"c-{number}", crons[1])) for number in range(SCHEDULES)
        ]
        for one in made:
            one.result()


def measure(operator):
    """All rounds: lateness of runs and of Jobs, and what the operator took."""
    first = (int(time.time()) // MINUTE + 1 + PREPARE) * MINUTE
    ticks = [first + number * ROUND for number in range(ROUNDS)]
    create(ticks)
    left = first - time.time()
    if left < 15:
        raise RuntimeError(f"all were created only {left:.0f} s before the tick; set PREPARE to more than {PREPARE}")
    print(f"  created {left:.0f} s before the first tick", flush=True)
    runs, jobs = Watch(f"{API}/scoringruns"), Watch(f"{BATCH}/jobs")
    rounds = []
    for number, tick in enumerate(ticks, start=1):
        until_time(tick - LOOK_BEFORE)
        before = seconds_of(operator), collections.Counter(operator.requests())
        until_time(tick + BETWEEN - LOOK_BEFORE)
        after = seconds_of(operator), collections.Counter(operator.requests())
        until_time(tick + 2 * BETWEEN - LOOK_BEFORE - 1)
        figures = {
            "runs": runs.lateness(tick), "jobs": jobs.lateness(tick + BETWEEN),
            "cpu": after[0] - before[0], "requests": after[1] - before[1],
        }
        print(f"  round {number}: {told(figures['runs'])}; CronJobs {told(figures['jobs'])}", flush=True)
        rounds.append(figures)
    return rounds


def told(late):
    """The figures of one round."""
    return f"{len(late)} of {SCHEDULES}, median {quantile(late, 0.5):.2f} s, p99 {quantile(late, 0.99):.2f} s"


def quantile(sorted_values, share):
    """The value below which that share of all lies."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))] if sorted_values else float("nan")


def table(rounds, operator):
    """What goes into docs/benchmarks.md."""
    middle = lambda figure: statistics.median(figure(one) for one in rounds)
    print(f"\n{SCHEDULES} in one minute, medians of {len(rounds)} rounds\n\n| | ScoringSchedule | CronJob |\n|---|---|---|")
    print("| created | " + " | ".join(f"{middle(lambda one: len(one[kind])):.0f}" for kind in ("runs", "jobs")) + " |")
    for title, share in (("lateness, median", 0.5), ("lateness, p99", 0.99), ("lateness, the last", 1.0)):
        cells = [f"{middle(lambda one: quantile(one[kind], share)):.2f} s" for kind in ("runs", "jobs")]
        print(f"| {title} | {' | '.join(cells)} |")
    print(f"| operator: processor time a run | {middle(lambda one: one['cpu']) / SCHEDULES * 1000:.1f} ms | |")
    print(f"| operator: peak memory (before the schedules: {operator.idle / 1024:.1f} MiB) | {operator.peak_memory() / 1024:.1f} MiB | |")
    keys = sorted({key for one in rounds for key in one["requests"]})
    for key in keys:
        count = middle(lambda one: one["requests"].get(key, 0)) / SCHEDULES
        if count >= 0.005:
            print(f"| operator: {key} a run | {count:.2f} | |")


def main():
    """Measures and prints a table."""
    program, work = sys.argv[1:]
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        cluster.SERVER = "http://" + proxy.stdout.readline().split()[-1]
        print(f"{platform.machine()}, {os.cpu_count()} CPUs", flush=True)
        with cluster.Operator(program, pathlib.Path(work)) as operator:
            rounds = measure(operator)
            table(rounds, operator)
        if any(len(one["runs"]) != SCHEDULES for one in rounds):
            sys.exit("not every schedule has created its run")
    finally:
        proxy.terminate()
        proxy.wait()


if __name__ == "__main__":
    main()
