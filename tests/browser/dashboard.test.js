// Opens the dashboard in a real browser. FLEETSCORE: the program. SAMPLE_HISTORY: the example that writes a history. CHROMIUM: the
// browser, /usr/bin/chromium by default. SCREENSHOTS: a folder for pictures, if wanted.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const { FLEETSCORE, SAMPLE_HISTORY, SCREENSHOTS } = process.env;
assert.ok(FLEETSCORE && SAMPLE_HISTORY, "set FLEETSCORE and SAMPLE_HISTORY to the programs");
const END = "2026-11-28T16:00:00Z";
const DESK = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const SMALL = { width: 320, height: 640 };
const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "dashboard-"));
const plant = path.join(folder, "plant"), empty = path.join(folder, "empty");
let browser, shown, blank;

/** Starts the program on `root` and waits for the address that it prints. */
function start(root) {
  const child = spawn(FLEETSCORE, ["dashboard", root, "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let out = "", err = "";
    child.stderr.on("data", (bytes) => { err += bytes; });
    child.stdout.on("data", (bytes) => {
      out += bytes;
      if (out.includes("\n")) resolve({ child, address: out.trim(), origin: new URL(out.trim()).origin });
    });
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${err}`)));
  });
}

before(async () => {
  fs.mkdirSync(empty);
  execFileSync(SAMPLE_HISTORY, [plant, "120", "60", END]);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
  [shown, blank] = await Promise.all([start(plant), start(empty)]);
});
after(async () => {
  await browser?.close();
  for (const server of [shown, blank]) {
    server?.child.removeAllListeners("exit");
    server?.child.kill();
  }
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Signs in, hands a page to `look`, and fails on whatever a page must never do. */
async function open(options, look, server = shown) {
  const context = await browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    // What is not there is asked for on purpose.
    if (!message.location().url.endsWith("/nothing")) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== server.origin) complaints.push(`asks ${request.url()}`);
  });
  await page.goto(server.address);
  page.see = (where) => page.goto(server.origin + where);
  page.numbers = async (where) => (await context.request.get(server.origin + where)).json();
  await look(page, context);
  assert.deepEqual(complaints, [], "errors, dialogs or requests elsewhere");
  await context.close();
}

const texts = (page, selector) => page.locator(selector).allInnerTexts();

/** One request as bytes, since browsers and clients mend what is odd. */
function ask(method, target, headers = {}) {
  const { port } = new URL(shown.origin);
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, method, path: target, headers }, (answer) => {
      let body = "";
      answer.on("data", (bytes) => { body += bytes; });
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
    });
    request.on("error", reject);
    request.end();
  });
}
async function cookie() {
  const address = new URL(shown.address);
  const answer = await ask("GET", address.pathname + address.search);
  return answer.headers["set-cookie"][0].split(";")[0];
}

/** A page of each kind. */
async function kinds(page) {
  const overview = await page.numbers("/overview.json");
  const pumps = overview.series.find((line) => line.series.name === "pumps");
  const schedule = await page.numbers(`${pumps.series.link}.json`);
  const hostile = overview.series.find((line) => line.series.name.startsWith("<script"));
  const hostileRun = await page.numbers(`${hostile.last.link}.json`);
  return {
    overview: "/", runs: "/runs", run: pumps.last.link, schedule: pumps.series.link, health: pumps.series.health,
    sensor: schedule.grid.rows[0].link, hostile: hostile.series.link, hostileHealth: hostile.series.health,
    hostileRun: hostile.last.link, hostileSensor: hostileRun.sensors.lines.find((line) => line.key.device.startsWith("<script")).link,
    shards: `${pumps.last.link}?tab=shards`, log: `${pumps.last.link}?tab=logs&log=plan`, hostileLog: `${hostile.last.link}?tab=logs&log=shard-0`,
    missing: "/runs/plant-a/nothing",
  };
}

describe("who may ask", () => {
  test("the printed address lets in, and the token is gone from the address", () => open({}, async (page, context) => {
    assert.equal(page.url(), `${shown.origin}/`);
    const [own] = await context.cookies();
    assert.ok(own.httpOnly && own.sameSite === "Strict");
  }));

  test("all others are refused", async () => {
    const signed = { cookie: await cookie() };
    const cases = [
      [401, "GET", "/", {}],
      [401, "GET", "/?token=guess", signed],
      [401, "GET", "/overview.json", {}],
      [401, "GET", "/events", {}],
      [421, "GET", "/", { ...signed, host: "evil.example" }],
      [403, "GET", "/", { ...signed, "sec-fetch-site": "cross-site" }],
      [403, "GET", "/", { ...signed, "sec-fetch-site": "same-site" }],
      [405, "POST", "/", signed],
      [405, "PUT", "/runs", signed],
      [405, "DELETE", "/runs", signed],
      [400, "GET", "/runs/..%2f..%2fetc", signed],
      [400, "GET", "/../etc/passwd", signed],
      [404, "GET", "/etc/passwd", signed],
      [404, "GET", "/sensors/plant-a/pumps/x", signed],
      [200, "GET", "/", signed],
      [200, "HEAD", "/", signed],
    ];
    for (const [status, method, target, headers] of cases) {
      const answer = await ask(method, target, headers);
      assert.equal(answer.status, status, `${method} ${target}: ${answer.body}`);
      assert.match(answer.headers["content-security-policy"], /default-src 'none'/);
      assert.match(answer.headers["content-security-policy"], /frame-ancestors 'none'/);
      if (status !== 200) assert.ok(!answer.body.includes("pumps"), "tells something");
    }
  });
});

describe("numbers", () => {
  test("the pages show those of their JSON", () => open({}, async (page) => {
    const where = await kinds(page);
    const overview = await page.numbers("/overview.json");
    assert.equal(overview.version, 1);
    assert.deepEqual(await texts(page, "#tiles .value"), overview.tiles.map((tile) => tile.value));
    assert.equal(await page.locator("#series tbody tr").count(), overview.series.length);

    const run = await page.numbers(`${where.run}.json`);
    await page.see(where.run);
    assert.deepEqual(await texts(page, "#tiles .value"), run.tiles.map((tile) => tile.value));
    const shown = await texts(page, "#sensors td.share span");
    assert.equal(shown.length, run.sensors.lines.length);
    run.sensors.lines.forEach((line, position) => {
      if (line.share === undefined) assert.equal(shown[position], "–");
      else assert.ok(Math.abs(parseFloat(shown[position]) - line.share * 100) < 0.0501, `${shown[position]} of ${line.share}`);
    });
    const record = JSON.parse(fs.readFileSync(path.join(plant, "_runs/2026/11/28", `plant-a.${run.run.name}.json`)));
    assert.deepEqual(run.run.sensors, record.sensors);
    assert.deepEqual([run.run.rows, run.run.anomalies], [record.rows, record.anomalies]);
    assert.deepEqual(run.failures.map((group) => [group.reason, group.count]), record.failures.map((group) => [group.reason, group.count]));

    const schedule = await page.numbers(`${where.schedule}.json`);
    await page.see(where.schedule);
    assert.equal(schedule.grid.runs.length, 48);
    const cells = schedule.grid.rows.flatMap((row) => row.cells);
    assert.equal(await page.locator("#grid tbody td").count(), cells.length);
    const failed = cells.filter((cell) => cell === "failed").length;
    assert.equal((await texts(page, "#grid tbody td")).filter((text) => text === "F").length, failed);

    const sensor = await page.numbers(`${where.sensor}.json`);
    await page.see(where.sensor);
    assert.equal(await page.locator("#table tbody tr").count(), sensor.runs.length);
    assert.equal(await page.locator("#past svg.chart[role=img]").count(), 3);
  }));

  test("a sensor's plot marks as many anomalies as the run has", () => open({}, async (page) => {
    const { run } = await kinds(page);
    const line = (await page.numbers(`${run}.json?key=00002`)).sensors.lines.find((line) => line.anomalies > 0 && line.anomalies < 60);
    await page.see(line.link);
    assert.equal(await page.locator("#plot circle.mark").count(), 2 * line.anomalies);
    assert.match(await page.innerText("#plot figcaption"), new RegExp(`${line.anomalies} of ${line.rows} readings anomalous`));
  }));
});

test("each run of the same name has its own address", () => open({}, async (page) => {
  const bench = (await page.numbers("/schedules/-/run:bench.json")).runs;
  assert.equal(new Set(bench.map((run) => run.link)).size, 5);
  for (const line of bench) {
    const { run } = await page.numbers(`${line.link}.json`);
    assert.deepEqual([run.startTime, run.rows, run.anomalies], [line.startTime, line.rows, line.anomalies]);
  }
  // A list leads to the very run.
  await page.see("/schedules/-/run:bench");
  const links = await page.locator("#runs tbody th > a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  assert.deepEqual(links, bench.map((run) => run.link));
  await page.see("/runs/-/bench");
  assert.match(await page.innerText("#namesakes"), /This is the newest run of its name; there are 4 other runs/);
  await page.click("#namesakes summary");
  await page.click("#namesakes li:last-child a");
  assert.equal(new URL(page.url()).pathname, bench.at(-1).link);
  assert.match(await page.innerText("#namesakes"), /This is not the newest run of its name/);
  const none = await page.context().request.get(`${shown.origin}/runs/-/bench/2001-01-01T00:00:00Z`);
  assert.equal(none.status(), 404);
  // What is filtered stays a run of that address.
  await page.see(bench.at(-1).link);
  await page.fill("#sensors [name=key]", "flow");
  await page.click("#sensors form button");
  assert.equal(new URL(page.url()).pathname, bench.at(-1).link);
}));

describe("a run's tabs", () => {
  test("shards are those of the ledgers", () => open({}, async (page) => {
    const { run } = await kinds(page);
    const { output } = await page.numbers(`${run}.json`);
    const header = JSON.parse(fs.readFileSync(path.join(new URL(output).pathname, "_run/ledger/000000.jsonl"), "utf8"));
    const { shardList } = await page.numbers(`${run}.json?tab=shards`);
    assert.deepEqual(shardList.lines.map((line) => [line.shard, line.state, line.seconds, line.sensors]), [[0, "scored", header.seconds, header.sensors]]);
    await page.see(run);
    await page.click("#tabs >> text=Shards");
    assert.match(await page.innerText("#shards tbody tr"), /scored/);
    assert.equal(await page.locator("#tabs [aria-current]").innerText(), "Shards");
    await page.click("#shards tbody a >> text=Log");
    assert.match(await page.innerText("#logs pre"), /INFO scored sensor 0 of shard 0/);
    assert.equal(await page.inputValue("#logs [name=log]"), "shard-0");
    // An older run has left none.
    const { runs } = await page.numbers("/runs.json?schedule=pumps");
    const older = await page.numbers(`${runs[5].link}.json?tab=shards`);
    assert.equal(older.shardList.lines[0].state, "no ledger");
    await page.see(`${runs[5].link}?tab=logs&log=plan`);
    assert.match(await page.innerText("#logs"), /there is no such log in the run's own folder/);
  }));

  test("a log is only text, and its end alone is shown", () => open({}, async (page) => {
    const { hostileRun, hostileLog } = await kinds(page);
    await page.see(hostileLog);
    const text = await page.locator("#logs pre").textContent();
    assert.ok(text.length <= 65_536, `${text.length} characters`);
    assert.ok(!/[\x00-\x09\x0b-\x1f\x7f]/.test(text), "a control character is shown");
    assert.match(text, /<&<&<&$/);
    assert.match(await page.innerText("#logs .intro"), /are left out/);
    assert.equal(await page.locator("main script, main img").count(), 0);
    assert.ok((await page.content()).length < 400_000);
    const { output } = await page.numbers(`${hostileRun}.json`);
    const log = path.join(new URL(output).pathname, "_run/logs/plan.log");
    fs.writeFileSync(log, "\x1b[31mred\x1b[0m \u202e<script>alert(1)</script>\r\n\0end\n");
    const { log: shown } = await page.numbers(`${hostileRun}.json?tab=logs&log=plan`);
    assert.equal(shown.text, "\ufffd[31mred\ufffd[0m \ufffd<script>alert(1)</script>\n\ufffdend");
    for (const name of ["../../../etc/passwd", "shard--1", "plan.log", "%2e%2e"]) {
      assert.equal((await page.numbers(`${hostileRun}.json?tab=logs&log=${encodeURIComponent(name)}`)).log, undefined, name);
    }
  }));

  test("who retried a run is told, and the other way round", async () => {
    const own = path.join(folder, "retried");
    execFileSync(SAMPLE_HISTORY, [own, "8", "4", END]);
    const days = path.join(own, "_runs/2026/11/28"), name = `pumps-${Date.parse(END) / 1000}`;
    const record = JSON.parse(fs.readFileSync(path.join(days, `plant-a.${name}.json`)));
    record.run.name = `${name}-retry`;
    record.run.retries = name;
    record.timing.startTime = "2026-11-28T16:20:00Z";
    fs.writeFileSync(path.join(days, `plant-a.${name}-retry.json`), JSON.stringify(record));
    const server = await start(own);
    try {
      await open({}, async (page) => {
        await page.see(`/runs/plant-a/${name}`);
        assert.match(await page.innerText("#head"), new RegExp(`Retried by\\s+${name}-retry`));
        await page.click(`#head >> text=${name}-retry`);
        assert.match(await page.innerText("#head"), new RegExp(`Retries\\s+${name}`));
        // A retry has files of its own.
        assert.match(await page.innerText("#head"), /cannot be read/);
      }, server);
    } finally {
      server.child.removeAllListeners("exit");
      server.child.kill();
    }
  });
});

