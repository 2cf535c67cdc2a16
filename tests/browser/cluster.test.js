// Opens the dashboard of a cluster in a real browser, on the person's machine and behind a proxy: see dashboard.test.js.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { Api, RUNS, hostileRun, plant, run, schedule, SCHEDULES } from "./api.js";

const { FLEETSCORE, SAMPLE_HISTORY, SCREENSHOTS } = process.env;
assert.ok(FLEETSCORE && SAMPLE_HISTORY, "set FLEETSCORE and SAMPLE_HISTORY to the programs");
const DESK = { width: 1280, height: 900 }, PHONE = { width: 390, height: 844 }, SMALL = { width: 320, height: 640 };
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cluster-"));
const history = path.join(folder, "history"), root = `file://${history}/`;
const kubeconfig = path.join(folder, "kubeconfig");
let api, names, browser, own;

/** Starts the program and waits for what it prints. */
function start(args, env = {}) {
  const child = spawn(FLEETSCORE, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, KUBECONFIG: kubeconfig, ...env } });
  return new Promise((resolve, reject) => {
    let out = "", err = "";
    child.stderr.on("data", (bytes) => { err += bytes; });
    child.stdout.on("data", (bytes) => {
      out += bytes;
      if (out.includes("\n")) resolve({ child, out: out.trim(), stop: () => { child.removeAllListeners("exit"); child.kill(); } });
    });
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${err}`)));
  });
}
async function dashboard(...args) {
  const server = await start(["kubectl", "dashboard", "-A", "--port", "0", ...args]);
  return { ...server, address: server.out, origin: new URL(server.out).origin };
}
/** What a command prints; the API server answers from this process meanwhile. */
async function says(...args) {
  const { stdout } = await promisify(execFile)(FLEETSCORE, ["kubectl", ...args, "-o", "json"], { env: { ...process.env, KUBECONFIG: kubeconfig } })
    .catch((error) => { if (error.stdout) return error; throw error; });
  return JSON.parse(stdout);
}

before(async () => {
  execFileSync(SAMPLE_HISTORY, [history, "40", "30"]);
  api = await Api.start();
  fs.writeFileSync(kubeconfig, api.kubeconfig());
  names = plant(api, root);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
  own = await dashboard("--local-files");
});
after(async () => {
  await browser?.close();
  own?.stop();
  await api?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Signs in, hands a page to `look`, and fails on whatever a page must never do. */
async function open(options, look, server = own) {
  const context = await browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => { if (!message.location().url.endsWith("/nothing")) complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (new URL(request.url()).origin !== server.origin) complaints.push(`asks ${request.url()}`); });
  await page.goto(server.address);
  page.see = (where) => page.goto(server.origin + where);
  page.numbers = async (where) => (await context.request.get(server.origin + where)).json();
  // The cluster has answered.
  await page.waitForFunction(() => !document.querySelector("#unheard"), undefined, { timeout: 15000 }).catch(() => page.reload());
  await look(page, context);
  if (!options.complaining) assert.deepEqual(complaints, [], "errors, dialogs or requests elsewhere");
  await context.close();
}
const texts = (page, selector) => page.locator(selector).allInnerTexts();
const going = () => `/runs/plant-a/${names.going}`;
const pages = () => ({
  overview: "/", runs: "/runs", going: going(), manifest: `${going()}?tab=manifest`, log: `${going()}?tab=logs&log=${names.going}-score-0-1-abcde`,
  partial: `/runs/plant-a/${names.partial}`, schedule: "/schedules/plant-a/valves", pumps: "/schedules/plant-a/pumps", nodes: "/nodes",
});

test("numbers are those of the plugin", () => open({}, async (page) => {
  const timeless = (value) => JSON.parse(JSON.stringify(value, (key, value) => (key === "seconds" ? undefined : value)));
  const overview = await page.numbers("/overview.json");
  assert.deepEqual(timeless(overview.cluster), timeless(await says("status", "-A")));
  for (const [page_, ...args] of [
    [`${going()}.json`, "status", `run/${names.going}`, "-n", "plant-a"],
    ["/schedules/plant-a/valves.json", "status", "schedule/valves", "-n", "plant-a"],
    ["/nodes.json", "top", "-A"],
  ]) assert.deepEqual(timeless((await page.numbers(page_)).cluster), timeless(await says(...args)), page_);
  assert.equal(await page.locator("#running tbody tr").count(), overview.cluster.running.length);
  assert.equal(await page.locator("#series tbody tr.scheduled").count(), overview.cluster.schedules.length);
  assert.match(await page.innerText("#looks"), /EarlierRunActive/);
  await page.see("/nodes");
  assert.match(await page.innerText("#waiting"), /Insufficient cpu/);
  assert.equal(await page.locator("#nodes tbody tr").count(), 2);
}));

test("tiles are numbers of the plugin", () => open({}, async (page) => {
  await page.waitForSelector("#series tbody tr.scheduled");
  await page.reload();
  const [status, top] = [await says("status", "-A"), await says("top", "-A")];
  const [names_, values, notes] = [await texts(page, "#tiles .label"), await texts(page, "#tiles .value"), await texts(page, "#tiles .note")];
  const tile = (name) => { const place = names_.indexOf(name); assert.ok(place >= 0, `${name} of ${names_}`); return [values[place], notes[place]]; };
  const waiting = status.running.filter((run) => ["WaitingForNodes", "WaitingForReadings", "Suspended"].includes(run.phase));
  const pending = top.pending.reduce((sum, group) => sum + group.count, 0);
  assert.deepEqual(tile("Running now")[0], String(status.running.length));
  assert.deepEqual(tile("Waiting"), [String(waiting.length), `${waiting[0].reason}; ${pending} pods`]);
  assert.deepEqual(tile("Nodes"), [String(top.nodes.length), `${top.nodes.filter((node) => node.idleSince).length || "none"} idle`]);
  assert.deepEqual(tile("Missed ticks"), [String(status.schedules.reduce((sum, line) => sum + line.missed, 0)), "1 schedule stalled"]);
  assert.equal(tile("Cost of 24 hours")[0], "0.25 EUR");
  const overview = await page.numbers("/overview.json");
  assert.deepEqual(names_, overview.tiles.map((tile) => tile.name));
  for (const { name, value } of overview.tiles) if (name !== "Next tick") assert.equal(tile(name)[0], value, name);
  // What failed in 24 hours: records and objects together, each once.
  const since = Date.now() - 86_400_000;
  const recorded = (await page.numbers("/runs.json?days=1&phase=Failed")).runs.length;
  const failed = status.ended.filter((run) => run.phase === "Failed" && Date.parse(run.ended) >= since).length;
  assert.equal(tile("Failed in 24 hours")[0], String(recorded + failed));
  const schedules = status.schedules.filter((line) => line.lastRun?.sensors);
  const names = new Set(schedules.map((line) => line.name));
  const failing = [...schedules.map((line) => line.lastRun.sensors.failed ?? 0), ...overview.series.filter((line) => !names.has(line.series.name)).map((line) => line.last.sensors.failed)];
  assert.equal(tile("Sensors failing now")[0], String(failing.reduce((sum, count) => sum + count, 0)));
}));

test("a schedule's line has its next tick, missed ticks and why it is stalled", () => open({}, async (page) => {
  await page.waitForSelector("#series tbody tr.scheduled");
  const line = (name) => page.locator("#series tbody tr", { has: page.locator("th a", { hasText: new RegExp(`^${name}$`) }) }).first();
  const valves = line("valves");
  assert.match(await valves.innerText(), /Stalled[^]*the time zone Mars\/Base is not known[^]*3 missed/);
  assert.match(await valves.locator("td[data-name='Last run']").innerText(), /Partially succeeded/);
  assert.match(await line("flows").locator("td[data-name='Next tick']").innerText(), /in 11 min[^]*0 \* \* \* \*/);
  const pumps = line("pumps");
  assert.equal(await pumps.locator(".strip i").count(), 30);
  assert.equal(await pumps.locator("svg.spark").count(), 2);
}));

test("the autoscaler's words stand beside what waits, of the runs' own pods alone", () => open({}, async (page) => {
  await page.see("/nodes");
  const words = await page.innerText("#autoscaler");
  assert.match(words, /TriggeredScaleUp/);
  assert.match(words, /3->4 \(max: 20\)/);
  assert.ok(!words.includes("foreign"), words);
  const { autoscaler } = await page.numbers("/nodes.json");
  assert.deepEqual(autoscaler.map((said) => [said.reason, said.pods]), [["TriggeredScaleUp", 2]]);
}));

test("what has ended is read from storage, and what goes on from the cluster", () => open({}, async (page) => {
  await page.waitForSelector("#series tbody tr");
  assert.match(await page.innerText("#series"), /pumps/);
  await page.see("/runs");
  assert.match(await page.innerText("#going"), new RegExp(names.going));
  assert.equal(await page.locator("#list tbody tr").count(), 50);
  await page.see(going());
  assert.equal(await page.innerText("#phase"), "Waits for nodes");
  assert.match(await page.innerText("#steps"), /182 of 300 shards ended/);
  assert.match(await page.innerText("#steps"), /3 pending/);
  assert.equal(await page.locator("#steps svg.timeline rect.step").count(), 3);
  assert.match(await page.innerText("#failures"), /2/);
  assert.match(await page.innerText("#commands"), /kubectl fleetscore logs run\/flows-1764324000 -n plant-a/);
  assert.equal(await page.locator("#shards tbody tr").count(), 50);
  assert.match(await page.locator("#shards tbody tr").nth(1).innerText(), /running\s+vmss000000\s+1/);
}));

test("logs and the manifest are shown, and of no other pod", () => open({}, async (page) => {
  await page.see(pages().log);
  assert.match(await page.innerText("#logs pre.text"), /scoring 50 sensors\n<img src=x/);
  await page.see(pages().manifest);
  assert.match(await page.innerText("#manifest pre.text"), /"kind": "ScoringRun"/);
  const before = api.asked.length;
  await page.see(`${going()}?tab=logs&log=kube-apiserver`);
  assert.ok(!api.asked.slice(before).some((asked) => asked.includes("/log")), "asks for another pod's log");
}));

describe("live", () => {
  test("a patched status shows without a reload, and what is open stays so", () => open({}, async (page) => {
    await page.see(going());
    await page.waitForSelector("#live[data-state=on]");
    await page.evaluate(() => { window.same = true; });
    await page.click("#steps details summary");
    await page.focus("#steps details summary");
    const status = { phase: "Scoring", startTime: "2026-11-28T10:00:00Z", sensors: { total: 300 }, pods: { total: 300, active: 20, succeeded: 278, failed: 2 }, jobs: [], conditions: [] };
    api.put(RUNS, run(root, "plant-a", names.going, "flows", 242, status));
    await page.waitForFunction(() => document.querySelector("#phase").textContent === "Scoring", undefined, { timeout: 15000 });
    assert.equal(await page.evaluate(() => window.same), true, "the page was loaded again");
    assert.ok(await page.locator("#steps details[open]").count() > 0, "what was open is closed");
    plant(api, root);
  }));

  test("API away: a banner, and history stays; back, the banner goes", async () => {
    const other = await Api.start();
    plant(other, root);
    const config = path.join(folder, "other");
    fs.writeFileSync(config, other.kubeconfig());
    const server = await start(["kubectl", "dashboard", "-A", "--port", "0", "--local-files"], { KUBECONFIG: config });
    Object.assign(server, { address: server.out, origin: new URL(server.out).origin });
    try {
      await open({}, async (page) => {
        await page.waitForSelector("#series tbody tr", { timeout: 15000 });
        await page.waitForSelector("#live[data-state=on]");
        const { port } = other;
        await other.stop();
        await page.waitForSelector("#banner section[aria-label=Cluster]", { timeout: 20000 });
        assert.match(await page.innerText("#banner"), /The cluster cannot be asked since/);
        assert.ok(await page.locator("#series tbody tr").count() > 0, "history is gone");
        assert.ok(await page.locator("#series tbody tr.scheduled").count() > 0, "what was known is gone");
        await other.listen(port);
        await page.waitForSelector("#banner section[aria-label=Cluster]", { state: "detached", timeout: 30000 });
      }, server);
    } finally {
      server.stop();
      await other.stop();
    }
  });
});

test("storage away: a banner, and the cluster's pages stay", async () => {
  const gone = path.join(folder, "gone");
  execFileSync(SAMPLE_HISTORY, [gone, "8", "4"]);
  const other = await Api.start();
  plant(other, `file://${gone}/`);
  const config = path.join(folder, "gone-config");
  fs.writeFileSync(config, other.kubeconfig());
  const server = await start(["kubectl", "dashboard", "-A", "--port", "0", "--local-files"], { KUBECONFIG: config });
  Object.assign(server, { address: server.out, origin: new URL(server.out).origin });
  try {
    await open({}, async (page) => {
      await page.waitForSelector("#series tbody tr", { timeout: 15000 });
      fs.renameSync(path.join(gone, "_runs"), path.join(gone, "_away"));
      await page.waitForSelector("#banner section[aria-label=Storage]", { timeout: 15000 });
      assert.ok(await page.locator("#running tbody tr").count() > 0);
    }, server);
  } finally {
    server.stop();
    await other.stop();
  }
});

