// Every state of the page, looked at.
import assert from "node:assert/strict";

import { ACCOUNT, ADMIN, DESKTOP, eventually, scene, setPassword, told } from "./stage.mjs";
import { look, picture } from "./look.mjs";
import { arrive, button, check, create, enter, field, gear, link, logIn, openForm, radio, refusedAt, row, rows, save, says, warns } from "./steps.mjs";

/** The path of the session that a page is in, such as `/cpsess0123456789`. */
const session = (page) => new URL(page.url()).pathname.match(/^\/cpsess\d{10}/)[0];

scene("the login", DESKTOP, async ({ page }) => {
  await page.goto(ACCOUNT);
  await arrive(page, "Log in");
  await look(page, "login");
  await enter(page, "gus", "not the password");
  await warns(page, /The login is invalid\./);
  await look(page, "login-refused");
});

scene("no token yet", DESKTOP, async ({ page }) => {
  await logIn(page, "mia");
  await look(page, "empty");
});

scene("the table with a token of each kind", DESKTOP, async ({ page, context }) => {
  await logIn(page, "gus");
  assert.deepEqual((await rows(page)).toSorted(), ["ended", "ends-soon", "laptop", "reader", told.long].toSorted());
  // Told by words, and not by a colour alone.
  for (const [name, words] of [["ends-soon", /Expires soon/], ["ended", /Expired/], [told.long, /Never expires/]]) assert.match(await row(page, name).innerText(), words);
  assert.doesNotMatch(await row(page, "laptop").innerText(), /Expired|Expires soon|Never/);
  // Told once it is known, and not before.
  assert.deepEqual(await Promise.all(["laptop", "reader"].map((name) => row(page, name).getByText("Not yet").count())), [0, 1]);
  const colours = await Promise.all(["laptop", "ends-soon", "ended"].map((name) => row(page, name).evaluate((one) => getComputedStyle(one).backgroundColor + getComputedStyle(one.cells[1]).backgroundColor)));
  assert.equal(new Set(colours).size, 3, `the rows' colours are ${colours}`);
  await look(page, "table");
  await page.emulateMedia({ forcedColors: "active" });
  await picture(page, "table-wide-forced.png");
  await page.emulateMedia({ forcedColors: "none" });

  await gear(page).click();
  await look(page, "table-settings");
  await field(page, "Search").fill("nothing has this name");
  await button(page, "Search").click();
  await eventually(async () => assert.deepEqual(await rows(page), []));
  await look(page, "table-found-nothing");
  await page.goto(`${ACCOUNT}${session(page)}/tokens`);
  await button(page, "Revoke").click();
  await warns(page, /Select at least one token\./);
  await look(page, "table-none-selected");
  await check(page, "Select ended").check();
  await check(page, `Select ${told.long}`).check();
  await button(page, "Revoke").click();
  await arrive(page, "Revoke Selected API Tokens");
  await look(page, "revoke");
  await link(page, "Cancel").click();
  await arrive(page, "Manage API Tokens");

  await page.getByRole("link", { name: "Manage reader", exact: true }).click();
  await arrive(page, "Manage reader");
  await look(page, "manage");
  await field(page, "New API Token Name").fill("laptop");
  await button(page, "Update").click();
  await refusedAt(page, "New API Token Name", /of that name/);
  await look(page, "manage-refused");
  await button(page, "Revoke").click();
  await button(page, "Yes, Revoke the Token").waitFor();
  await look(page, "manage-revoke");
  await page.goto(`${ACCOUNT}${session(page)}/tokens`);
  await page.getByRole("link", { name: `Manage ${told.long}`, exact: true }).click();
  await arrive(page, `Manage ${told.long}`);
  await look(page, "manage-long");

  const before = session(page);
  await page.goto(`${ACCOUNT}${before}/nothing-is-here`);
  await look(page, "not-found");
  await page.goto(`${ACCOUNT}${before}/tokens/new`);
  await context.clearCookies();
  await page.goto(`${ACCOUNT}${before}/tokens`);
  await look(page, "session-ended");
});

