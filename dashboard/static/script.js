// Keeps the page up to date. Every page works without it: it only replaces parts that the server says have changed.
"use strict";

const live = document.getElementById("live");
const words = live.querySelector(".words");
let version = document.body.dataset.version;
let wasCut = false;

const clock = () => new Date().toISOString().slice(11, 19);

function say(state, text) {
  live.dataset.state = state;
  words.textContent = text;
}

/** The steps from `top` down to `element`, to find it again in a new copy of `top`. */
function path(top, element) {
  const steps = [];
  for (let at = element; at !== top; at = at.parentElement) steps.unshift([...at.parentElement.children].indexOf(at));
  return steps;
}
const follow = (top, steps) => steps.reduce((at, step) => at?.children[step], top);

const keyOf = (details) => details.dataset.key ?? details.querySelector("summary")?.textContent;
const regions = (top) => [top, ...top.querySelectorAll("[role=region], .strips, pre")];
const fields = (top) => [...top.querySelectorAll("input:not([type=hidden]), select")];

/** Puts `next` in the place of `old`; what is open, focused, scrolled or typed stays so. */
function replace(old, next) {
  const open = new Set([...old.querySelectorAll("details[open]")].map(keyOf));
  const scrolled = regions(old).map((region) => [region.scrollLeft, region.scrollTop]);
  const typed = new Map(fields(old).map((field) => [field.name, field.value]));
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  const link = active?.getAttribute("href");
  const steps = active && active !== old ? path(old, active) : [];
  const at = [window.scrollX, window.scrollY];
  old.replaceWith(next);
  for (const details of next.querySelectorAll("details")) if (open.has(keyOf(details))) details.open = true;
  for (const field of fields(next)) if (typed.has(field.name)) field.value = typed.get(field.name);
  regions(next).forEach((region, position) => {
    const before = scrolled[position];
    if (before) [region.scrollLeft, region.scrollTop] = before;
  });
  if (active) {
    const same = link && [...next.querySelectorAll("a")].find((other) => other.getAttribute("href") === link);
    const found = same || follow(next, steps) || next;
    found.focus({ preventScroll: true });
  }
  window.scrollTo(...at);
}

async function refresh(id) {
  const url = new URL(location.href);
  url.hash = "";
  if (id !== "main") url.searchParams.set("part", id);
  const answer = await fetch(url);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [old, next] = [document.getElementById(id), page.getElementById(id)];
  if (old && next && old.outerHTML !== next.outerHTML) replace(old, document.importNode(next, true));
}

async function told(event) {
  version = event.lastEventId || version;
  const ids = wasCut ? ["banner", "main"] : JSON.parse(event.data);
  try {
    for (const id of ids) await refresh(id);
    wasCut = false;
    say("on", ids.length ? `Live, changed at ${clock()}` : "Live");
  } catch {
    // The stream will say that it is cut, and begins again.
    wasCut = true;
  }
}

function listen() {
  const page = location.pathname + location.search;
  const source = new EventSource(`/events?${new URLSearchParams({ page, version })}`);
  source.addEventListener("parts", told);
  source.addEventListener("error", () => {
    if (!wasCut) say("off", `Not live since ${clock()}`);
    wasCut = true;
    // The browser tries again by itself, but for an answer that is none.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}

addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
listen();
