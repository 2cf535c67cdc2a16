"""The outcome of a run, in a form that does not depend on when or how often things were done: outcome.py < OBJECTS

Reads what kubectl prints of the run, its Jobs, its ConfigMaps and its pods, in this order, as JSON one after another. The names of Jobs and ConfigMaps, and how many pods of
each step have ended well, are part of it: nothing may be there twice.
"""
import collections
import json
import sys

STEP = "scoring.fleetscore.io/step"


def documents(text: str) -> list[dict]:
    """JSON documents that follow one another."""
    found, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def outcome(run: dict, jobs: dict, maps: dict, pods: dict) -> dict:
    """What must be the same."""
    status = run["status"]
    ends = collections.Counter(
        f"{pod['metadata']['labels'][STEP]} {pod['status']['phase']}" for pod in pods["items"]
    )
    return {
        "phase": status["phase"],
        "conditions": sorted([found["type"], found["status"], found["reason"]] for found in status["conditions"]),
        "counts": {field: status.get(field) for field in ("sensors", "pods", "rows", "anomalies")},
        "failures": status.get("topFailures"),
        "statusJobs": [[job["name"], job["step"], job["state"]] for job in status["jobs"]],
        "jobs": sorted([job["metadata"]["name"], job["status"].get("succeeded", 0)] for job in jobs["items"]),
        "maps": sorted(found["metadata"]["name"] for found in maps["items"]),
        "pods": dict(sorted(ends.items())),
    }


json.dump(outcome(*documents(sys.stdin.read())), sys.stdout, indent=1)
print()
