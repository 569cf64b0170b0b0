// A network that flips, truncates, repeats, reorders and forges messages of the origin: a follower never admits more than its newest table
// allows, and never returns to an older one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { SnapshotFollower } from "tokenlatch";

import { encode, keyOf } from "./encoder.mjs";
import { KEY, startOrigin } from "./origin.mjs";

let served;
before(async () => void (served = await startOrigin()));
after(async () => served.stop());

/** Pseudorandom numbers with a fixed seed. */
function chance(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A `fetch` that corrupts every other answer, unless it is set to be honest. */
function spoiling(pick, honest) {
  const heard = [];
  const forger = keyOf(3);
  return async (url, init) => {
    const response = await fetch(url, init);
    if (!response.ok || honest.now) return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    heard.push(bytes);
    const old = () => heard[pick(heard.length)];
    const flipped = (one) => {
      const copy = one.slice();
      copy[pick(copy.length)] ^= 1 << pick(8);
      return copy;
    };
    const { origin } = served;
    const spoilt = [
      () => flipped(bytes),
      () => flipped(old()),
      () => old(),
      () => bytes.slice(0, pick(bytes.length)),
      () => Buffer.concat([bytes, old()]),
      () => Buffer.concat([bytes.subarray(0, 192), old().subarray(192)]),
      () => Buffer.concat([old().subarray(0, 128), bytes.subarray(128)]),
      // Well formed and the newest, but signed by an untrusted key: all revoked tokens are live again.
      () => encode({ kind: "snapshot", key: forger, epoch: origin.epoch, version: origin.version + 50, made: origin.made, maxAge: 60, names: true, records: origin.records.map((record) => ({ ...record, revoked: null })), accounts: origin.accounts }),
      () => new Uint8Array(pick(400)),
    ];
    const answer = pick(2) === 0 ? bytes : spoilt[pick(spoilt.length)]();
    // In chunks of any size.
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < answer.length; ) {
          const length = 1 + pick(answer.length);
          controller.enqueue(new Uint8Array(answer.slice(at, at + length)));
          at += length;
        }
        controller.close();
      },
    });
    return new Response(body);
  };
}

for (const seed of [1, 2, 3]) {
  test(`a hostile network never makes a follower admit too much (${seed})`, async () => {
    const { origin, url } = served;
    origin.reset();
    const pick = chance(seed);
    const honest = { now: false };
    const tokens = [];
    /** The valid tokens by version. */
    const good = new Map();
    const note = () => good.set(origin.version, new Set(tokens.filter(({ revoked }) => !revoked).map(({ token }) => token)));
    note();
    const follower = new SnapshotFollower({ url, publicKeys: [KEY.publicHex], usage: false, fetch: spoiling(pick, honest) });
    let version = 0;
    let taken = 0;
    let refused = 0;
    for (let step = 0; step < 150; step += 1) {
      const live = tokens.filter(({ revoked }) => !revoked);
      if (live.length === 0 || pick(3) > 0) {
        tokens.push({ ...origin.issue(), revoked: false });
      } else {
        const one = live[pick(live.length)];
        origin.revoke(one);
        one.revoked = true;
      }
      note();
      if (pick(10) === 0) origin.forget();
      const { table, error } = await follower.poll();
      if (error !== null) refused += 1;
      if (error !== null) assert.match(error.code, /^(snapshot_(signature|malformed|rollback)|origin_failed)$/);
      if (table === null) {
        assert.equal(follower.verify(`Bearer ${tokens[0].token}`).reason, "snapshot_missing");
        continue;
      }
      assert.ok(table.version >= version && table.version <= origin.version);
      if (table.version > version) taken += 1;
      version = table.version;
      const expected = good.get(version);
      for (const { token } of tokens) assert.equal(follower.verify(`Bearer ${token}`).allowed, expected.has(token));
    }
    assert.ok(taken > 10 && refused > 10, `${taken} taken, ${refused} refused`);
    honest.now = true;
    assert.equal((await follower.poll()).error, null);
    assert.equal(follower.state.table.version, origin.version);
  });
}
