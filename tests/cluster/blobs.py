"""Reads Azurite: blobs.py list|get|digest|wait|clear CONTAINER [NAME]

    list CONTAINER PREFIX      names, one a line
    get CONTAINER NAME         contents to standard output
    digest CONTAINER PREFIX    SHA-256 and name, below the prefix, of what must be the same however a run went: everything outside _run/
    clear CONTAINER PREFIX     deletes what is there
    wait CONTAINER NAME        until it is there, at most 120 seconds; prints the seconds since the epoch

The endpoint is FLEETSCORE_AZURITE_ENDPOINT, the SAS token FLEETSCORE_AZURITE_SAS.
"""
import hashlib
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

ENDPOINT = os.environ["FLEETSCORE_AZURITE_ENDPOINT"]
SAS = os.environ["FLEETSCORE_AZURITE_SAS"].lstrip("?")


def ask(container: str, name: str = "", method: str = "GET", **parameters: str) -> bytes:
    """The answer to one request."""
    query = "&".join([urllib.parse.urlencode(parameters), SAS]).lstrip("&")
    url = f"{ENDPOINT}/{container}/{urllib.parse.quote(name)}".rstrip("/")
    request = urllib.request.Request(f"{url}?{query}", method=method, headers={"x-ms-version": "2021-12-02"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def names(container: str, prefix: str) -> list[str]:
    """The names of all blobs that begin with the prefix."""
    found: list[str] = []
    marker = ""
    while True:
        page = xml.fromstring(ask(container, restype="container", comp="list", prefix=prefix, marker=marker))
        found += [blob.findtext("Name", "") for blob in page.iter("Blob")]
        marker = page.findtext("NextMarker") or ""
        if not marker:
            return sorted(found)


def digest(container: str, prefix: str) -> list[str]:
    """One line a blob outside `_run/` and `_runs/`. `_SUCCESS` is told by its name alone: it holds the time."""
    lines = []
    for name in names(container, prefix):
        rest = name.removeprefix(prefix)
        if rest == "_SUCCESS":
            lines.append(f"{'-' * 64} {rest}")
        elif not rest.startswith(("_run/", "_runs/")):
            lines.append(f"{hashlib.sha256(ask(container, name)).hexdigest()} {rest}")
    return lines


def clear(container: str, prefix: str) -> None:
    """Deletes all blobs that begin with the prefix."""
    for name in names(container, prefix):
        ask(container, name, method="DELETE")


def wait(container: str, name: str) -> float:
    """When the blob was there."""
    deadline = time.time() + 120
    while time.time() < deadline:
        try:
            ask(container, name, method="HEAD")
            return time.time()
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    sys.exit(f"{container}/{name} did not come")


def main() -> None:
    command, container, name = (sys.argv[1:] + [""])[:3]
    if command == "list":
        print("\n".join(names(container, name)))
    elif command == "get":
        sys.stdout.buffer.write(ask(container, name))
    elif command == "digest":
        print("\n".join(digest(container, name)))
    elif command == "clear":
        clear(container, name)
    elif command == "wait":
        print(f"{wait(container, name):.1f}")
    else:
        sys.exit(__doc__)


main()
