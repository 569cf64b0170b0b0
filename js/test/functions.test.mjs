import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  callJson,
  createToken,
  describeToken,
  functions,
  info,
  listTokens,
  parseAuthorization,
  readParameters,
  renameToken,
  reply,
  revokeTokens,
  updateToken,
  validate,
  verifyToken,
} from "tokenlatch";

import { ACCOUNT, ENTROPY, NOW, alices, inFreshProcess, refuses } from "./helpers.mjs";

test("creates, verifies, lists, renames and revokes a token", () => {
  const { token, record } = alices({ account: ACCOUNT });
  const authorization = `cpanel alice:${token}`;
  assert.ok(!JSON.stringify(record).includes(token));
  assert.ok(parseAuthorization({ authorization }).hashes.includes(record.hash));
  assert.deepEqual(parseAuthorization(authorization), parseAuthorization({ authorization }));
  assert.equal(verifyToken({ now: NOW, authorization, record, account: ACCOUNT }).reason, "ok");

  const renamed = renameToken({ record, newName: "nightly" }).record;
  assert.deepEqual({ ...renamed, name: "backup" }, record);
  assert.equal(describeToken({ now: NOW, record: renamed }).token.name, "nightly");
  assert.equal(listTokens({ now: NOW, records: [renamed] }).total, 1);

  const [revoked] = revokeTokens({ now: NOW, records: [renamed], names: ["nightly"] }).records;
  const verdict = verifyToken({ now: NOW, authorization, record: revoked, account: ACCOUNT });
  assert.deepEqual([verdict.allowed, verdict.status, verdict.reason], [false, 401, "token_revoked"]);
  assert.equal(verdict.refusal.headers["WWW-Authenticate"], 'Bearer realm="tokenlatch"');
  assert.equal(reply({ shape: "uapi", function: "revoke" }).status, 200);
  assert.equal(validate({ name: "a b" }).problems[0].code, "name_character");
  assert.ok(functions().functions.length > 0);
});

test("checks values as the functions that use them do", () => {
  const key = "0123456789abcdef0123456789abcdef";
  const listed = { module: "Shop", function: "orders", apis: ["uapi"], feature: null, writes: false };
  const good = {
    name: "ci",
    taken: ["cd"],
    user: "alice",
    access: { features: ["backup"] },
    account: ACCOUNT,
    policy: { maxLifetime: 86_400, caps: { features: 1 } },
    peppers: [{ id: "p", key: Buffer.from(key, "hex") }],
    catalogue: [listed],
    records: [alices().record],
    zone: "+01:00",
  };
  assert.deepEqual(validate({ now: NOW, ...good }), { valid: true, problems: [], expires: NOW + 86_400, hint: null });
  for (const [values, code, field] of [
    [{ taken: ["ci"] }, "name_taken", "name"],
    [{ account: { user: "alice", features: ["a b"] } }, "feature_invalid", "account.features[0]"],
    [{ account: { ...ACCOUNT, suspended: true } }, "account_suspended", "account"],
    [{ account: { ...ACCOUNT, user: "bob" } }, "account_mismatch", "account.user"],
    [{ access: { features: ["backup", "x"] } }, "features_too_many", "access.features"],
    [{ policy: { caps: { tokens: 0 } } }, "value_invalid", "policy.caps.tokens"],
    [{ policy: { caps: { recordBytes: 513 } } }, "record_too_large", undefined],
    [{ peppers: [{ id: "p", key: "00" }] }, "pepper_invalid", "peppers[0].key"],
    [{ catalogue: [listed, listed] }, "catalogue_invalid", "catalogue"],
    [{ records: [{ ...alices().record, name: "" }] }, "name_empty", "records[0].name"],
    [{ zone: "Mars" }, "zone_invalid", "zone"],
    [{ expires: "never" }, "expiry_required", "expires"],
  ]) {
    const { valid, problems } = validate({ now: NOW, ...good, ...values });
    assert.deepEqual([valid, problems.map((problem) => [problem.code, problem.field])], [false, [[code, field]]]);
  }
  assert.ok(validate({ account: { ...ACCOUNT, suspended: true } }).valid, "alone it need only be well-formed");
  refuses(() => validate({ account: { user: "alice" } }), "field_missing", "account.features");
  refuses(() => validate({ pepper: { id: "p", key } }), "field_unknown", "pepper");
});

