"""Kills an operator after its N-th API call, and starts it again: crash.py N before|after NAMESPACE RUN|SCHEDULE@TICK|stream/STREAM -- OPERATOR ARG...

The operator speaks through a proxy on loopback to the API server of KUBECONFIG. When the server has answered the N-th call, the
operator is killed: `before` it gets the answer or `after`. It is then started anew, directly, and runs until the run has ended; or, of a
schedule whose runs are suspended, until the run of that tick (in seconds since 1970) is there, suspended and written down; or, of a
stream, until its pods have worked, and it is suspended (which is done here, once they do) and has none. Prints what the call was, or `not reached` where all that was so before. A call is a request; renewals of a lease do not count.
"""
import base64
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from http.client import HTTPException, HTTPSConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TIMEOUT = 180
HOP = {"connection", "transfer-encoding", "keep-alive", "host", "content-length"}


class Cluster:
    """Where the API server is, and how to speak to it."""

    def __init__(self) -> None:
        text = subprocess.run(
            ["kubectl", "config", "view", "--raw", "--minify", "-o", "json"], check=True, capture_output=True
        ).stdout
        config = json.loads(text)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.address = urllib.parse.urlsplit(cluster["server"]).netloc
        self.context = ssl.create_default_context()
        if cluster.get("insecure-skip-tls-verify"):
            self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        elif "certificate-authority" in cluster:
            self.context.load_verify_locations(cluster["certificate-authority"])
        else:
            self.context.load_verify_locations(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        self.headers = {"Authorization": f"Bearer {user['token']}"}

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> HTTPResponse:
        """The beginning of the API server's answer."""
        connection = HTTPSConnection(self.address, context=self.context, timeout=TIMEOUT)
        connection.request(method, path, body, {**headers, **self.headers})
        return connection.getresponse()

    def ask(self, method: str, namespace: str, of: str, body: bytes | None = None) -> dict:
        """An object; one of kind Status where that fails."""
        path = f"/apis/scoring.fleetscore.io/v1alpha1/namespaces/{namespace}/{of}"
        with self.send(method, path, body, {"Content-Type": "application/merge-patch+json"}) as answer:
            return json.load(answer)

    def status(self, namespace: str, kind: str, name: str) -> dict:
        """The object's; empty where it is not there."""
        found = self.ask("GET", namespace, f"{kind}/{name}")
        return found.get("status", {}) if found["kind"] != "Status" else {}

    def stream_rests(self, namespace: str, name: str) -> bool:
        """Whether its pods have worked, and are gone since it is suspended."""
        stream = self.ask("GET", namespace, f"readingstreams/{name}")
        status = stream.get("status", {})
        conditions = {found["type"]: found for found in status.get("conditions", [])}
        if any(conditions.get(kind, {}).get("status") != wanted for kind, wanted in (("Ready", "True"), ("Reconciling", "False"))):
            return False
        if not stream["spec"].get("suspend"):
            # Once the events are read: what the topic says of their times is told too.
            if not status.get("counts", {}).get("accepted") or status.get("lag", {}).get("events") != 0:
                return False
            self.ask("PATCH", namespace, f"readingstreams/{name}", b'{"spec": {"suspend": true}}')
            return False
        is_seen = status.get("observedGeneration") == stream["metadata"]["generation"]
        return is_seen and conditions["Ready"]["reason"] == "Suspended" and not status.get("replicas")

    def has_ended(self, namespace: str, name: str) -> bool:
        """Whether the run has, the tick is done with, or the stream rests."""
        if name.startswith("stream/"):
            return self.stream_rests(namespace, name.removeprefix("stream/"))
        if "@" not in name:
            return self.status(namespace, "scoringruns", name).get("phase") in ("Succeeded", "PartiallySucceeded", "Failed")
        schedule, tick = name.split("@")
        run = f"{schedule}-{tick}"
        is_known = run in self.status(namespace, "scoringschedules", schedule).get("active", [])
        return is_known and self.status(namespace, "scoringruns", run).get("phase") == "Suspended"


class Killer:
    """Counts calls, and kills the operator at one of them."""

    def __init__(self, number: int, when: str) -> None:
        self.left, self.when, self.what = number, when, ""
        self.lock = threading.Lock()
        self.dead = threading.Event()
        self.operator: subprocess.Popen | None = None

    def is_due(self, what: str) -> bool:
        """Counts one call; whether it is the one."""
        with self.lock:
            self.left -= "/leases" not in what
            if self.left == 0 and not self.what:
                self.what = what
                return True
            return False

    def kill(self) -> None:
        """Ends the operator at once."""
        assert self.operator
        self.operator.kill()
        self.operator.wait()
        self.dead.set()


class Proxy(ThreadingHTTPServer):
    """A server that is silent about connections which a killed operator leaves behind."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Says nothing."""


def handler(cluster: Cluster, killer: Killer) -> type[BaseHTTPRequestHandler]:
    """What the proxy does with a request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            headers["Accept-Encoding"] = "identity"
            try:
                answer = cluster.send(self.command, self.path, body or None, headers)
                is_watch = "watch=true" in self.path
                whole = b"" if is_watch else answer.read()
                due = killer.is_due(f"{self.command} {self.path.split('?')[0]}{' (watch)' if is_watch else ''}")
                if due and killer.when == "before":
                    killer.kill()
                    self.close_connection = True
                    return
                self.pass_on(answer, whole, is_watch, due)
            except (OSError, HTTPException):
                self.close_connection = True

        def pass_on(self, answer: HTTPResponse, whole: bytes, is_watch: bool, due: bool) -> None:
            """Hands the answer to the operator, as a watch's events come."""
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header(*(("Transfer-Encoding", "chunked") if is_watch else ("Content-Length", str(len(whole)))))
            self.end_headers()
            self.wfile.write(whole)
            self.wfile.flush()
            if due:
                killer.kill()
            while is_watch and (part := answer.read1(65536)):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
            if is_watch:
                self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = forward

    return Handler


def kubeconfig(folder: Path, port: int) -> Path:
    """A configuration that leads to the proxy."""
    file = folder / "kubeconfig"
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "proxy", "users": [{"name": "proxy", "user": {}}],
        "clusters": [{"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
    }
    file.write_text(json.dumps(config))
    return file


def until_ended(cluster: Cluster, namespace: str, run: str, operator: subprocess.Popen, killer: Killer) -> None:
    """Waits until the run, or what else it is, has ended, or the operator was killed."""
    deadline = time.monotonic() + TIMEOUT
    while not killer.dead.is_set() and not cluster.has_ended(namespace, run):
        # In this order: what the call was is known before the operator is killed.
        if operator.poll() is not None and not killer.what:
            sys.exit(f"the operator ended by itself with {operator.returncode}")
        if time.monotonic() > deadline:
            sys.exit(f"{run} has not ended after {TIMEOUT} s; last call: {killer.what or 'none'}")
        killer.dead.wait(0.1)


def main() -> None:
    number, when, namespace, run = int(sys.argv[1]), *sys.argv[2:5]
    command = sys.argv[6:]
    cluster, killer = Cluster(), Killer(number, when)
    proxy = Proxy(("127.0.0.1", 0), handler(cluster, killer))
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        file = kubeconfig(Path(folder), proxy.server_port)
        operator = subprocess.Popen(command, env={**os.environ, "KUBECONFIG": str(file)})
        killer.operator = operator
        until_ended(cluster, namespace, run, operator, killer)
        # What it does after the end, such as telling so in events, is part of it.
        killer.dead.wait(1)
        if killer.what:
            killer.dead.wait(10)
            again = subprocess.Popen(command)
            try:
                until_ended(cluster, namespace, run, again, Killer(0, when))
            finally:
                again.kill()
                again.wait()
        operator.kill()
        operator.wait()
    print(killer.what or "not reached")


main()
