import assert from "node:assert/strict";
import { test } from "node:test";

import { TokenTable, createToken, verifyToken } from "tokenlatch";

import { ACCOUNT, NOW, alices, refuses } from "./helpers.mjs";

const tokens = {
  full: alices(),
  readOnly: alices({ name: "ro", readOnly: true }),
  limited: alices({ name: "li", access: { features: ["backup"] } }),
  here: alices({ name: "ad", addresses: ["192.0.2.0/24"] }),
  brief: alices({ name: "br", expires: NOW + 10 }),
  prefixed: alices({ name: "pr", prefix: "tl" }),
  admin: alices({ name: "wh", realm: "admin" }),
  nobody: alices({ name: "no", user: "bob" }),
};
const records = Object.values(tokens).map(({ record }) => record);

function table(more = {}) {
  return new TokenTable({ records, accounts: [ACCOUNT], ...more });
}

test("gives the same verdicts as verifyToken", () => {
  const one = table();
  const calls = [{}, { module: "Tokens", function: "list" }, { feature: "backup", writes: false }, { api: "api1" }, { realm: "admin" }];
  const numbers = calls.map((call) => one.prepare(call));
  let seen = 0;
  for (const { token, record } of Object.values(tokens)) {
    for (const header of [`cpanel alice:${token}`, `CPANEL bob:${token}`, `whm alice:${token}`, `Bearer ${token}`, `Bearer  ${token}`]) {
      for (const [index, call] of calls.entries()) {
        for (const address of [undefined, "192.0.2.7", "203.0.113.1", "nonsense", "2001:db8::1", "é"]) {
          for (const now of [NOW, NOW + 9, NOW + 10]) {
            const account = record.user === "alice" ? ACCOUNT : null;
            const found = header.includes(token) ? record : null;
            const expected = verifyToken({ now, authorization: header, record: found, account, call: { ...call, address } });
            assert.deepEqual(one.verify(header, { call: numbers[index], address, now }), expected);
            seen++;
          }
        }
      }
    }
  }
  assert.ok(seen > 3000);
});

test("refuses headers of every invalid form as verifyToken does", () => {
  const one = table();
  const { token } = tokens.full;
  for (const header of [
    undefined, null, "", " ", "cpanel", "cpanel ", `cpanel alice ${token}`, `cpanel alice:${token} `, ` cpanel alice:${token}`,
    `cpanel\talice:${token}`, `cpanel alice:${token.toLowerCase()}`, `cpanel alice:${token}A`, `cpanel alice:${token.slice(1)}`,
    `cpanel :${token}`, `cpanel a:b:${token}`, `Basic ${token}`, `cpanel alice:${token}, cpanel alice:${token}`,
    `cpanel alicé:${token}`, `cpanel alice:${token}\u0141`, `cpanel ${"a".repeat(500)}:${token}`, "x".repeat(70_000), `cpanel alice:\0${token}`,
    // UTF-16 units that would be valid letters without their upper byte.
    `Bearer ${[...token].map((character) => String.fromCharCode(character.charCodeAt(0) + 0x100)).join("")}`,
    `Bearer ${[...token].map((character) => String.fromCharCode(character.charCodeAt(0) + 0xff00)).join("")}`,
  ]) {
    const expected = verifyToken({ now: NOW, authorization: header, record: null, account: null });
    assert.equal(expected.allowed, false);
    assert.deepEqual(one.verify(header, { now: NOW }), expected, String(header).slice(0, 60));
  }
});

test("prepared calls run out, and can be forgotten", () => {
  const one = table();
  const header = `Bearer ${tokens.limited.token}`;
  const backup = one.prepare({ feature: "backup", writes: false });
  for (let at = 2; at < 10_000; at++) one.prepare({ feature: `f${at}` });
  refuses(() => one.prepare({ feature: "one-more" }), "value_invalid");
  assert.equal(one.verify(header, { call: backup, now: NOW }).reason, "ok");
  one.forgetCalls();
  refuses(() => one.verify(header, { call: backup, now: NOW }), "call_unknown", "call");
  assert.equal(one.verify(`Bearer ${tokens.full.token}`, { now: NOW }).reason, "ok");
  assert.equal(one.prepare({ feature: "mail", writes: false }), backup);
  assert.equal(one.verify(header, { call: backup, now: NOW }).reason, "feature_not_granted");
  one.free();
  refuses(() => one.forgetCalls(), "table_unknown");
});

test("uses the clock when no time is given", () => {
  const { token, record } = createToken({ user: "alice", name: "x", access: "full" });
  assert.equal(new TokenTable({ records: [record], accounts: [ACCOUNT] }).verify(`Bearer ${token}`).reason, "ok");
});

