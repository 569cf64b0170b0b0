// What a follower keeps, over stores that hang.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Kept } from "../dist/snapshot/persistence.js";

const settled = () => new Promise(setImmediate);

function message(version) {
  return { kind: "snapshot", base: null, bytes: new Uint8Array([version]), table: { epoch: 1, version, made: version } };
}

test("a store that hangs delays the next follower's write by ten seconds at most", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const kept = new Map();
  let puts = 0;
  const store = {
    get: async (key) => kept.get(key),
    put: (key, bytes) => ((puts += 1) === 1 ? new Promise(() => {}) : void kept.set(key, bytes)),
  };
  const [first, second] = [new Kept(store), new Kept(store)];
  void first.keep(message(1));
  await settled();
  assert.equal(puts, 1);
  let isKept = false;
  const keeping = second.keep(message(2)).then(() => (isKept = true));
  t.mock.timers.tick(9_999);
  await settled();
  assert.deepEqual([isKept, puts], [false, 1]);
  t.mock.timers.tick(1);
  await keeping;
  assert.deepEqual(kept.get("snapshot"), new Uint8Array([2]));
  // Nothing is under way any more: the third waits for nobody.
  await first.keep(message(3));
  assert.deepEqual(kept.get("snapshot"), new Uint8Array([3]));
});
