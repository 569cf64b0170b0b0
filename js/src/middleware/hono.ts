/* @ts-self-types="./hono.d.ts" */

import type { Context, MiddlewareHandler } from "hono";

import type { Identity, SnapshotIdentity } from "../types/index.js";
import { withoutAuthorization } from "./fetch.js";
import { type AnyOptions, type GuardOptions, type RouteOptions, type Verifier, checkVerifier, passage, readGuardOptions, targetOf } from "./guard.js";

export type { FailureLimiter, GuardOptions, RefusalNote, RouteOptions, Verifier } from "./guard.js";
export type { Identity, SnapshotIdentity } from "../types/index.js";

/** The variables that the middleware sets in Hono's context: `c.var.identity`. */
export interface TokenEnv<Who extends SnapshotIdentity | null = Identity> {
  /** The variables of the context. */
  Variables: {
    /** The user and token that the request acts for; null for a public route. */
    identity: Who;
  };
}

/**
 * Makes a middleware for Hono. Admitted requests are passed on with a typed `c.var.identity`; all others are answered here.
 *
 * @param latch the latch or the follower, or a function that returns it from the context, such as from a Worker's `c.env`
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { tokenlatch } from "tokenlatch/middleware/hono";
 *
 * const app = new Hono();
 * app.get("/backups", tokenlatch(latch, { call: { feature: "backup", writes: false } }), (c) => c.text(c.var.identity.user));
 * ```
 *
 * @throws LatchError `option_invalid` for an invalid option.
 */
export function tokenlatch<Who extends SnapshotIdentity = Identity>(
  latch: Verifier<Who> | ((context: Context) => Verifier<Who> | Promise<Verifier<Who>>),
  options?: GuardOptions<Context>,
): MiddlewareHandler<TokenEnv<Who>>;
/**
 * Makes a middleware for Hono that judges by the routes of the catalogue. For a public route `c.var.identity` is null.
 *
 * @example
 * ```ts
 * app.use(tokenlatch(latch, { call: "route" }));
 * app.get("/status", (c) => c.text(c.var.identity?.user ?? "stranger"));
 * ```
 *
 * @throws LatchError `option_invalid` for an invalid option.
 */
export function tokenlatch<Who extends SnapshotIdentity = Identity>(
  latch: Verifier<Who> | ((context: Context) => Verifier<Who> | Promise<Verifier<Who>>),
  options: RouteOptions<Context>,
): MiddlewareHandler<TokenEnv<Who | null>>;
export function tokenlatch<Who extends SnapshotIdentity>(
  latch: Verifier<Who> | ((context: Context) => Verifier<Who> | Promise<Verifier<Who>>),
  options: AnyOptions<Context> = {},
): MiddlewareHandler<TokenEnv<Who | null>> {
  if (typeof latch !== "function") checkVerifier(latch);
  const read = readGuardOptions(options);
  return async (context, next) => {
    const { raw } = context.req;
    const verifierOf = () => (typeof latch === "function" ? latch(context) : latch);
    const { method, url } = raw;
    const asking = { request: raw, asked: context, accept: raw.headers.get("Accept"), method, target: targetOf(url) };
    const { identity, reply, removed } = await passage<Context, Who>(verifierOf, asking, read);
    if (reply !== null) return new Response(reply.body, { status: reply.status, headers: reply.headers });
    context.req.raw = withoutAuthorization(raw, removed);
    context.set("identity", identity);
    return next();
  };
}
