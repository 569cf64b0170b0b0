// Requests judged by the routes of a catalogue: in a table, a snapshot, a follower, a Latch and the middleware.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import { describe, test } from "node:test";

import express from "express";
import { Hono } from "hono";
import { Latch, Snapshot, SnapshotFollower, TokenTable, verifyToken } from "tokenlatch";
import { identityOf, optionalIdentityOf, tokenlatch as forExpress } from "tokenlatch/middleware/express";
import { check, guard } from "tokenlatch/middleware/fetch";
import { forwarded } from "tokenlatch/middleware/forward";
import { tokenlatch as forHono } from "tokenlatch/middleware/hono";
import { guard as forNode } from "tokenlatch/middleware/node";
import { memoryStore } from "tokenlatch/stores/memory";

import { keyOf } from "./encoder.mjs";
import { ACCOUNT, NOW, alices, publish, refuses } from "./helpers.mjs";

const catalogue = {
  default: "deny",
  routes: [
    { method: "GET", path: "/v1/orders/{id}", feature: "backup", writes: false },
    { method: "POST", path: "/v1/orders", feature: "backup", writes: true },
    { method: "*", path: "/v1/mail/{*rest}", feature: "mail", writes: true },
    { method: "GET", path: "/status", feature: null, writes: false, public: true },
  ],
};
const tokens = {
  full: alices(),
  readOnly: alices({ name: "ro", readOnly: true }),
  limited: alices({ name: "li", access: { features: ["backup"] } }),
  admin: alices({ name: "wh", realm: "admin" }),
};
const records = Object.values(tokens).map(({ record }) => record);
const key = keyOf(1);

const table = (more = {}) => new TokenTable({ records, accounts: [ACCOUNT], catalogue, ...more });
const snapshotOf = (more = {}) => Snapshot.load(publish(key, { version: 1, made: NOW, names: true, records }), { publicKeys: [key.publicHex], catalogue, now: NOW, ...more });

/** A query that is longer than the module's buffer. */
const LONG = "a=".padEnd(3_000, "x");
const requests = [
  ["GET", "/v1/orders/7"], ["HEAD", "/v1/orders/7?page=2"], ["POST", "/v1/orders"], ["PUT", "/v1/orders/7"], ["GET", "/v1/orders/"],
  ["GET", "/V1/orders/7"], ["DELETE", "/v1/mail/a/b"], ["GET", "/other"], ["GET", "/status"], ["HEAD", "/status"], ["POST", "/status"],
  ["GET", "/status/"], ["GET", "/STATUS"], ["GET", "/v1/orders/../mail"], ["GET", "/v1//orders/7"], ["GET", "/v1/orders/%37"],
  ["GET", "/v1/orders/é"], ["GÉT", "/status"], ["get", "/status"], ["", ""], ["GET", ""], ["GET", "http://h/status"], ["GET", "status"],
  ["GET", "/status?_method=DELETE"], ["GET", `/status?${LONG}`], ["GET", `/status?${LONG}&_method=DELETE`], ["GET", "/status?q=é"], ["GET", "/status?q=\u{1f600}"],
  // Cut at the size of the buffer, these would have as many bytes as characters.
  ["GET", `/status?${"é".repeat(952 - 3)}`], ["GET", `/status?${"é".repeat(470)}&_method=DELETE`.padEnd(957, "x")],
  ["GET", `/${"x".repeat(2_047)}`], ["GET", `/${"x".repeat(2_048)}`], ["GET", `/${"x".repeat(100_000)}`],
];

test("a route's number gives the verdict of the call", () => {
  for (const judge of [table(), snapshotOf()]) {
    for (const realm of [undefined, "account", "admin"]) {
      for (const [method, path] of requests) {
        const call = judge.route(method, path, realm);
        for (const { token, record } of [...Object.values(tokens), {}]) {
          const authorization = token === undefined ? null : `Bearer ${token}`;
          const expected = verifyToken({ now: NOW, authorization, record, account: ACCOUNT, call: { method, path, realm }, catalogue });
          assert.deepEqual(judge.verify(authorization, { call, now: NOW }), expected, `${method} ${path.slice(0, 60)}`);
        }
      }
    }
  }
});

