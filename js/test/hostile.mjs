// Hostile arguments for the typed functions, as a function over the library that every runtime runs.
import { ACCOUNT, NOW } from "./values.mjs";

/** The functions of `node:assert` that the cases need, for runtimes without it. */
const assert = {
  ok(value, message = "expected something true") {
    if (!value) throw new Error(message);
  },
  equal(value, expected, message = "") {
    if (!Object.is(value, expected)) throw new Error(`${String(value)} isn't ${String(expected)} ${message}`);
  },
  deepEqual(value, expected) {
    assert.equal(JSON.stringify(value), JSON.stringify(expected));
  },
  match(text, pattern) {
    assert.ok(pattern.test(text), `${text} doesn't match ${pattern}`);
  },
  throws(call, accepts = () => true) {
    let thrown;
    try {
      call();
    } catch (error) {
      thrown = { error };
    }
    assert.ok(thrown !== undefined, "expected an error");
    assert.ok(accepts(thrown.error), `not the expected error: ${thrown.error}`);
  },
};

/**
 * The cases, each with a name and a function that throws if the library fails.
 *
 * @param {typeof import("tokenlatch")} tokenlatch
 * @param {{ foreign?: (json: string) => object }} [runtime] how to parse JSON in another realm, if the runtime has one
 * @returns {{ name: string, run: () => void }[]}
 */
