// Starts the program for tests and pictures, and asks it. FLEETSCORE: the program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";

const { FLEETSCORE } = process.env;
assert.ok(FLEETSCORE, "set FLEETSCORE to the program");

/** Starts the program and waits for what it prints: `out`, and where that is an address, its `origin`. */
export function start(args, env = {}) {
  const child = spawn(FLEETSCORE, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  return new Promise((resolve, reject) => {
    let out = "", err = "";
    child.stderr.on("data", (bytes) => { err += bytes; });
    child.stdout.on("data", (bytes) => {
      out += bytes;
      if (!out.includes("\n")) return;
      const address = out.trim(), origin = URL.canParse(address) ? new URL(address).origin : undefined;
      resolve({ child, out: address, address, origin, stop: () => { child.removeAllListeners("exit"); child.kill(); } });
    });
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${err}`)));
  });
}

/** Signs in at the printed address and returns what asks for pages: path => { status, body }. */
export async function client({ address, origin }) {
  const first = await fetch(address, { redirect: "manual" });
  const cookie = first.headers.get("set-cookie").split(";")[0];
  return async (path) => {
    const answer = await fetch(origin + path, { headers: { cookie } });
    return { status: answer.status, body: await answer.text() };
  };
}
