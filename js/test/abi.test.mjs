// The plain ABI with a hostile host: invalid pointers, wrong lengths, corrupt text. Every import throws.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { keyOf } from "./encoder.mjs";
import { ACCOUNT, NOW, alices, publish } from "./helpers.mjs";

const compiled = new WebAssembly.Module(readFileSync(new URL("../dist/module/tokenlatch.wasm", import.meta.url)));
const NOT_OWNED = -2n;
const UNKNOWN = -1n;
const MAX = 2 ** 32 - 1;

function host() {
  const imports = {};
  for (const { module, name, kind } of WebAssembly.Module.imports(compiled)) {
    assert.equal(kind, "function");
    (imports[module] ??= {})[name] = () => assert.fail(`the import ${name} was reached`);
  }
  const abi = new WebAssembly.Instance(compiled, imports).exports;
  const bytes = (place, length) => new Uint8Array(abi.memory.buffer, place >>> 0, length);
  const put = (data) => {
    const from = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const place = abi.tokenlatch_alloc(from.length) >>> 0;
    assert.notEqual(place, 0);
    bytes(place, from.length).set(from);
    return [place, from.length];
  };
  const take = (answer) => {
    const place = Number(BigInt.asUintN(32, answer >> 32n));
    const length = Number(BigInt.asUintN(32, answer));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes(place, length));
    abi.tokenlatch_free(place, length);
    return JSON.parse(text);
  };
  const ask = (data, call = abi.tokenlatch_call) => {
    const place = put(data);
    const answer = take(call(...place));
    abi.tokenlatch_free(...place);
    return answer;
  };
  const works = () => assert.equal(ask('{"op":"info"}').ok.abi, abi.tokenlatch_abi_version());
  works();
  return { abi, bytes, put, take, ask, works };
}

test("refuses memory that the host doesn't own", () => {
  const { abi, put, take, works } = host();
  const [place, length] = put('{"op":"info"}');
  const size = abi.memory.buffer.byteLength;
  for (const [ptr, len] of [
    [0, 1], [1, 1], [8, 64], [place - 1, 1], [place - 1, length], [place + length, 1], [place, length + 1], [place + 1, length],
    [size - 1, 1], [size, 1], [size - 1, 2], [MAX, 1], [MAX, MAX], [1, MAX], [place, MAX], [-1, -1], [-8, 8], [2 ** 31, 2 ** 31],
  ]) {
    const where = `${ptr}, ${len}`;
    assert.equal(take(abi.tokenlatch_call(ptr, len)).error.code, "memory_invalid", where);
    assert.equal(take(abi.tokenlatch_table_new(ptr, len)).error.code, "memory_invalid", where);
    assert.equal(take(abi.tokenlatch_table_update(1, ptr, len)).error.code, "memory_invalid", where);
    assert.equal(take(abi.tokenlatch_table_prepare(1, ptr, len)).error.code, "memory_invalid", where);
    assert.equal(abi.tokenlatch_table_verify(1, 0, ptr, len, 0, 0, 0n), NOT_OWNED, where);
    assert.equal(abi.tokenlatch_table_verify(1, 0, place, length, ptr, len, 0n), NOT_OWNED, where);
    works();
  }
  assert.equal(take(abi.tokenlatch_call(MAX, 0)).error.code, "json_invalid");
});

test("accepts a part of the host's memory", () => {
  const { abi, put, take } = host();
  const [place, length] = put('xx{"op":"info"}yy');
  assert.equal(take(abi.tokenlatch_call(place + 2, length - 4)).ok.abi, 1);
});

test("frees live allocations only, and wipes them", () => {
  const { abi, bytes, put, take, works } = host();
  const [place, length] = put("SECRETSECRETSECRETSECRETSECRET12");
  for (const [ptr, len] of [[place, length - 1], [place, length + 1], [place + 1, length - 1], [0, 0], [MAX, MAX], [8, 64], [place, 0]]) {
    abi.tokenlatch_free(ptr, len);
    assert.equal(take(abi.tokenlatch_call(place, length)).error.code, "json_invalid");
  }
  abi.tokenlatch_free(place, length);
  assert.ok(!new TextDecoder("latin1").decode(bytes(place, length)).includes("SECRETSECRET"));
  abi.tokenlatch_free(place, length);
  assert.equal(take(abi.tokenlatch_call(place, length)).error.code, "memory_invalid");
  works();
});

