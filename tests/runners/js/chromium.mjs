// Chromium without a window, from the path in the variable CHROMIUM: `chromium.mjs FACE`.
import { createServer } from "node:http";
import { once } from "node:events";

import { chromium } from "playwright-core";

import { bundle, drive, face } from "./driver.mjs";

const { script } = await bundle("page.mjs", { conditions: ["browser"], platform: "browser" });
const files = { "/": ["text/html", '<!doctype html><meta charset="utf-8"><script type="module" src="/guest.js"></script>'], "/guest.js": ["text/javascript", script] };
const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? ["text/plain", ""];
  // The strictest policy that the package works under.
  response.setHeader("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'");
  response.writeHead(files[request.url] ? 200 : 404, { "Content-Type": type }).end(body);
}).listen(0, "127.0.0.1");
await once(server, "listening");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"], env: { ...process.env, TZ: "UTC" } });
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
