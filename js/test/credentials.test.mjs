// Where a token may stand: in a table, a snapshot, a follower, a Latch and the middleware.
import assert from "node:assert/strict";
import { createServer, request as ask } from "node:http";
import { describe, test } from "node:test";

import express from "express";
import { Hono } from "hono";
import { Latch, Snapshot, SnapshotFollower, TokenTable, credentials, parseAuthorization, reply, verifyToken } from "tokenlatch";
import { tokenlatch as forExpress } from "tokenlatch/middleware/express";
import { check, guard, withoutAuthorization } from "tokenlatch/middleware/fetch";
import { forwarded } from "tokenlatch/middleware/forward";
import { tokenlatch as forHono } from "tokenlatch/middleware/hono";
import { guard as forNode } from "tokenlatch/middleware/node";
import { memoryStore } from "tokenlatch/stores/memory";

import { keyOf } from "./encoder.mjs";
import { ACCOUNT, NOW, alices, publish, refuses } from "./helpers.mjs";

const CHOSEN = ["bearer", "basic", "scheme:Token", "x-api-key", "header:X-Shop-Key"];
const { token, record } = alices();
const basic = (user, password = token) => `Basic ${btoa(`${user}:${password}`)}`;
const key = keyOf(1);

/** Fields of requests, and the reason of the verdict about them. */
const requests = [
  [[], "header_missing"],
  [[["Authorization", `Bearer ${token}`]], "ok"],
  [[["AUTHORIZATION", `token ${token}`]], "ok"],
  [[["Authorization", basic("")]], "ok"],
  [[["Authorization", basic("alice")]], "ok"],
  [[["Authorization", basic("bob")]], "user_mismatch"],
  [[["Authorization", basic("")], ["Sec-Fetch-Site", "same-origin"]], "ok"],
  [[["Authorization", basic("")], ["Sec-Fetch-Site", "cross-site"]], "cross_site"],
  [[["Authorization", basic("")], ["sec-fetch-site", "none, cross-site"]], "cross_site"],
  [[["x-api-key", token], ["Sec-Fetch-Site", "cross-site"]], "ok"],
  [[["X-API-KEY", token]], "ok"],
  [[["X-Shop-Key", token]], "ok"],
  [[["X-Shop-Key", token], ["X-API-Key", ""]], "ok"],
  [[["X-Shop-Key", token], ["X-API-Key", token]], "header_repeated"],
  [[["X-API-Key", token], ["X-API-Key", token]], "header_repeated"],
  [[["X-API-Key", token], ["Authorization", `Bearer ${token}`]], "header_repeated"],
  [[["X-API-Key", token], ["Authorization", "Digest username=\"a\", realm=\"b\""]], "ok"],
  [[["X-API-Key", token], ["Authorization", `Digest ${"x".repeat(3_000)}`], ["Cookie", "é".repeat(2_000)]], "ok"],
  [[["X-API-Key", token], ["Authorization", "Digest a"], ["Authorization", "Digest b"]], "header_repeated"],
  [[["Authorization", "Digest username=\"a\""]], "scheme_unsupported"],
  [[["Authorization", `cpanel alice:${token}`]], "scheme_unsupported"],
  [[["X-API-Key", `${token}, ${token}`]], "header_malformed"],
  [[["X-API-Key", `Bearer ${token}`]], "header_malformed"],
  [[["X-API-Key", ` ${token}`]], "header_malformed"],
  [[["X-API-Key", `${token}é`]], "header_malformed"],
  [[["X-API-Key", `${token}\ud800`]], "header_malformed"],
  [[["X-API-Key", token.replace("A", "\u0141")], ["X-API-Keý", token]], token.includes("A") ? "header_malformed" : "ok"],
  [[["X-API-Key", "x".repeat(100_000)]], "header_malformed"],
  [[["X-API-Key", token], ["", ""], ["X", "y".repeat(900)]], "ok"],
  [[["X_API_Key", token], ["Api-Key", token]], "header_missing"],
];