test("a public route is admitted without a token, a near or doubtful one isn't", () => {
  const one = table();
  const reason = (method, path, authorization = null) => one.verify(authorization, { call: one.route(method, path), now: NOW }).reason;
  assert.equal(reason("GET", "/status"), "public");
  assert.equal(reason("HEAD", `/status?${LONG}`), "public");
  for (const [method, path] of [["GET", "/status/"], ["GET", "/Status"], ["POST", "/status"], ["GET", "/status?_method=PUT"], ["GET", `/status?${LONG}&_method=PUT`], ["GET", `/status?${"é".repeat(5_000)}&_method=PUT`], ["get", "/status"]]) {
    assert.equal(reason(method, path), "header_missing", `${method} ${path.slice(0, 40)}`);
  }
  assert.equal(reason("GET", `/status?${"é".repeat(5_000)}&_method=PUT`, `Bearer ${tokens.full.token}`), "target_doubtful");
  assert.equal(reason("GET", "/other", `Bearer ${tokens.full.token}`), "route_unlisted");
  const verdict = one.verify(`Bearer ${tokens.full.token}`, { call: one.route("GET", "/status"), now: NOW });
  assert.deepEqual([verdict.allowed, verdict.status, verdict.user, verdict.id, verdict.access, verdict.refusal], [true, 200, null, null, null, null]);
  assert.ok(Object.isFrozen(verdict));
  assert.equal(one.verify("x", { call: one.route("GET", "/status"), now: NOW }), verdict);
  assert.deepEqual(one.verifyMany([null, "x", `Bearer ${tokens.full.token}`], { call: one.route("GET", "/status") }), [verdict, verdict, verdict]);
  // Changes of tokens don't touch it, and it doesn't touch the verdicts of tokens.
  one.update({ records: [{ ...tokens.full.record, revoked: NOW }] });
  assert.equal(one.verify("x", { call: one.route("GET", "/status"), now: NOW }), verdict);
  assert.equal(reason("GET", "/v1/orders/7", `Bearer ${tokens.full.token}`), "token_revoked");
  assert.equal(reason("GET", "/v1/orders/7", `Bearer ${tokens.limited.token}`), "ok");
});

test("numbers of routes stay valid, and none are used up by made-up paths", () => {
  for (const one of [table(), snapshotOf()]) {
    const first = one.route("GET", "/v1/orders/7");
    const numbers = new Set();
    for (let at = 0; at < 50_000; at += 1) numbers.add(one.route("GET", `/${at}`)).add(one.route("GET", `/v1/orders/${at}`)).add(one.route(`M${at}`, "/status"));
    assert.equal(numbers.size, 2);
    one.forgetCalls();
    assert.equal(one.route("GET", "/v1/orders/8"), first);
    assert.equal(one.verify(`Bearer ${tokens.limited.token}`, { call: first, now: NOW }).reason, "ok");
    assert.ok(one.prepare({ feature: "backup" }) < first);
  }
});

test("refuses wrong arguments of route, and any on a freed table", () => {
  for (const one of [table(), snapshotOf()]) {
    for (const nothing of [undefined, null, 7, {}, ["GET"], new String("GET")]) {
      refuses(() => one.route(nothing, "/status"), "type_invalid", "method");
      refuses(() => one.route("GET", nothing), "type_invalid", "target");
    }
    for (const half of ["\ud83d", "\ude00\ud83d", `${LONG}\ud83d`]) {
      refuses(() => one.route("GET", `/status?${half}`), "value_invalid", "target");
      refuses(() => one.route(half, "/status"), "value_invalid", "method");
    }
    refuses(() => one.route("\ud83d", "\ude00"), "value_invalid", "method");
    for (const realm of [null, 1, "root", "Admin"]) refuses(() => one.route("GET", "/status", realm), "value_invalid", "realm");
    refuses(() => one.route("GET", "/".padEnd((8 << 20) + 1, "x")), "request_too_large", "target");
    refuses(() => one.verify(null, { call: one.route("GET", "/status") + 10 }), "call_unknown", "call");
    assert.equal(one.verify(null, { call: one.route("GET", "/".padEnd(8_000_000, "x")), now: NOW }).reason, "header_missing");
    one.free();
    refuses(() => one.route("GET", "/status"), "table_unknown");
    refuses(() => one.route("GET", `/status?${LONG}`), "table_unknown");
  }
});