test("a change is in force at once, and no cached verdict outlives it", () => {
  const one = table();
  const header = `cpanel alice:${tokens.full.token}`;
  const reason = () => one.verify(header, { now: NOW }).reason;
  assert.equal(reason(), "ok");
  assert.equal(one.verify(header, { now: NOW }), one.verify(header, { now: NOW }));
  one.update({ records: [{ ...tokens.full.record, name: "new" }] });
  assert.equal(one.verify(header, { now: NOW }).name, "new");
  one.update({ accounts: [{ ...ACCOUNT, suspended: true }] });
  assert.equal(reason(), "account_suspended");
  one.update({ accounts: [ACCOUNT] });
  one.update({ records: [{ ...tokens.full.record, revoked: NOW }] });
  assert.equal(reason(), "token_revoked");
  one.update({ records: [tokens.full.record] });
  assert.equal(reason(), "token_revoked");
  assert.equal(one.update({ removeIds: [tokens.full.record.id] }), records.length - 1);
  assert.equal(one.size, records.length - 1);
  assert.equal(reason(), "token_unknown");
});

test("after any sequence of updates every verdict equals that of a new table", () => {
  // A fixed seed, so that a failure can be reproduced.
  let state = 0x2545f491;
  const random = (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const owned = Array.from({ length: 24 }, (_, at) => alices({ name: `t${at}`, user: ["alice", "bob", "carol"][at % 3] }));
  const account = (user) => ({ ...ACCOUNT, user, suspended: random(5) === 0 });
  let known = new Map();
  let accounts = new Map(["alice", "bob", "carol"].map((user) => [user, { ...ACCOUNT, user }]));
  const one = new TokenTable({ accounts: [...accounts.values()] });
  const check = () => {
    const fresh = new TokenTable({ records: [...known.values()], accounts: [...accounts.values()] });
    for (const { token } of owned) assert.deepEqual(one.verify(`Bearer ${token}`, { now: NOW }), fresh.verify(`Bearer ${token}`, { now: NOW }));
    assert.equal(one.size, fresh.size);
    fresh.free();
  };
  for (let step = 0; step < 400; step++) {
    const update = { records: [], accounts: [], removeIds: [], removeUsers: [] };
    const before = [new Map(known), new Map(accounts)];
    for (let count = random(3); count > 0; count--) update.removeIds.push(owned[random(owned.length)].record.id);
    if (random(10) === 0) update.removeUsers.push(["alice", "bob", "carol"][random(3)]);
    for (let count = random(3); count > 0; count--) update.accounts.push(account(["alice", "bob", "carol"][random(3)]));
    for (const id of update.removeIds) known.delete(id);
    for (const user of update.removeUsers) {
      accounts.delete(user);
      known = new Map([...known].filter(([, record]) => record.user !== user));
    }
    for (const one of update.accounts) accounts.set(one.user, one);
    for (let count = random(4); count > 0; count--) {
      const { record } = owned[random(owned.length)];
      const changed = { ...record, name: `n${step}-${count}`, revoked: random(12) === 0 ? NOW : null };
      update.records.push(changed);
      known.set(record.id, { ...changed, revoked: known.get(record.id)?.revoked ?? changed.revoked });
    }
    if (step % 10 === 9) {
      // A refused update changes nothing.
      update.records.push({ ...owned[0].record, hash: "sha256:00" });
      refuses(() => one.update(update), "hash_invalid");
      [known, accounts] = before;
    } else {
      one.update(update);
    }
    check();
  }
  assert.ok(known.size > 5);
});

test("an update keeps the cached verdicts of other tokens", () => {
  const one = table();
  const verdicts = () => [tokens.full, tokens.here].map(({ token }) => one.verify(`Bearer ${token}`, { now: NOW, address: "192.0.2.7" }));
  const [full, here] = verdicts();
  one.update({ records: [{ ...tokens.here.record, name: "changed" }], accounts: [ACCOUNT] });
  assert.equal(verdicts()[0], full);
  assert.notEqual(verdicts()[1], here);
});

test("returns frozen verdicts", () => {
  const one = table();
  const verdict = one.verify(`cpanel alice:${tokens.limited.token}`, { now: NOW, call: one.prepare({ feature: "backup" }) });
  assert.equal(verdict.allowed, true);
  for (const part of [verdict, verdict.access, verdict.access.features]) assert.ok(Object.isFrozen(part));
  const refused = one.verify("x y", { now: NOW });
  for (const part of [refused, refused.refusal, refused.refusal.headers]) assert.ok(Object.isFrozen(part));
});

test("refuses wrong options", () => {
  const one = table();
  const header = `cpanel alice:${tokens.full.token}`;
  for (const [options, code, field] of [
    [{ call: 99 }, "call_unknown", "call"],
    [{ call: -1 }, "type_invalid", "call"],
    [{ call: 2 ** 32 }, "type_invalid", "call"],
    [{ call: 0.5 }, "type_invalid", "call"],
    [{ call: NaN }, "type_invalid", "call"],
    [{ call: "0" }, "type_invalid", "call"],
    [{ now: NaN }, "type_invalid", "now"],
    [{ now: NOW + 0.5 }, "type_invalid", "now"],
    [{ now: 2 ** 53 }, "type_invalid", "now"],
    [{ now: { valueOf: () => NOW } }, "type_invalid", "now"],
    [{ now: BigInt(NOW) }, "type_invalid", "now"],
    [{ address: 7 }, "type_invalid", "address"],
    [{ adress: "192.0.2.1" }, "field_unknown", "adress"],
    [null, "type_invalid", "options"],
    ["x", "type_invalid", "options"],
  ]) {
    refuses(() => one.verify(header, options), code, field);
  }
  for (const header of [7, {}, [], Symbol("x"), { length: 1, toString: () => "x" }, new String("Bearer x")]) {
    refuses(() => one.verify(header), "type_invalid", "authorization");
  }
  refuses(() => one.verify("\ud800", { now: NOW }), "value_invalid", "authorization");
  refuses(() => one.prepare({ feature: "x", module: "Tokens", function: "list" }), "call_ambiguous");
  refuses(() => one.update({ records: [{ ...tokens.full.record, id: "0".repeat(24) }] }), "hash_taken", "records[0].hash");
  refuses(() => new TokenTable({ records: {} }), "type_invalid", "records");
  refuses(() => new TokenTable({ tokens: [] }), "field_unknown", "tokens");
  assert.equal(one.verify(header, { now: 0 }).reason, "clock_invalid");
  assert.equal(one.verify(header, { now: -NOW }).reason, "clock_invalid");
});

test("a surrogate half in one of many requests doesn't affect the others", () => {
  const one = table();
  const good = `cpanel alice:${tokens.full.token}`;
  const requests = [
    ["a\ud83d", ""], ["\ude00b", ""], [good, ""], ["\ud83d", "\ude00"], ["x", "\ud83d"], ["\ude00", "192.0.2.7"], [`${good}\ud83d`, ""],
    ["\ude00", ""], [`cpanel alice:${tokens.here.token}`, "192.0.2.7"], [`${"x".repeat(599)}\ud83d\ude00`, ""], [good, "é"],
  ];
  const many = (some) => one.verifyMany(some.map(([header]) => header), { addresses: some.map(([, address]) => address), now: NOW });
  const alone = requests.map((request) => many([request])[0]);
  assert.deepEqual(alone.map(({ reason }) => reason), alone.map((_, at) => ([2, 8, 10].includes(at) ? "ok" : "header_malformed")));
  assert.deepEqual(many(requests), alone);
  assert.deepEqual(one.verifyMany(["a\ud83d", "\ude00b"], { now: NOW }), alone.slice(0, 2));
  // Every pair of neighbours.
  for (const left of requests) for (const right of requests) assert.deepEqual(many([left, right]), [many([left])[0], many([right])[0]]);
  assert.equal(one.verify(good, { now: NOW }).reason, "ok");
});

test("reads no option from a polluted prototype", () => {
  const one = table();
  const header = `cpanel alice:${tokens.here.token}`;
  Object.prototype.address = "192.0.2.1";
  try {
    assert.equal(one.verify(header, { now: NOW }).reason, "address_unknown");
  } finally {
    delete Object.prototype.address;
  }
});

test("a getter may use, change or free the same table", () => {
  const one = table();
  const header = `cpanel alice:${tokens.full.token}`;
  const seen = [];
  const update = {
    get records() {
      seen.push(one.verify(header, { now: NOW }).reason);
      one.update({ removeIds: [tokens.full.record.id] });
      seen.push(one.verify(header, { now: NOW }).reason);
      return [tokens.full.record];
    },
  };
  one.update(update);
  assert.deepEqual(seen, ["ok", "token_unknown"]);
  assert.equal(one.verify(header, { now: NOW }).reason, "ok");
  const nested = {
    get records() {
      one.verify(header, { now: NOW });
      one.update({ records: [{ ...tokens.full.record, name: "inner" }] });
      assert.equal(one.verify(header, { now: NOW }).name, "inner");
      return [{ ...tokens.full.record, name: "outer" }];
    },
  };
  one.update(nested);
  assert.equal(one.verify(header, { now: NOW }).name, "outer");
  refuses(() => one.update({ get records() { one.update({ records: [{ ...tokens.full.record, name: "last" }] }); return 7; } }), "type_invalid", "records");
  assert.equal(one.verify(header, { now: NOW }).name, "last");
  refuses(() => one.update({ get records() { one.free(); return []; } }), "table_unknown");
});

test("a freed table refuses everything", () => {
  const one = table();
  one.free();
  one.free();
  refuses(() => one.verify("Bearer x"), "table_unknown");
  refuses(() => one.update({}), "table_unknown");
  refuses(() => one.prepare({}), "table_unknown");
  assert.equal(table().verify(`Bearer ${tokens.full.token}`, { now: NOW }).reason, "ok");
});

test("keeps working after the module's memory has grown", () => {
  const one = table();
  const header = `cpanel alice:${tokens.full.token}`;
  for (let size = 1; size <= 7; size++) {
    refuses(() => createToken({ taken: ["x".repeat(size << 20)], now: 0 }), "field_missing");
    assert.equal(one.verify(header, { now: NOW, address: "192.0.2.1" }).reason, "ok");
  }
});