test("a run's endpoint gets neither a request nor a token", async () => {
  const heard = [];
  const trap = http.createServer((request, response) => { heard.push(request.headers.authorization ?? "no token"); response.end(); });
  await new Promise((resolve) => trap.listen(0, "127.0.0.1", resolve));
  const other = await Api.start();
  const evil = run("az://predictions/", "plant-a", "evil-1", "evil", 60, { phase: "Scoring", startTime: "2026-11-28T10:00:00Z" });
  evil.spec.storage.azure.endpoint = `http://127.0.0.1:${trap.address().port}/plantstore`;
  other.put(RUNS, evil);
  const config = path.join(folder, "trap");
  fs.writeFileSync(config, other.kubeconfig());
  const server = await start(["kubectl", "dashboard", "-A", "--port", "0"], { KUBECONFIG: config, AZURE_STORAGE_TOKEN: "SECRET" });
  Object.assign(server, { address: server.out, origin: new URL(server.out).origin });
  try {
    await open({}, async (page) => {
      await page.waitForSelector("#banner section[aria-label='Storage that is not asked']", { timeout: 20000 });
      assert.match(await page.locator("#banner").textContent(), /is not Azure's own, so your login is not sent there/);
    }, server);
    assert.deepEqual(heard, []);
  } finally {
    server.stop();
    trap.close();
    await other.stop();
  }
});

test("without JavaScript every page works", () => open({ javaScriptEnabled: false }, async (page) => {
  for (const [kind, where] of Object.entries(pages())) {
    await page.see(where);
    assert.ok((await page.innerText("h1")).length > 0, kind);
  }
}));

test("texts of others are only text", () => open({}, async (page) => {
  const named = hostileRun(root, "plant-a", "named-1");
  api.put(RUNS, named);
  try {
    await page.waitForFunction(() => document.querySelector("#looks")?.textContent.includes("<script>"), undefined, { timeout: 10000 });
    for (const where of ["/", "/runs", "/runs/plant-a/named-1"]) {
      await page.see(where);
      assert.equal(await page.locator("main script, main img").count(), 0, where);
    }
    assert.match(await page.innerText("main"), /<script>alert\(1\)<\/script>/);
  } finally {
    api.drop(RUNS, "plant-a", "named-1");
  }
}));

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [DESK, PHONE, SMALL]) {
    test(`${colorScheme}, ${viewport.width} px: no page has a barrier, none is wider than the window`, () => open({ colorScheme, viewport }, async (page) => {
      for (const [kind, where] of Object.entries(pages())) {
        await page.see(where);
        if (SCREENSHOTS) await page.screenshot({ path: path.join(SCREENSHOTS, `cluster-${kind}-${viewport.width}-${colorScheme}.png`), fullPage: true });
        const size = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
        assert.ok(size[0] <= size[1], `${kind} is ${size[0]} px wide`);
        if (viewport === PHONE) continue;
        const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag22aa"]).analyze();
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]), [], kind);
      }
    }));
  }
}

