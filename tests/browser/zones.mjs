// Times as the reader's own clock has them, with the server's beside it.
import assert from "node:assert/strict";

import { DESKTOP, eventually, scene } from "./stage.mjs";
import { logIn, row } from "./steps.mjs";

const clock = (moment, timeZone) => new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(moment);

for (const javaScript of [true, false]) {
  scene(`a reader in Tokyo, ${javaScript ? "with" : "without"} JavaScript`, { ...DESKTOP, timezoneId: "Asia/Tokyo", javaScript }, async ({ page }) => {
    await logIn(page, "gus");
    await page.getByRole("contentinfo").getByText(/Europe\/Berlin/).waitFor();
    const time = row(page, "ends-soon").locator("time").first();
    const moment = new Date(await time.getAttribute("datetime"));
    const [tokyo, berlin] = [clock(moment, "Asia/Tokyo"), clock(moment, "Europe/Berlin")];
    await eventually(async () => assert.ok((await time.innerText()).includes(javaScript ? tokyo : berlin), `${await time.innerText()}: ${tokyo}, ${berlin}`));
    if (javaScript) {
      const beside = `${await time.getAttribute("title")} ${await time.locator("xpath=..").innerText()}`;
      assert.ok(beside.includes(berlin), `the server's time isn't in ${beside}`);
    }
  });
}

for (const locale of ["ar-EG", "he-IL", "fa-IR"]) {
  scene(`a reader whose browser speaks ${locale}`, { ...DESKTOP, locale, timezoneId: "Asia/Tehran" }, async ({ page }) => {
    await logIn(page, "gus");
    const time = row(page, "ends-soon").locator("[data-head=Expires] time");
    const shown = time.locator("bdi");
    const wanted = await page.evaluate((at) => new Intl.DateTimeFormat(undefined, {
      year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
    }).format(new Date(at)), await time.getAttribute("datetime"));
    await eventually(async () => assert.equal(await shown.textContent(), wanted));
    const found = await shown.evaluate((element) => {
      const cell = element.closest("td");
      // Every piece of the date, and of the notice after it, as they lie on the screen.
      const boxes = (part) => [...part.getClientRects()].map(({ left, right, top }) => ({ left, right, top }));
      return { lang: element.lang, bidi: getComputedStyle(element).unicodeBidi, date: boxes(element), notice: boxes(cell.querySelector(".notice")) };
    });
    assert.ok(locale.startsWith(found.lang.split("-")[0]), found.lang);
    assert.equal(found.bidi, "isolate");
    // On each line the pieces of the date lie side by side, whatever their directions, and nothing else lies among them.
    for (const top of new Set(found.date.map((piece) => piece.top))) {
      const line = found.date.filter((piece) => piece.top === top).sort((one, other) => one.left - other.left);
      for (const [at, piece] of line.entries()) if (at > 0) assert.ok(piece.left - line[at - 1].right < 1, JSON.stringify(found));
      const beside = found.notice.filter((box) => box.top === top);
      for (const { left, right } of beside) assert.ok(left >= line.at(-1).right - 1 || right <= line[0].left + 1, JSON.stringify(found));
    }
  });
}
