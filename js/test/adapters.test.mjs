// Requests of frameworks: with a body that was read, without raw headers, of a subclass, over HTTP/2. Uses the real adapters.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { connect, createServer as http2Server } from "node:http2";
import { createServer, request as ask } from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import fastifyExpress from "@fastify/express";
import fastifyMiddie from "@fastify/middie";
import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import koaConnect from "koa-connect";
import serverless from "serverless-http";
import { Latch } from "tokenlatch";
import { identityOf, tokenlatch as forExpress } from "tokenlatch/middleware/express";
import { check, guard, withoutAuthorization } from "tokenlatch/middleware/fetch";
import { tokenlatch as forHono } from "tokenlatch/middleware/hono";
import { guard as forNode } from "tokenlatch/middleware/node";
import { memoryStore } from "tokenlatch/stores/memory";

import { ACCOUNT } from "./helpers.mjs";
import { asked } from "./read-before.mjs";
import { startWorker } from "./worker.mjs";

const catalogue = { default: "deny", routes: [{ method: "POST", path: "/x", feature: "backup", writes: true }] };
const latch = new Latch({ store: memoryStore({ accounts: [ACCOUNT] }), catalogue });
const { token } = await latch.create({ user: "alice", name: "backup", access: "full" });
const GOOD = `Bearer ${token}`;
const BODY = JSON.stringify({ a: "b".repeat(10_000) });

/** Whether the token is still in any form of Node's headers. */
const holds = (request) => JSON.stringify([request.headers, request.headersDistinct ?? null, request.rawHeaders]).includes(token);

/** What a handler in Node reports about its request. */
const told = (request, body) => JSON.stringify({ user: identityOf(request).user, body, holds: holds(request) });

async function bodyOf(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

/** Sends a POST over HTTP, whose headers may be repeated. */
async function post(server, lines) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const headers = ["Host", "h", "Content-Type", "application/json", "Content-Length", String(BODY.length), ...lines.flat()];
  try {
    const sent = ask({ method: "POST", port: server.address().port, host: "127.0.0.1", path: "/x", headers, agent: false });
    const response = await new Promise((resolve, reject) => sent.once("response", resolve).once("error", reject).end(BODY));
    return { status: response.statusCode, body: await bodyOf(response) };
  } finally {
    server.closeAllConnections?.();
    await new Promise((resolve) => server.close(resolve));
  }
}

function honoApp(options, isRead) {
  const app = new Hono().onError((_error, c) => c.text("error", 500));
  if (isRead) app.use(async (c, next) => (await c.req.json(), next()));
  app.post("/x", forHono(latch, options), async (c) => {
    const { raw } = c.req;
    // Neither in the request itself nor in what is forwarded.
    const left = [raw.headers.get("Authorization"), new Request("http://h/", { method: "POST", body: "x", headers: raw.headers }).headers.get("Authorization")];
    if (!raw.bodyUsed) left.push(new Request("http://h/", raw.clone()).headers.get("Authorization"));
    return c.json({ user: c.var.identity.user, body: await c.req.text(), holds: left.some((one) => one !== null) });
  });
  return app;
}

/** Calls a Lambda as API Gateway does. */
function lambda(version, handler) {
  return async (lines) => {
    const headers = Object.fromEntries([["Content-Type", "application/json"], ...lines]);
    const requestContext = { http: { method: "POST", sourceIp: "192.0.2.7" }, identity: { sourceIp: "192.0.2.7" } };
    const event = version === "2.0" ? { version, rawPath: "/x", rawQueryString: "" } : { httpMethod: "POST", path: "/x" };
    const { statusCode, body } = await handler({ ...event, headers, requestContext, body: BODY, isBase64Encoded: false }, {});
    return { status: statusCode, body };
  };
}

function expressApp(options, isRead) {
  const app = express();
  if (isRead) app.use(express.json());
  app.post("/x", forExpress(latch, options), async (request, response) => {
    response.send(told(request, isRead ? JSON.stringify(request.body) : await bodyOf(request)));
  });
  app.use((_error, _request, response, _next) => void response.status(500).send("error"));
  return app;
}

