// What a person does, found by role and label only: what a screen reader can't find, these can't either.
import assert from "node:assert/strict";

import { ACCOUNT, eventually, told } from "./stage.mjs";

/** A control by its exact label. */
export const button = (page, name) => page.getByRole("button", { name, exact: true });
export const link = (page, name) => page.getByRole("link", { name, exact: true });
export const field = (page, name) => page.getByLabel(name, { exact: true });
export const check = (page, name) => page.getByRole("checkbox", { name, exact: true });
export const radio = (page, name) => page.getByRole("radio", { name, exact: true });

/** Waits until the page with this heading is there. */
export const arrive = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();

/** Fills in the login form that is shown. */
export async function enter(page, user, password = told.password) {
  await field(page, "Username").fill(user);
  await field(page, "Password").fill(password);
  await button(page, "Log in").click();
}

/** Comes to the page and logs in. */
export async function logIn(page, user, host = ACCOUNT) {
  await page.goto(host);
  await arrive(page, "Log in");
  await enter(page, user);
  if (host === ACCOUNT) await arrive(page, "Manage API Tokens");
}

/** The names in the table, in its order. */
export async function rows(page) {
  const boxes = page.getByRole("checkbox", { name: /^Select (?!all )/ });
  const labels = await boxes.evaluateAll((all) => all.map((box) => box.getAttribute("aria-label") ?? box.labels?.[0]?.textContent ?? ""));
  return labels.map((label) => label.trim().replace(/^Select /, ""));
}

/** Waits until the table has these names, in this order. */
export const table = (page, names) => eventually(async () => assert.deepEqual(await rows(page), names));

/** The row of a token. */
export const row = (page, name) => page.getByRole("row").filter({ has: check(page, `Select ${name}`) });

/** The table's status message. */
export const says = (page, text) => eventually(async () => assert.match((await page.getByRole("status").allInnerTexts()).join("\n"), text));

/** What is wrong, as a screen reader is told at once. */
export const warns = (page, text) => eventually(async () => assert.match((await page.getByRole("alert").allInnerTexts()).join("\n"), text));

/** The gear, which opens the settings. */
export const gear = (page) => page.locator("summary", { hasText: "Settings" });

/** Waits for the reply to a form that is refused at this field; a name is told to be wrong before, while it is typed. */
export async function refusedAt(page, label, text) {
  await warns(page, text);
  assert.equal(await field(page, label).getAttribute("aria-invalid"), "true");
}

/** Opens the form. */
export async function openForm(page) {
  await link(page, "+ Create").click();
  await arrive(page, "Create API Token");
}

/** Sends the form, and gives the token that is shown. */
export async function create(page) {
  await button(page, "Create").click();
  await arrive(page, "API Token Created");
  return shown(page);
}

/** The token that is shown. */
export async function shown(page) {
  const token = (await page.locator("output#token").innerText()).trim();
  assert.match(token, /^[A-Z0-9]{32}$/);
  return token;
}

/** Says that it is saved. */
export async function save(page, another = false) {
  if (another) await check(page, "Create another token after I click Yes, I saved my token").check();
  await button(page, "Yes, I Saved My Token").click();
  await arrive(page, another ? "Create API Token" : "Manage API Tokens");
}

/** Whether any of these texts stands anywhere in the document, its fields or its address. */
export async function holds(page, text) {
  const html = await page.content();
  const values = await page.locator("input, textarea").evaluateAll((all) => all.map((one) => one.value));
  return [html, page.url(), ...values].some((one) => one.includes(text));
}
