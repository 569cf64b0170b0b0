// `tokenlatch/module`: nothing works before the module is started, and only the right module starts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

import { TokenTable, TokenlatchError, createToken, info, start } from "tokenlatch/module";

const bytes = readFileSync(new URL("../dist/module/tokenlatch.wasm", import.meta.url));
const coded = (code, field) => (error) => error instanceof TokenlatchError && error.code === code && error.field === field;

test("refuses every call before the module is started, without breaking it", () => {
  for (const call of [() => createToken({ user: "alice", name: "x", access: "full" }), () => info(), () => new TokenTable()]) {
    assert.throws(call, (error) => coded("module_broken")(error) && /start/.test(error.message));
  }
});

test("refuses what isn't a compiled module", () => {
  for (const wrong of [undefined, null, {}, bytes, "x", 7, Object.create(WebAssembly.Module.prototype), Promise.resolve()]) {
    assert.throws(() => start(wrong), coded("type_invalid", "compiled"));
  }
});

test("refuses another module", () => {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  assert.throws(() => start(new WebAssembly.Module(Uint8Array.from(header))), coded("module_broken", "compiled"));
});

test("starts with a module of another realm, once", () => {
  const foreign = vm.runInNewContext("new WebAssembly.Module(bytes)", { bytes });
  assert.ok(!(foreign instanceof WebAssembly.Module));
  start(foreign);
  assert.match(createToken({ user: "alice", name: "x", access: "full" }).token, /^[A-Z0-9]{32}$/);
  start(new WebAssembly.Module(bytes));
  start({});
  assert.equal(info().abi, 1);
});