test("knows the default expiry of a token without making one", () => {
  const wish = { now: NOW, user: "alice", name: "a", access: "full" };
  for (const policy of [{}, { maxLifetime: 60 }]) {
    assert.equal(validate({ now: NOW, policy }).expires, createToken({ ...wish, policy }).record.expires);
  }
  const made = `tokenlatch.createToken({ now: ${NOW}, user: "alice", name: "a", access: "full" }).record.expires`;
  const script = `console.log(tokenlatch.validate({ now: ${NOW}, policy: {} }).expires - ${made})`;
  assert.equal(inFreshProcess("", script, { env: { TZ: "Asia/Kathmandu" } }), 0, "in the local zone too");
});

test("changes only the given options", () => {
  const { record } = alices();
  assert.deepEqual(updateToken({ record }).record, record);
  const bound = updateToken({ record, addresses: ["192.0.2.0/24"], newName: "nightly" }).record;
  assert.deepEqual(bound, { ...record, addresses: ["192.0.2.0/24"], name: "nightly" });
  refuses(() => updateToken({ now: NOW, record, expires: NOW + 9 }), "expiry_fixed", "expires");
  const theirs = { ...record, realm: "admin" };
  assert.equal(updateToken({ now: NOW, record: theirs, expires: NOW + 9 }).record.expires, NOW + 9);
  refuses(() => updateToken({ record: { ...record, revoked: NOW } }), "record_revoked", "record");
});

test("gives a new token at most the access of its creator", () => {
  const creator = { ...alices({ access: { features: ["backup"] } }).record, addresses: ["192.0.2.0/24"] };
  refuses(() => alices({ creator }), "access_exceeds_creator", "access");
  const { record } = alices({ creator, access: { features: ["backup"] } });
  assert.deepEqual(record.addresses, creator.addresses);
});

test("reads the parameters of a request and describes invalid ones", () => {
  const ask = (text) =>
    readParameters({ shape: "uapi", function: "create_limited", values: [...new URLSearchParams(text)] });
  assert.deepEqual(ask("name=ci&features=a,b&readonly=1&colour=red"), {
    name: "ci",
    access: { features: ["a", "b"] },
    expires: "never",
    readOnly: true,
    unknown: ["colour"],
  });
  refuses(() => ask("name=ci"), "field_missing", "features");
  const body = (options) => JSON.parse(reply({ shape: "uapi", function: "create_limited", ...options }).body);
  assert.deepEqual(body({ error: { code: "field_missing", field: "features" } }).errors, ['The parameter "features" is missing.']);
  const warned = JSON.parse(reply({ shape: "uapi", function: "revoke", unknown: ["colour"] }).body);
  assert.deepEqual(warned.warnings, ['The parameter "colour" is not known and was ignored.']);
  refuses(() => ask([["name", "ci"], ["features", "a"], ["name", "b"]]), "field_duplicate", "name");
});

test("refuses at the second of expiry, and not before", () => {
  const { token, record } = alices({ expires: NOW + 10 });
  const at = (now) => verifyToken({ now, authorization: `Bearer ${token}`, record, account: ACCOUNT }).reason;
  assert.deepEqual([at(NOW + 9), at(NOW + 10), at(NOW + 11)], ["ok", "token_expired", "token_expired"]);
});

test("supplies the clock, the entropy and the local zone when they are left out", () => {
  const before = Math.floor(Date.now() / 1000);
  const first = createToken({ user: "alice", name: "a", access: "full" });
  const second = createToken({ user: "alice", name: "a", access: "full" });
  assert.notEqual(first.token, second.token);
  assert.notEqual(first.record.id, second.record.id);
  assert.ok(first.record.created >= before && first.record.created <= Math.ceil(Date.now() / 1000));
  const { created, expires } = first.record;
  const [made, ends] = [new Date(created * 1000), new Date(expires * 1000)];
  assert.equal(ends.getFullYear(), made.getFullYear() + 1);
  assert.deepEqual([ends.getHours(), ends.getMinutes(), ends.getSeconds()], [23, 59, 59]);
});

