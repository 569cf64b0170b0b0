import assert from "node:assert/strict";
import { test } from "node:test";

import { inFreshProcess } from "./helpers.mjs";

const attempt = `
function attempt(ask) {
  try { return ask(); } catch (error) { return error.code ?? String(error); }
}
const options = { user: "alice", name: "x", access: "full" };
`;

for (const [what, setup] of [
  ["is missing", "delete globalThis.crypto;"],
  ["has no getRandomValues", 'Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });'],
  ["throws", 'Object.defineProperty(globalThis, "crypto", { value: { getRandomValues() { throw new Error("no"); } } });'],
  ["throws when it is asked for", 'Object.defineProperty(globalThis, "crypto", { get() { throw new Error("no"); } });'],
]) {
  test(`creates no token when the source of entropy ${what}`, () => {
    const script = `${attempt}
      const { token, record } = tokenlatch.createToken({ ...options, entropy: "0123456789abcdef".repeat(8) });
      console.log(JSON.stringify([attempt(() => tokenlatch.createToken(options)), attempt(() => tokenlatch.createToken(options)), token.length]));`;
    assert.deepEqual(inFreshProcess(setup, script), ["entropy_unavailable", "entropy_unavailable", 32]);
  });
}

for (const [what, fill] of [
  ["fills nothing", "(bytes) => bytes"],
  ["fills a part", "(bytes) => (bytes.set(Array.from({ length: 56 }, (_, i) => (i * 37) & 255)), bytes)"],
  ["fills with one byte", "(bytes) => bytes.fill(7)"],
]) {
  test(`creates no token when the source of entropy ${what}`, () => {
    const setup = `Object.defineProperty(globalThis, "crypto", { value: { getRandomValues: ${fill} } });`;
    const script = `${attempt} console.log(JSON.stringify(attempt(() => tokenlatch.createToken(options))));`;
    assert.equal(inFreshProcess(setup, script), "entropy_weak");
  });
}

test("a clock at zero admits nothing", () => {
  const script = `${attempt}
    const { token, record } = tokenlatch.createToken({ ...options, now: 1795341384, expires: 1795341385 });
    const account = { user: "alice", features: "all" };
    const table = new tokenlatch.TokenTable({ records: [record], accounts: [account] });
    console.log(JSON.stringify([
      attempt(() => tokenlatch.createToken(options)),
      attempt(() => tokenlatch.verifyToken({ authorization: "Bearer " + token, record, account })),
      table.verify("Bearer " + token).reason,
    ]));`;
  assert.deepEqual(inFreshProcess("Date.now = () => 0;", script), ["now_invalid", "now_invalid", "clock_invalid"]);
});

test("a stack overflow in the module breaks it permanently, tables too", () => {
  const script = `${attempt}
    const { token, record } = tokenlatch.createToken(options);
    const account = { user: "alice", features: "all" };
    const table = new tokenlatch.TokenTable({ records: [record], accounts: [account] });
    const before = table.verify("Bearer " + token).reason;
    // With a nearly full stack, at every depth, until a call overflows in the module.
    let codes = new Set();
    const deep = () => {
      try { deep(); } catch {}
      if (!codes.has("module_broken")) codes.add(attempt(() => tokenlatch.verifyToken({ authorization: "Bearer " + token, record, account }).reason));
    };
    deep();
    console.log(JSON.stringify([
      before,
      [...codes].includes("module_broken"),
      attempt(() => tokenlatch.createToken(options)),
      attempt(() => tokenlatch.info()),
      attempt(() => table.verify("Bearer " + token)),
      attempt(() => table.update({})),
      attempt(() => new tokenlatch.TokenTable()),
    ]));`;
  const broken = "module_broken";
  assert.deepEqual(inFreshProcess("", script), ["ok", true, broken, broken, broken, broken, broken]);
});

test("a module that broke in a getter isn't used by the outer call", () => {
  const setup = "let fail = false; const { grow } = WebAssembly.Memory.prototype;";
  const script = `${attempt}
    const outer = Object.defineProperty({ ...options }, "name", {
      enumerable: true,
      get() {
        const deep = () => { try { deep(); } catch {} attempt(() => tokenlatch.info()); };
        deep();
        return "x";
      },
    });
    console.log(JSON.stringify([attempt(() => tokenlatch.createToken(outer)), attempt(() => tokenlatch.info())]));`;
  assert.deepEqual(inFreshProcess(setup, script), ["module_broken", "module_broken"]);
});
