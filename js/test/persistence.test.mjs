// What a follower saves, in stores that hang.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Persistence } from "../dist/snapshot/persistence.js";

const settled = () => new Promise(setImmediate);

function message(version) {
  return { kind: "snapshot", base: null, bytes: new Uint8Array([version]), table: { epoch: 1, version, made: version } };
}

test("a store that hangs delays the next follower's write by ten seconds at most", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const saved = new Map();
  let puts = 0;
  const store = {
    get: async (key) => saved.get(key),
    put: (key, bytes) => ((puts += 1) === 1 ? new Promise(() => {}) : void saved.set(key, bytes)),
  };
  const [first, second] = [new Persistence(store), new Persistence(store)];
  void first.save(message(1));
  await settled();
  assert.equal(puts, 1);
  let isSaved = false;
  const saving = second.save(message(2)).then(() => (isSaved = true));
  t.mock.timers.tick(9_999);
  await settled();
  assert.deepEqual([isSaved, puts], [false, 1]);
  t.mock.timers.tick(1);
  await saving;
  assert.deepEqual(saved.get("snapshot"), new Uint8Array([2]));
  // No write is pending, so the third doesn't wait.
  await first.save(message(3));
  assert.deepEqual(saved.get("snapshot"), new Uint8Array([3]));
});
