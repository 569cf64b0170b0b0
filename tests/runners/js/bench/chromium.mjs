// Chromium without a window, the one that is on the path or in the variable CHROMIUM: `chromium.mjs INPUT`.
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, extname, join } from "node:path";
import process from "node:process";

import { chromium } from "playwright-core";

import { bundle, drive } from "./driver.mjs";

const names = ["chromium", "chromium-browser", "google-chrome"];
const folders = process.env.PATH.split(delimiter);
const found = [process.env.CHROMIUM, ...names.flatMap((name) => folders.map((folder) => join(folder, name)))].find((path) => path && existsSync(path));
if (found === undefined) {
  console.log(JSON.stringify({ missing: `none of ${names.join(", ")} is on the path; install Chromium, or name it in the variable CHROMIUM` }));
  process.exit();
}

const { folder, files, missing } = await bundle("chromium", "page.mjs", { conditions: ["browser"], platform: "browser" });
const types = { ".js": "text/javascript", ".wasm": "application/wasm" };
const server = createServer((request, response) => {
  const name = request.url.slice(1);
  // Only a page that is cut off from others has a clock of 5 µs; elsewhere it ticks every 100 µs.
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
  response.setHeader("Content-Security-Policy", "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'");
  if (name === "") {
    response.writeHead(200, { "Content-Type": "text/html" }).end('<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>');
  } else if (name === "input.json") {
    createReadStream(process.argv[2]).pipe(response.writeHead(200, { "Content-Type": "application/json" }));
  } else if (files.includes(name)) {
    createReadStream(join(folder, name)).pipe(response.writeHead(200, { "Content-Type": types[extname(name)] }));
  } else {
    response.writeHead(404).end();
  }
}).listen(0, "127.0.0.1");
await once(server, "listening");
const browser = await chromium.launch({ executablePath: found, args: ["--no-sandbox"], env: { ...process.env, TZ: "UTC" } });
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => globalThis.answer !== undefined, undefined, { timeout: 60_000 });
  await drive({ runtime: "chromium", version: browser.version() }, missing, (command) =>
    page.evaluate((command) => globalThis.answer(command), command),
  );
} finally {
  await browser.close();
  server.close();
}
