import { createRequire } from "node:module";
import process from "node:process";

import { expect, test } from "vitest";

import * as tokenlatch from "tokenlatch";
import * as inline from "tokenlatch/inline";
import { tokenlatch as express } from "tokenlatch/middleware/express";
import { memoryStore } from "tokenlatch/stores/memory";

// By Node itself, which the runner's own way with modules has no part in.
const { check } = createRequire(`${process.cwd()}/`)("./check.cjs");

test("the package works", () => check(expect, tokenlatch, { memoryStore, tokenlatch: express }));

test("so does the entry point that carries the module", () => {
  expect(inline.createToken({ user: "alice", name: "backup", access: "full" }).token).toMatch(/^[A-Z0-9]{32}$/);
});
