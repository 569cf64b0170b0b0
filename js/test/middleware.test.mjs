import assert from "node:assert/strict";
import { request as ask } from "node:http";
import { describe, test } from "node:test";

import express from "express";
import { Hono } from "hono";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { Latch, reply } from "tokenlatch";
import { identityOf, tokenlatch as forExpress } from "tokenlatch/middleware/express";
import { check, guard, withoutAuthorization } from "tokenlatch/middleware/fetch";
import { tokenlatch as forHono } from "tokenlatch/middleware/hono";
import { memoryStore } from "tokenlatch/stores/memory";

import { ACCOUNT } from "./helpers.mjs";

async function prepared(more = {}) {
  const latch = new Latch({ store: memoryStore({ accounts: [ACCOUNT] }) });
  const { token, description } = await latch.create({ user: "alice", name: "backup", access: "full", ...more });
  return { latch, token, id: description.id };
}

/** Each framework, as a function from a header list to the response and what the handler saw. */
const frameworks = {
  async fetch(latch, options, lines) {
    let seen;
    const handler = guard(latch, options, (request, identity) => {
      seen = { identity, authorization: request.headers.get("Authorization") };
      return new Response("done");
    });
    const response = await handler(new Request("http://h/x", { headers: lines }));
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text(), seen };
  },
  async hono(latch, options, lines) {
    let seen;
    const app = new Hono();
    app.get("/x", forHono(latch, options), (c) => {
      seen = { identity: c.var.identity, authorization: c.req.header("Authorization") ?? null };
      return c.text("done");
    });
    const response = await app.request("http://h/x", { headers: lines });
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text(), seen };
  },
  async express(latch, options, lines) {
    let seen;
    const app = express();
    app.get("/x", forExpress(latch, options), (request, response) => {
      const raw = request.rawHeaders.some((text) => text.toLowerCase() === "authorization");
      const kept = request.headers.authorization ?? request.headersDistinct.authorization?.[0] ?? (raw ? "raw" : null);
      seen = { identity: identityOf(request), authorization: kept };
      response.send("done");
    });
    app.use((error, _request, response, _next) => void response.status(500).send(error.code ?? "error"));
    return { ...(await overHttp(app, lines)), seen };
  },
};

async function overHttp(app, lines) {
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const sent = ask({ port: server.address().port, host: "127.0.0.1", path: "/x", headers: ["Host", "h", ...lines.flat()] });
  const response = await new Promise((resolve, reject) => sent.once("response", resolve).once("error", reject).end());
  let body = "";
  for await (const chunk of response) body += chunk;
  await new Promise((resolve) => server.close(resolve));
  return { status: response.statusCode, headers: response.headers, body };
}

for (const [name, run] of Object.entries(frameworks)) {
  describe(name, () => {
    test("passes on the identity, without the header", async () => {
      const { latch, token, id } = await prepared();
      const { status, body, seen } = await run(latch, {}, [["authorization", `Bearer ${token}`]]);
      assert.deepEqual([status, body, seen.authorization], [200, "done", null]);
      assert.deepEqual([seen.identity.user, seen.identity.name, seen.identity.id], ["alice", "backup", id]);
      assert.deepEqual([seen.identity.access, seen.identity.readOnly], ["full", false]);
      const kept = await run(latch, { keepAuthorization: true }, [["Authorization", `Bearer ${token}`]]);
      assert.equal(kept.seen.authorization, `Bearer ${token}`);
    });

    test("replies with the exact refusal", async () => {
      const { latch, token } = await prepared({ readOnly: true });
      for (const [lines, httpStatus] of [
        [[], 401],
        [[["Authorization", "Bearer x"]], 401],
        [[["Authorization", `Bearer ${token}`], ["Authorization", `Bearer ${token}`]], 401],
        [[["Authorization", `Bearer ${token}`]], 403],
      ]) {
        const notes = [];
        const { status, headers, body, seen } = await run(latch, { refusals: "cpanel", onRefusal: (note) => notes.push(note) }, lines);
        const expected = reply({ shape: "denied", httpStatus });
        assert.deepEqual([status, body, seen], [httpStatus, expected.body, undefined]);
        for (const header of ["WWW-Authenticate", "Content-Type", "Cache-Control"]) {
          assert.equal(headers[header.toLowerCase()], expected.headers[header], header);
        }
        assert.equal(notes.length, 1);
        assert.ok(!JSON.stringify(notes).includes(token));
      }
    });

    test("returns problem details, the same for every refusal of a status, or cPanel's replies", async () => {
      const { latch, token } = await prepared({ readOnly: true });
      const accept = ["Accept", "text/html, application/problem+json;q=0.5"];
      const good = ["Authorization", `Bearer ${token}`];
      const refused = await run(latch, {}, []);
      assert.equal(refused.headers["content-type"], "application/problem+json");
      assert.equal(refused.headers["www-authenticate"], 'Bearer realm="tokenlatch"');
      assert.deepEqual(JSON.parse(refused.body), { type: "about:blank", title: "Unauthorized", status: 401 });
      for (const call of [{ feature: "backup" }, { api: "api1" }]) {
        const { status, body } = await run(latch, { call, refusals: "problem" }, [good]);
        assert.deepEqual([status, JSON.parse(body)], [403, { type: "about:blank", title: "Forbidden", status: 403 }]);
      }
      const type = async (...lines) => (await run(latch, { refusals: "cpanel" }, lines)).headers["content-type"];
      assert.equal(await type(), "application/json");
      assert.equal(await type(accept), "application/problem+json");
      assert.equal(await type(["Accept", "application/problem+jsonx, */*"]), "application/json");
    });

    test("reads the address from the option only", async () => {
      const { latch, token } = await prepared({ addresses: ["192.0.2.7"] });
      const lines = [["Authorization", `Bearer ${token}`], ["X-Forwarded-For", "192.0.2.7"], ["Forwarded", "for=192.0.2.7"]];
      assert.equal((await run(latch, {}, lines)).status, 403);
      assert.equal((await run(latch, { address: () => "192.0.2.8" }, lines)).status, 403);
      assert.equal((await run(latch, { address: () => "192.0.2.7" }, lines)).status, 200);
      assert.equal((await run(latch, { address: () => null }, lines)).status, 403);
    });

    test("answers 429 to an address with too many failures, whatever the token", async () => {
      const { latch, token } = await prepared();
      const failures = new RateLimiterMemory({ points: 3, duration: 30 });
      const good = [["Authorization", `Bearer ${token}`]];
      const from = (address) => ({ failures, address: () => address, refusals: "cpanel" });
      for (let index = 0; index < 3; index += 1) assert.equal((await run(latch, from("192.0.2.1"), [])).status, 401);
      const { status, headers, body } = await run(latch, from("192.0.2.1"), good);
      const wait = Number(headers["retry-after"]);
      assert.ok(wait >= 1 && wait <= 30, headers["retry-after"]);
      assert.deepEqual([status, body], [429, reply({ shape: "denied", httpStatus: 429, retryAfter: wait }).body]);
      assert.equal((await run(latch, from("192.0.2.2"), good)).status, 200);
    });

    test("refuses with 503 when the limiter or the store fails", async () => {
      const { latch, token } = await prepared();
      const good = [["Authorization", `Bearer ${token}`]];
      const down = async () => { throw new Error("down"); };
      const failures = { get: down, penalty: down };
      assert.equal((await run(latch, { failures, address: () => "192.0.2.1" }, good)).status, 503);
      const unclear = { get: async () => ({ remainingPoints: Number.NaN }), penalty: down };
      assert.equal((await run(latch, { failures: unclear, address: () => "192.0.2.1" }, good)).status, 429);
      const store = Object.assign(Object.create(memoryStore()), { capabilities: memoryStore().capabilities, find: down });
      const accounts = () => ACCOUNT;
      const answer = await run(new Latch({ store, accounts }), {}, good);
      assert.deepEqual([answer.status, answer.seen], [503, undefined]);
      assert.equal(answer.headers["cache-control"], "no-store");
    });
  });
}

