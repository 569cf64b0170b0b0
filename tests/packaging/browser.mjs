// Opens what a bundler built in Chromium.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { once } from "node:events";
import { extname, join } from "node:path";

import { executable } from "../browser/chromium.mjs";
import { tools } from "./project.mjs";

const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** Serves a folder under a strict policy, opens its page, and gives what the page's `<output>` says. */
export async function shown(folder) {
  const server = createServer((request, response) => {
    const path = join(folder, request.url === "/" ? "index.html" : new URL(request.url, "http://localhost").pathname);
    response.setHeader("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'");
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" }).end(readFileSync(path));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const said = page.waitForFunction(() => document.querySelector("output").textContent, undefined, { timeout: 20_000 });
    return await said.then((text) => text.jsonValue(), (error) => `${error}\n${errors.join("\n")}`);
  } finally {
    await browser.close();
    server.close();
  }
}
