// Takes the pictures of the dashboard for the README: node pictures.js FOLDER. FLEETSCORE and SAMPLE_HISTORY as in dashboard.test.js.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { start } from "./program.js";

const { SAMPLE_HISTORY, CHROMIUM } = process.env;
const plant = fs.mkdtempSync(path.join(os.tmpdir(), "pictures-"));
execFileSync(SAMPLE_HISTORY, [plant, "120", "60", "2026-11-28T16:00:00Z"]);
const server = await start(["dashboard", plant, "--port", "0"]), { address, origin } = server;
// The folder of the plant is one of this machine.
const STYLE = "header.bar { position: static !important } #head .facts div:last-child { display: none }";
const browser = await chromium.launch({ executablePath: CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
try {
  const context = await browser.newContext({ viewport: { width: 1080, height: 620 } });
  const page = await context.newPage();
  await page.goto(address);
  const schedule = await (await context.request.get(`${origin}/schedules/plant-a/pumps.json`)).json();
  const overview = await (await context.request.get(`${origin}/overview.json`)).json();
  const valves = overview.series.find((line) => line.series.name === "valves");
  const pages = { schedule: schedule.series.link, sensor: schedule.grid.rows[3].link, run: valves.last.link, health: schedule.series.health };
  for (const [name, where] of Object.entries(pages)) {
    await page.goto(origin + where);
    await page.waitForSelector("#live[data-state=on]");
    await page.screenshot({ path: path.join(process.argv[2], `dashboard-${name}.png`), style: STYLE });
  }
} finally {
  await browser.close();
  server.stop();
  fs.rmSync(plant, { recursive: true, force: true });
}