test("tells the fields to hand over and the challenge", () => {
  assert.deepEqual(credentials(), { fields: ["authorization"], challenge: 'Bearer realm="tokenlatch"' });
  assert.deepEqual(credentials({ credentials: CHOSEN }).fields, ["authorization", "x-api-key", "x-shop-key", "sec-fetch-site"]);
  assert.equal(credentials({ credentials: ["x-api-key"] }).challenge, 'ApiKey realm="tokenlatch", in="header", name="x-api-key"');
  for (const [chosen, field] of [[[], "credentials"], [["header:cookie"], "credentials[0]"], [["bearer", "bearer"], "credentials[1]"], [["token"], "credentials[0]"]]) {
    const options = { credentials: chosen };
    for (const make of [
      () => credentials(options), () => new TokenTable(options), () => new Snapshot({ publicKeys: [key.publicHex], ...options }),
      () => new Latch({ store: memoryStore(), ...options }), () => new SnapshotFollower({ url: "http://localhost", publicKeys: [key.publicHex], ...options }),
      () => reply({ shape: "denied", httpStatus: 401, ...options }),
    ]) refuses(make, "credentials_invalid", field);
  }
  refuses(() => new Latch({ store: memoryStore(), credentials: null }), "type_invalid", "credentials");
});

test("a table and a snapshot give the verdicts of verifyToken by the fields", () => {
  for (const chosen of [undefined, CHOSEN, ["x-api-key"], ["basic"]]) {
    const table = new TokenTable({ records: [record], accounts: [ACCOUNT], credentials: chosen });
    const options = { publicKeys: [key.publicHex], credentials: chosen, now: NOW };
    const snapshot = Snapshot.load(publish(key, { version: 1, made: NOW, names: true, records: [record] }), options);
    for (const judge of [table, snapshot]) {
      const call = judge.prepare({ feature: "backup", writes: false });
      for (const [fields, reason] of requests) {
        for (const address of [undefined, null, "", "192.0.2.7", "nonsense", "é", "1".repeat(500)]) {
          const authorization = { credentials: chosen, fields };
          // JSON can't hold half a surrogate pair.
          if (JSON.stringify(fields).includes("\\ud800")) continue;
          const expected = verifyToken({ now: NOW, authorization, record, account: ACCOUNT, call: { feature: "backup", writes: false, address: address || undefined } });
          const verdict = judge.verifyFields(fields, { call, address, now: NOW });
          assert.deepEqual(verdict.reason === "token_unknown" ? expected.reason : verdict, verdict.reason === "token_unknown" ? "token_unknown" : expected);
        }
        if (chosen === CHOSEN) assert.equal(judge.verifyFields(fields, { call, now: NOW }).reason, reason, JSON.stringify(fields).slice(0, 100));
      }
    }
    if (chosen === CHOSEN) assert.equal(table.verifyFields([]).refusal.headers["WWW-Authenticate"], credentials({ credentials: CHOSEN }).challenge);
    assert.equal(table.verify(null, { now: NOW }).reason, "header_missing");
  }
});

test("the address of a request with fields counts", () => {
  const bound = alices({ addresses: ["192.0.2.0/24"] });
  const table = new TokenTable({ records: [bound.record], accounts: [ACCOUNT], credentials: ["x-api-key"] });
  const reason = (address) => table.verifyFields([["X-API-Key", bound.token]], { address, now: NOW }).reason;
  assert.deepEqual([reason(), reason("192.0.2.7"), reason("203.0.113.1"), reason("192.0.2.7é")], ["address_unknown", "ok", "address_refused", "address_unknown"]);
});

test("refuses arguments that aren't fields", () => {
  const table = new TokenTable({ records: [record], accounts: [ACCOUNT], credentials: CHOSEN });
  for (const fields of [undefined, null, "x", {}, new Map([["a", "b"]]), new Headers()]) refuses(() => table.verifyFields(fields), "type_invalid", "fields");
  for (const field of [undefined, null, "ab", [], ["a"], ["a", null], [1, "a"], ["a", "b", "c"], { 0: "a", 1: "b", length: 2 }]) {
    refuses(() => table.verifyFields([["a", "b"], field]), "type_invalid", "fields[1]");
  }
  refuses(() => table.verifyFields([], { address: 1 }), "type_invalid", "address");
  refuses(() => table.verifyFields([], { call: 7 }), "call_unknown", "call");
  refuses(() => table.verifyFields([], null), "type_invalid", "options");
  refuses(() => table.verifyFields([["a", "x".repeat(9 << 20)]]), "request_too_large", "fields");
  table.free();
  refuses(() => table.verifyFields([]), "table_unknown");
});

