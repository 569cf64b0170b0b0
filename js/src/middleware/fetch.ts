/* @ts-self-types="./fetch.d.ts" */

import type { Identity, SnapshotIdentity } from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import { type GuardOptions, type Verifier, checkVerifier, passage, readGuardOptions } from "./guard.js";

export type { FailureLimiter, GuardOptions, RefusalNote, Verifier } from "./guard.js";
export type { Identity, SnapshotIdentity } from "../types/index.js";

/** What {@link check} gives: the identity and the request to hand on, or the response to give. */
export type Checked<Who extends SnapshotIdentity = Identity, Asked extends Request = Request> =
  | { readonly identity: Who; readonly request: Asked; readonly refusal: null }
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
export function guard<Rest extends readonly unknown[], Who extends SnapshotIdentity = Identity, Asked extends Request = Request>(
  latch: Verifier<Who> | ((...rest: Rest) => Verifier<Who> | Promise<Verifier<Who>>),
  options: GuardOptions<Asked>,
  handler: (request: Asked, identity: Who, ...rest: Rest) => Response | Promise<Response>,
): (request: Asked, ...rest: Rest) => Promise<Response> {
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
export async function check<Who extends SnapshotIdentity = Identity, Asked extends Request = Request>(
  latch: Verifier<Who>,
  request: Asked,
  options: GuardOptions<Asked> = {},
): Promise<Checked<Who, Asked>> {
  checkVerifier(latch);
  return checkWith(() => latch, request, readGuardOptions(options));
}

/**
 * The same request without its `Authorization` header, to forward or to log. A request of a framework's own class, such as a
 * `NextRequest`, isn't copied: it loses the header itself, and nothing else. A request whose body was read stays one whose body was read.
 *
 * @example
 * ```ts
 * return fetch(new Request("https://origin.example/", withoutAuthorization(request)));
 * ```
 */
export function withoutAuthorization<Asked extends Request>(request: Asked): Asked {
  if (!request.headers.has(NAME)) return request;
  const headers = new Headers(request.headers);
  headers.delete(NAME);
  try {
    if (request.constructor === Request) return new Request(request, { headers }) as Asked;
    request.headers.delete(NAME);
    if (!request.headers.has(NAME)) return request;
  } catch {
    // Its body was read, its headers can't be changed, or an adapter has made it without the runtime's help.
  }
  return copyOf(request, headers) as Asked;
}

const NAME = "Authorization";

/** A request made of the parts of another one, which may be in use. */
function copyOf(request: Request, headers: Headers): Request {
  const { url, method, body, bodyUsed, redirect, signal } = request;
  // Undici wants `duplex` for a body that is a stream; workerd keeps in `cf` what it knows of the client.
  const init: RequestInit & { duplex: "half"; cf?: unknown } = { method, headers, redirect, duplex: "half" };
  if (signal instanceof AbortSignal) init.signal = signal;
  if ("cf" in request) init.cf = request.cf;
  const isRead = bodyUsed || body?.locked === true;
  const copy = new Request(url, { ...init, body: isRead ? new Uint8Array(0) : body });
  // Nobody must take a body that was read for an empty one.
  if (isRead) copy.arrayBuffer().catch(() => {});
  return copy;
}

async function checkWith<Who extends SnapshotIdentity, Asked extends Request>(
  verifierOf: () => Verifier<Who> | Promise<Verifier<Who>>,
  request: Asked,
  options: GuardOptions<Asked>,
): Promise<Checked<Who, Asked>> {
  const asking = { request, asked: request, accept: request.headers.get("Accept") };
  const { identity, reply } = await passage(verifierOf, asking, options);
  if (reply !== null) {
    const refusal = new Response(reply.body, { status: reply.status, headers: reply.headers });
    return { identity: null, request: null, refusal };
  }
  return { identity, request: options.keepAuthorization === true ? request : withoutAuthorization(request), refusal: null };
}
