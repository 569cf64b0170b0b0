// The whole of what the page is for, as a person does it: with and without JavaScript, at a desk and on a phone.
import assert from "node:assert/strict";

import { DESKTOP, PHONE, eventually, launch, scene, tokenNames, works } from "./stage.mjs";
import { arrive, button, check, create, field, gear, link, logIn, openForm, radio, refusedAt, row, rows, save, says, table, warns } from "./steps.mjs";

/** A date so many years ahead in the server's zone, as a date field has it. */
function ahead(years) {
  const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Europe/Berlin" }).format(new Date());
  return `${Number(today.slice(0, 4)) + years}${today.slice(4)}`;
}

async function live({ page, context, javaScript, phone }, user) {
  await logIn(page, user);

  // Without tokens it teaches the first line.
  await page.getByText(/Authorization: cpanel .*curl /s).first().waitFor();
  assert.deepEqual(await rows(page), []);

  // A name that breaks the rules is told before it is sent, and the form doesn't lose it.
  await openForm(page);
  const name = field(page, "API Token Name");
  await name.fill("no spaces");
  if (javaScript) {
    await eventually(async () => assert.equal(await name.getAttribute("aria-invalid"), "true"));
    await name.fill("first");
    await eventually(async () => assert.notEqual(await name.getAttribute("aria-invalid"), "true"));
    await page.getByText(/45 characters/).first().waitFor();
  } else {
    await button(page, "Create").click();
    await eventually(async () => assert.equal(await name.getAttribute("aria-invalid"), "true"));
    assert.equal(await name.inputValue(), "no spaces");
    const message = await page.locator(`#${(await name.getAttribute("aria-describedby")).split(" ").join(", #")}`).allInnerTexts();
    assert.match(message.join(" "), /may contain only/);
    await name.fill("first");
  }

  // A year ahead unless something else is chosen; here a day of one's own.
  assert.equal(await radio(page, "Specify an expiration date.").isChecked(), true);
  assert.equal(await field(page, "Expiration Date").inputValue(), ahead(1));
  await field(page, "Expiration Date").fill(ahead(2));
  const first = await create(page);
  await page.getByText("You cannot see this API token again.").first().waitFor();
  assert.equal(await works(context, user, first), true);
  if (javaScript && !phone) {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await button(page, "Copy").click();
    await eventually(async () => assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first));
  }
  // Where a button could do nothing there is none; where it does something it says so.
  assert.equal(await button(page, "Copy").count(), javaScript ? 1 : 0);
  if (javaScript) {
    await button(page, "Copy").click();
    await says(page, /Copied|Selected/);
  }

  // Another at once, which never ends.
  await save(page, true);
  await field(page, "API Token Name").fill("forever");
  await radio(page, "The API Token will not expire.").check();
  await create(page);
  await save(page);
  await table(page, ["first", "forever"]);
  assert.match(await row(page, "first").innerText(), new RegExp(ahead(2).slice(0, 4)));
  assert.match(await row(page, "forever").innerText(), /Never/);

  // One that may do little, from one address only.
  await openForm(page);
  await field(page, "API Token Name").fill("little");
  await radio(page, "Chosen features only").check();
  const features = page.getByRole("group", { name: "Access" }).getByRole("checkbox").filter({ hasNot: check(page, "Read only") });
  await features.first().check();
  await check(page, "Read only").check();
  await field(page, "Allowed IP addresses").fill("192.0.2.1\n2001:db8::/32");
  const little = await create(page);
  assert.equal(await works(context, user, little), false);
  await save(page);

  // A name that is taken, and an address that is none, are refused at their fields; nothing that was typed is lost.
  await openForm(page);
  await field(page, "API Token Name").fill("other");
  await field(page, "Allowed IP addresses").fill("192.0.2.300");
  await button(page, "Create").click();
  await refusedAt(page, "Allowed IP addresses", /was not created/);
  assert.equal(await field(page, "API Token Name").inputValue(), "other");
  await field(page, "Allowed IP addresses").fill("");
  await field(page, "API Token Name").fill("first");
  await button(page, "Create").click();
  await refusedAt(page, "API Token Name", /of that name/);
  await link(page, "Cancel").click();
  await arrive(page, "Manage API Tokens");
  assert.deepEqual(tokenNames(user), ["first", "forever", "little"]);

  // Enough for a second page; one form after the other, as the check box allows.
  await openForm(page);
  for (let number = 1; number <= 8; number += 1) {
    await field(page, "API Token Name").fill(`more-${number}`);
    await create(page);
    await save(page, number < 8);
  }
  await settings(page, "10");
  await eventually(async () => assert.equal((await rows(page)).length, 10));
  await page.getByRole("link", { name: /next/i }).click();
  await eventually(async () => assert.equal((await rows(page)).length, 1));
  await settings(page, "50");
  await eventually(async () => assert.equal((await rows(page)).length, 11));

  // The order, and a search.
  const names = await rows(page);
  const head = page.getByRole("columnheader", { name: "Token Name" });
  assert.deepEqual([names, await head.getAttribute("aria-sort")], [names.toSorted(), "ascending"]);
  await link(page, "Token Name").click();
  await table(page, names.toReversed());
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  await link(page, "Created").click();
  await eventually(async () => assert.equal(await page.getByRole("columnheader", { name: "Created" }).getAttribute("aria-sort"), "ascending"));
  await field(page, "Search").fill("forev");
  await button(page, "Search").click();
  await table(page, ["forever"]);

  // Another name, which changes nothing else.
  await page.getByRole("link", { name: "Manage forever", exact: true }).click();
  await arrive(page, "Manage forever");
  await field(page, "New API Token Name").fill("first");
  await button(page, "Update").click();
  await refusedAt(page, "New API Token Name", /of that name/);
  await field(page, "New API Token Name").fill("eternal");
  await button(page, "Update").click();
  await arrive(page, "Manage eternal");
  await says(page, /./);

  // Revoked here, after a question.
  await button(page, "Revoke").click();
  await button(page, "Yes, Revoke the Token").click();
  await arrive(page, "Manage API Tokens");
  await says(page, /revoked/i);
  assert.equal((await rows(page)).includes("eternal"), false);

  // And many at once: none, some after second thoughts, then all that are shown.
  await button(page, "Revoke").click();
  await warns(page, /Select at least one token/);
  await check(page, "Select first").check();
  await check(page, "Select more-3").check();
  await button(page, "Revoke").click();
  await arrive(page, "Revoke Selected API Tokens");
  const asked = await page.getByRole("main").innerText();
  assert.ok(asked.includes("first") && asked.includes("more-3") && !asked.includes("more-4"));
  // Back is a way to say no, too.
  if (javaScript) {
    const watched = tableTops(page);
    await page.goBack();
    await arrive(page, "Manage API Tokens");
    const tops = await watched;
    assert.ok(tops.length > 1 && new Set(tops).size === 1, `the table moved: ${tops}`);
  } else {
    await link(page, "Cancel").click();
    await arrive(page, "Manage API Tokens");
  }
  assert.equal(await works(context, user, first), true);
  await check(page, "Select first").check();
  await check(page, "Select more-3").check();
  await button(page, "Revoke").click();
  await button(page, "Revoke Selected API Tokens").click();
  await arrive(page, "Manage API Tokens");
  await says(page, /2/);
  assert.equal(await works(context, user, first), false);
  await eventually(async () => assert.equal((await rows(page)).length, 8));
  await check(page, "Select all tokens shown").check();
  if (javaScript) assert.equal(await check(page, "Select more-4").isChecked(), true);
  await button(page, "Revoke").click();
  await button(page, "Revoke Selected API Tokens").click();
  await arrive(page, "Manage API Tokens");
  await says(page, /8/);
  assert.deepEqual(tokenNames(user), []);

  // Logged out is logged out.
  await button(page, "Log out").click();
  await arrive(page, "Log in");
  await page.goBack();
  await eventually(async () => assert.equal(await page.getByRole("button", { name: "Log in", exact: true }).or(link(page, "Log in")).count() > 0, true));
}

