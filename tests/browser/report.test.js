// Opens sample reports in a real browser. REPORT_DIR: where `cargo run -p fleetscore-scorer --example
// sample_report -- DIR` wrote them. CHROMIUM: the browser, /usr/bin/chromium by default. SCREENSHOTS: a
// folder for pictures, if wanted.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const folder = process.env.REPORT_DIR;
assert.ok(folder, "set REPORT_DIR to the folder of the sample reports");

const DESK = { width: 1280, height: 900 };
const PHONE = { width: 375, height: 812 };
const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
});
after(() => browser?.close());

/** Opens a report, hands the page to `look`, and fails on whatever a report must never do. */
async function open(name, { viewport = DESK, colorScheme = "light" }, look) {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  const url = pathToFileURL(path.join(folder, name, "report.html")).href;
  const requests = [], complaints = [];
  page.on("request", (request) => { if (request.url() !== url) requests.push(request.url()); });
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(url, { waitUntil: "load" });
  if (process.env.SCREENSHOTS) {
    const file = `${name}-${viewport.width}-${colorScheme}.png`;
    await page.screenshot({ path: path.join(process.env.SCREENSHOTS, file), fullPage: true });
  }
  await look(page);
  assert.deepEqual(requests.filter((request) => !request.startsWith("data:")), [], "requests something");
  assert.deepEqual(complaints, [], "errors or dialogs");
  await context.close();
}

/** The text of every element that matches. */
const texts = (page, selector) => page.locator(selector).allInnerTexts();

