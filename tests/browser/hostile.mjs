// Who means harm: other sites, markup where a name belongs, forms that were changed or sent twice.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

import { ACCOUNT, ADMIN, DESKTOP, eventually, scene, told, tokenNames } from "./stage.mjs";
import { arrive, button, enter, field, link, logIn, openForm, radio, refusedAt, shown } from "./steps.mjs";

for (const javaScript of [true, false]) {
  const how = { ...DESKTOP, javaScript };
  const end = javaScript ? "with JavaScript" : "without JavaScript";

  scene(`a double click on Create, ${end}`, how, async ({ page }) => {
    const name = javaScript ? "twice-js" : "twice-plain";
    await logIn(page, "eve");
    await openForm(page);
    await field(page, "API Token Name").fill(name);
    await button(page, "Create").dblclick();
    if (javaScript) {
      await arrive(page, "API Token Created");
      await shown(page);
    } else {
      // The browser gives the first request up; the second one is told what it means.
      await eventually(async () => assert.match(await page.getByRole("main").innerText(), /API Token Created|already sent/));
    }
    assert.equal(tokenNames("eve").filter((one) => one === name).length, 1);
  });

  scene(`a form whose secret value was changed, ${end}`, how, async ({ page }) => {
    const name = javaScript ? "forged-js" : "forged-plain";
    await logIn(page, "eve");
    for (const spoil of [(one) => (one.value = "0".repeat(one.value.length)), (one) => one.remove()]) {
      await page.goto(page.url().replace(/\/tokens.*/, "/tokens"));
      await openForm(page);
      await field(page, "API Token Name").fill(name);
      await page.getByRole("main").locator("form input[name=csrf]").first().evaluate(spoil);
      await button(page, "Create").click();
      await eventually(async () => assert.match(await page.getByRole("main").innerText(), /form|page|again/i));
      assert.equal(await page.getByRole("heading", { name: "API Token Created" }).count(), 0);
    }
    assert.equal(tokenNames("eve").includes(name), false);
  });

  scene(`markup where text belongs, ${end}`, how, async ({ page }) => {
    const { markup } = told;
    await page.goto(ACCOUNT);
    await enter(page, markup, markup);
    await eventually(async () => assert.match((await page.getByRole("alert").allInnerTexts()).join(), /The login is invalid/));
    await page.goto(`${ACCOUNT}/login?user=${encodeURIComponent(markup)}&next=${encodeURIComponent(`javascript:alert(1)//${markup}`)}`);
    await logIn(page, "eve");
    const base = page.url().replace(/\/tokens.*/, "");
    for (const path of ["/tokens?search=", "/tokens?done=renamed&count=", "/tokens?sort=", "/tokens/new?name=", "/tokens/", "/tokens/name?name="]) {
      await page.goto(`${base}${path}${encodeURIComponent(`"'>${markup}<script>alert(1)</script>`)}`);
      assert.equal(await page.locator("main img, main script").count(), 0);
    }
    await page.goto(`${base}/tokens`);
    await openForm(page);
    await field(page, "API Token Name").fill(markup);
    await field(page, "Allowed IP addresses").fill(`</textarea>${markup}`);
    await button(page, "Create").click();
    await refusedAt(page, "API Token Name", /was not created/);
    assert.equal(await field(page, "Allowed IP addresses").inputValue(), `</textarea>${markup}`);
    assert.equal(await page.locator("main img").count(), 0);
    assert.equal(tokenNames("eve").includes(markup), false);

    await page.goto(ADMIN);
    await enter(page, "root");
    await page.getByRole("link", { name: "eve", exact: true }).click();
    await arrive(page, "Account eve");
    assert.equal(await page.locator("main img").count(), 0);
  });
}

/** A site of somebody else: its page has a form that posts to ours, a frame of ours and a link to us. */
async function elsewhere(t, host, target) {
  const fields = { name: "stolen", expiry: "never", access: "full" };
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
  const body = `<!doctype html><title>elsewhere</title><form method="post" action="${target}">${inputs.join("")}<button>Win</button></form>
    <iframe src="${ACCOUNT}/login" title="framed"></iframe><a href="${target}">a link</a>`;
  const server = createServer((request, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(body)).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://${host}:${server.address().port}/`;
}

// Of another port of the same machine the browser sends our cookies along, of another site it doesn't.
for (const host of ["127.0.0.1", "localhost"]) {
  scene(`a page at ${host} that posts to us and frames us`, DESKTOP, async ({ page, context, faults }, t) => {
    await logIn(page, "eve");
    const target = page.url().replace(/\/tokens.*/, "/tokens");
    const site = await context.newPage();
    const refused = site.waitForEvent("console", (message) => /frame/i.test(message.text()));
    await site.goto(await elsewhere(t, host, target));
    await refused;
    for (const frame of site.frames().slice(1)) assert.equal(await frame.getByRole("button", { name: "Log in" }).count(), 0);
    const [answer] = await Promise.all([site.waitForResponse((response) => response.request().method() === "POST"), button(site, "Win").click()]);
    assert.ok([401, 403].includes(answer.status()), `it answers ${answer.status()}`);
    assert.equal(tokenNames("eve").includes("stolen"), false);
    // The session itself is none the worse for it.
    await page.reload();
    await arrive(page, "Manage API Tokens");
    // All of this the browser complains of, rightly; our own page is not among it.
    faults.length = 0;
  });
}

scene("a session's number that isn't this session's", DESKTOP, async ({ page }) => {
  await logIn(page, "eve");
  const answer = await page.goto(`${ACCOUNT}/cpsess0000000000/tokens`);
  assert.equal(answer.status(), 401);
  assert.equal(await link(page, "+ Create").count(), 0);
});
