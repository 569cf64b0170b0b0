// All scenes in one process, so that one browser is started; two at a time.
import process from "node:process";
import { describe, test } from "node:test";

import { scenes } from "./stage.mjs";
import "./life.mjs";
import "./keyboard.mjs";
import "./states.mjs";
import "./again.mjs";
import "./hostile.mjs";
import "./zones.mjs";
import "./weight.mjs";

/** Only scenes with this in their name, while one of them is worked on. */
const part = process.env.TOKENLATCH_SCENE ?? "";

describe("the page in a browser", { concurrency: 2 }, () => {
  for (const [name, act] of scenes) if (name.includes(part)) test(name, { timeout: 150_000 }, act);
});