test("fields that call the module while they are read don't mix with another request", () => {
  const table = new TokenTable({ records: [record], accounts: [ACCOUNT], credentials: ["x-api-key"] });
  const good = [["X-API-Key", token]];
  const field = ["X-API-Key", "x"];
  Object.defineProperty(field, "1", { get: () => (table.verifyFields(good, { now: NOW }), "y".repeat(32)) });
  assert.equal(table.verifyFields([field], { now: NOW }).reason, "header_malformed");
  assert.equal(table.verifyFields(good, { now: NOW }).reason, "ok");
});

test("identifies by fields", () => {
  const { scheme, user, reason, hashes } = parseAuthorization({ authorization: { credentials: CHOSEN, fields: [["Authorization", basic("alice")]] } });
  assert.deepEqual([scheme, user, reason, hashes], ["basic", "alice", "ok", [record.hash]]);
  assert.equal(parseAuthorization({ authorization: { credentials: CHOSEN, fields: [["x-api-key", token]] } }).scheme, "header");
});

/** A request of Node's `http`, as far as the header is read from it. */
const nodes = (fields) => ({ rawHeaders: fields.flat(), headers: {} });
/** The same of an adapter that leaves the raw headers empty. */
const adapters = (fields) => ({
  rawHeaders: [],
  headers: Object.fromEntries([...new Set(fields.map(([name]) => name))].map((name) => [name, fields.filter(([other]) => other === name).map(([, value]) => value)])),
});

/** The fields that a standard Request can hold and keeps apart. */
const isStandard = (fields) => new Set(fields.map(([name]) => name)).size === fields.length && fields.every(([name, value]) => /^[\w-]+$/.test(name) && /^([!-~]([ -~]*[!-~])?)?$/.test(value));

describe("a Latch and a follower", () => {
  async function prepared(more = {}) {
    const store = memoryStore({ accounts: [ACCOUNT] });
    await store.insert(record, {});
    const reports = [];
    const answer = async (url, { body }) => {
      if (url.endsWith("/usage")) return reports.push(...JSON.parse(body).tokens), new Response(null, { status: 204 });
      return new Response(publish(key, { version: 1, made: NOW, names: false, records: [record] }), { headers: { "Content-Type": "application/vnd.tokenlatch.snapshot" } });
    };
    const now = () => NOW;
    const follower = new SnapshotFollower({ url: "http://localhost", publicKeys: [key.publicHex], fetch: answer, usage: { interval: 86_400_000 }, now, credentials: CHOSEN, ...more });
    await follower.poll();
    return { latch: new Latch({ store, now, credentials: CHOSEN, ...more }), follower, reports };
  }

  test("hand over the fields of every kind of request", async () => {
    const { latch, follower } = await prepared();
    for (const [fields, reason] of requests) {
      if (JSON.stringify(fields).includes("\\ud800")) continue;
      const forms = [nodes(fields), adapters(fields), ...(isStandard(fields) ? [new Request("http://h/", { headers: fields })] : [])];
      for (const form of forms) {
        for (const verifier of [latch, follower]) {
          const { reason: told } = await verifier.verify(form, { feature: "backup" });
          assert.equal(told, reason, JSON.stringify(fields).slice(0, 100));
        }
      }
    }
  });

  test("refuse what a standard request has joined", async () => {
    const { latch, follower } = await prepared();
    for (const verifier of [latch, follower]) {
      for (const fields of [[["X-API-Key", token], ["X-API-Key", token]], [["Authorization", `Bearer ${token}`], ["Authorization", `Bearer ${token}`]]]) {
        assert.equal((await verifier.verify(new Request("http://h/", { headers: fields }))).reason, "header_malformed");
      }
      assert.equal((await verifier.verify(new Request("http://h/", { headers: [["Authorization", "Digest a"], ["Authorization", `Bearer ${token}`]] }))).reason, "scheme_unsupported");
    }
  });

  test("take a header alone as `Authorization`", async () => {
    const { latch, follower } = await prepared();
    for (const verifier of [latch, follower]) {
      for (const [header, reason] of [[`Bearer ${token}`, "ok"], [basic(""), "ok"], [[`Bearer ${token}`, `Bearer ${token}`], "header_repeated"], [null, "header_missing"], [[], "header_missing"], [token, "header_malformed"]]) {
        assert.equal((await verifier.verify(header)).reason, reason);
      }
      await assert.rejects(async () => verifier.verify({ headers: {} }), { code: "option_invalid", field: "request" });
    }
    assert.deepEqual(follower.verifyMany([`Token ${token}`, token]).map(({ reason }) => reason), ["ok", "header_malformed"]);
    assert.equal(follower.ready, true);
  });

  test("a follower without names counts uses by the hash of the credential", async () => {
    const { follower, reports } = await prepared();
    for (let at = 0; at < 3; at++) assert.equal(follower.verify(nodes([["X-Api-Key", token]])).allowed, true);
    assert.equal(follower.verifyMany([basic("")])[0].allowed, true);
    await follower.stop();
    assert.deepEqual(reports.map(({ hash, uses }) => [hash, uses]), [[record.hash, 4]]);
  });

  test("look at `Authorization` only by default", async () => {
    const { latch, follower } = await prepared({ credentials: undefined });
    for (const verifier of [latch, follower]) {
      assert.equal((await verifier.verify(nodes([["X-API-Key", token]]))).reason, "header_missing");
      assert.equal((await verifier.verify(nodes([["X-API-Key", "x"], ["Authorization", `Bearer ${token}`]]))).reason, "ok");
      assert.deepEqual(verifier.credentialFields(nodes([])), ["authorization"]);
    }
  });
});