/** Each adapter: takes options, and returns a function from header lines to the response. */
const adapters = {
  // First, because the others replace the runtime's Request permanently.
  "@hono/node-server beside the runtime's Request": (options) => (lines) =>
    post(createAdaptorServer({ fetch: honoApp(options).fetch, overrideGlobalObjects: false }), lines),
  "@hono/node-server beside the runtime's Request, the body read before": (options) => (lines) =>
    post(createAdaptorServer({ fetch: honoApp(options, true).fetch, overrideGlobalObjects: false }), lines),
  "@hono/node-server": (options) => (lines) => post(createAdaptorServer({ fetch: honoApp(options).fetch }), lines),
  "@hono/node-server, the body read before": (options) => (lines) => post(createAdaptorServer({ fetch: honoApp(options, true).fetch }), lines),
  "@hono/node-server with a guarded handler": (options) => {
    const handler = guard(latch, options, async (request, { user }) => {
      return Response.json({ user, body: await request.text(), holds: request.headers.has("Authorization") });
    });
    const caught = (request) => handler(request).catch(() => new Response("error", { status: 500 }));
    return (lines) => post(createAdaptorServer({ fetch: caught }), lines);
  },
  "Hono, the body read before": (options) => async (lines) => {
    const response = await honoApp(options, true).request("http://h/x", { method: "POST", body: BODY, headers: lines });
    return { status: response.status, body: await response.text() };
  },
  Express: (options) => (lines) => post(createServer(expressApp(options)), lines),
  "Express, the body read before": (options) => (lines) => post(createServer(expressApp(options, true)), lines),
  "serverless-http, Express, payload 1.0": (options) => lambda("1.0", serverless(expressApp(options))),
  "serverless-http, Express, payload 2.0, the body read before": (options) => lambda("2.0", serverless(expressApp(options, true))),
  "serverless-http, Node's listener": (options) =>
    lambda("2.0", serverless(forNode(latch, options, async (request, response) => void response.end(told(request, await bodyOf(request)))))),
  "node:http": (options) => (lines) =>
    post(createServer(forNode(latch, options, async (request, response) => void response.end(told(request, await bodyOf(request))))), lines),
  "@fastify/express": (options) => async (lines) => viaFastify(fastifyExpress, options, lines),
  "@fastify/middie": (options) => async (lines) => viaFastify(fastifyMiddie, options, lines),
  "koa-connect": (options) => (lines) => {
    const app = new Koa();
    app.silent = true;
    app.use(koaConnect(forExpress(latch, options)));
    app.use(async (ctx) => void (ctx.body = told(ctx.req, await bodyOf(ctx.req))));
    return post(createServer(app.callback()), lines);
  },
};

async function viaFastify(plugin, options, lines) {
  const app = fastify();
  await app.register(plugin);
  app.use(forExpress(latch, options));
  app.post("/x", async (request) => told(request.raw, JSON.stringify(request.body)));
  await app.ready();
  try {
    return await post(app.server, lines);
  } finally {
    await app.close();
  }
}

for (const [name, make] of Object.entries(adapters)) {
  test(`${name}: admits a valid token, passes on everything else, and refuses the rest`, async () => {
    const admitted = await make({})([["authorization", GOOD]]);
    assert.equal(admitted.status, 200, admitted.body);
    assert.deepEqual(JSON.parse(admitted.body), { user: "alice", body: BODY, holds: false });
    const body = JSON.stringify({ type: "about:blank", title: "Unauthorized", status: 401 });
    for (const lines of [[], [["Authorization", "Bearer x"]], [["authorization", `${GOOD}, ${GOOD}`]]]) {
      assert.deepEqual(await make({})(lines), { status: 401, body });
    }
    // Events have each header once.
    if (!name.startsWith("serverless")) assert.equal((await make({})([["Authorization", GOOD], ["authorization", GOOD]])).status, 401);
    assert.equal((await make({ call: "route" })([["Authorization", GOOD]])).status, 200);
    assert.equal((await make({ call: { method: "POST", path: "/y" } })([["Authorization", GOOD]])).status, 403);
    const fails = { call: () => { throw undefined; } };
    for (const lines of [[], [["Authorization", GOOD]]]) {
      const { status, body: text } = await make(fails)(lines);
      assert.equal(status, 500);
      assert.ok(!text.includes("alice"));
    }
  });
}