test("refuses to allocate too much, and never aborts", () => {
  const { abi, works } = host();
  for (const length of [0, MAX, -1, 2 ** 31, (64 << 20) + 1]) assert.equal(abi.tokenlatch_alloc(length), 0);
  const held = [];
  for (let place; (place = abi.tokenlatch_alloc(1 << 20)) !== 0; ) held.push(place);
  assert.ok(held.length >= 63 && held.length <= 64, String(held.length));
  assert.equal(abi.tokenlatch_alloc(1 << 20), 0);
  for (const place of held) abi.tokenlatch_free(place, 1 << 20);
  assert.notEqual(abi.tokenlatch_alloc(1 << 20), 0);
  works();
});

test("answers corrupt, large and deep text", () => {
  const { ask, works } = host();
  for (const [data, code] of [
    [Uint8Array.of(0xff, 0xfe), "json_invalid"],
    [Uint8Array.from(Buffer.from('{"op":"\xff"}', "latin1")), "json_invalid"],
    [Uint8Array.from(Buffer.from('"\xed\xa0\x80"', "latin1")), "json_invalid"],
    ['"\\ud800"', "json_invalid"],
    ["", undefined],
    ["\0", "json_invalid"],
    ["[".repeat(100_000), "too_deep"],
    ['{"a":'.repeat(100_000), "too_deep"],
    [" ".repeat(10 << 20), "request_too_large"],
    [`{"op":"${"x".repeat(10 << 20)}"}`, "request_too_large"],
  ]) {
    if (data.length > 0) assert.equal(ask(data).error.code, code, String(data).slice(0, 20));
    works();
  }
});