test("names the fields to remove from a request", () => {
  const latch = new Latch({ store: memoryStore(), credentials: CHOSEN });
  const keys = ["x-api-key", "x-shop-key"];
  for (const [fields, names] of [
    [[], ["authorization", ...keys]],
    [[["Authorization", `Bearer ${token}`]], ["authorization", ...keys]],
    [[["Authorization", "Basic x"]], ["authorization", ...keys]],
    [[["Authorization", "TOKEN "]], ["authorization", ...keys]],
    [[["Authorization", "Digest a"]], keys],
    [[["Authorization", "Digest a"], ["Authorization", `Bearer ${token}`]], ["authorization", ...keys]],
  ]) {
    assert.deepEqual(latch.credentialFields(nodes(fields)), names, JSON.stringify(fields));
  }
  const only = new Latch({ store: memoryStore(), credentials: ["x-api-key"] });
  assert.deepEqual(only.credentialFields(nodes([["Authorization", `Bearer ${token}`]])), ["x-api-key"]);
});

/** Sends a request to a listener and returns the response. */
async function overHttp(listener, fields) {
  const server = createServer(listener);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sent = ask({ port: server.address().port, host: "127.0.0.1", path: "/x", headers: ["Host", "h", ...fields.flat()], agent: false });
  const response = await new Promise((resolve, reject) => sent.once("response", resolve).once("error", reject).end());
  response.resume();
  await new Promise((resolve) => server.close(resolve));
  return { status: response.statusCode, challenge: response.headers["www-authenticate"] };
}

/** Every form in which Node has a header, in one text. */
const seenByNode = ({ headers, headersDistinct, rawHeaders }) => JSON.stringify([headers, headersDistinct, rawHeaders]).toLowerCase();
const seenByFetch = (headers) => JSON.stringify([...headers]).toLowerCase();
const told = (response) => ({ status: response.status, challenge: response.headers.get("WWW-Authenticate") ?? undefined });

/** Each middleware, as a function to the response and the headers that the handler saw. */
const frameworks = {
  async fetch(latch, options, fields) {
    let seen;
    const handler = guard(latch, options, ({ headers }) => ((seen = seenByFetch(headers)), new Response()));
    return { ...told(await handler(new Request("http://h/x", { headers: fields }))), seen };
  },
  async hono(latch, options, fields) {
    let seen;
    const app = new Hono();
    app.get("/x", forHono(latch, options), (c) => ((seen = seenByFetch(c.req.raw.headers)), c.text("done")));
    return { ...told(await app.request("http://h/x", { headers: fields })), seen };
  },
  async express(latch, options, fields) {
    let seen;
    const app = express();
    app.get("/x", forExpress(latch, options), (request, response) => ((seen = seenByNode(request)), response.end()));
    return { ...(await overHttp(app, fields)), seen };
  },
  async node(latch, options, fields) {
    let seen;
    const listener = forNode(latch, options, (request, response) => ((seen = seenByNode(request)), response.end()));
    return { ...(await overHttp(listener, fields)), seen };
  },
};

