// The browser, the users who open the page with it, and the checks that run on every page.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { after } from "node:test";

import { executable } from "./chromium.mjs";

const tools = createRequire(join(process.env.TOKENLATCH_TOOLS, "package.json"));
const { chromium } = tools("playwright-core");

/** What `tests/tests/page.rs` tells of the running service. */
export const told = JSON.parse(process.env.TOKENLATCH_PAGE);
export const ACCOUNT = `https://${told.account}`;
export const ADMIN = `https://${told.admin}`;

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** How long anything may take: the service is unoptimised and the machine may be busy. */
const PATIENCE = 20_000;

// The service's own certificate is trusted by its key, so that caching is as it is with a certificate of a public authority.
const spki = new X509Certificate(readFileSync(told.certificate)).publicKey.export({ type: "spki", format: "der" });
const trust = `--ignore-certificate-errors-spki-list=${createHash("sha256").update(spki).digest("base64")}`;

/** Starts a browser. Playwright switches the back/forward cache off unless it is told to leave it. */
export const launch = (more = {}) => chromium.launch({ executablePath: executable, args: ["--no-sandbox", trust], ...more });

let shared;
const browser = () => (shared ??= launch());
after(async () => (await shared)?.close());
mkdirSync(told.pictures, { recursive: true });

/** Whether a complaint of the console only repeats a status that a page was meant to have. */
const refusal = (message) => /the server responded with a status of 4\d\d/.test(message.text()) && !message.location().url.includes("/assets/");

/**
 * A person with a browser of their own. Whatever the browser complains of, and every request to another host, is written down
 * in `faults`.
 */
async function open(how, from) {
  const { javaScript = true, ...options } = how;
  const context = await from.newContext({ ...DESKTOP, locale: "en-GB", javaScriptEnabled: javaScript, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(PATIENCE);
  const faults = [];
  const ours = [new URL(ACCOUNT).host, new URL(ADMIN).host];
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !refusal(message)) faults.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => faults.push(`script: ${error.error()}`));
  context.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (!(protocol === "https:" && ours.includes(host))) faults.push(`request to ${protocol}//${host}`);
  });
  context.on("requestfailed", (request) => {
    // A page that is left gives up what it was still asking for, and no reply to a form is kept to be shown again.
    const why = request.failure()?.errorText;
    if (!["net::ERR_ABORTED", "net::ERR_CACHE_MISS"].includes(why)) faults.push(`${request.method()} ${new URL(request.url()).pathname.replace(/^\/cpsess\d+/, "")}: ${why}`);
  });
  context.on("response", (response) => {
    if (response.status() >= 500) faults.push(`status ${response.status()}`);
  });
  context.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  const page = await context.newPage();
  return { page, context, faults, javaScript, phone: options.isMobile === true };
}

/** Every scene, by name: `page.test.mjs` runs them. */
export const scenes = new Map();

/**
 * A test with a person in it, in the browser that all share unless another is started for it. What the browser complains of
 * fails it, unless the test takes it out of `faults`.
 */
export function scene(name, how, act, start = browser) {
  scenes.set(name, async (t) => {
    if (executable === undefined) {
      if (process.env.TOKENLATCH_REQUIRE_ALL === "1") assert.fail("Chromium isn't installed");
      return t.skip("Chromium isn't installed");
    }
    const own = await start();
    const person = await open(how, own);
    try {
      await act(person, t);
      assert.deepEqual([...new Set(person.faults)], []);
    } catch (error) {
      const file = `failed ${name}`.replaceAll(/[^a-zA-Z0-9]+/g, "-");
      await person.page.screenshot({ path: join(told.pictures, `${file}.png`) }).catch(() => {});
      const shown = (await person.page.getByRole("main").ariaSnapshot({ timeout: 1000 }).catch(String)).slice(0, 1000);
      console.error(`${name}: the page is "${await person.page.title().catch(String)}", the browser complains of ${JSON.stringify([...new Set(person.faults)])}\n${shown}`);
      throw error;
    } finally {
      await person.context.close();
      if (start !== browser) await own.close();
    }
  });
}

/** Tries until it no longer throws, and gives what it gives. */
export async function eventually(look, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/**
 * Runs a command over the service's database, with a line of input if one is given, and returns its JSON. A command that reads no input may end
 * before it is written, which Node reports as EPIPE.
 */
function command(line, ...args) {
  const env = { PATH: process.env.PATH, HOME: told.folder, XDG_CACHE_HOME: join(told.program, "../../tmp/cache"), TOKENLATCH_DATABASE: told.database, TOKENLATCH_TIME_ZONE: "UTC" };
  return JSON.parse(execFileSync(told.program, [...args, "--json"], { env, encoding: "utf8", ...(line === undefined ? { stdio: ["ignore", "pipe", "pipe"] } : { input: `${line}\n` }) }) || "null");
}

/** The names of a user's tokens, as the database has them. */
export const tokenNames = (user) => command(undefined, "token", "list", "--user", user, "--page-size", "1000").tokens.map((token) => token.name).sort();

/** With another password every session of the account ends; so it does with the same one set again. */
export const setPassword = (user) => command(told.password, "account", "password", user, "--stdin");

/** What the guard says to a token: 200 where it works. */
export async function works(context, user, token) {
  const answer = await context.request.get(`${ACCOUNT}/auth?module=Email&function=list_pops`, { headers: { Authorization: `cpanel ${user}:${token}` }, ignoreHTTPSErrors: true });
  return answer.status() === 200;
}

/** The source of axe-core. */
export const axeSource = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");
