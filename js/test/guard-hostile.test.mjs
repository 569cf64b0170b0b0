// Functions of the options that fail: a request passes the middleware only by an admission.
import assert from "node:assert/strict";
import { createServer, request as ask } from "node:http";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import express from "express";
import { Hono } from "hono";
import { Latch, SnapshotFollower } from "tokenlatch";
import { tokenlatch as forExpress } from "tokenlatch/middleware/express";
import { check, guard } from "tokenlatch/middleware/fetch";
import { tokenlatch as forHono } from "tokenlatch/middleware/hono";
import { guard as forNode } from "tokenlatch/middleware/node";
import { memoryStore } from "tokenlatch/stores/memory";

import { ACCOUNT } from "./helpers.mjs";

const latch = new Latch({ store: memoryStore({ accounts: [ACCOUNT] }) });
const { token } = await latch.create({ user: "alice", name: "full", access: "full" });
const GOOD = `Bearer ${token}`;

const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));

async function overHttp(listener, header) {
  const server = await listening(createServer(listener));
  const headers = header === null ? {} : { Authorization: header };
  try {
    const sent = ask({ port: server.address().port, host: "127.0.0.1", path: "/x", headers, agent: false });
    const response = await new Promise((resolve, reject) => sent.once("response", resolve).once("error", reject).end());
    response.resume();
    return response.statusCode;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Each framework, as a function that returns the status or the error of a request, and whether the handler ran. */
const frameworks = {
  async fetch(verifier, options, header) {
    let ran = false;
    const handler = guard(verifier, options, () => ((ran = true), new Response("done")));
    const answer = await handler(new Request("http://h/x", { headers: header === null ? {} : { Authorization: header } })).then(
      (response) => ({ status: response.status }),
      (error) => ({ error }),
    );
    return { ...answer, ran };
  },
  async check(verifier, options, header) {
    const request = new Request("http://h/x", { headers: header === null ? {} : { Authorization: header } });
    const answer = await check(verifier, request, options).then(
      ({ refusal, identity }) => ({ status: refusal?.status ?? 200, ran: identity !== null }),
      (error) => ({ error, ran: false }),
    );
    return answer;
  },
  async hono(verifier, options, header) {
    let ran = false;
    const app = new Hono().onError((error, c) => (assert.ok(error instanceof Error), c.text("error", 500)));
    app.get("/x", forHono(verifier, options), (c) => ((ran = true), c.text("done")));
    const answer = await Promise.resolve(app.request("http://h/x", { headers: header === null ? {} : { Authorization: header } })).then(
      (response) => ({ status: response.status }),
      (error) => ({ error }),
    );
    return { ...answer, ran };
  },
  async express(verifier, options, header) {
    let ran = false;
    let passed;
    const app = express();
    app.get("/x", forExpress(verifier, options), (_request, response) => ((ran = true), response.send("done")));
    app.get("/x", (_request, response) => ((ran = true), response.send("next route")));
    app.use((error, _request, response, _next) => ((passed = error), response.status(500).send("error")));
    const status = await overHttp(app, header);
    if (status === 500) assert.ok(passed instanceof Error, String(passed));
    return { status, ran };
  },
  async "a next that takes no error"(verifier, options, header) {
    let ran = false;
    const middleware = forExpress(verifier, options);
    const status = await overHttp((request, response) => middleware(request, response, () => ((ran = true), response.end("done"))), header);
    return { status, ran };
  },
  async "node:http"(verifier, options, header) {
    let ran = false;
    const listener = forNode(verifier, options, (_request, response) => ((ran = true), response.end("done")));
    return { status: await overHttp(listener, header), ran };
  },
};

const thrown = {
  nothing: undefined,
  null: null,
  false: false,
  "an empty string": "",
  zero: 0,
  "a word of Express": "route",
  "another word of Express": "router",
  "an Error": new Error("no"),
  "a proxy that throws": new Proxy({}, { getPrototypeOf: () => { throw undefined; }, get: () => { throw undefined; } }),
};

/** What a function may do: throw, reject, or return an invalid value, in each of the forms above. */
const deeds = {};
for (const [what, value] of Object.entries(thrown)) {
  deeds[`throws ${what}`] = () => { throw value; };
  deeds[`rejects with ${what}`] = () => Promise.reject(value);
}

/** Values that are neither a call nor a verdict. */
const nonsense = {
  nothing: undefined,
  null: null,
  true: true,
  text: "admin",
  "a number": 7,
  "an array": [],
  "a Map": new Map([["realm", "admin"]]),
  "a Date": new Date(),
  "an instance with getters": new (class Call { get realm() { return "admin"; } })(),
  "an instance of a class without prototype": new (class Call extends null { constructor() { return Object.create(new.target.prototype); } get realm() { return "admin"; } })(),
  "a function": () => ({}),
  "an unknown key": { relam: "admin" },
  "a promise of a promise's content": (async () => new Map())(),
};

/** The functions of the options, each as options with the given function. */
const places = {
  call: (deed) => [latch, { call: deed }],
  "call, with an address": (deed) => [latch, { call: deed, address: () => "192.0.2.7" }],
  address: (deed) => [latch, { address: deed }],
  "failures.get": (deed) => [latch, { address: () => "192.0.2.7", failures: { get: deed, penalty: async () => {} } }],
  "failures.penalty": (deed) => [latch, { address: () => "192.0.2.7", failures: { get: async () => null, penalty: deed } }],
  onRefusal: (deed) => [latch, { onRefusal: deed }],
  "verifier.verify": (deed) => [{ verify: deed, tooMany: () => latch.tooMany(1), unavailable: () => latch.unavailable() }, {}],
  "verifier.tooMany": (deed) => [
    { verify: (...asked) => latch.verify(...asked), tooMany: deed, unavailable: () => latch.unavailable() },
    { address: () => "192.0.2.7", failures: { get: async () => ({ remainingPoints: 0, msBeforeNext: 1 }), penalty: async () => {} } },
  ],
  "verifier.unavailable": (deed) => [
    { verify: (...asked) => latch.verify(...asked), tooMany: () => latch.tooMany(1), unavailable: deed },
    { address: () => "192.0.2.7", failures: { get: async () => { throw null; }, penalty: async () => {} } },
  ],
};
/** Functions that aren't called for a valid token. */
const ONLY_REFUSALS = new Set(["failures.penalty", "onRefusal"]);

function refused({ status, error, ran }, what) {
  assert.equal(ran, false, `${what}: the handler ran`);
  if (status === undefined) assert.ok(error instanceof Error, `${what}: ${typeof error} isn't an Error`);
  else assert.ok(status >= 400 && status <= 599, `${what}: ${status}`);
}

for (const [name, run] of Object.entries(frameworks)) {
  describe(name, () => {
    for (const [place, optionsOf] of Object.entries(places)) {
      test(`${place} that throws or rejects admits nothing`, async () => {
        for (const [what, deed] of Object.entries(deeds)) {
          const [verifier, options] = optionsOf(deed);
          refused(await run(verifier, options, null), what);
          if (!ONLY_REFUSALS.has(place)) refused(await run(verifier, options, GOOD), `${what}, with a token`);
        }
      });
    }

    test("a value that isn't a call is refused, also from a promise", async () => {
      for (const [what, value] of Object.entries(nonsense)) {
        for (const address of [undefined, () => "192.0.2.7"]) {
          refused(await run(latch, { call: () => value, address }, GOOD), what);
          refused(await run(latch, { call: async () => value, address }, GOOD), `${what}, by a promise`);
        }
      }
    });

    test("a promise of a call is awaited", async () => {
      const admin = async () => ({ realm: "admin" });
      refused(await run(latch, { call: admin, address: () => "192.0.2.7" }, GOOD), "an account's token at the administrator's port");
      assert.deepEqual(await run(latch, { call: async () => ({ feature: "backup" }), address: async () => "192.0.2.7" }, GOOD), { status: 200, ran: true });
    });

    test("a value that isn't an address is refused", async () => {
      for (const value of [true, 7, {}, ["192.0.2.7"], new Map(), () => "192.0.2.7", "elsewhere"]) {
        const limited = await latch.create({ user: "alice", name: `bound-${Math.random()}`.replace(".", ""), access: "full", addresses: ["192.0.2.7"] });
        refused(await run(latch, { address: () => value }, `Bearer ${limited.token}`), String(value));
      }
    });

    test("an invalid answer of a limiter admits nothing", async () => {
      const penalty = async () => {};
      for (const value of [undefined, true, "x", {}, [], { remainingPoints: Number.NaN }, { remainingPoints: "5" }, new Map()]) {
        refused(await run(latch, { address: () => "192.0.2.7", failures: { get: async () => value, penalty } }, GOOD), String(value));
      }
    });

    test("a value that isn't a verdict is an error", async () => {
      const { refusal } = await latch.verify(null);
      for (const verdict of [
        ...Object.values(nonsense),
        { allowed: true },
        { allowed: "yes", user: "alice" },
        { allowed: 1, user: "alice", refusal: null },
        { allowed: false },
        { allowed: false, refusal: null },
        { allowed: false, refusal: { ...refusal, status: 200 } },
        { allowed: false, refusal: { ...refusal, status: "401" } },
        { allowed: false, refusal: { status: 401, headers: null, body: "" } },
      ]) {
        refused(await run({ verify: () => verdict, tooMany() {}, unavailable() {} }, {}, GOOD), JSON.stringify(verdict));
      }
    });

    test("admits a good token", async () => {
      assert.deepEqual(await run(latch, {}, GOOD), { status: 200, ran: true });
      refused(await run(latch, {}, null), "no token");
    });
  });
}

for (const [name, make] of [["fetch", (resolve, run) => guard(resolve, {}, run)], ["hono", (resolve, run) => {
  const app = new Hono().onError((_error, c) => c.text("error", 500));
  app.get("/x", forHono(resolve, {}), run);
  return (request) => app.request(request);
}]]) {
  test(`${name}: a function that returns no latch, or fails, admits nothing; a promise of a latch works`, async () => {
    let ran = 0;
    const run = () => ((ran += 1), new Response("done"));
    const request = () => new Request("http://h/x", { headers: { Authorization: GOOD } });
    for (const deed of [...Object.values(deeds), () => undefined, () => ({}), () => new Map()]) {
      const answer = await Promise.resolve(make(deed, run)(request())).then(({ status }) => ({ status }), (error) => ({ error }));
      refused({ ...answer, ran: ran > 0 }, String(deed));
    }
    assert.equal((await make(async () => latch, run)(request())).status, 200);
    assert.equal(ran, 1);
  });
}

test("options that change after the middleware was made change nothing", async () => {
  const call = { realm: "admin" };
  const options = { call };
  const handler = guard(latch, options, () => new Response("done"));
  delete options.call;
  delete call.realm;
  assert.equal((await handler(new Request("http://h/x", { headers: { Authorization: GOOD } }))).status, 401);
});

test("the middlewares of Node's requests read their options once", async () => {
  const spoilt = () => { throw new Error("spoilt"); };
  const overExpress = (options) => {
    const handler = forExpress(latch, options);
    return (request, response) => handler(request, response, spoilt);
  };
  for (const make of [(options) => forNode(latch, options, spoilt), overExpress]) {
    const notes = [];
    let reads = 0;
    const options = {
      get onRefusal() {
        const read = (reads += 1);
        return ({ reason }) => notes.push([reason, read]);
      },
    };
    assert.equal(await overHttp(make(options), GOOD), 500);
    await pause(10);
    assert.deepEqual([notes, reads], [[["failed", 1]], 1]);
  }
});

test("a request without raw headers that another verifier admits is passed on without the header", async () => {
  const admitting = { verify: () => ({ allowed: true, user: "alice", id: "1", name: "x", expires: null, access: "full", readOnly: false }), tooMany() {}, unavailable() {} };
  const request = { headers: { authorization: GOOD, accept: "*/*" } };
  const answer = await new Promise((resolve) => forExpress(admitting)(request, {}, (error) => resolve(error ?? "admitted")));
  assert.equal(answer, "admitted");
  assert.deepEqual(request.headers, { accept: "*/*" });
});

test("options that aren't plain are refused, not read as empty", () => {
  class Options { get call() { return { realm: "admin" }; } }
  for (const options of [new Map([["call", {}]]), Promise.resolve({}), [], new Options(), Object.create({ call: {} }), new Date()]) {
    for (const make of [guard, forHono, forExpress, forNode]) {
      assert.throws(() => make(latch, options, () => {}), { code: "option_invalid", field: "options" });
      assert.throws(() => make(latch, { call: options }, () => {}), { code: "option_invalid", field: "call" });
    }
    assert.throws(() => new Latch(options), { code: "option_invalid", field: "options" });
    assert.throws(() => new SnapshotFollower(options), { code: "option_invalid", field: "options" });
  }
  assert.throws(() => forExpress(() => latch), { code: "option_invalid", field: "latch" });
});

describe("node:http", () => {
  test("an anonymous request with a corrupt path is answered and logged, without a crash", async () => {
    const notes = [];
    const options = { call: (request) => ({ feature: new URL(request.url, "http://h").pathname.slice(1) }), onRefusal: (note) => void notes.push(note) };
    for (const make of [
      (run) => forNode(latch, options, run),
      (run) => {
        const middleware = forExpress(latch, options);
        return (request, response) => middleware(request, response, () => run(request, response));
      },
    ]) {
      let ran = false;
      const server = await listening(createServer(make((_request, response) => ((ran = true), response.end()))));
      const { port } = server.address();
      const sent = ask({ port, host: "127.0.0.1", path: "//", agent: false });
      const response = await new Promise((resolve) => sent.once("response", resolve).end());
      response.resume();
      assert.deepEqual([response.statusCode, ran, notes.pop().reason], [500, false, "failed"]);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("a handler that fails before it has sent anything is answered with 500, without a crash", async () => {
    for (const handler of [() => { throw undefined; }, async () => { throw new Error("no"); }]) {
      assert.equal(await overHttp(forNode(latch, {}, handler), GOOD), 500);
    }
    const cut = forNode(latch, {}, async (_request, response) => {
      response.write("begun");
      await pause(1);
      throw new Error("no");
    });
    await overHttp(cut, GOOD);
  });
});
