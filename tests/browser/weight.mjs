// How much a browser must fetch to show the table.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";

import { DESKTOP, scene } from "./stage.mjs";
import { logIn, rows } from "./steps.mjs";

const LIMIT = 60 * 1024;

for (const size of [20, 100]) {
  scene(`the weight of a table of ${size}`, DESKTOP, async ({ page, context }) => {
    await logIn(page, "many");
    const path = page.url().replace(/\/tokens.*/, `/tokens?size=${size}`);
    await page.close();
    // A tab without anything in its memory.
    const cold = await context.newPage();
    await (await context.newCDPSession(cold)).send("Network.setCacheDisabled", { cacheDisabled: true });
    const replies = [];
    cold.on("response", (response) => replies.push(response));
    await cold.goto(path, { waitUntil: "networkidle" });
    assert.equal((await rows(cold)).length, size);
    const parts = await Promise.all(replies.map(async (reply) => [new URL(reply.url()).pathname.replace(/^\/cpsess\d+/, ""), gzipSync(await reply.body()).length]));
    const sum = parts.reduce((all, [, bytes]) => all + bytes, 0);
    console.log(`a table of ${size} weighs ${sum} bytes gzipped: ${parts.map(([name, bytes]) => `${name} ${bytes}`).join(", ")}`);
    assert.ok(sum <= LIMIT);
  });
}
