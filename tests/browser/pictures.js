// Takes the pictures of the dashboard for the README: node pictures.js FOLDER. FLEETSCORE and SAMPLE_HISTORY as in dashboard.test.js.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const { FLEETSCORE, SAMPLE_HISTORY, CHROMIUM } = process.env;
const plant = fs.mkdtempSync(path.join(os.tmpdir(), "pictures-"));
execFileSync(SAMPLE_HISTORY, [plant, "120", "60", "2026-11-28T16:00:00Z"]);
const server = spawn(FLEETSCORE, ["dashboard", plant, "--port", "0"], { stdio: ["ignore", "pipe", "ignore"] });
const address = await new Promise((resolve) => {
  let out = "";
  server.stdout.on("data", (bytes) => {
    out += bytes;
    if (out.includes("\n")) resolve(out.trim());
  });
});
const origin = new URL(address).origin;
const browser = await chromium.launch({ executablePath: CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
try {
  const context = await browser.newContext({ viewport: { width: 1080, height: 620 } });
  const page = await context.newPage();
  await page.goto(address);
  const schedule = await (await context.request.get(`${origin}/schedules/plant-a/pumps.json`)).json();
  const pages = { schedule: schedule.series.link, sensor: schedule.grid.rows[3].link };
  for (const [name, where] of Object.entries(pages)) {
    await page.goto(origin + where);
    await page.waitForSelector("#live[data-state=on]");
    await page.screenshot({ path: path.join(process.argv[2], `dashboard-${name}.png`), style: "header.bar { position: static !important }" });
  }
} finally {
  await browser.close();
  server.kill();
  fs.rmSync(plant, { recursive: true, force: true });
}