test("never reuses a handle, and refuses freed ones", () => {
  const { abi, ask, put, take } = host();
  const { token, record } = alices();
  const load = () => ask(JSON.stringify({ records: [record], accounts: [ACCOUNT] }), abi.tokenlatch_table_new);
  assert.deepEqual(load(), { ok: { table: 1, records: 1 } });
  assert.equal(ask('{"records":5}', abi.tokenlatch_table_new).error.code, "type_invalid");
  assert.deepEqual(load(), { ok: { table: 2, records: 1 } });
  abi.tokenlatch_table_free(2);
  abi.tokenlatch_table_free(2);
  abi.tokenlatch_table_free(0);
  abi.tokenlatch_table_free(MAX);
  assert.deepEqual(load(), { ok: { table: 3, records: 1 } });

  const header = put(`cpanel alice:${token}`);
  const verify = (table, call, now = BigInt(NOW)) => abi.tokenlatch_table_verify(table, call, ...header, 0, 0, now);
  assert.equal(verify(1, 0), 1n);
  assert.deepEqual(take(abi.tokenlatch_table_verdict(1, 1n)).ok.reason, "ok");
  for (const table of [0, 2, 4, MAX]) assert.equal(verify(table, 0), UNKNOWN);
  assert.equal(verify(1, 7), UNKNOWN);
  const backup = put('{"feature":"backup"}');
  const { call } = take(abi.tokenlatch_table_prepare(1, ...backup)).ok;
  for (const table of [0, 2, MAX]) abi.tokenlatch_table_forget_calls(table);
  assert.equal(verify(1, call), 1n);
  abi.tokenlatch_table_forget_calls(1);
  assert.equal(verify(1, call), UNKNOWN);
  assert.equal(verify(1, 0), 1n);
  assert.equal(take(abi.tokenlatch_table_prepare(1, ...backup)).ok.call, call);
  for (const table of [0, 2, MAX]) assert.equal(take(abi.tokenlatch_table_set_catalogue(table, ...put("{}"))).error.code, "table_unknown");
  assert.equal(take(abi.tokenlatch_table_set_catalogue(1, ...put('{"catalogue":5}'))).error.code, "type_invalid");
  assert.equal(verify(1, call), 1n);
  const [at, length] = put("GET/x");
  const routed = abi.tokenlatch_table_route(1, 0, at, length, 3);
  assert.equal(verify(1, Number(routed)), 1n);
  for (const [table, realm] of [[0, 0], [2, 0], [MAX, 0], [1, 2], [1, MAX]]) assert.equal(abi.tokenlatch_table_route(table, realm, at, length, 3), UNKNOWN);
  for (const range of [[at, length + 1], [at + 1, length], [0, 1], [MAX, 1]]) assert.equal(abi.tokenlatch_table_route(1, 0, ...range, 3), NOT_OWNED);
  // A method that is longer than the text leaves no target, which is doubtful.
  for (const method of [length, length + 1, MAX]) assert.equal(verify(1, Number(abi.tokenlatch_table_route(1, 0, at, length, method))) >> 32n, 24n);
  assert.equal(abi.tokenlatch_table_route(1, 0, at, length, 3), routed);
  assert.deepEqual(take(abi.tokenlatch_table_set_catalogue(1, ...put("{}"))), { ok: {} });
  assert.equal(verify(1, call), UNKNOWN);
  assert.equal(verify(1, Number(routed)), UNKNOWN);
  for (const now of [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n]) assert.equal(verify(1, 0, now) >> 32n, 20n);
  assert.equal(take(abi.tokenlatch_table_verdict(2, 1n)).error.code, "table_unknown");
  for (const code of [-1n, -2n, 0n, 2n, 200n << 32n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    assert.ok(take(abi.tokenlatch_table_verdict(1, code)).error, String(code));
  }
});

test("verifies many requests with the same codes as one by one", () => {
  const { abi, ask, bytes, put, take } = host();
  const tokens = Array.from({ length: 50 }, (_, at) => alices({ name: `t${at}`, expires: at % 7 === 0 ? NOW + 1 : "never" }));
  const peppers = [{ id: "new", key: "00".repeat(16) }];
  const peppered = Array.from({ length: 10 }, (_, at) => alices({ name: `p${at}`, pepper: peppers[0] }));
  const records = [...tokens, ...peppered].map(({ record }) => record);
  const tables = [
    ask(JSON.stringify({ records, accounts: [ACCOUNT], peppers }), abi.tokenlatch_table_new).ok.table,
    ask(JSON.stringify({ publicKeys: [keyOf(1).publicHex] }), abi.tokenlatch_snapshot_new).ok.table,
  ];
  const message = publish(keyOf(1), { version: 1, made: NOW, records: tokens.map(({ record }) => record) });
  ask(message, (...place) => abi.tokenlatch_snapshot_apply(tables[1], ...place, BigInt(NOW)));

  const known = [...tokens, ...peppered].map(({ token }) => [`cpanel alice:${token}`, ""]);
  const strange = [["", ""], ["Bearer x", ""], [`cpanel bob:${tokens[1].token}`, ""], [known[1][0], "no address"], [known[2][0], "192.0.2.7"],
    [`Bearer ${"A".repeat(32)}`, ""], ["x".repeat(600), ""], [`cpanel alice:${"0".repeat(31)}é`, ""], [`Bearer ${tokens[3].token}`, "::1"]];
  const all = [...known, ...strange].map((pair) => pair.map((text) => Buffer.from(text)));
  const one = (table, [header, address]) => {
    const places = [header, address].map((text) => (text.length === 0 ? [0, 0] : put(text)));
    const code = abi.tokenlatch_table_verify(table, 0, ...places[0], ...places[1], BigInt(NOW + 5));
    for (const place of places) abi.tokenlatch_free(...place);
    return code;
  };
  const many = (table, requests, cut = 0) => {
    const lengths = Buffer.alloc(4 + 4 * requests.length);
    lengths.writeUInt32LE(requests.length);
    requests.flat().forEach((text, at) => lengths.writeUInt16LE(text.length, 4 + 2 * at));
    const whole = Buffer.concat([lengths, ...requests.flat()]);
    const place = put(whole.subarray(0, whole.length - cut));
    const answer = BigInt.asUintN(64, abi.tokenlatch_verify_many(table, 0, ...place, BigInt(NOW + 5)));
    abi.tokenlatch_free(...place);
    const [at, length] = [Number(answer >> 32n), Number(answer & 0xffff_ffffn)];
    const codes = Array.from(new BigInt64Array(bytes(at, length).slice().buffer));
    abi.tokenlatch_free(at, length);
    return codes;
  };
  for (const table of tables) {
    const expected = all.map((request) => one(table, request));
    assert.ok(expected.filter((code) => code > 0n && code < 2n ** 32n).length > 30);
    assert.deepEqual(many(table, all), expected);
    // Every position of a request among the four that are hashed at once, and every number of requests.
    for (let count = 0; count < 10; count++) {
      for (let from = 0; from + count <= all.length; from += 3) {
        assert.deepEqual(many(table, all.slice(from, from + count)), expected.slice(from, from + count));
      }
    }
    const cut = many(table, all.slice(0, 7), 3);
    assert.deepEqual(cut, [...expected.slice(0, 6), NOT_OWNED]);
  }
  assert.deepEqual(many(99, all.slice(0, 5)), Array(5).fill(UNKNOWN));
  for (const range of [[0, 1], [MAX, MAX]]) {
    const answer = BigInt.asUintN(64, abi.tokenlatch_verify_many(tables[0], 0, ...range, 0n));
    assert.equal(new DataView(abi.memory.buffer).getBigInt64(Number(answer >> 32n), true), NOT_OWNED);
  }
  assert.ok(take(abi.tokenlatch_table_verdict(tables[0], 1n)).ok.allowed);
});
