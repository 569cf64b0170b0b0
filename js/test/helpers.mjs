import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

import { TokenlatchError, createToken } from "tokenlatch";

import { encode } from "./encoder.mjs";
import { ACCOUNT, NOW } from "./values.mjs";

export * from "./values.mjs";

/** A token of alice that never expires. */
export function alices(more = {}) {
  return createToken({ now: NOW, user: "alice", name: "backup", access: "full", expires: "never", ...more });
}

/** A signed snapshot of alice's tokens, or the delta from `base`. */
export function publish(key, { base, revoked = [], records = [], ...heading }) {
  const accounts = records.length === 0 ? [] : [ACCOUNT];
  const kind = base === undefined ? "snapshot" : "delta";
  return new Uint8Array(encode({ kind, key, base, epoch: 1, maxAge: 60, names: false, records, accounts, revoked, ...heading }));
}

/** Asserts that the call throws an error with a code and a field, and that the module still works afterwards. */
export function refuses(call, code, field) {
  assert.throws(call, (error) => {
    assert.ok(error instanceof TokenlatchError, String(error));
    assert.ok(error instanceof Error);
    assert.equal(error.name, "TokenlatchError");
    assert.equal(error.code, code, error.message);
    if (field !== undefined) assert.equal(error.field, field);
    return true;
  });
  assert.match(alices().token, /^[A-Z0-9]{32}$/);
}

/** Runs a script in a new process, after `setup` and the import of the package. Returns the JSON that it prints. */
export function inFreshProcess(setup, script, options = {}) {
  const source = `${setup}\nconst tokenlatch = await import("tokenlatch");\n${script}`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...(options.flags ?? []), "--input-type=module", "--eval", source],
    { cwd: new URL("..", import.meta.url), encoding: "utf8", env: { ...process.env, ...options.env } },
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}