describe("behind a proxy", () => {
  let server, port;
  const ask = (target, headers = {}, method = "GET") => new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, method, path: target, headers: { host: "dash.example", ...headers } }, (answer) => {
      let body = "";
      answer.on("data", (bytes) => { body += bytes; });
      answer.on("end", () => resolve({ status: answer.statusCode, body }));
    });
    request.on("error", reject);
    request.end();
  });
  before(async () => {
    server = await start([
      "dashboard-server", "--listen", "127.0.0.1:0", "--host", "dash.example", "--kubeconfig", kubeconfig, "--user-prefix", "oidc:", "--accounts", "otherstore",
    ]);
    port = new URL(`http://${server.out.split(" ").pop()}`).port;
    api.may = (user, groups, namespace) => (user === "oidc:ann" && namespace === "plant-a") || (groups.includes("b-team") && namespace === "plant-b") || user === "oidc:boss";
    for (let tries = 0; ; tries += 1) {
      const { body } = await ask("/", { "x-forwarded-user": "boss" });
      if (body.includes("flows")) break;
      assert.ok(tries < 100, body);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  after(() => server?.stop());

  test("each person sees their own namespaces alone", async () => {
    const seen = async (headers) => {
      const { status, body } = await ask("/overview.json", headers);
      assert.equal(status, 200, body);
      return [...new Set(JSON.parse(body).cluster.schedules.map((line) => line.namespace))];
    };
    assert.deepEqual(await seen({ "x-forwarded-user": "ann" }), ["plant-a"]);
    assert.deepEqual(await seen({ "x-forwarded-user": "bob", "x-forwarded-groups": "x,b-team" }), ["plant-b"]);
    assert.deepEqual(await seen({ "x-forwarded-user": "eve" }), []);
    assert.deepEqual(await seen({ "x-forwarded-user": "boss" }), ["plant-a", "plant-b"]);
    const bob = { "x-forwarded-user": "bob", "x-forwarded-groups": "b-team" };
    for (const target of [going(), `${going()}.json`, `${going()}?tab=manifest`, "/schedules/plant-a/flows", "/schedules/plant-a/flows.json"]) {
      const { status, body } = await ask(target, bob);
      assert.equal(status, 404, target);
      assert.ok(!body.includes("Insufficient"), target);
    }
    for (const target of ["/", "/runs", "/nodes", "/overview.json", "/nodes.json"]) {
      const { body } = await ask(target, bob);
      assert.ok(!body.includes("plant-a"), target);
    }
  });

  test("one review a person and namespace", async () => {
    const count = () => api.asked.filter((asked) => asked.includes("subjectaccessreviews")).length;
    await ask("/", { "x-forwarded-user": "carl" });
    const before = count();
    for (let times = 0; times < 5; times += 1) await ask("/", { "x-forwarded-user": "carl" });
    assert.equal(count(), before);
  });

  test("no log is shown, and no account asked that is not named", async () => {
    const before = api.asked.length;
    const { body } = await ask(`${going()}?tab=logs&log=${names.going}-score-0-1-abcde`, { "x-forwarded-user": "boss" });
    assert.ok(!body.includes("scoring 50 sensors"));
    assert.ok(!api.asked.slice(before).some((asked) => asked.includes("/log") || asked.includes("secrets")));
    const { body: runs } = await ask("/runs", { "x-forwarded-user": "boss" });
    assert.ok(!runs.includes("SECRET-OF-THE-PERSON"));
  });

  test("whom nobody has signed in is refused, and so is all else that is odd", async () => {
    const ann = { "x-forwarded-user": "ann" };
    for (const [status, target, headers, method] of [
      [401, "/", {}], [401, "/events", {}], [401, "/overview.json", {}],
      [421, "/", { ...ann, host: "evil.example" }], [421, "/", { ...ann, host: `127.0.0.1:${port}` }],
      [403, "/", { ...ann, "sec-fetch-site": "cross-site" }],
      [403, "/", { ...ann, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" }],
      [200, "/", { ...ann, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }],
      [405, "/", ann, "POST"], [400, "/runs/..%2f..%2fetc", ann],
    ]) assert.equal((await ask(target, headers, method)).status, status, `${target} ${JSON.stringify(headers)}`);
  });

  test("the API server away: nobody sees anything new", async () => {
    api.may = () => undefined;
    assert.equal((await ask("/", { "x-forwarded-user": "dora" })).status, 503);
  });

  test("it answers other machines only where the chart closes the way", () => {
    assert.throws(() => execFileSync(FLEETSCORE, ["dashboard-server", "--listen", "0.0.0.0:0", "--host", "dash.example"], { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: "pipe" }), /whoever can reach it could say who they are/);
  });
});

test("a schedule without any run is shown", () => open({}, async (page) => {
  api.put(SCHEDULES, schedule(root, "plant-a", "new", {}));
  try {
    await page.waitForFunction(() => document.querySelector("#series")?.textContent.includes("new"), undefined, { timeout: 10000 });
    await page.see("/schedules/plant-a/new");
    assert.match(await page.innerText("#head"), /None of its runs has left a record/);
  } finally {
    api.drop(SCHEDULES, "plant-a", "new");
  }
}));
