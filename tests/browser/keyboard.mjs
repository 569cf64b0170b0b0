// The page without a mouse: everything is reached by Tab, in order, and it shows where one is.
import assert from "node:assert/strict";

import { ACCOUNT, DESKTOP, eventually, scene, told, tokenNames } from "./stage.mjs";
import { arrive, button, check, field, gear, link, radio, rows, shown, table } from "./steps.mjs";

/** What has the focus: whether it is seen, and that its marking is. */
const focused = (page) =>
  page.evaluate(() => {
    const active = document.activeElement;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(active);
    const { x, y, width, height } = active.getBoundingClientRect();
    return {
      what: `${active.localName} ${active.getAttribute("name") ?? active.textContent.trim().slice(0, 30)}`,
      marked: (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) || boxShadow !== "none",
      inView: width > 1 && height > 1 && x >= 0 && y >= 0 && x < innerWidth && y < innerHeight,
    };
  });

/** Presses Tab until this has the focus; everything on the way must show that it has it. */
async function tabTo(page, target) {
  const way = [];
  await target.waitFor({ state: "attached" });
  for (let presses = 0; presses < 60; presses += 1) {
    if (presses > 0 && (await target.evaluate((one) => one === document.activeElement))) return;
    await page.keyboard.press("Tab");
    const now = await focused(page);
    // From the last control Tab leads to the browser's own.
    if (now.what.startsWith("body")) continue;
    assert.ok(now.marked, `the focus doesn't show on ${now.what}`);
    assert.ok(now.inView, `${now.what} has the focus and isn't in view`);
    way.push(now.what);
    if (await target.evaluate((one) => one === document.activeElement)) return;
  }
  assert.fail(`${target} isn't reached by Tab, only ${way.join(", ")}`);
}

/** Goes to a control and presses a key on it. */
async function press(page, target, key = "Enter") {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

scene("a token's whole life by the keyboard alone", DESKTOP, async ({ page }) => {
  const type = async (target, text) => {
    await tabTo(page, target);
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type(text);
  };
  await page.goto(ACCOUNT);
  await arrive(page, "Log in");
  await page.locator("body").focus();
  await type(field(page, "Username"), "kim");
  await type(field(page, "Password"), told.password);
  await page.keyboard.press("Enter");
  await arrive(page, "Manage API Tokens");

  // The first stop leads past the head of the page.
  await page.reload();
  await arrive(page, "Manage API Tokens");
  await press(page, link(page, "Skip to content"));
  await press(page, link(page, "+ Create"));
  await arrive(page, "Create API Token");
  await type(field(page, "API Token Name"), "keys");
  await tabTo(page, radio(page, "Specify an expiration date."));
  await page.keyboard.press("ArrowUp");
  assert.equal(await radio(page, "The API Token will not expire.").isChecked(), true);
  await press(page, button(page, "Create"));
  await arrive(page, "API Token Created");
  await shown(page);
  await tabTo(page, button(page, "Copy"));
  await press(page, check(page, "Create another token after I click Yes, I saved my token"), "Space");
  await press(page, button(page, "Yes, I Saved My Token"));
  await arrive(page, "Create API Token");
  // Enter in the field sends the form.
  await type(field(page, "API Token Name"), "locks");
  await page.keyboard.press("Enter");
  await arrive(page, "API Token Created");
  await press(page, button(page, "Yes, I Saved My Token"));
  await table(page, ["keys", "locks"]);

  await press(page, gear(page));
  await tabTo(page, field(page, "API tokens per page"));
  await page.keyboard.type("50");
  await press(page, button(page, "Apply"));
  // The table before it looks the same.
  await page.waitForURL(/[?&]size=50\b/);
  await table(page, ["keys", "locks"]);

  await press(page, page.getByRole("link", { name: "Manage keys", exact: true }));
  await arrive(page, "Manage keys");
  await type(field(page, "New API Token Name"), "rings");
  await page.keyboard.press("Enter");
  await arrive(page, "Manage rings");
  await press(page, link(page, "All API tokens"));
  await arrive(page, "Manage API Tokens");

  await press(page, check(page, "Select all tokens shown"), "Space");
  assert.equal(await check(page, "Select rings").isChecked(), true);
  await press(page, check(page, "Select locks"), "Space");
  assert.equal(await check(page, "Select locks").isChecked(), false);
  await press(page, button(page, "Revoke"));
  await arrive(page, "Revoke Selected API Tokens");
  await press(page, button(page, "Revoke Selected API Tokens"));
  await eventually(async () => assert.deepEqual(await rows(page), ["locks"]));
  assert.deepEqual(tokenNames("kim"), ["locks"]);
  await press(page, button(page, "Log out"));
  await arrive(page, "Log in");
});
