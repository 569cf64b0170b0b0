/* @ts-self-types="./fetch.d.ts" */

import { LatchError } from "../latch-error.js";
import type { Identity, SnapshotIdentity } from "../verdict.js";
import { type GuardOptions, type Verifier, checkVerifier, passage, readGuardOptions } from "./guard.js";

export type { FailureLimiter, GuardOptions, RefusalNote, Verifier } from "./guard.js";
export type { Identity, SnapshotIdentity } from "../verdict.js";

/** What {@link check} gives: whom the request acts for and the request to hand on, or the response to give. */
export type Checked<Who extends SnapshotIdentity = Identity> =
  | { readonly identity: Who; readonly request: Request; readonly refusal: null }
  | { readonly identity: null; readonly request: null; readonly refusal: Response };

/**
 * Guards a handler of standard requests: a Worker's `fetch`, `Deno.serve`, `Bun.serve`, an edge function. The handler
 * runs only for admitted requests, and gets to know whom they act for. Everything else is answered here.
 *
 * @param latch the latch or the follower, or how to get it from what the runtime passes along, such as a Worker's `env`
 *
 * @example
 * ```ts
 * import { guard } from "tokenlatch/middleware/fetch";
 *
 * export default {
 *   fetch: guard(
 *     latch,
 *     {
 *       call: (request) => ({ feature: "backup", writes: request.method !== "GET" }),
 *       address: (request) => request.headers.get("CF-Connecting-IP"), // set by Cloudflare, not by the client
 *     },
 *     (request, identity) => new Response(`Hello ${identity.user}`),
 *   ),
 * };
 * ```
 *
 * @throws LatchError `option_invalid` for a wrong option.
 */
export function guard<Rest extends readonly unknown[], Who extends SnapshotIdentity = Identity>(
  latch: Verifier<Who> | ((...rest: Rest) => Verifier<Who> | Promise<Verifier<Who>>),
  options: GuardOptions<Request>,
  handler: (request: Request, identity: Who, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  if (typeof latch !== "function") checkVerifier(latch);
  const read = readGuardOptions(options);
  if (typeof handler !== "function") throw new LatchError("option_invalid", "`handler` must be a function", { field: "handler" });
  return async (request, ...rest) => {
    const checked = await checkWith(() => (typeof latch === "function" ? latch(...rest) : latch), request, read);
    return checked.refusal ?? handler(checked.request, checked.identity, ...rest);
  };
}

/**
 * Checks one standard request, for handlers that guard only some of their paths.
 *
 * @example
 * ```ts
 * const { identity, refusal } = await check(latch, request, { call: { feature: "backup", writes: false } });
 * if (refusal !== null) return refusal;
 * return new Response(`Hello ${identity.user}`);
 * ```
 *
 * @throws LatchError `option_invalid` for a wrong option; TokenlatchError for a wrong call.
 */
export async function check<Who extends SnapshotIdentity = Identity>(
  latch: Verifier<Who>,
  request: Request,
  options: GuardOptions<Request> = {},
): Promise<Checked<Who>> {
  checkVerifier(latch);
  return checkWith(() => latch, request, readGuardOptions(options));
}

/**
 * The same request without its `Authorization` header, to forward or to log.
 *
 * @example
 * ```ts
 * return fetch(new Request("https://origin.example/", withoutAuthorization(request)));
 * ```
 */
export function withoutAuthorization(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete("Authorization");
  return new Request(request, { headers });
}

async function checkWith<Who extends SnapshotIdentity>(
  verifierOf: () => Verifier<Who> | Promise<Verifier<Who>>,
  request: Request,
  options: GuardOptions<Request>,
): Promise<Checked<Who>> {
  const asking = { request, asked: request, accept: request.headers.get("Accept") };
  const { identity, reply } = await passage(verifierOf, asking, options);
  if (reply !== null) {
    const refusal = new Response(reply.body, { status: reply.status, headers: reply.headers });
    return { identity: null, request: null, refusal };
  }
  return { identity, request: options.keepAuthorization === true ? request : withoutAuthorization(request), refusal: null };
}
