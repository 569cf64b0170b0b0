import assert from "node:assert/strict";
import { test } from "node:test";

import { Snapshot, TokenTable } from "tokenlatch";

import { keyOf } from "./encoder.mjs";
import { ACCOUNT, NOW, alices, publish, refuses } from "./helpers.mjs";

const key = keyOf(1);
const options = { publicKeys: [key.publicHex] };
const tokens = [alices(), alices({ name: "other" }), alices({ name: "brief", expires: NOW + 10 })];
const records = tokens.map(({ record }) => record);
const header = ({ token }) => `cpanel alice:${token}`;
const message = (version = 1, more = {}) => publish(key, { version, made: NOW, records, ...more });
const load = (more = {}) => Snapshot.load(message(), { ...options, now: NOW, ...more });

test("gives the verdicts of a table, without names that weren't published", () => {
  const table = new TokenTable({ records, accounts: [ACCOUNT] });
  for (const names of [false, true]) {
    const snapshot = Snapshot.load(message(1, { names }), { ...options, now: NOW });
    for (const authorization of [...tokens.map(header), `Bearer ${tokens[0].token}`, "cpanel", null, `cpanel bob:${tokens[0].token}`, header(alices({ name: "no" }))]) {
      for (const now of [NOW, NOW + 10]) {
        const expected = table.verify(authorization, { now });
        const given = names ? expected : { ...expected, id: null, name: null };
        assert.deepEqual(snapshot.verify(authorization, { now }), given);
      }
    }
  }
});

test("applies deltas, and returns the state of the table", () => {
  const snapshot = load();
  const { bytes, ...held } = snapshot.state;
  assert.ok(bytes > 0);
  assert.deepEqual(held, { epoch: 1, version: 1, made: NOW, maxAge: 60, tokens: 3 });
  const fresh = alices({ name: "fresh" });
  const delta = publish(key, { version: 2, base: 1, made: NOW + 1, revoked: [records[0]], records: [fresh.record] });
  assert.equal(snapshot.apply(delta, NOW + 1).tokens, 4);
  assert.equal(snapshot.verify(header(tokens[0]), { now: NOW }).reason, "token_revoked");
  assert.equal(snapshot.verify(header(fresh), { now: NOW }).allowed, true);
  refuses(() => snapshot.apply(delta, NOW + 1), "snapshot_rollback");
  assert.equal(snapshot.state.version, 2);
});

test("accepts a message in chunks, and keeps the old table until the last", () => {
  const snapshot = load();
  const next = message(2, { records: records.slice(1) });
  assert.equal(snapshot.begin(next.subarray(0, 192), NOW), next.length - 192);
  for (let at = 192; at < next.length; at += 10) {
    assert.equal(snapshot.push(next.subarray(at, at + 10)), Math.max(0, next.length - at - 10));
    assert.equal(snapshot.verify(header(tokens[0]), { now: NOW }).allowed, true);
  }
  assert.equal(snapshot.commit().version, 2);
  assert.equal(snapshot.verify(header(tokens[0]), { now: NOW }).reason, "token_unknown");
});

test("refuses everything without a table, and when it is too old", () => {
  const empty = new Snapshot(options);
  assert.equal(empty.state, null);
  for (const [snapshot, reason, now] of [[empty, "snapshot_missing", NOW], [load(), "snapshot_stale", NOW + 61], [load(), "clock_backwards", NOW - 301]]) {
    const verdict = snapshot.verify(header(tokens[0]), { now });
    assert.deepEqual([verdict.allowed, verdict.status, verdict.reason], [false, 503, reason]);
    assert.equal(verdict.refusal.status, 503);
    assert.doesNotMatch(verdict.refusal.body, /snapshot|clock/);
  }
});

test("an edge may allow less age than the origin, and never more", () => {
  for (const [maxAge, last] of [[1, NOW + 1], [20, NOW + 20], [61, NOW + 60], [Number.MAX_SAFE_INTEGER, NOW + 60], [undefined, NOW + 60]]) {
    const snapshot = load({ maxAge });
    assert.equal(snapshot.state.maxAge, 60);
    assert.equal(snapshot.verify(header(tokens[0]), { now: last }).reason, "ok");
    const verdict = snapshot.verify(header(tokens[0]), { now: last + 1 });
    assert.deepEqual([verdict.status, verdict.reason, verdict.user], [503, "snapshot_stale", null]);
    assert.equal(snapshot.verifyMany([header(tokens[0])], { now: last + 1 })[0].reason, "snapshot_stale");
  }
  for (const maxAge of [0, -1, Number.MIN_SAFE_INTEGER]) refuses(() => load({ maxAge }), "value_invalid", "maxAge");
  for (const maxAge of ["20", 1.5, null, true]) refuses(() => load({ maxAge }), "type_invalid", "maxAge");
});