// From the time zone database: the end of each date by `date -d '… 23:59:59' +%s` with TZ set.
for (const [zone, date, expires] of [
  ["UTC", "2027-03-28", 1806278399],
  ["Europe/Berlin", "2027-03-28", 1806271199],
  ["Europe/Berlin", "2027-03-27", 1806188399],
  ["America/New_York", "2027-11-07", 1825649999],
  ["Asia/Kathmandu", "2027-06-01", 1811873699],
  ["Australia/Lord_Howe", "2027-04-04", 1806845399],
  ["Pacific/Apia", "2030-12-31", 1924945199],
]) {
  test(`reads the date ${date} in the local zone ${zone}`, () => {
    const script = `console.log(tokenlatch.validate({ now: ${NOW}, expires: "${date}" }).expires)`;
    assert.equal(inFreshProcess("", script, { env: { TZ: zone } }), expires);
  });
}

test("gives the same answers as JSON text does", () => {
  const { token, record } = alices();
  const authorization = [`cpanel alice:${token}`];
  for (const [op, ask, options] of [
    ["create", createToken, { now: NOW, entropy: ENTROPY, user: "a", name: "b", access: { features: ["x"] }, expires: "never" }],
    ["identify", parseAuthorization, { authorization, peppers: [{ id: "p", key: "00".repeat(16) }] }],
    ["verify", verifyToken, { now: NOW, authorization, record, account: ACCOUNT, call: { module: "Tokens", function: "list" } }],
    ["describe", describeToken, { now: NOW, record }],
    ["list", listTokens, { now: NOW, records: [record, { ...record, id: "0".repeat(24), name: "other" }] }],
    ["reply", reply, { shape: "uapi", function: "list", records: [record] }],
    ["validate", validate, { now: NOW, account: { user: "", features: "all" }, policy: { maxLifetime: 0 }, records: [record], zone: "" }],
  ]) {
    assert.equal(JSON.stringify({ ok: ask(options) }), callJson(JSON.stringify({ op, ...options })));
  }
  assert.equal(JSON.stringify({ ok: info() }), callJson('{"op":"info"}'));
  assert.equal(JSON.parse(callJson("{")).error.code, "json_invalid");
});

test("accepts a header, a record or an account that wasn't found", () => {
  const { token, record } = alices();
  const authorization = `cpanel alice:${token}`;
  const ask = (options) => verifyToken({ now: NOW, authorization, record, account: ACCOUNT, ...options }).reason;
  assert.equal(ask({ authorization: undefined }), "header_missing");
  assert.equal(ask({ record: undefined }), "token_unknown");
  assert.equal(ask({ account: undefined }), "account_unknown");
  assert.equal(parseAuthorization({ authorization: undefined }).reason, "header_missing");
  refuses(() => verifyToken({ now: NOW, authorization, record }), "field_missing", "account");
});

test("accepts bytes for entropy and keys", () => {
  const options = { now: NOW, user: "a", name: "b", access: "full", expires: "never" };
  const pepper = { id: "p", key: "0123456789abcdef0123456789abcdef" };
  const text = createToken({ ...options, entropy: ENTROPY, pepper });
  const bytes = createToken({
    ...options,
    entropy: new Uint8Array(Buffer.from(ENTROPY, "hex")),
    pepper: { id: "p", key: Buffer.from(pepper.key, "hex") },
  });
  assert.deepEqual(bytes, text);
});

test("declares every code and reason that the module has", () => {
  const union = (file, name) => {
    const source = readFileSync(new URL(`../src/${file}`, import.meta.url), "utf8");
    const members = source.slice(source.indexOf(`export type ${name} =`)).split(";", 1)[0];
    return [...members.matchAll(/"(\w+)"/g)].map((match) => match[1]).sort();
  };
  assert.deepEqual(union("types/error.ts", "ErrorCode"), [...info().errors].sort());
  assert.deepEqual(union("types/reason.ts", "Reason"), [...info().reasons].sort());
});