test("an invalid catalogue is refused, at its field", () => {
  for (const [routes, code, field] of [
    [[...catalogue.routes, { method: "GET", path: "/v1/orders/{number}", feature: "mail", writes: false }], "catalogue_invalid", "catalogue.routes"],
    [[{ method: "*", path: "/", feature: null, writes: false, public: true }], "catalogue_invalid", "catalogue.routes[0].public"],
    [[{ method: "GET", path: "/", feature: null }], "field_missing", "catalogue.routes[0].writes"],
    [[{ method: "GET", path: "x", feature: null, writes: true }], "catalogue_invalid", "catalogue.routes[0].path"],
  ]) {
    refuses(() => table({ catalogue: { routes } }), code, field);
    refuses(() => snapshotOf({ catalogue: { routes } }), code, field);
    refuses(() => new Latch({ store: memoryStore(), catalogue: { routes } }), code, field);
    refuses(() => new SnapshotFollower({ url: "http://localhost", publicKeys: [key.publicHex], catalogue: { routes } }), code, field);
  }
});

describe("a follower", () => {
  /** A follower with a table of alice's tokens, and the reports that it has sent. */
  async function following({ names = false } = {}) {
    const reports = [];
    const answer = async (url, { body }) => {
      if (url.endsWith("/usage")) return reports.push(...JSON.parse(body).tokens), new Response(null, { status: 204 });
      return new Response(publish(key, { version: 1, made: NOW, names, records }), { headers: { "Content-Type": "application/vnd.tokenlatch.snapshot" } });
    };
    let now = NOW;
    const follower = new SnapshotFollower({ url: "http://localhost", publicKeys: [key.publicHex], catalogue, fetch: answer, usage: { interval: 86_400_000 }, now: () => now });
    return { follower, reports, set: (time) => void (now = time) };
  }
  const GET = (path) => ({ method: "GET", path });

  test("judges by routes, and admits public ones before the first table and with an old one", async () => {
    const { follower, set } = await following({ names: true });
    const good = `Bearer ${tokens.limited.token}`;
    assert.deepEqual([follower.verify(null, GET("/status")).reason, follower.verify(good, GET("/v1/orders/7")).reason], ["public", "snapshot_missing"]);
    await follower.poll();
    for (const [method, path] of requests) {
      for (const { token, record } of Object.values(tokens)) {
        const call = { method, path };
        const expected = verifyToken({ now: NOW, authorization: `Bearer ${token}`, record, account: ACCOUNT, call, catalogue });
        assert.deepEqual(follower.verify(`Bearer ${token}`, call), { ...expected, fault: null });
        assert.deepEqual(follower.verifyMany([`Bearer ${token}`], { call }), [{ ...expected, fault: null }]);
      }
    }
    assert.equal(follower.verify(`Bearer ${tokens.admin.token}`, { ...GET("/v1/orders/7"), realm: "admin" }).reason, "ok");
    for (let at = 0; at < 20_000; at += 1) assert.equal(follower.verify(good, GET(`/${at}`)).reason, "route_unlisted");
    assert.equal(follower.verify(good, GET("/v1/orders/7")).reason, "ok");
    set(NOW + 100);
    assert.deepEqual([follower.verify(null, GET("/status")).reason, follower.verify(good, GET("/v1/orders/7")).reason], ["public", "snapshot_stale"]);
  });

  test("refuses calls that say more than a route", async () => {
    const { follower } = await following();
    await follower.poll();
    assert.throws(() => follower.verify(null, { ...GET("/status"), feature: "mail" }), { code: "call_ambiguous" });
    assert.throws(() => follower.verify(null, { ...GET("/status"), writes: false }), { code: "call_ambiguous" });
    assert.throws(() => follower.verify(null, { method: "GET" }), { code: "field_missing", field: "path" });
    assert.throws(() => follower.verify(null, { path: "/status" }), { code: "field_missing", field: "method" });
    assert.throws(() => follower.verify(null, { ...GET("/status"), realm: "root" }), { code: "value_invalid" });
    assert.throws(() => follower.verify(null, { ...GET("/status"), x: 1 }), { code: "field_unknown" });
    assert.equal(follower.verify(null, { ...GET("/status"), feature: undefined }).reason, "public");
  });

  test("counts no use for a public route, whatever token comes with it", async () => {
    for (const names of [false, true]) {
      const { follower, reports } = await following({ names });
      await follower.poll();
      assert.equal(follower.verify(`Bearer ${tokens.full.token}`, GET("/v1/orders/7")).reason, "ok");
      for (const { token } of [tokens.full, tokens.limited, alices()]) {
        assert.equal(follower.verify(`Bearer ${token}`, GET("/status")).reason, "public");
        assert.equal(follower.verifyMany([`Bearer ${token}`], { call: GET("/status") })[0].reason, "public");
      }
      assert.equal(follower.state.usage.waiting, 1);
      await follower.stop();
      const [{ lastUsed, uses, ...token }, ...others] = reports;
      assert.deepEqual([token, lastUsed, uses, others], [names ? { id: tokens.full.record.id } : { hash: tokens.full.record.hash }, NOW, 1, []]);
    }
  });
});