test("an invalid call or one that throws is an error of the handler, never an admission", async () => {
  const { latch, token } = await prepared();
  const lines = [["Authorization", `Bearer ${token}`]];
  for (const call of [() => ({ api: "ftp" }), () => ({ writes: 1 }), () => { throw new Error("no"); }, () => ({ module: "a", feature: "b" })]) {
    await assert.rejects(frameworks.fetch(latch, { call }, lines));
    assert.equal((await frameworks.hono(latch, { call }, lines)).status, 500);
    assert.equal((await frameworks.express(latch, { call }, lines)).status, 500);
  }
});

test("a log that fails is an error of the handler, and no rejection is unhandled", async () => {
  const { latch } = await prepared();
  for (const onRefusal of [() => { throw new Error("full"); }, async () => { throw new Error("full"); }]) {
    await assert.rejects(frameworks.fetch(latch, { onRefusal }, []), { message: "full" });
    assert.equal((await frameworks.express(latch, { onRefusal }, [])).status, 500);
  }
});

test("only an admitted request has an identity", () => {
  assert.throws(() => identityOf({}), { code: "identity_missing" });
});

test("checks one request, with a latch from the runtime's arguments", async () => {
  const { latch, token } = await prepared();
  const request = () => new Request("http://h/", { method: "POST", body: "content", headers: { Authorization: `Bearer ${token}` } });
  const checked = await check(latch, request(), { call: { feature: "backup" } });
  assert.equal(checked.identity.user, "alice");
  assert.equal(await checked.request.text(), "content");
  assert.equal((await check(latch, new Request("http://h/"))).refusal.status, 401);
  assert.equal(withoutAuthorization(request()).headers.get("Authorization"), null);
  const handler = guard((env) => env.latch, {}, (_request, identity, env, word) => new Response(`${identity.user} ${word}`));
  assert.equal(await (await handler(request(), { latch }, "b")).text(), "alice b");
});

test("refuses wrong options when it is made", async () => {
  const { latch } = await prepared();
  const failures = new RateLimiterMemory({ points: 3, duration: 30 });
  for (const make of [guard, forHono, forExpress]) {
    for (const nothing of [undefined, null, 42, {}]) assert.throws(() => make(nothing, {}, () => {}), { code: "option_invalid", field: "latch" });
    for (const nothing of [null, 42]) assert.throws(() => make(latch, nothing, () => {}), { code: "option_invalid", field: "options" });
  }
  assert.throws(() => guard(latch, {}), { code: "option_invalid", field: "handler" });
  for (const [options, field] of [
    [{ adress: () => "192.0.2.1" }, "adress"],
    [{ call: "x" }, "call"],
    [{ address: "192.0.2.1" }, "address"],
    [{ failures: {}, address: () => "" }, "failures"],
    [{ failures }, "address"],
    [{ call: "routes" }, "call"],
    [{ refusals: true }, "refusals"],
    [{ problemDetails: "always" }, "problemDetails"],
    [{ keepAuthorization: "no" }, "keepAuthorization"],
    [{ onRefusal: {} }, "onRefusal"],
  ]) {
    for (const make of [guard, forHono, forExpress]) assert.throws(() => make(latch, options, () => {}), { code: "option_invalid", field });
  }
});
