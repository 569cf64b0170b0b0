// Chromium without a window, the one that is on the path or in the variable CHROMIUM: `chromium.mjs FACE`.
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, join } from "node:path";
import process from "node:process";

import { chromium } from "playwright-core";

import { bundle, drive, face } from "./driver.mjs";

const names = ["chromium", "chromium-browser", "google-chrome"];
const folders = process.env.PATH.split(delimiter);
const found = [process.env.CHROMIUM, ...names.flatMap((name) => folders.map((folder) => join(folder, name)))].find((path) => path && existsSync(path));
if (found === undefined) {
  console.log(JSON.stringify({ missing: `none of ${names.join(", ")} is on the path; install Chromium, or name it in the variable CHROMIUM` }));
  process.exit();
}

const { script } = await bundle("page.mjs", { conditions: ["browser"], platform: "browser" });
const files = { "/": ["text/html", '<!doctype html><meta charset="utf-8"><script type="module" src="/guest.js"></script>'], "/guest.js": ["text/javascript", script] };
const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? ["text/plain", ""];
  // The strictest policy that the package works under.
  response.setHeader("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'");
  response.writeHead(files[request.url] ? 200 : 404, { "Content-Type": type }).end(body);
}).listen(0, "127.0.0.1");
await once(server, "listening");
const browser = await chromium.launch({ executablePath: found, args: ["--no-sandbox"], env: { ...process.env, TZ: "UTC" } });
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => globalThis.answer !== undefined, undefined, { timeout: 30_000 });
  const module_sha256 = await page.evaluate(() => globalThis.digest());
  await drive({ runtime: "Chromium", version: browser.version(), module_sha256 }, (text) =>
    page.evaluate(([face, text]) => globalThis.answer(face, text), [face, text]),
  );
} finally {
  await browser.close();
  server.close();
}