test("filter, order and page live in the address", () => open({}, async (page) => {
  await page.see("/runs");
  await page.selectOption("[name=phase]", "Failed");
  await page.selectOption("[name=sort]", "failed");
  await page.click("#filter button");
  assert.match(page.url(), /phase=Failed/);
  assert.ok((await texts(page, "#list tbody .pill")).every((text) => text === "Failed"));
  await page.reload();
  assert.equal(await page.inputValue("[name=phase]"), "Failed");
  await page.see("/runs?schedule=pumps");
  const first = await texts(page, "#list tbody th");
  await page.click("a[rel=next]");
  assert.match(page.url(), /page=2&schedule=pumps/);
  assert.equal((await texts(page, "#list tbody th")).length, 10);
  assert.notDeepEqual(await texts(page, "#list tbody th"), first);
  await page.goBack();
  assert.deepEqual(await texts(page, "#list tbody th"), first);
}));

describe("live", () => {
  test("a new run shows without a reload; what is open and focused stays", () => open({}, async (page) => {
    const { run } = await kinds(page);
    const name = "pumps-9999999999";
    const days = path.join(plant, "_runs/2026/11/28");
    const record = JSON.parse(fs.readFileSync(path.join(days, `plant-a.${(await page.numbers(`${run}.json`)).run.name}.json`)));
    record.run.name = name;
    record.run.window = { start: "2026-11-28T16:00:00Z", end: "2026-11-28T17:00:00Z" };
    await page.see("/runs");
    await page.waitForSelector("#live[data-state=on]");
    await page.evaluate(() => { window.same = true; });
    await page.focus("#list tbody tr:nth-child(3) th a");
    const focused = await page.evaluate(() => document.activeElement.textContent);
    const file = path.join(days, `plant-a.${name}.json`);
    fs.writeFileSync(`${file}.part`, JSON.stringify(record));
    fs.renameSync(`${file}.part`, file);
    try {
      await page.waitForFunction((name) => document.querySelector("#list tbody")?.textContent.includes(name), name, { timeout: 15000 });
      assert.equal(await page.evaluate(() => window.same), true, "the page was loaded again");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), focused);
    } finally {
      fs.rmSync(file);
    }
  }));

  test("a program that ends is told, and back it is live again", async () => {
    const own = path.join(folder, "own");
    execFileSync(SAMPLE_HISTORY, [own, "8", "4", END]);
    const server = await start(own);
    const context = await browser.newContext({ viewport: DESK });
    const page = await context.newPage();
    await page.goto(server.address);
    await page.waitForSelector("#live[data-state=on]");
    server.child.removeAllListeners("exit");
    server.child.kill();
    await page.waitForSelector("#live[data-state=off]");
    assert.match(await page.innerText("#live"), /Not live since \d\d:\d\d:\d\d/);
    assert.ok(await page.locator("#series tbody tr").count() > 0, "what was shown is gone");
    await context.close();
  });
});