for (const [name, run] of Object.entries(frameworks)) {
  describe(name, () => {
    const make = async (more = {}) => {
      const store = memoryStore({ accounts: [ACCOUNT] });
      await store.insert(record, {});
      return new Latch({ store, credentials: CHOSEN, now: () => NOW, ...more });
    };
    const secret = token.toLowerCase();

    test("passes admitted requests on without the credential, and other headers untouched", async () => {
      const latch = await make();
      const others = [["X-Other-Key", "kept"], ["Sec-Fetch-Site", "same-origin"]];
      for (const field of [["X-API-Key", token], ["x-shop-KEY", token], ["Authorization", `Token ${token}`]]) {
        const { status, seen } = await run(latch, {}, [field, ...others]);
        assert.equal(status, 200);
        assert.ok(!seen.includes(secret) && !seen.includes(field[0].toLowerCase()), seen);
        assert.ok(seen.includes("x-other-key") && seen.includes("same-origin"), seen);
        assert.ok((await run(latch, { keepAuthorization: true }, [field])).seen.includes(secret));
      }
      const { seen } = await run(latch, {}, [["X-API-Key", token], ["Authorization", "Digest other"]]);
      assert.ok(seen.includes("digest other") && !seen.includes("x-api-key"), seen);
    });

    test("leaves other headers alone by default", async () => {
      const { status, seen } = await run(await make({ credentials: undefined }), {}, [["Authorization", `Bearer ${token}`], ["X-API-Key", "of another system"]]);
      assert.equal(status, 200);
      assert.ok(seen.includes("of another system") && !seen.includes("authorization"), seen);
    });

    test("removes the credential from requests of public routes", async () => {
      const routes = [{ method: "GET", path: "/x", feature: null, writes: false, public: true }];
      const latch = await make({ catalogue: { routes } });
      const { status, seen } = await run(latch, { call: "route" }, [["X-API-Key", token], ["Authorization", `Bearer ${token}`], ["X-Other-Key", "kept"]]);
      assert.equal(status, 200);
      assert.ok(!seen.includes(secret) && seen.includes("kept"), seen);
    });

    test("refusals name what is accepted", async () => {
      const latch = await make();
      const { challenge } = credentials({ credentials: CHOSEN });
      for (const refusals of ["problem", "cpanel"]) {
        for (const [fields, status, expected] of [
          [[], 401, challenge],
          [[["X-API-Key", "x"]], 401, challenge],
          [[["X-API-Key", token], ["Authorization", `Bearer ${token}`]], 401, challenge],
          [[["Authorization", basic("")], ["Sec-Fetch-Site", "cross-site"]], 403, undefined],
        ]) {
          assert.deepEqual(await run(latch, { refusals }, fields), { status, challenge: expected, seen: undefined });
        }
      }
      assert.equal(reply({ shape: "denied", httpStatus: 401, credentials: CHOSEN }).headers["WWW-Authenticate"], challenge);
    });

    test("a verifier of one's own names its fields, or has `Authorization` only", async () => {
      const latch = await make();
      const own = (more) => ({ verify: (request, call) => latch.verify(request, call), tooMany: (seconds) => latch.tooMany(seconds), unavailable: () => latch.unavailable(), ...more });
      const fields = [["X-API-Key", token]];
      assert.ok((await run(own({}), {}, fields)).seen.includes("x-api-key"));
      assert.ok(!(await run(own({ credentialFields: () => ["x-api-key"] }), {}, fields)).seen.includes("x-api-key"));
    });
  });
}

test("forwarded requests have no credential", async () => {
  const latch = new Latch({ store: memoryStore({ accounts: [ACCOUNT] }), credentials: CHOSEN });
  const made = await latch.create({ user: "alice", name: "x", access: "full" });
  const request = () => new Request("http://h/x", { headers: { "X-Api-Key": made.token, "X-Other": "kept" } });
  const { request: admitted } = await check(latch, request());
  assert.deepEqual([...forwarded(admitted, "https://origin.example").headers], [["x-other", "kept"]]);
  const stripped = withoutAuthorization(request(), latch.credentialFields(request()));
  assert.deepEqual([...forwarded(stripped, "https://origin.example").headers], [["x-other", "kept"]]);
  assert.ok(withoutAuthorization(request()).headers.has("x-api-key"));
});

test("a verifier that returns no names of fields admits nothing", async () => {
  const latch = new Latch({ store: memoryStore({ accounts: [ACCOUNT] }) });
  const made = await latch.create({ user: "alice", name: "x", access: "full" });
  const own = { verify: (request, call) => latch.verify(request, call), credentialFields: () => "authorization" };
  await assert.rejects(check(own, new Request("http://h/", { headers: { Authorization: `Bearer ${made.token}` } })), { code: "verdict_invalid" });
});
