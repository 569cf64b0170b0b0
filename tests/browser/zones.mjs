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
