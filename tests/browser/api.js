// An API server on the loopback device, as much of it as the dashboard asks: lists, watches, pods' logs, reviews.
import http from "node:http";

const GROUP = "/apis/scoring.fleetscore.io/v1alpha1";
export const RUNS = `${GROUP}/scoringruns`, SCHEDULES = `${GROUP}/scoringschedules`, STREAMS = `${GROUP}/readingstreams`;
export const JOBS = "/apis/batch/v1/jobs", PODS = "/api/v1/pods", NODES = "/api/v1/nodes", EVENTS = "/api/v1/events";

export class Api {
  #objects = new Map();
  #watches = new Set();
  #version = 100;
  #server;
  /** Requests so far: method and path. */
  asked = [];
  /** Whether a person may list the runs of a namespace: (user, groups, namespace) => boolean; undefined: the server fails. */
  may = () => true;

  static async start(port = 0) {
    const api = new Api();
    await api.listen(port);
    return api;
  }
  listen(port) {
    this.#server = http.createServer((request, response) => this.#answer(request, response));
    return new Promise((resolve) => this.#server.listen(port, "127.0.0.1", () => {
      this.port = this.#server.address().port;
      resolve();
    }));
  }
  /** Ends all connections and takes no more; `listen(port)` comes back. */
  stop() {
    this.#watches.clear();
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  kubeconfig() {
    const server = `http://127.0.0.1:${this.port}`;
    return JSON.stringify({
      apiVersion: "v1", kind: "Config", "current-context": "a",
      clusters: [{ name: "a", cluster: { server } }], users: [{ name: "a", user: { token: "SECRET-OF-THE-PERSON" } }],
      contexts: [{ name: "a", context: { cluster: "a", user: "a", namespace: "plant-a" } }],
    });
  }

  put(resource, object) {
    const { namespace = "", name } = object.metadata;
    const key = `${resource} ${namespace} ${name}`, known = this.#objects.has(key);
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String((this.#version += 1));
    stored.metadata.uid ??= `uid-${name}`;
    this.#objects.set(key, { resource, object: stored });
    this.#tell(resource, known ? "MODIFIED" : "ADDED", stored);
  }
  drop(resource, namespace, name) {
    const key = `${resource} ${namespace} ${name}`, found = this.#objects.get(key);
    this.#objects.delete(key);
    this.#version += 1;
    if (found) this.#tell(resource, "DELETED", found.object);
  }

  #tell(resource, type, object) {
    for (const watch of this.#watches) {
      if (watch.resource === resource && watch.fits(object)) watch.response.write(`${JSON.stringify({ type, object })}\n`);
    }
  }

  async #answer(request, response) {
    const url = new URL(request.url, "http://api");
    this.asked.push(`${request.method} ${url.pathname}`);
    const send = (code, body) => {
      response.writeHead(code, { "content-type": "application/json" });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    };
    if (url.pathname === "/version") {
      return send(200, { major: "1", minor: "33", gitVersion: "v1.33.0", gitCommit: "", gitTreeState: "clean", buildDate: "", goVersion: "", compiler: "", platform: "" });
    }
    if (url.pathname.endsWith("/subjectaccessreviews")) {
      let text = "";
      for await (const bytes of request) text += bytes;
      const { spec } = JSON.parse(text), { user, groups = [], resourceAttributes } = spec;
      const allowed = this.may(user, groups, resourceAttributes.namespace);
      if (allowed === undefined) return send(500, { kind: "Status", code: 500, message: "no answer", reason: "InternalError" });
      return send(201, { metadata: {}, spec, status: { allowed } });
    }
    if (request.method !== "GET") return send(405, { kind: "Status", code: 405, message: "read only", reason: "MethodNotAllowed" });
    const parts = url.pathname.match(/^(\/apis?(?:\/[^/]+)?\/v[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/);
    if (!parts) return send(404, { kind: "Status", code: 404, message: url.pathname, reason: "NotFound" });
    const [, prefix, namespace, plural, name, sub] = parts, resource = `${prefix}/${plural}`;
    if (name) {
      const found = this.#objects.get(`${resource} ${namespace ?? ""} ${name}`)?.object;
      if (!found) return send(404, { kind: "Status", code: 404, message: `${name} not found`, reason: "NotFound" });
      return send(200, sub === "log" ? found.metadata.annotations?.log ?? "" : found);
    }
    const labels = (url.searchParams.get("labelSelector") ?? "").split(",").filter(Boolean).map((term) => term.split("="));
    const fields = (url.searchParams.get("fieldSelector") ?? "").split(",").filter(Boolean).map((term) => term.split("="));
    const fits = (object) => fields.every(([key, value]) => key !== "reason" || object.reason === value) && (!namespace || object.metadata.namespace === namespace)
      && labels.every(([key, value]) => value === undefined ? object.metadata.labels?.[key] !== undefined : object.metadata.labels?.[key] === value);
    if (url.searchParams.get("watch") === "true") {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      const watch = { resource, fits, response };
      this.#watches.add(watch);
      request.on("close", () => this.#watches.delete(watch));
      return undefined;
    }
    const items = [...this.#objects.values()].filter((entry) => entry.resource === resource && fits(entry.object)).map((entry) => entry.object);
    return send(200, { kind: "List", apiVersion: "v1", metadata: { resourceVersion: String(this.#version) }, items });
  }
}

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+Z/, "Z");

function spec(root) {
  return {
    model: { location: "az://models/{device}" },
    input: { location: "az://data/i.csv", columns: { time: "TS", keys: { device: "D" }, features: ["V"] } },
    output: { location: `${root}{run}/`, file: "{device}.csv" },
    storage: { azure: { account: "plantstore" } },
  };
}

export function run(root, namespace, name, schedule, age, status) {
  const labels = { "scoring.fleetscore.io/schedule": schedule, "scoring.fleetscore.io/cause": "tick" };
  return {
    apiVersion: "scoring.fleetscore.io/v1alpha1", kind: "ScoringRun",
    metadata: { name, namespace, labels, creationTimestamp: ago(age + 2) }, spec: spec(root), status,
  };
}
export function schedule(root, namespace, name, status) {
  return {
    apiVersion: "scoring.fleetscore.io/v1alpha1", kind: "ScoringSchedule",
    metadata: { name, namespace, creationTimestamp: ago(864000) },
    spec: { schedule: "0 * * * *", timeZone: "UTC", runTemplate: { spec: spec(root) } }, status,
  };
}
const condition = (type, status, reason, message) => ({ type, status, reason, message, lastTransitionTime: ago(170) });

/** A plant: a schedule whose run waits for nodes, one that is stalled, one of another namespace. */
export function plant(api, root) {
  const going = "flows-1764324000", ready = [condition("Ready", "True", "Scheduled", "")];
  api.put(SCHEDULES, schedule(root, "plant-a", "flows", { conditions: ready, nextScheduleTime: ago(-720), missedRuns: 0 }));
  api.put(SCHEDULES, schedule(root, "plant-a", "valves", {
    conditions: [condition("Stalled", "True", "InvalidSpec", "the time zone Mars/Base is not known"), condition("Ready", "False", "InvalidSpec", "the time zone Mars/Base is not known")],
    missedRuns: 3, missedReasons: { EarlierRunActive: 2, TooLate: 1 }, lastMissed: { time: ago(3600), reason: "EarlierRunActive" },
  }));
  api.put(SCHEDULES, schedule(root, "plant-b", "secret", { conditions: ready }));
  api.put(RUNS, run(root, "plant-b", "secret-1764324000", "secret", 60, { phase: "Planning", startTime: ago(60) }));
  const why = "0/4 nodes are available: 4 Insufficient cpu.";
  api.put(RUNS, run(root, "plant-a", going, "flows", 242, {
    phase: "WaitingForNodes", startTime: ago(242), sensors: { total: 300 }, pods: { total: 300, active: 118, succeeded: 180, failed: 2 },
    topFailures: [{ reason: "ModelNotFound", count: 2, example: "device=3", message: "az://models/3 does not exist" }],
    jobs: [
      { name: `${going}-plan`, step: "Plan", state: "Succeeded", startTime: ago(242), completionTime: ago(236) },
      { name: `${going}-score-0`, step: "Score", state: "Running", startTime: ago(200) },
    ],
    conditions: [condition("Ready", "False", "Unschedulable", why), condition("Reconciling", "True", "Unschedulable", why)],
  }));
  const base = "valves-1764320400";
  api.put(RUNS, run(root, "plant-a", base, "valves", 3900, {
    phase: "PartiallySucceeded", startTime: ago(3900), completionTime: ago(3650), sensors: { total: 15, succeeded: 13, failed: 2 },
    rows: 900, anomalies: 11, topFailures: [{ reason: "ModelNotFound", count: 2, example: "device=3", message: "m" }],
    usage: { nodes: 4, nodeSeconds: 3000, amount: 0.25, currency: "EUR" }, jobs: [], conditions: [],
  }));
  const labels = (step, more) => ({ "scoring.fleetscore.io/run": going, "scoring.fleetscore.io/step": step, "batch.kubernetes.io/job-name": `${going}-score-0`, ...more });
  api.put(JOBS, {
    apiVersion: "batch/v1", kind: "Job", metadata: { name: `${going}-score-0`, namespace: "plant-a", labels: labels("score"), creationTimestamp: ago(200) },
    spec: { completions: 300, template: { spec: { containers: [], restartPolicy: "Never" } } }, status: { succeeded: 180, failedIndexes: "17,88", startTime: ago(200) },
  });
  const pod = (index, node, status, log) => ({
    apiVersion: "v1", kind: "Pod",
    metadata: { name: `${going}-score-0-${index}-abcde`, namespace: "plant-a", labels: labels("score", { "batch.kubernetes.io/job-completion-index": String(index) }), annotations: { log }, creationTimestamp: ago(190) },
    spec: { nodeName: node, containers: [{ name: "scorer", resources: { requests: { cpu: "1" } } }] }, status,
  });
  api.put(PODS, pod(1, "vmss000000", { phase: "Running" }, "scoring 50 sensors\n<img src=x onerror=alert(1)>\n"));
  api.put(PODS, pod(2, "vmss000001", { phase: "Running" }, ""));
  for (const index of [3, 4, 5]) {
    api.put(PODS, pod(index, undefined, { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: why }] }, ""));
  }
  const said = (name, pod, kind = "Pod") => api.put(EVENTS, {
    apiVersion: "v1", kind: "Event", metadata: { name, namespace: "plant-a", creationTimestamp: ago(60) }, reason: "TriggeredScaleUp",
    message: `pod triggered scale-up: [{aks-scoring-vmss 3->4 (max: 20)}]${pod === "foreign" ? " foreign" : ""}`, lastTimestamp: ago(60),
    involvedObject: { kind, namespace: "plant-a", name: pod },
  });
  said("one", `${going}-score-0-3-abcde`);
  said("two", `${going}-score-0-4-abcde`);
  said("three", "foreign");
  for (const [name, ready] of [["vmss000000", "True"], ["vmss000001", "False"]]) {
    api.put(NODES, {
      apiVersion: "v1", kind: "Node", metadata: { name, labels: { "kubernetes.azure.com/agentpool": "scoring", "kubernetes.azure.com/scalesetpriority": "spot" }, creationTimestamp: ago(7300) },
      spec: {}, status: { allocatable: { cpu: "3800m" }, conditions: [{ type: "Ready", status: ready }] },
    });
  }
  return { going, partial: base };
}

/** A run that has failed with texts made to break a page. */
export function hostileRun(root, namespace, name) {
  const text = "<script>alert(1)</script>", at = "2026-11-28T10:00:00Z";
  return run(root, namespace, name, "named", 60, {
    phase: "Failed", startTime: at, sensors: { total: 1, failed: 1 }, topFailures: [{ reason: text, count: 1, example: text, message: text }],
    conditions: [{ type: "Failed", status: "True", reason: text, message: text, lastTransitionTime: at }],
  });
}