test("refuses unsigned messages, and keeps its table", () => {
  const snapshot = load();
  const good = message(2);
  const other = publish(keyOf(2), { version: 2, made: NOW, records });
  refuses(() => snapshot.apply(other, NOW), "snapshot_signature");
  for (const at of [9, 130, 200, good.length - 1]) {
    const bad = Uint8Array.from(good);
    bad[at] ^= 1;
    refuses(() => snapshot.apply(bad, NOW), "snapshot_signature");
  }
  refuses(() => snapshot.apply(good.subarray(0, -1), NOW), "snapshot_malformed");
  refuses(() => snapshot.apply(new Uint8Array(0), NOW), "snapshot_malformed");
  refuses(() => snapshot.apply(publish(key, { version: 3, base: 2, made: NOW }), NOW), "snapshot_gap");
  assert.equal(snapshot.state.version, 1);
  assert.equal(Snapshot.load(other, { publicKeys: [key.publicHex, keyOf(2).publicBytes], now: NOW }).state.version, 2);
});

test("forgets prepared calls, and reuses their numbers", () => {
  const snapshot = load();
  const call = snapshot.prepare({ feature: "backup", writes: false });
  snapshot.forgetCalls();
  refuses(() => snapshot.verify(header(tokens[0]), { call, now: NOW }), "call_unknown", "call");
  assert.equal(snapshot.prepare({ feature: "mail" }), call);
  assert.equal(snapshot.verify(header(tokens[0]), { call, now: NOW }).reason, snapshot.verify(header(tokens[0]), { now: NOW }).reason);
});

test("refuses tables below its floor", () => {
  const floor = { epoch: 1, version: 2, made: NOW };
  refuses(() => load({ floor }), "snapshot_rollback");
  assert.equal(Snapshot.load(message(2), { ...options, floor, now: NOW }).state.version, 2);
});

test("refuses options and arguments of a wrong type", () => {
  refuses(() => new Snapshot({}), "field_missing", "publicKeys");
  refuses(() => new Snapshot({ publicKeys: [] }), "key_invalid", "publicKeys");
  refuses(() => new Snapshot({ publicKeys: ["x"] }), "key_invalid", "publicKeys[0]");
  refuses(() => new Snapshot({ ...options, now: NOW }), "field_unknown", "now");
  refuses(() => Snapshot.load(message(), undefined), "type_invalid", "options");
  const snapshot = load();
  for (const bytes of [undefined, null, "TLSN", [1, 2, 3], {}]) refuses(() => snapshot.apply(bytes), "type_invalid", "bytes");
  for (const now of ["1", NaN, 1.5, null]) refuses(() => snapshot.apply(message(), now), "type_invalid", "now");
  refuses(() => snapshot.apply(message(2), 0), "now_invalid");
  refuses(() => snapshot.verify("", { nwo: 1 }), "field_unknown", "nwo");
  refuses(() => snapshot.verify("", { call: 1, now: NOW }), "call_unknown", "call");
});

test("a freed snapshot refuses every use", () => {
  const snapshot = load();
  snapshot.free();
  snapshot.free();
  for (const use of [() => snapshot.apply(message(2)), () => snapshot.state, () => snapshot.prepare({}), () => snapshot.verify(""), () => snapshot.commit(), () => snapshot.forgetCalls()]) {
    refuses(use, "table_unknown");
  }
});

test("verifies many at once as one by one, from a table and a snapshot", () => {
  const table = new TokenTable({ records, accounts: [ACCOUNT] });
  const headers = [...tokens.map(header), "", null, undefined, "x".repeat(10_000), `cpanel alicé:${tokens[0].token}`, header(alices({ name: "no" }))];
  const addresses = headers.map((_, at) => [undefined, null, "192.0.2.7", "x".repeat(1000), ""][at % 5]);
  for (const judge of [table, load()]) {
    const call = judge.prepare({ feature: "backup", writes: false });
    const one = headers.map((authorization, at) => judge.verify(authorization, { call, now: NOW, address: addresses[at] }));
    assert.deepEqual(judge.verifyMany(headers, { call, now: NOW, addresses }), one);
    assert.deepEqual(judge.verifyMany([], { now: NOW }), []);
    const many = Array.from({ length: 20_000 }, (_, at) => headers[at % headers.length]);
    assert.equal(judge.verifyMany(many, { call, now: NOW }).filter(({ allowed }) => allowed).length, many.filter((_, at) => at % headers.length < 3).length);
    // A surrogate half at the end of one text and one at the start of the next stay separate.
    const halves = judge.verifyMany(["half \ud83d", "\ude00 half", headers[0]], { call, now: NOW });
    assert.deepEqual(halves.map(({ reason }) => reason), ["header_malformed", "header_malformed", one[0].reason]);
    refuses(() => judge.verifyMany("x"), "type_invalid", "headers");
    refuses(() => judge.verifyMany([1]), "type_invalid", "headers[0]");
    refuses(() => judge.verifyMany(headers, { addresses: [] }), "type_invalid", "addresses");
    refuses(() => judge.verifyMany(headers, { address: "" }), "field_unknown", "address");
    refuses(() => judge.verifyMany(headers, { call: 99 }), "call_unknown", "call");
  }
});
