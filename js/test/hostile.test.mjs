import { test } from "node:test";
import vm from "node:vm";

import * as tokenlatch from "tokenlatch";

import { hostile } from "./hostile.mjs";

const foreign = (json) => vm.runInNewContext("JSON.parse(json)", { json });
for (const { name, run } of hostile(tokenlatch, { foreign })) test(name, run);
