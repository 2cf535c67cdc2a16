"""Checks how long partitions of a stream stood still: pauses.py SECONDS < LOGS

LOGS are lines of JSON of all pods of the stream, each with its pod. From the moment when a pod is told to end until another one claims a
partition that it had, no more than SECONDS may pass.
"""
import datetime
import json
import sys


def time_of(line: dict) -> datetime.datetime:
    """When a line was written."""
    return datetime.datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00"))


def main() -> None:
    limit = float(sys.argv[1])
    lines = [json.loads(line) for line in sys.stdin if line.startswith("{")]
    owners: dict[int, str] = {}
    ends: dict[str, datetime.datetime] = {}
    pauses = []
    for line in sorted(lines, key=time_of):
        message = line.get("message", "")
        if message.startswith("is told to end"):
            ends[line["pod"]] = time_of(line)
        elif message == "claimed":
            before = owners.get(line["partition"])
            if before in ends and before != line["pod"]:
                pauses.append((time_of(line) - ends[before]).total_seconds())
            owners[line["partition"]] = line["pod"]
    assert pauses, "no partition went from a pod that ended to another one"
    print(f"{len(pauses)} partitions of {len(ends)} pods that ended: claimed again after at most {max(pauses):.1f} s")
    assert max(pauses) <= limit, f"more than {limit} s: {sorted(pauses)}"


main()