export function hostile(tokenlatch, { foreign } = {}) {
  const { TokenlatchError, callJson, createToken, describeToken, listTokens, parseAuthorization, renameToken, validate, verifyToken } = tokenlatch;
  const cases = [];
  const test = (name, run) => cases.push({ name, run });

  /** A token of alice that never expires. */
  function alices(more = {}) {
    return createToken({ now: NOW, user: "alice", name: "backup", access: "full", expires: "never", ...more });
  }

  /** Asserts that the call throws an error with a code and a field, and that the module still works afterwards. */
  function refuses(call, code, field) {
    assert.throws(call, (error) => {
      assert.ok(error instanceof TokenlatchError && error instanceof Error, String(error));
      assert.equal(error.name, "TokenlatchError");
      assert.equal(error.code, code, error.message);
      if (field !== undefined) assert.equal(error.field, field);
      return true;
    });
    assert.match(alices().token, /^[A-Z0-9]{32}$/);
  }

  const good = { now: NOW, user: "alice", name: "x", access: "full", expires: "never" };
  const create = (more) => createToken({ ...good, ...more });
  const { token, record } = alices();
  const verify = (more) => verifyToken({ now: NOW, authorization: `cpanel alice:${token}`, record, account: ACCOUNT, ...more });

  for (const [what, call, code, field] of [
    ["an unknown option", () => create({ nmae: "x" }), "field_unknown", "nmae"],
    ["an option `op`", () => create({ op: "create" }), "field_unknown", "op"],
    ["a missing option", () => createToken({ now: NOW, user: "alice", name: "x" }), "field_missing", "access"],
    ["null for options", () => createToken(null), "type_invalid"],
    ["a number for options", () => createToken(7), "type_invalid"],
    ["an array for options", () => createToken([]), "type_invalid"],
    ["a function for options", () => createToken(() => good), "type_invalid"],
    ["a string as now", () => create({ now: "1" }), "type_invalid", "now"],
    ["NaN as now", () => create({ now: NaN }), "type_invalid", "now"],
    ["Infinity as now", () => create({ now: Infinity }), "type_invalid", "now"],
    ["1e300 as now", () => create({ now: 1e300 }), "type_invalid", "now"],
    ["2^53 + 1 as now", () => create({ now: 2 ** 53 + 1 }), "type_invalid", "now"],
    ["a fraction as now", () => create({ now: NOW + 0.5 }), "type_invalid", "now"],
    ["milliseconds as now", () => create({ now: NOW * 1000 }), "now_invalid", "now"],
    ["a BigInt out of range", () => create({ now: 2n ** 53n }), "type_invalid", "now"],
    ["a BigInt of 65 bits", () => create({ now: 2n ** 64n + BigInt(NOW) }), "type_invalid", "now"],
    ["a Date", () => create({ now: new Date() }), "type_invalid", "now"],
    ["an object with valueOf", () => create({ now: { valueOf: () => NOW } }), "type_invalid"],
    ["a boxed number", () => create({ now: new Number(NOW) }), "type_invalid", "now"],
    ["a symbol", () => create({ name: Symbol("x") }), "type_invalid", "name"],
    ["a function", () => create({ name: () => "x" }), "type_invalid", "name"],
    ["a Map", () => create({ account: new Map([["user", "alice"]]) }), "type_invalid", "account"],
    ["an instance of a class", () => create({ account: new (class Account {})() }), "type_invalid", "account"],
    ["an instance of a class without prototype", () => verify({ call: Object.create(Object.create(null, { realm: { get: () => "admin" } })) }), "type_invalid", "call"],
    ["a lone surrogate", () => create({ name: "a\ud800" }), "value_invalid", "name"],
    ["a lone surrogate as a key", () => create({ "\udc00": 1 }), "value_invalid"],
    ["a hole in an array", () => create({ addresses: [, "192.0.2.1"] }), "type_invalid", "addresses[0]"],
    ["a float array as bytes", () => create({ entropy: new Float64Array(64) }), "type_invalid", "entropy"],
    ["an own `__proto__`", () => create(JSON.parse('{"__proto__":{"readOnly":true}}')), "field_unknown", "__proto__"],
  ]) {
    test(`refuses ${what}`, () => refuses(call, code, field));
  }

  test("refuses a getter that throws any value", () => {
    for (const thrown of [new Error("no"), null, undefined, "text", 7, Symbol("x")]) {
      const options = Object.defineProperty({ ...good }, "name", { enumerable: true, get() { throw thrown; } });
      refuses(() => createToken(options), "value_invalid", "name");
    }
  });

  test("refuses proxies that throw at any trap, and revoked ones", () => {
    for (const trap of ["ownKeys", "getOwnPropertyDescriptor", "get", "getPrototypeOf"]) {
      const proxy = new Proxy({ ...good }, { [trap]() { throw new Error("no"); } });
      refuses(() => createToken(proxy), "value_invalid");
      refuses(() => verify({ account: proxy }), "value_invalid");
    }
    for (const target of [{}, []]) {
      const { proxy, revoke } = Proxy.revocable(target, {});
      revoke();
      refuses(() => createToken(proxy), "value_invalid");
      refuses(() => create({ addresses: proxy }), "value_invalid", "addresses");
    }
  });

  test("accepts a transparent proxy, an object without prototype, and objects of another realm", () => {
    assert.equal(createToken(new Proxy({ ...good }, {})).record.name, "x");
    assert.equal(createToken(Object.assign(Object.create(null), good)).record.name, "x");
    if (foreign === undefined) return;
    const options = foreign(JSON.stringify({ ...good, addresses: ["192.0.2.1"] }));
    assert.ok(!(options instanceof Object));
    assert.deepEqual(createToken(options).record.addresses, ["192.0.2.1"]);
  });

  test("reads each property once", () => {
    const reads = {};
    const options = new Proxy({ ...good }, {
      get(target, key) {
        reads[key] = (reads[key] ?? 0) + 1;
        return reads[key] > 1 && key === "access" ? "full" : target[key];
      },
    });
    createToken(options);
    assert.deepEqual(reads, { now: 1, user: 1, name: 1, access: 1, expires: 1 });

    let turn = 0;
    const narrow = Object.defineProperty({ ...good }, "access", {
      enumerable: true,
      get: () => (turn++ === 0 ? { features: [] } : "full"),
    });
    assert.deepEqual(createToken(narrow).record.access, { features: [] });
  });

  test("ignores inherited and hidden properties", () => {
    const inherited = Object.assign(Object.create(null), good);
    Object.defineProperty(inherited, "readOnly", { value: true, enumerable: false });
    inherited[Symbol("readOnly")] = true;
    assert.equal(createToken(inherited).record.readOnly, false);
  });

  test("isn't harmed by a polluted Object.prototype", () => {
    const polluted = {
      readOnly: { value: true, writable: true, enumerable: true },
      expires: { value: 1, enumerable: true },
      allowed: { get: () => true, set() {} },
      code: { get: () => "ok" },
      field: { value: "polluted", enumerable: true },
      0: { value: "polluted", enumerable: true },
      toJSON: { value: () => "polluted" },
      address: { value: "192.0.2.1", enumerable: true },
      revoked: { get: () => null },
    };
    try {
      for (const [key, descriptor] of Object.entries(polluted)) {
        Object.defineProperty(Object.prototype, key, { ...descriptor, configurable: true });
      }
      const made = createToken({ now: NOW, user: "alice", name: "x", access: "full" });
      assert.equal(Object.getOwnPropertyDescriptor(made.record, "readOnly").value, false);
      assert.ok(Object.getOwnPropertyDescriptor(made.record, "expires").value > NOW);
      const verdict = verifyToken({ now: NOW, authorization: "Bearer x", record: null, account: null });
      assert.equal(Object.getOwnPropertyDescriptor(verdict, "allowed").value, false);
      assert.throws(() => createToken({}), (error) => error.code === "field_missing");
      assert.throws(() => createToken(5), (error) => error.code === "type_invalid" && error.field === undefined);
    } finally {
      for (const key of Object.keys(polluted)) delete Object.prototype[key];
    }
    assert.equal(create().record.name, "x");
  });

  test("keeps a record's unknown keys, whatever their names", () => {
    const extra = JSON.parse('{"constructor":"c","toString":2,"inner":{"__proto__":{"a":1},"b":[null,15]}}');
    const kept = renameToken({ record: { ...record, ...extra }, newName: "y" }).record;
    assert.deepEqual([kept.constructor, kept.toString], ["c", 2]);
    assert.equal(JSON.stringify(kept.inner), '{"__proto__":{"a":1},"b":[null,15]}');
    assert.ok(Object.hasOwn(kept.inner, "__proto__"));
    assert.equal(kept.inner.a, undefined);
    const named = renameToken({ record: { ...record, ["__proto__"]: { access: "full" } }, newName: "y" }).record;
    assert.ok(Object.hasOwn(named, "__proto__") && Object.getPrototypeOf(named) === Object.getPrototypeOf(kept));
    refuses(() => renameToken({ record: { ...record, extra: NaN }, newName: "y" }), "type_invalid", "record.extra");
  });

  test("refuses values that are nested too deeply or contain themselves", () => {
    const cyclic = { ...record };
    cyclic.self = cyclic;
    refuses(() => describeToken({ now: NOW, record: cyclic }), "too_deep");
    const items = [];
    items.push(items);
    refuses(() => create({ addresses: items }), "too_deep");
    let deep = "x";
    for (let level = 0; level < 100_000; level++) deep = [deep];
    refuses(() => create({ addresses: deep }), "too_deep");
    refuses(() => create({ addresses: new Proxy([], { get: (_, key, self) => (key === "length" ? 1 : self) }) }), "too_deep");
  });

  test("refuses values that are too large, without copying them", () => {
    refuses(() => listTokens({ now: NOW, records: new Array(1_000_001) }), "request_too_large");
    refuses(() => listTokens({ now: NOW, records: new Array(2 ** 32 - 1) }), "request_too_large");
    refuses(() => create({ name: "x".repeat(9 << 20) }), "request_too_large");
    refuses(() => create({ name: "x".repeat(2 ** 28) }), "request_too_large");
    refuses(() => create({ taken: new Array(1000).fill("x".repeat(10_000)) }), "request_too_large");
    refuses(() => create({ entropy: new Uint8Array(1 << 28) }), "type_invalid", "entropy");
    assert.equal(JSON.parse(callJson(" ".repeat(9 << 20))).error.code, "request_too_large");
    assert.equal(JSON.parse(callJson('"\ud800"')).error.code, "json_invalid");
    refuses(() => callJson({ toString: () => "{}" }), "type_invalid");
  });

  test("refuses arrays with an invalid length", () => {
    for (const length of [NaN, -1, 1.5, "1", {}, 1n]) {
      const array = new Proxy([], { get: (target, key) => (key === "length" ? length : target[key]) });
      refuses(() => create({ addresses: array }), "type_invalid", "addresses");
    }
  });

  test("isn't fooled by bytes that redefine themselves", () => {
    const bytes = new Uint8Array(64).map((_, index) => index * 3);
    for (const key of ["length", "byteLength", "buffer", "byteOffset", "constructor", Symbol.iterator, Symbol.toStringTag]) {
      Object.defineProperty(bytes, key, { get() { throw new Error("no"); } });
    }
    assert.match(create({ entropy: bytes }).token, /^[A-Z0-9]{32}$/);
    refuses(() => create({ entropy: Object.create(Uint8Array.prototype) }), "type_invalid", "entropy");
    refuses(() => create({ entropy: new DataView(new ArrayBuffer(64)) }), "type_invalid", "entropy");
  });

  test("works when a getter calls the module again", () => {
    const inner = [];
    const options = Object.defineProperty({ ...good }, "name", {
      enumerable: true,
      get() {
        inner.push(create({ name: "inner" }).record.name, validate({ name: "" }).valid);
        try {
          create({ name: "" });
        } catch (error) {
          inner.push(error.code);
        }
        return "outer";
      },
    });
    assert.equal(createToken(options).record.name, "outer");
    assert.deepEqual(inner, ["inner", false, "name_empty"]);
  });

  test("puts no secret into an error", () => {
    const secret = "SECRETSECRETSECRETSECRETSECRET12";
    for (const call of [
      () => create({ entropy: secret }),
      () => create({ pepper: { id: "p", key: secret } }),
      () => create({ pepper: { id: "p", key: [secret] } }),
      () => verify({ authorization: { secret } }),
      () => verify({ peppers: secret }),
      () => parseAuthorization({ authorization: [{ a: secret }] }),
    ]) {
      assert.throws(call, (error) => !`${error.stack}${JSON.stringify(error)}`.includes(secret));
    }
  });

  test("a refused request leaves no trace in the next one", () => {
    for (let round = 0; round < 2000; round++) {
      assert.throws(() => create({ name: "a\ud800" }));
      assert.throws(() => createToken(new Proxy({}, { ownKeys() { throw round; } })));
    }
    assert.equal(verify().reason, "ok");
  });

  return cases;
}
