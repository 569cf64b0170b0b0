// A token is shown once: going back, going forward and loading again show it no second time and make no second one.
import assert from "node:assert/strict";

import { ACCOUNT, DESKTOP, eventually, launch, scene, setPassword, tokenNames } from "./stage.mjs";
import { arrive, button, create, enter, field, holds, logIn, openForm, refusedAt, shown, warns } from "./steps.mjs";

/** Nothing of the token is left, wherever the browser is now. */
const gone = (page, token) => eventually(async () => assert.equal(await holds(page, token), false));

/** Goes somewhere in the history. A browser may refuse to show a reply to a form once more, which is as good; from its cache a page comes without loading. */
const step = (page, way) => page[way]({ timeout: 5000, waitUntil: "commit" }).catch((error) => assert.match(String(error), /ERR_CACHE_MISS|ERR_ABORTED|interrupted|Timeout/));

async function comeBack({ page, javaScript }, user, name) {
  const made = async (number) => {
    await page.goto(ACCOUNT);
    await arrive(page, "Manage API Tokens");
    await openForm(page);
    await field(page, "API Token Name").fill(`${name}-${number}`);
    return create(page);
  };
  await logIn(page, user);

  let token = await made(1);
  await step(page, "goBack");
  await gone(page, token);
  // A token that was shown is no place in the history: from it, back leads to the list.
  if (javaScript) await arrive(page, "Manage API Tokens");
  await step(page, "goForward");
  await gone(page, token);

  token = await made(2);
  await step(page, "reload");
  await gone(page, token);
  if (!javaScript) await page.getByText(/already sent/).first().waitFor();

  // Somewhere else altogether, and back.
  token = await made(3);
  await page.goto("about:blank");
  await step(page, "goBack");
  await gone(page, token);
  await step(page, "goBack");
  await gone(page, token);
  await step(page, "goForward");
  await gone(page, token);

  // Said to be saved, and back.
  token = await made(4);
  await button(page, "Yes, I Saved My Token").click();
  await arrive(page, "Manage API Tokens");
  await step(page, "goBack");
  await gone(page, token);

  // Back to a form that was sent, and sent again as it is.
  token = await made(5);
  await step(page, "goBack");
  await gone(page, token);
  if ((await page.getByRole("heading", { level: 1, name: "Create API Token", exact: true }).count()) > 0) {
    await field(page, "API Token Name").fill(`${name}-5`);
    await button(page, "Create").click();
    await eventually(async () => assert.match(await page.getByRole("main").innerText(), /already|of that name/));
  }
  assert.equal(tokenNames(user).filter((one) => one.startsWith(`${name}-`)).length, 5);
}

scene("after a creation, back and again, with JavaScript", DESKTOP, (person) => comeBack(person, "eve", "js"));
scene("after a creation, back and again, without JavaScript", { ...DESKTOP, javaScript: false }, (person) => comeBack(person, "eve", "plain"));

for (const javaScript of [true, false]) {
  const caching = () => launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  const cached = async (person) => {
    await comeBack(person, "eve", javaScript ? "cached-js" : "cached-plain");
    // Whether the cache was at work: what a script left behind is there again when a page comes from it.
    const { page } = person;
    await page.goto(ACCOUNT);
    await page.evaluate(() => (globalThis.left = true));
    await page.goto("about:blank");
    await step(page, "goBack");
    console.log(`the table came from the back/forward cache: ${await page.evaluate(() => globalThis.left === true)}`);
  };
  scene(`the back/forward cache keeps no token, ${javaScript ? "with" : "without"} JavaScript`, { ...DESKTOP, javaScript }, cached, caching);
}

/** Logged out in another tab, where the session is the same. */
async function logOutElsewhere({ page, context }) {
  const other = await context.newPage();
  await other.goto(page.url().replace(/\/tokens.*/, "/tokens"));
  await button(other, "Log out").click();
  await arrive(other, "Log in");
  await other.close();
}

scene("logged out while the form is filled in", DESKTOP, async (person) => ended(person, "ann", "out-js", () => logOutElsewhere(person)));
scene("logged out while the form is filled in, without JavaScript", { ...DESKTOP, javaScript: false }, async (person) => ended(person, "ben", "out-plain", () => logOutElsewhere(person)));
scene("a session that ends while the form is filled in", DESKTOP, async (person) => ended(person, "cat", "ended-js", () => setPassword("cat")));
scene("a session that ends while the form is filled in, without JavaScript", { ...DESKTOP, javaScript: false }, async (person) => ended(person, "dan", "ended-plain", () => setPassword("dan")));

async function ended({ page }, user, name, end) {
  await logIn(page, user);
  await openForm(page);
  await field(page, "API Token Name").fill(name);
  await end();
  await button(page, "Create").click();
  await warns(page, /Nothing was created/);
  assert.equal(tokenNames(user).includes(name), false);
  // What was typed isn't lost.
  await enter(page, user);
  await arrive(page, "Create API Token");
  assert.equal(await field(page, "API Token Name").inputValue(), name);
  await create(page);
  assert.equal(tokenNames(user).includes(name), true);
}

scene("two tabs", DESKTOP, async ({ page, context }) => {
  await logIn(page, "tom");
  const other = await context.newPage();
  await other.goto(page.url());
  for (const [tab, name] of [[page, "tab-one"], [other, "tab-two"]]) {
    await openForm(tab);
    await field(tab, "API Token Name").fill(name);
  }
  // Each form is good for itself.
  const [one, two] = [await create(page), await create(other)];
  assert.notEqual(one, two);
  assert.equal(await shown(page), one);
  // The same name in both: the second is told.
  for (const tab of [page, other]) {
    await button(tab, "Yes, I Saved My Token").click();
    await openForm(tab);
    await field(tab, "API Token Name").fill("tab-same");
  }
  await create(page);
  await button(other, "Create").click();
  await refusedAt(other, "API Token Name", /of that name/);
  assert.equal(tokenNames("tom").filter((name) => name === "tab-same").length, 1);
  // Renamed or revoked elsewhere meanwhile: a clear answer.
  for (const tab of [page, other]) await tab.goto(page.url().replace(/\/tokens.*/, "/tokens"));
  await page.getByRole("link", { name: "Manage tab-same", exact: true }).click();
  await arrive(page, "Manage tab-same");
  await other.getByRole("link", { name: "Manage tab-same", exact: true }).click();
  await arrive(other, "Manage tab-same");
  await button(other, "Revoke").click();
  await button(other, "Yes, Revoke the Token").click();
  await arrive(other, "Manage API Tokens");
  await field(page, "New API Token Name").fill("too-late");
  await button(page, "Update").click();
  await eventually(async () => assert.match(await page.getByRole("main").innerText(), /revoked|no longer|not there|gone|no such|not found/i));
  assert.equal(tokenNames("tom").includes("too-late"), false);
});
