// Type tests, never run: the middleware in the types of its frameworks.
import type { IncomingMessage, ServerResponse } from "node:http";

import express from "express";
import { Hono } from "hono";
import type { Identity, Latch, SnapshotFollower, SnapshotIdentity } from "tokenlatch";
import { identityOf, optionalIdentityOf, tokenlatch as forExpress } from "tokenlatch/middleware/express";
import { check, guard } from "tokenlatch/middleware/fetch";
import { tokenlatch as forHono } from "tokenlatch/middleware/hono";
import { guard as forNode } from "tokenlatch/middleware/node";
import { RateLimiterMemory } from "rate-limiter-flexible";

declare const latch: Latch;

interface Env {
  readonly ORIGIN: string;
}
const handler: (request: Request, env: Env) => Promise<Response> = guard(latch, {}, (_request, identity, env: Env) => new Response(identity.user + env.ORIGIN));
// @ts-expect-error an unknown option
guard(latch, { adress: () => "192.0.2.1" }, () => new Response());
// @ts-expect-error there is no such API
guard(latch, { call: { api: "ftp" } }, () => new Response());

const failures = new RateLimiterMemory({ points: 10, duration: 60 });
const app = new Hono();
app.get("/", forHono(latch, { failures, address: (c) => c.req.header("CF-Connecting-IP") }), (c) => c.text(c.var.identity.user));
// @ts-expect-error no request was admitted here
app.get("/open", (c) => c.text(c.var.identity.user));

const server = express();
server.use(forExpress(latch, { call: (request) => ({ feature: "x", writes: request.method !== "GET" }), address: (request) => request.socket.remoteAddress }));
server.get("/", (request, response) => void response.send(identityOf(request).user));

declare const follower: SnapshotFollower;
guard(follower, {}, (_request, identity) => new Response(identity.user + (identity.name ?? "")));
// @ts-expect-error a snapshot may have no names
guard(follower, {}, (_request, identity) => new Response(identity.name.toUpperCase()));
guard((env: Env) => (env.ORIGIN === "" ? follower : follower), {}, (_request, identity, env) => new Response(env.ORIGIN + identity.user));
app.get("/edge", forHono(follower), (c) => c.text(c.var.identity.name ?? ""));
server.use(forExpress(follower));
server.get("/edge", (request, response) => void response.send(identityOf<SnapshotIdentity>(request).name));

const listener: (request: IncomingMessage, response: ServerResponse) => void = forNode(latch, { address: async (request) => request.socket.remoteAddress }, (_request, response, identity) => void response.end(identity.user));
guard(latch, { call: async () => ({ feature: "backup" }) }, () => new Response());
guard(async (env: Env) => (env.ORIGIN === "" ? latch : latch), {}, () => new Response());
// @ts-expect-error a call is required
guard(latch, { call: () => undefined }, () => new Response());

// By routes: a public route has no identity, so the handler must expect null.
guard(latch, { call: "route", address: () => "192.0.2.1" }, (_request, identity) => new Response(identity === null ? "stranger" : identity.name.toUpperCase()));
// @ts-expect-error the identity may be null
guard(latch, { call: "route" }, (_request, identity) => new Response(identity.user));
// @ts-expect-error the handler expects an identity
guard(latch, { call: "route" }, (_request, identity: Identity) => new Response(identity.user));
// @ts-expect-error there is no such way to judge
guard(latch, { call: "routes" }, () => new Response());
guard((env: Env) => (env.ORIGIN === "" ? follower : follower), { call: "route" }, (_request, identity, env) => new Response(env.ORIGIN + (identity?.name ?? "")));
const checked = await check(latch, new Request("http://h/"), { call: "route" });
// @ts-expect-error a refused request has no identity, and neither has one of a public route
checked.identity.user;
if (checked.refusal === null) checked.identity?.user satisfies string | undefined;
const limited = await check(latch, new Request("http://h/"), { call: { feature: "backup" } });
if (limited.refusal === null) limited.identity.user satisfies string;
app.get("/route", forHono(latch, { call: "route" }), (c) => c.text(c.var.identity?.user ?? "stranger"));
// @ts-expect-error the identity may be null
app.get("/route", forHono(latch, { call: "route" }), (c) => c.text(c.var.identity.user));
forNode(follower, { call: "route" }, (_request, response, identity) => void response.end(identity?.user));
// @ts-expect-error the identity may be null
forNode(latch, { call: "route" }, (_request, response, identity) => void response.end(identity.user));
server.use(forExpress(latch, { call: "route", refusals: "cpanel" }));
server.get("/route", (request, response) => void response.send(optionalIdentityOf(request)?.user));
// @ts-expect-error the identity may be null
server.get("/route", (request, response) => void response.send(optionalIdentityOf(request).user));
guard(latch, { call: (request) => ({ method: request.method, path: "/v1/orders", realm: "admin" }) }, (_request, identity) => new Response(identity.user));
// @ts-expect-error there is no such form
guard(latch, { refusals: "json" }, () => new Response());
export { handler, listener };
