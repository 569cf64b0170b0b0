import * as tokenlatch from "tokenlatch";
import * as inline from "tokenlatch/inline";
import * as bare from "tokenlatch/module";
import { tokenlatch as express } from "tokenlatch/middleware/express";
import * as fetching from "tokenlatch/middleware/fetch";
import { db0Store, schema } from "tokenlatch/stores/db0";
import { memoryStore } from "tokenlatch/stores/memory";
import { unstorageStore } from "tokenlatch/stores/unstorage";

import { check } from "./check.cjs";

test("the package works by import", () => check(expect, tokenlatch, { memoryStore, tokenlatch: express }));

test("so does every entry point", () => {
  expect(inline.createToken({ user: "alice", name: "backup", access: "full" }).token).toMatch(/^[A-Z0-9]{32}$/);
  for (const made of [bare.start, db0Store, schema, unstorageStore, fetching.guard]) expect(typeof made).toBe("function");
});
