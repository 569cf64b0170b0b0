const tokenlatch = require("tokenlatch");
const inline = require("tokenlatch/inline");
const bare = require("tokenlatch/module");
const { memoryStore } = require("tokenlatch/stores/memory");
const { db0Store, schema } = require("tokenlatch/stores/db0");
const { unstorageStore } = require("tokenlatch/stores/unstorage");
const express = require("tokenlatch/middleware/express");
const fetching = require("tokenlatch/middleware/fetch");

const { check } = require("./check.cjs");

test("the package works by require", () => check(expect, tokenlatch, { memoryStore, tokenlatch: express.tokenlatch }));

test("so does every entry point", () => {
  expect(inline.createToken({ user: "alice", name: "backup", access: "full" }).token).toMatch(/^[A-Z0-9]{32}$/);
  for (const made of [bare.start, db0Store, schema, unstorageStore, fetching.guard]) expect(typeof made).toBe("function");
});