/** A Latch with tokens of alice, over a store that counts its calls. */
async function latched(more = {}) {
  const store = memoryStore({ accounts: [ACCOUNT], records });
  const asked = [];
  const counting = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? (...args) => (asked.push(name), value.apply(target, args)) : value;
    },
  });
  return { latch: new Latch({ store: counting, catalogue, now: () => NOW, ...more }), asked };
}

test("a Latch judges by routes, and admits a public one without its store", async () => {
  const { latch, asked } = await latched();
  for (const [method, path] of requests) {
    for (const { token, record } of Object.values(tokens)) {
      const call = { method, path };
      const expected = verifyToken({ now: NOW, authorization: `Bearer ${token}`, record, account: ACCOUNT, call, catalogue });
      assert.deepEqual(await latch.verify(`Bearer ${token}`, call), { ...expected, fault: null });
    }
  }
  asked.length = 0;
  const open = await latch.verify(`Bearer ${tokens.full.token}`, { method: "GET", path: "/status", address: "192.0.2.7" });
  assert.deepEqual([open.reason, open.user, open.fault, asked], ["public", null, null, []]);
  await assert.rejects(latch.list({ by: open }), { code: "option_invalid", field: "by" });
  const admitted = await latch.verify(`Bearer ${tokens.full.token}`, { method: "GET", path: "/v1/orders/7" });
  assert.equal((await latch.list({ by: admitted })).total > 0, true);
  await assert.rejects(latch.verify(null, { method: "GET", path: "/status", feature: "mail" }), { code: "call_ambiguous" });
  await assert.rejects(latch.verify(null, { method: "GET", path: "/status", x: 1 }), { code: "field_unknown" });
});

test("no route comes from a polluted prototype", async () => {
  const { latch } = await latched();
  Object.assign(Object.prototype, { method: "GET", path: "/status" });
  try {
    assert.equal((await latch.verify(null, {})).reason, "header_missing");
    const follower = new SnapshotFollower({ url: "http://localhost", publicKeys: [key.publicHex], catalogue });
    assert.equal(follower.verify(null, {}).reason, "snapshot_missing");
  } finally {
    delete Object.prototype.method;
    delete Object.prototype.path;
  }
});

