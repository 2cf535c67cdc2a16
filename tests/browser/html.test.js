// Saves a page of each kind, in all states that a page can be in, and hands them to the Nu Html Checker. FLEETSCORE, SAMPLE_HISTORY: as in
// dashboard.test.js. REPORT_DIR: a folder of reports, if they are to be checked, too.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Api, RUNS, hostileRun, plant } from "./api.js";
import { client, start } from "./program.js";

const { SAMPLE_HISTORY, REPORT_DIR } = process.env;
assert.ok(SAMPLE_HISTORY, "set SAMPLE_HISTORY to the example");
const JAR = path.join(path.dirname(fileURLToPath(import.meta.resolve("vnu-jar"))), "build/dist/vnu.jar");
const END = "2026-11-28T16:00:00Z";
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "html-"));
const saved = path.join(folder, "pages");
const servers = [];

before(() => fs.mkdirSync(saved));
after(() => {
  for (const server of servers) server.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** The program's answers, from a history of `sensors` and `runs`; without these of an empty folder. */
async function history(name, sensors, runs) {
  const root = path.join(folder, name);
  if (sensors) execFileSync(SAMPLE_HISTORY, [root, String(sensors), String(runs), END]);
  else fs.mkdirSync(root);
  const server = await start(["dashboard", root, "--port", "0"]);
  servers.push(server);
  return { root, ask: await client(server) };
}
/** Keeps the page at `where` under `name`. */
async function save(ask, name, where, status = 200) {
  const answer = await ask(where);
  assert.equal(answer.status, status, `${name}: ${answer.body.slice(0, 300)}`);
  fs.writeFileSync(path.join(saved, `${name}.html`), answer.body);
  return answer.body;
}
/** Asks again until the page tells it. */
async function until(ask, where, words) {
  for (let tries = 0; ; tries += 1) {
    const { body } = await ask(where);
    if (body.includes(words)) return;
    assert.ok(tries < 200, `${where} never says ${words}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
/** The numbers of the page at `where`. */
const numbers = async (ask, where) => JSON.parse((await ask(`${where}.json`)).body);

test("pages of what runs left", async () => {
  const { root, ask } = await history("plant", 60, 30);
  const overview = await numbers(ask, "/overview");
  for (const { series, last } of overview.series) {
    const name = overview.series.findIndex((line) => line.series === series);
    await save(ask, `schedule-${name}`, series.link);
    await save(ask, `health-${name}`, series.health);
    await save(ask, `run-${name}`, last.link);
    await save(ask, `run-${name}-filtered`, `${last.link}?key=%3Cscript&sort=share&reason=failed`);
    await save(ask, `run-${name}-plain`, last.link.replace(/\/[^/]*$/, ""));
    for (const tab of ["shards", "logs", "logs&log=plan", "logs&log=shard-0", "logs&log=shard-9"]) await save(ask, `run-${name}-${tab.replaceAll(/\W/g, "-")}`, `${last.link}?tab=${tab}`);
    const { sensors } = await numbers(ask, last.link);
    for (const [place, line] of sensors.lines.slice(0, 4).entries()) await save(ask, `sensor-${name}-${place}`, line.link);
  }
  await save(ask, "overview", "/");
  await save(ask, "runs", "/runs");
  await save(ask, "runs-second", "/runs?page=2&sort=failed");
  await save(ask, "runs-none", "/runs?schedule=%22%3E%3Cscript%3E");
  await save(ask, "missing", "/runs/plant-a/%3Cscript%3E".replaceAll("%3C", "~3C").replaceAll("%3E", "~3E"), 404);
  await save(ask, "nowhere", "/etc/passwd", 404);

  // A run whose table and report are gone, and one whose table is torn.
  const [torn, bare] = overview.newest;
  for (const [line, files] of [[torn, { "sensors.parquet": "no table" }], [bare, { "sensors.parquet": null, "report.json": null }]]) {
    const { output } = await numbers(ask, line.link);
    for (const [file, text] of Object.entries(files)) {
      const own = path.join(new URL(output).pathname, "_run", file);
      if (text === null) fs.rmSync(own);
      else fs.writeFileSync(own, text);
    }
  }
  const again = await start(["dashboard", root, "--port", "0"]);
  servers.push(again);
  const other = await client(again);
  await save(other, "run-torn", torn.link);
  await save(other, "run-bare", bare.link);
  await save(other, "health-torn", "/health/plant-a/pumps");

  fs.writeFileSync(path.join(root, "_runs/2026/11/28/<b>broken.json"), "<b>");
  await until(ask, "/", "cannot be read and is left out");
  await save(ask, "overview-broken", "/");
  fs.renameSync(path.join(root, "_runs"), path.join(root, "_gone"));
  await until(ask, "/", "Storage cannot be read since");
  await save(ask, "overview-away", "/");
});

test("pages of nothing", async () => {
  const { ask } = await history("empty");
  await save(ask, "empty", "/");
  await save(ask, "empty-runs", "/runs");
  await save(ask, "no-cluster", "/nodes", 404);
});

test("pages of a cluster", async () => {
  const root = `file://${path.join(folder, "cluster")}/`, api = await Api.start();
  try {
    execFileSync(SAMPLE_HISTORY, [new URL(root).pathname, "8", "4"]);
    const names = plant(api, root), config = path.join(folder, "kubeconfig");
    api.put(RUNS, hostileRun(root, "plant-a", "named-1"));
    fs.writeFileSync(config, api.kubeconfig());
    const server = await start(["kubectl", "dashboard", "-A", "--port", "0", "--local-files"], { KUBECONFIG: config });
    servers.push(server);
    const ask = await client(server), going = `/runs/plant-a/${names.going}`;
    await until(ask, "/", "pumps");
    await until(ask, "/", "named-1");
    for (const [name, where] of Object.entries({
      overview: "/", runs: "/runs", going, manifest: `${going}?tab=manifest`, log: `${going}?tab=logs&log=${names.going}-score-0-1-abcde`,
      partial: `/runs/plant-a/${names.partial}`, hostile: "/runs/plant-a/named-1", stalled: "/schedules/plant-a/valves",
      schedule: "/schedules/plant-a/pumps", nodes: "/nodes",
    })) await save(ask, `cluster-${name}`, where);
    await api.stop();
    await until(ask, "/", "The cluster cannot be asked since");
    await save(ask, "cluster-away", "/");
    await save(ask, "cluster-away-run", going);
    await until(ask, "/nodes", "Not now");
    await save(ask, "cluster-away-nodes", "/nodes", 503);
  } finally {
    await api.stop();
  }
});

test("the Nu Html Checker finds nothing wrong", async () => {
  for (const file of REPORT_DIR ? fs.readdirSync(REPORT_DIR).filter((file) => file.endsWith(".html")) : []) {
    fs.copyFileSync(path.join(REPORT_DIR, file), path.join(saved, `report-${file}`));
  }
  const { stdout, error } = spawnSync("java", ["-jar", JAR, "--format", "json", "--stdout", "--exit-zero-always", saved], { encoding: "utf8", maxBuffer: 1 << 26 });
  assert.equal(error, undefined);
  const told = JSON.parse(stdout).messages.map(({ type, subType, url, lastLine, message, extract }) => (
    `${subType ?? type}: ${path.basename(url ?? "")}:${lastLine}: ${message} ${extract ?? ""}`));
  assert.ok(fs.readdirSync(saved).length > 80, "pages are missing");
  assert.deepEqual(told, []);
});