describe("the full report", () => {
  test("shows the totals", () => open("full", {}, async (page) => {
    assert.equal(await page.title(), "pumps-1535500800: Failed – Fleetscore");
    assert.equal(await page.innerText("h1"), "pumps-1535500800");
    assert.equal(await page.innerText("#phase"), "Failed");
    const tiles = (await texts(page, "#totals li")).map((text) => text.split(/\s*\n\s*/));
    assert.deepEqual(tiles, [
      ["Sensors scored", "30", "of 40"],
      ["Sensors failed", "10", "4 allowed"],
      ["Readings", "43,200", "12 left out"],
      ["Anomalies", "2,314", "5.4% of readings"],
      ["Duration", "2 min 5 s", "198.8 MB read"],
    ]);
    const facts = await page.innerText(".top .facts");
    assert.match(facts, /2018-08-28 00:00:00 UTC to 2018-08-29 00:00:00 UTC/);
    assert.match(facts, /plant-a/);
  }));

  test("shows each failure reason with its count, and what to do", () => open("full", {}, async (page) => {
    assert.deepEqual(await texts(page, "#failures th code"), ["NotScored", "ModelNotFound", "InvalidReading", "AccessDenied"]);
    assert.deepEqual(await texts(page, "#failures .count"), ["4", "3", "2", "1"]);
    assert.match(await page.innerText("#failures"), /Train and upload the sensor's model/);
    const closed = page.locator("#failures details:not([open]) summary");
    while (await closed.count() > 0) await closed.first().click();
    assert.equal(await page.locator("#failures .examples li:visible").count(), 10);
    assert.match(await page.innerText("#failures"), /value <script>alert\(1\)<\/script>/);
    assert.deepEqual(await texts(page, "#warnings th code"), ["MostlyAnomalous"]);
  }));

  test("draws the sensors and marks every anomaly", () => open("full", {}, async (page) => {
    assert.equal(await page.locator("#most-anomalous tbody tr").count(), 20);
    assert.equal(await page.locator("#most-anomalous .badge").count(), 1);
    const plots = page.locator("svg.chart[role=img]");
    assert.equal(await plots.count(), 4);
    // Panels times anomalies: 3 * 96; 300 of the 1000 stand for all; 2 * 6; 1.
    const marks = await plots.evaluateAll((all) => all.map((plot) => plot.querySelectorAll("circle.mark").length));
    assert.deepEqual(marks, [288, 600, 12, 1]);
    assert.match(await page.locator("#plot-2 figcaption").innerText(), /1,000 of 1,440 readings anomalous, 300 of them marked/);
    assert.match(await page.locator("#plot-3 .mark title").first().textContent(), /^2018-08-28 00:40:00 UTC: Value \d/);
    assert.deepEqual(await page.locator("#plot-3 > svg > .tick").allTextContents(), ["00:00", "00:10", "00:20", "00:30", "00:40", "00:50"]);
  }));

  test("marks lie on their line", () => open("full", {}, async (page) => {
    const far = await page.locator("svg.chart").evaluateAll((charts) => {
      const distances = [];
      for (const chart of charts) {
        const lines = [...chart.querySelectorAll("svg.lines path")];
        const panels = [...chart.querySelectorAll("svg.panel")].filter((panel) => panel.querySelector(".mark"));
        lines.forEach((line, position) => {
          const toScreen = line.getScreenCTM();
          const corners = line.getAttribute("d").split(/[MLh]/).filter(Boolean).map((pair) => pair.split(" ").map(Number))
            .filter((pair) => pair.length === 2).map(([x, y]) => new DOMPoint(x, y).matrixTransform(toScreen));
          for (const mark of panels[position].querySelectorAll(".mark")) {
            const box = mark.getBoundingClientRect();
            const x = box.x + box.width / 2, y = box.y + box.height / 2;
            distances.push(Math.min(...corners.map((corner) => Math.hypot(corner.x - x, corner.y - y))));
          }
        });
      }
      return distances;
    });
    assert.equal(far.length, 901);
    assert.ok(Math.max(...far) < 1, `a mark is ${Math.max(...far)} px from its line`);
  }));

  test("is named for those who do not see it", () => open("full", {}, async (page) => {
    const names = await page.locator("svg.chart").evaluateAll((all) => all.map((plot) =>
      plot.getAttribute("aria-labelledby").split(" ").every((id) => document.getElementById(id)?.textContent.trim())));
    assert.deepEqual(names, [true, true, true, true]);
    assert.equal(await page.locator("th:not([scope])").count(), 0);
    assert.equal(await page.locator("html[lang=en]").count(), 1);
    assert.equal(await page.locator("h1").count(), 1);
  }));

  test("runs no script and follows no address of a name", () => open("full", {}, async (page) => {
    assert.equal(await page.locator("script, img, iframe, object, link:not([rel=icon])").count(), 0);
    const handlers = await page.evaluate(() => [...document.querySelectorAll("*")]
      .flatMap((element) => [...element.attributes]).filter((attribute) => attribute.name.startsWith("on")).length);
    assert.equal(handlers, 0);
    const policy = await page.locator("meta[http-equiv=Content-Security-Policy]").getAttribute("content");
    assert.match(policy, /default-src 'none'/);
    const links = await page.locator("a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    assert.ok(links.length > 0 && links.every((link) => /^#plot-\d+$/.test(link)), links.join());
  }));
});

test("a run without failures has no empty parts", () => open("plain", {}, async (page) => {
  assert.equal(await page.innerText("#phase"), "Succeeded");
  assert.match(await page.innerText("#most-anomalous"), /No reading is predicted as anomaly/);
  assert.equal(await page.locator("#failures, #warnings, #quality, svg.chart").count(), 0);
  assert.match(await page.innerText(".top .facts"), /all readings/);
}));

/** Smallest contrast ratio (WCAG 2) of the texts that show, with the text it belongs to. */
function worstContrast() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const luminance = ([red, green, blue]) => [red, green, blue]
    .map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, position) => sum + part * [0.2126, 0.7152, 0.0722][position], 0);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let worst = { ratio: 21, text: "", checked: 0 };
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.getClientRects().length || ["title", "desc", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = parse(element instanceof SVGElement ? style.fill : style.color);
    const [light, dark] = [luminance(ink), luminance(background(element))].sort((one, other) => other - one);
    const ratio = (light + 0.05) / (dark + 0.05);
    worst.checked += 1;
    if (ratio < worst.ratio) worst = { ...worst, ratio, text };
  }
  return worst;
}

for (const name of ["full", "plain"]) {
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [DESK, PHONE, { width: 320, height: 640 }]) {
      test(`${name}, ${colorScheme}, ${viewport.width} px: fits and reads well`, () =>
        open(name, { viewport, colorScheme }, async (page) => {
          const size = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
          assert.ok(size[0] <= size[1], `the page is ${size[0]} px wide`);
          const outside = await page.evaluate(() => [...document.querySelectorAll("body *")]
            .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 1)
            .map((element) => `${element.tagName}.${element.getAttribute("class")}`));
          assert.deepEqual(outside, [], "beyond the right edge");
          const contrast = await page.evaluate(worstContrast);
          assert.ok(contrast.checked > 20);
          assert.ok(contrast.ratio >= 4.5, `"${contrast.text}" has contrast ${contrast.ratio.toFixed(2)}`);
          const page_color = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
          const is_dark = Math.max(...page_color) < 64;
          assert.equal(is_dark, colorScheme === "dark");
        }));
    }
  }
}