/** Sends a request line as it is, and returns the status and the body. */
async function sendRaw(listener, method, target, lines = []) {
  const server = createServer(listener);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const socket = connect(server.address().port, "127.0.0.1");
    socket.end([`${method} ${target} HTTP/1.1`, "Host: h", "Connection: close", "Content-Length: 0", ...lines, "", ""].join("\r\n"), "latin1");
    let text = "";
    for await (const chunk of socket) text += chunk;
    return { status: Number(text.slice(9, 12)), body: text.slice(text.indexOf("\r\n\r\n") + 4) };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Each framework, as a function from a request to the status and what the handler said: the user, or `nobody`. */
const frameworks = {
  async fetch(latch, options, method, target, headers = {}) {
    const handler = guard(latch, options, (request, identity) => new Response(`${identity?.user ?? "nobody"}${request.headers.get("Authorization") ?? ""}`));
    const response = await handler(new Request(`http://h${target}`, { method, headers })).catch(() => new Response("error", { status: 500 }));
    return [response.status, await response.text()];
  },
  async check(latch, options, method, target, headers = {}) {
    const { identity, request, refusal } = await check(latch, new Request(`http://h${target}`, { method, headers }), options).catch(() => ({ refusal: { status: 500 } }));
    return refusal === null ? [200, `${identity?.user ?? "nobody"}${request.headers.get("Authorization") ?? ""}`] : [refusal.status, ""];
  },
  async hono(latch, options, method, target, headers = {}) {
    const app = new Hono().onError((_error, c) => c.text("error", 500));
    app.use(forHono(latch, options));
    app.all("*", (c) => c.text(`${c.var.identity?.user ?? "nobody"}${c.req.header("Authorization") ?? ""}`));
    const response = await app.request(`http://h${target}`, { method, headers });
    return [response.status, await response.text()];
  },
  async express(latch, options, method, target, headers = {}) {
    const app = express();
    const router = express.Router();
    router.use(forExpress(latch, options));
    router.use((request, response) => void response.send(`${optionalIdentityOf(request)?.user ?? "nobody"}${request.headers.authorization ?? ""}`));
    // Mounted: Express cuts `/v1` off `url`.
    app.use("/v1", router);
    app.use(router);
    app.use((_error, _request, response, _next) => void response.status(500).send("error"));
    const { status, body } = await sendRaw(app, method, target, Object.entries(headers).map((line) => line.join(": ")));
    return [status, body];
  },
  async "node:http"(latch, options, method, target, headers = {}) {
    const listener = forNode(latch, options, (request, response, identity) => void response.end(`${identity?.user ?? "nobody"}${request.headers.authorization ?? ""}`));
    const { status, body } = await sendRaw(listener, method, target, Object.entries(headers).map((line) => line.join(": ")));
    return [status, body];
  },
};

for (const [name, run] of Object.entries(frameworks)) {
  describe(name, () => {
    const limited = { Authorization: `Bearer ${tokens.limited.token}` };
    const readOnly = { Authorization: `Bearer ${tokens.readOnly.token}` };

    test("admits by the method and the path of the request", async () => {
      const { latch } = await latched();
      const ask = (...request) => run(latch, { call: "route" }, ...request);
      assert.deepEqual(await ask("GET", "/v1/orders/7?page=2", limited), [200, "alice"]);
      assert.deepEqual(await ask("POST", "/v1/orders", limited), [200, "alice"]);
      for (const [status, method, path, headers] of [
        [403, "DELETE", "/v1/mail/a/b", limited],
        [403, "POST", "/v1/orders", readOnly],
        [403, "GET", "/V1/orders/7", limited],
        [403, "GET", "/v1//orders/7", limited],
        [403, "GET", "/v1/orders/%37", limited],
        [403, "GET", "/v1/orders/7?_method=DELETE", limited],
        [403, "GET", `/v1/orders/7?${LONG}&_method=DELETE`, limited],
        [403, "GET", "/other", limited],
        [403, "PUT", "/v1/orders/7", limited],
        [401, "GET", "/v1/orders/7", undefined],
        [401, "GET", "/v1/orders/7", { Authorization: "Bearer x" }],
      ]) {
        assert.equal((await ask(method, path, headers))[0], status, `${method} ${path.slice(0, 60)}`);
      }
    });

    test("admits a public route without an identity, whatever token comes with it", async () => {
      const { latch, asked } = await latched();
      for (const headers of [undefined, limited, { Authorization: "Bearer x" }, { Authorization: `Bearer ${tokens.full.token}` }]) {
        assert.deepEqual(await run(latch, { call: "route" }, "GET", "/status?a=b", headers), [200, "nobody"]);
      }
      assert.deepEqual(asked, []);
      for (const path of ["/status/", "/STATUS", "/status?_method=DELETE"]) assert.equal((await run(latch, { call: "route" }, "GET", path))[0], 401, path);
    });

    test("a public route is an error where the handler expects an identity", async () => {
      const { latch } = await latched();
      const call = { method: "GET", path: "/status" };
      for (const given of [call, () => call, async () => call]) assert.equal((await run(latch, { call: given }, "GET", "/status", limited))[0], 500);
      assert.deepEqual(await run(latch, { call: { method: "GET", path: "/v1/orders/1" } }, "GET", "/x", limited), [200, "alice"]);
    });

    test("admits by another verifier only what is public or has a user", async () => {
      const verifier = (verdict) => ({ verify: () => verdict, tooMany() {}, unavailable() {} });
      const open = { allowed: true, reason: "public", user: null };
      assert.deepEqual(await run(verifier(open), { call: "route" }, "GET", "/x"), [200, "nobody"]);
      for (const verdict of [{ ...open, reason: "ok" }, { ...open, user: undefined }, { ...open, user: "" }, { ...open, allowed: 1 }, { allowed: true }]) {
        assert.equal((await run(verifier(verdict), { call: "route" }, "GET", "/x"))[0], 500, JSON.stringify(verdict));
      }
    });
  });
}

test("targets that only Node passes on are refused", async () => {
  const { latch } = await latched();
  const authorization = `Authorization: Bearer ${tokens.full.token}`;
  const listener = forNode(latch, { call: "route" }, (_request, response) => void response.end("served"));
  const app = express();
  app.use(forExpress(latch, { call: "route" }), (_request, response) => void response.end("served"));
  for (const one of [listener, app]) {
    for (const target of ["http://h/v1/orders/7", "//h/v1/orders/7", "/v1/orders/../orders/7", "/v1/orders/7#x", "/v1/orders/\\7", "/v1/orders/7;x", "*"]) {
      assert.deepEqual((await sendRaw(one, target === "*" ? "OPTIONS" : "GET", target, [authorization])).status, 403, target);
    }
    assert.equal((await sendRaw(one, "GET", "/v1/orders/7", [authorization])).body, "served");
  }
});

test("a URL that wasn't normalised is judged as it is written", async () => {
  const { latch } = await latched();
  const headers = new Headers({ Authorization: `Bearer ${tokens.full.token}` });
  const statusOf = async (url) => (await check(latch, { url, method: "GET", headers, constructor: null }, { call: "route", keepAuthorization: true })).refusal?.status ?? 200;
  for (const url of ["http://h/v1/orders/7", "https://user:pass@h:8/v1/orders/7?x=/", "/v1/orders/7"]) assert.equal(await statusOf(url), 200, url);
  for (const url of ["http://h/x/../v1/orders/7", "http://h\\v1/orders/7", "http://h?/v1/orders/7", "http://h/v1/orders/7#x", "http://h", "h/v1/orders/7", "http:/v1/orders/7", ""]) {
    assert.equal(await statusOf(url), 403, url);
  }
  // A standard request is normalised before anybody sees it: the handler serves the judged path.
  const seen = await check(latch, new Request("http://h/x/../v1/orders/7", { headers }), { call: "route" });
  assert.equal(seen.request.url, "http://h/v1/orders/7");
});

test("only an admission of a token has an identity in Express", async () => {
  const { latch } = await latched();
  const app = express();
  app.use(forExpress(latch, { call: "route" }));
  app.get("/status", (request, response) => void response.send(identityOf(request).user));
  app.use((error, _request, response, _next) => void response.status(500).send(error.code));
  assert.equal((await sendRaw(app, "GET", "/status")).body, "identity_missing");
  assert.throws(() => optionalIdentityOf({}), { code: "identity_missing" });
});

test("a forwarded request of a public route claims no identity", async () => {
  const { latch } = await latched();
  const claims = { "X-Token-User": "root", "X-Tokenlatch-User": "root", "X-Forwarded-User": "root", "Remote-User": "root", X_Token_User: "root" };
  const handler = guard(latch, { call: "route" }, (request, identity) => {
    const { headers } = forwarded(request, "http://origin.example", { "X-Token-User": identity?.user ?? null });
    return Response.json(Object.fromEntries(headers));
  });
  assert.deepEqual(await (await handler(new Request("http://h/status", { headers: { ...claims, Authorization: "Bearer x" } }))).json(), {});
});