scene("creating a token", DESKTOP, async ({ page }) => {
  await logIn(page, "eve");
  await openForm(page);
  await look(page, "create");
  await field(page, "API Token Name").fill("wrong name");
  await field(page, "Expiration Date").fill("2020-01-01");
  await radio(page, "Chosen features only").check();
  await field(page, "Allowed IP addresses").fill("nowhere");
  await button(page, "Create").click();
  await warns(page, /was not created/);
  await look(page, "create-refused");
  await field(page, "Expiration Date").fill("2099-12-31");
  await radio(page, "Full access").check();
  await field(page, "Allowed IP addresses").fill("");
  await field(page, "API Token Name").fill("seen");
  await create(page);
  await look(page, "created");
  await save(page);
  await page.getByRole("link", { name: "Manage seen", exact: true }).click();
  await arrive(page, "Manage seen");
  await button(page, "Revoke").click();
  await button(page, "Yes, Revoke the Token").click();
  await says(page, /revoked/i);
  await look(page, "revoked");
});

scene("forms that can't be sent any more", DESKTOP, async ({ page, context }) => {
  await logIn(page, "zoe");
  await openForm(page);
  const form = page.getByRole("main").locator("form");
  await field(page, "API Token Name").fill("once");
  const [other] = await Promise.all([context.waitForEvent("page"), form.evaluate((one) => ((one.target = "_blank"), one.submit(), one.removeAttribute("target")))]);
  await arrive(other, "API Token Created");
  await button(page, "Create").click();
  await eventually(async () => assert.match(await page.getByRole("main").innerText(), /already sent/));
  await look(page, "create-spent");
  await page.goto(page.url());
  await form.locator("[name=csrf]").evaluate((one) => (one.value = "0"));
  await field(page, "API Token Name").fill("twice");
  await button(page, "Create").click();
  await eventually(async () => assert.match(await page.getByRole("main").innerText(), /out of date/));
  await look(page, "create-stale");
  await page.goto(page.url());
  await setPassword("zoe");
  await field(page, "API Token Name").fill("thrice");
  await button(page, "Create").click();
  await warns(page, /Nothing was created/);
  await look(page, "create-ended");
});

scene("an account whose tokens the administrator has disabled", DESKTOP, async ({ page }) => {
  await logIn(page, "off");
  await page.getByText(/administrator has disabled/).first().waitFor();
  await look(page, "disabled");
});

scene("the administrator's pages", DESKTOP, async ({ page, context }) => {
  // Whoever isn't one doesn't get in, and isn't told why.
  await page.goto(ADMIN);
  await arrive(page, "Log in");
  await look(page, "admin-login");
  await enter(page, "gus");
  await warns(page, /The login is invalid\./);
  await enter(page, "root");
  await page.getByRole("link", { name: "gus", exact: true }).waitFor();
  await look(page, "admin-accounts");
  await field(page, "Search").fill("lee");
  await button(page, "Search").click();
  await eventually(async () => assert.equal(await page.getByRole("link", { name: "gus", exact: true }).count(), 0));
  await page.getByRole("link", { name: "lee", exact: true }).click();
  await arrive(page, "Account lee");
  await look(page, "admin-account");
  assert.equal(await radio(page, "Only these features").isChecked(), true);
  await radio(page, "Every feature").check();
  await button(page, "Replace Features").click();
  await says(page, /features were replaced/);
  assert.equal(await radio(page, "Every feature").isChecked(), true);

  await link(page, "Suspend").click();
  await arrive(page, "Suspend lee");
  await look(page, "admin-suspend");
  await button(page, "Suspend the Account").click();
  await button(page, "Let it work again").waitFor();
  await look(page, "admin-suspended");
  const elsewhere = await context.newPage();
  await elsewhere.goto(ACCOUNT);
  await enter(elsewhere, "lee");
  await elsewhere.getByText(/suspended/i).first().waitFor();
  await look(elsewhere, "login-suspended");
  await elsewhere.close();
  await button(page, "Let it work again").click();
  await link(page, "Suspend").waitFor();

  // Nobody shuts themselves out.
  await page.goto(`${ADMIN}${session(page)}/accounts/root`);
  await arrive(page, "Account root");
  assert.equal(await link(page, "Suspend").count(), 0);

  await page.goto(`${ADMIN}${session(page)}/accounts/many`);
  await arrive(page, "Account many");
  await look(page, "admin-tokens");
  const [name] = await rows(page);
  await check(page, `Select ${name}`).check();
  await button(page, "Revoke").click();
  await arrive(page, "Revoke API Tokens of many");
  await look(page, "admin-revoke");
  await button(page, "Revoke Selected API Tokens").click();
  await eventually(async () => assert.equal((await rows(page)).includes(name), false));
});