test("storage away: a banner, and what was known stays", async () => {
  const away = path.join(folder, "away");
  execFileSync(SAMPLE_HISTORY, [away, "8", "4", END]);
  const server = await start(away);
  try {
    await open({}, async (page) => {
      await page.waitForSelector("#live[data-state=on]");
      fs.renameSync(path.join(away, "_runs"), path.join(away, "_gone"));
      await page.waitForSelector("#banner .banner.bad", { timeout: 15000 });
      assert.match(await page.innerText("#banner"), /Storage cannot be read since/);
      assert.ok(await page.locator("#series tbody tr").count() > 0);
    }, server);
  } finally {
    server.child.removeAllListeners("exit");
    server.child.kill();
  }
});

test("health says when the newest table cannot be read", async () => {
  const torn = path.join(folder, "torn");
  execFileSync(SAMPLE_HISTORY, [torn, "8", "6", END]);
  const record = JSON.parse(fs.readFileSync(path.join(torn, "_runs/2026/11/28", `plant-a.pumps-${Date.parse(END) / 1000}.json`)));
  fs.writeFileSync(path.join(new URL(record.run.output).pathname, "_run/sensors.parquet"), "no table");
  const server = await start(torn);
  try {
    await open({}, async (page) => {
      await page.see("/health/plant-a/pumps");
      assert.match(await page.innerText("#unread"), /The table of the newest run cannot be read.*the run of 28 Nov 15:00/);
    }, server);
  } finally {
    server.child.removeAllListeners("exit");
    server.child.kill();
  }
});