/** Where the next table that is shown stands, frame by frame for 300 ms: what moves then moves away from under a finger. */
const tableTops = (page) => page.evaluate(() => new Promise((resolve) => {
  new MutationObserver((_, observer) => {
    const table = document.querySelector("main table");
    if (!table) return;
    observer.disconnect();
    const tops = [];
    const end = performance.now() + 300;
    const look = () => {
      tops.push(table.getBoundingClientRect().top + scrollY);
      if (performance.now() < end) requestAnimationFrame(look);
      else resolve(tops);
    };
    look();
  }).observe(document.body, { childList: true, subtree: true });
}));

/** Chooses how many tokens a page shows, behind the gear. */
async function settings(page, size) {
  await gear(page).click();
  await field(page, "API tokens per page").selectOption(size);
  await button(page, "Apply").click();
}

// A browser has one clipboard for everybody in it: the scene that reads it has a browser of its own.
scene("a token's whole life, with JavaScript, at a desk", DESKTOP, (person) => live(person, "ann"), launch);
scene("a token's whole life, with JavaScript, on a phone", PHONE, (person) => live(person, "ben"));
scene("a token's whole life, without JavaScript, at a desk", { ...DESKTOP, javaScript: false }, (person) => live(person, "cat"));
scene("a token's whole life, without JavaScript, on a phone", { ...PHONE, javaScript: false }, (person) => live(person, "dan"));