test("HTTP/2: admits a valid token, passes on everything else, and refuses the rest", async () => {
  const server = http2Server(forNode(latch, {}, (request, response, { user }) => void response.end(JSON.stringify({ user, holds: holds(request) }))));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const session = connect(`http://127.0.0.1:${server.address().port}`);
  try {
    for (const [authorization, status, text] of [[GOOD, 200, '{"user":"alice","holds":false}'], ["Bearer x", 401, undefined]]) {
      const stream = session.request({ ":path": "/x", authorization });
      const headers = await new Promise((resolve, reject) => stream.once("response", resolve).once("error", reject).end());
      assert.equal(headers[":status"], status);
      const body = await bodyOf(stream.setEncoding("utf8"));
      if (text !== undefined) assert.equal(body, text);
    }
  } finally {
    session.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("reads the header of a request without raw headers, in any case", async () => {
  for (const [headers, reason] of [
    [{ authorization: GOOD }, "ok"],
    [{ Authorization: GOOD }, "ok"],
    [{ authorization: [GOOD] }, "ok"],
    [{ authorization: [GOOD, GOOD] }, "header_repeated"],
    [{ authorization: GOOD, Authorization: GOOD }, "header_repeated"],
    [{ authorization: undefined }, "header_missing"],
    [{ authorization: [] }, "header_missing"],
    [{}, "header_missing"],
    [undefined, "header_missing"],
    [new Headers({ authorization: GOOD }), "ok"],
    [Object.create({ authorization: GOOD }), "header_missing"],
  ]) {
    assert.equal((await latch.verify({ rawHeaders: [], headers })).reason, reason, JSON.stringify(headers));
  }
  // Existing raw headers are read exclusively: a header that only `headers` has wasn't sent.
  assert.equal((await latch.verify({ rawHeaders: ["Host", "h"], headers: { authorization: GOOD } })).reason, "header_missing");
  await assert.rejects(latch.verify({ rawHeaders: [], headers: { authorization: 7 } }), { name: "TokenlatchError" });
});

/** A request like that of Next.js: a subclass behind a proxy. */
class OwnRequest extends Request {
  constructor(input, init = {}) {
    super(input, init);
    this.nextUrl = { pathname: new URL(this.url).pathname, basePath: init.basePath ?? "" };
  }
}
const behindProxy = (request) =>
  new Proxy(request, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
const sealed = (request) => {
  const { headers } = request;
  Object.defineProperty(request, "headers", { value: new Proxy(headers, {
    get(target, key) {
      if (key === "delete" || key === "set" || key === "append") return () => { throw new TypeError("immutable"); };
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) });
  return request;
};

for (const [what, make] of Object.entries({
  "a request of the runtime's": (init) => new Request("http://h/x?y", init),
  "a request of SvelteKit's, with a streamed body": ({ body, ...init }) => new Request("http://h/x?y", { ...init, body: new Blob([body]).stream(), duplex: "half" }),
  "a request of a class of its own": (init) => new OwnRequest("http://h/x?y", { ...init, basePath: "/base" }),
  "one behind a proxy": (init) => behindProxy(new OwnRequest("http://h/x?y", { ...init, basePath: "/base" })),
  "one whose headers can't be changed": (init) => sealed(new Request("http://h/x?y", init)),
  "one of a class of its own whose headers can't be changed": (init) => sealed(new OwnRequest("http://h/x?y", init)),
})) {
  test(`${what}: is passed on complete, without the header`, async () => {
    const init = { method: "POST", body: BODY, headers: { Authorization: GOOD, "X-Other": "kept" } };
    const { request, identity } = await check(latch, make(init));
    assert.equal(identity.user, "alice");
    assert.deepEqual([request.url, request.method, request.headers.get("X-Other"), request.headers.get("Authorization")], ["http://h/x?y", "POST", "kept", null]);
    assert.equal(new Request("http://h/", { method: "POST", headers: request.headers }).headers.get("Authorization"), null);
    assert.equal(await request.text(), BODY);
    if (what.includes("proxy")) assert.deepEqual(request.nextUrl, { pathname: "/x", basePath: "/base" });
    assert.equal((await check(latch, make({ method: "POST", body: BODY }))).refusal.status, 401);
  });

  test(`${what}, whose body was read: is passed on as read`, async () => {
    for (const read of [(request) => request.text(), (request) => request.body.getReader()]) {
      const asked = make({ method: "POST", body: BODY, headers: { Authorization: GOOD, "X-Other": "kept" } });
      await read(asked);
      const { request, identity } = await check(latch, asked);
      assert.equal(identity.user, "alice");
      assert.deepEqual([request.url, request.method, request.headers.get("X-Other"), request.headers.get("Authorization")], ["http://h/x?y", "POST", "kept", null]);
      await assert.rejects(request.text());
      if (!what.includes("proxy")) assert.throws(() => new Request(request));
    }
  });
}

test("a request without the header is passed on itself", async () => {
  const request = new Request("http://h/", { method: "POST", body: "content" });
  assert.equal(withoutAuthorization(request), request);
});

test("an abort reaches the request that is passed on", async () => {
  for (const make of [(init) => new Request("http://h/", init), (init) => sealed(new Request("http://h/", init))]) {
    const aborter = new AbortController();
    const { request } = await check(latch, make({ headers: { Authorization: GOOD }, signal: aborter.signal }));
    aborter.abort();
    assert.equal(request.signal.aborted, true);
  }
});

const SAID = {
  whole: [200, { user: "alice", holds: false, body: "content", other: "kept" }, 401, true],
  read: [200, { user: "alice", holds: false, body: null, other: "kept" }, 401, true],
};

for (const [name, args] of [
  ["deno", ["run", "--no-lock", "--allow-net", "--allow-env", "--allow-read", "read-before-deno.mjs"]],
  ["bun", ["run", "read-before-bun.mjs"]],
]) {
  test(`the requests of ${name}'s server, read before or not`, () => {
    const bin = fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
    const { stdout, stderr, status } = spawnSync(bin, args, { cwd: import.meta.dirname, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), SAID);
  });
}

test("the requests of workerd, read before or not", async () => {
  const worker = await startWorker(new URL("read-before-worker.mjs", import.meta.url));
  try {
    assert.deepEqual(await asked("http://worker", (url, init) => worker.dispatchFetch(url, init)), SAID);
  } finally {
    await worker.dispose();
  }
});