test("without JavaScript every page works", () => open({ javaScriptEnabled: false }, async (page) => {
  for (const [kind, where] of Object.entries(await kinds(page))) {
    await page.see(where);
    assert.ok((await page.innerText("h1")).length > 0, kind);
    assert.match(await page.innerText("#live"), /As of/);
  }
}));

test("no runs: the page says what to do", () => open({}, async (page) => {
  assert.match(await page.innerText("#empty"), /No runs yet/);
  assert.match(await page.innerText("#empty"), /fleetscore run -f run.yaml/);
}, blank));

test("names are only text", () => open({}, async (page) => {
  const where = await kinds(page);
  for (const kind of ["overview", "runs", "hostile", "hostileHealth", "hostileRun", "hostileSensor"]) {
    await page.see(where[kind]);
    assert.match(await page.innerText("main"), /<script>alert\(1\)<\/script>/, kind);
    assert.equal(await page.locator("main script, main img").count(), 0, kind);
  }
  await page.see(where.hostileRun);
  await page.click("text=..%2f");
  assert.match(await page.innerText("h1"), /\.\.\/\.\.%2f/);
}));

test("the keyboard alone is enough", () => open({}, async (page) => {
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  const reach = async (text) => {
    for (let tabs = 0; tabs < 80; tabs += 1) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate(() => document.activeElement.textContent)).trim() === text) return;
    }
    assert.fail(`${text} is not reached`);
  };
  await reach("pumps");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.equal(await page.innerText("h1"), "pumps");
}));

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [DESK, PHONE, SMALL]) {
    test(`${colorScheme}, ${viewport.width} px: no page has a barrier, none is wider than the window`, () =>
      open({ colorScheme, viewport }, async (page) => {
        for (const [kind, where] of Object.entries(await kinds(page))) {
          await page.see(where);
          if (SCREENSHOTS) await page.screenshot({ path: path.join(SCREENSHOTS, `${kind}-${viewport.width}-${colorScheme}.png`), fullPage: true });
          const size = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
          assert.ok(size[0] <= size[1], `${kind} is ${size[0]} px wide`);
          if (viewport === PHONE) continue;
          const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag22aa"]).analyze();
          assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]), [], kind);
        }
      }));
  }
}
