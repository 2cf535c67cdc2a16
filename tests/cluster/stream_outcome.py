"""What is there of a stream in the end, in a form that does not depend on when or how often things were done: stream_outcome.py < OBJECTS

Reads what kubectl prints of the stream, and of its Deployments, ConfigMaps, Services, PodDisruptionBudgets and NetworkPolicies as one list,
as JSON one after the other. A Deployment's generation tells how often it was changed: once when the stream came, once when it was suspended.
"""
import json
import re
import sys

NAMESPACE = sys.argv[1]


def same_for_all(text: str, uid: str) -> object:
    """Without what is each stream's own: its namespace, its uid, and digests of a text that names them."""
    text = text.replace(NAMESPACE, "NAMESPACE").replace(uid, "UID")
    return json.loads(re.sub(r"\bstream-[0-9a-f]{16}\b", "stream-DIGEST", text))


def outcome(stream: dict, children: dict) -> dict:
    """What must be the same."""
    status = stream["status"]
    return {
        "conditions": sorted([found["type"], found["status"], found["reason"]] for found in status["conditions"]),
        "replicas": status.get("replicas", 0),
        "isSeen": status["observedGeneration"] == stream["metadata"]["generation"],
        "children": sorted(
            [
                child["kind"],
                child["metadata"]["name"],
                [owner["kind"] + " " + owner["name"] for owner in child["metadata"]["ownerReferences"]],
                child["spec"] if "spec" in child else child["data"],
                child["metadata"]["generation"] if child["kind"] == "Deployment" else 0,
            ]
            for child in children["items"]
        ),
    }


text = sys.stdin.read()
decoder = json.JSONDecoder()
first, end = decoder.raw_decode(text)
second, _ = decoder.raw_decode(text[end:].lstrip())
json.dump(same_for_all(json.dumps(outcome(first, second)), first["metadata"]["uid"]), sys.stdout, indent=1, sort_keys=True)
print()
