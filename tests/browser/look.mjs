// What every state of the page must be to the eye and to a screen reader: axe-core, light and dark, wide and narrow.
import assert from "node:assert/strict";
import { join } from "node:path";

import { DESKTOP, PHONE, axeSource, told } from "./stage.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** The violations that axe-core finds, in words. */
async function violations(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axeSource);
  const found = await page.evaluate(
    // Its rules for WCAG 2.2 are off until they are asked for.
    (tags) => globalThis.axe.run(document, { runOnly: tags, rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] }),
    TAGS,
  );
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary.replaceAll(/\s+/g, " ")}`));
}

/** Takes a picture for people; nothing is checked by it. On a busy machine Chromium sometimes draws no frame for it. */
export async function picture(page, name) {
  for (let tries = 1; tries <= 2; tries++) {
    try {
      await page.screenshot({ path: join(told.pictures, name), fullPage: true, timeout: 10_000 });
      return;
    } catch (error) {
      if (error.name !== "TimeoutError") throw error;
      console.log(`no picture ${name}, try ${tries}: ${error.message}`);
    }
  }
}

/** Looks at the state that a page is in: pictures, axe-core, and no scrolling sideways. */
export async function look(page, state) {
  const wrong = [];
  const before = page.viewportSize();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [width, viewport] of [["wide", DESKTOP.viewport], ["phone", PHONE.viewport]]) {
      await page.setViewportSize(viewport);
      // Widths differ in what is shown, colours in what can be read: each once is enough.
      if (width === "wide" || colorScheme === "light") wrong.push(...(await violations(page)).map((one) => `${colorScheme}, ${width}: ${one}`));
      await picture(page, `${state}-${width}-${colorScheme}.png`);
    }
  }
  await page.setViewportSize({ width: 320, height: 640 });
  const over = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > width + 1);
    return wide.map((one) => `${one.localName}.${one.className} reaches ${Math.round(one.getBoundingClientRect().right)}`).slice(-5);
  });
  if (over.length > 0) wrong.push(`320 px wide it scrolls sideways: ${over.join("; ")}`);
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(before);
  assert.deepEqual(wrong, [], state);
}
