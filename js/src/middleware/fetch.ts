/* @ts-self-types="./fetch.d.ts" */

import type { Identity, SnapshotIdentity } from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import { type AnyOptions, type GuardOptions, type RouteOptions, type Verifier, checkVerifier, passage, readGuardOptions, targetOf } from "./guard.js";

export type { FailureLimiter, GuardOptions, RefusalNote, RouteOptions, Verifier } from "./guard.js";
export type { Identity, SnapshotIdentity } from "../types/index.js";

/**
 * The result of {@link check}: the identity and the request to pass on, or the response to return. Compare `refusal` with null: when judging
 * by routes `Who` includes null, the identity of a public route's request.
 */
export type Checked<Who extends SnapshotIdentity | null = Identity, Asked extends Request = Request> =
  | {
      /** The identity of the admitted request. */
      readonly identity: Who;
      /** The request to pass on. */
      readonly request: Asked;
      /** Null, because the request is admitted. */
      readonly refusal: null;
    }
  | {
      /** Null, because the request is refused. */
      readonly identity: null;
      /** Null, because the request is refused. */
      readonly request: null;
      /** The response to return. */
      readonly refusal: Response;
    };

/**
 * Guards a handler of standard requests: a Worker's `fetch`, `Deno.serve`, `Bun.serve`, an edge function. The handler runs only for
 * admitted requests and gets their identity. All others are answered here.
 *
 * @param latch the latch or the follower, or a function that returns it from the runtime's other arguments, such as a Worker's `env`
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
 * @throws LatchError `option_invalid` for an invalid option.
 */
export function guard<Rest extends readonly unknown[], Who extends SnapshotIdentity = Identity, Asked extends Request = Request>(
  latch: Verifier<Who> | ((...rest: Rest) => Verifier<Who> | Promise<Verifier<Who>>),
  options: GuardOptions<Asked>,
  handler: (request: Asked, identity: Who, ...rest: Rest) => Response | Promise<Response>,
): (request: Asked, ...rest: Rest) => Promise<Response>;
/**
 * Guards a handler by the routes of the catalogue. The path and query of `request.url` are judged as they are, so what the runtime has
 * normalised in them (`/a/../b`, `\\`, tabs) is what the handler sees too. A request of a public route has no identity: the handler gets null.
 *
 * @example
 * ```ts
 * const latch = new Latch({ store, catalogue: { routes: [{ method: "GET", path: "/status", feature: null, writes: false, public: true }] } });
 * const handler = guard(latch, { call: "route" }, (request, identity) => new Response(`Hello ${identity?.user ?? "stranger"}`));
 * ```
 *
 * @throws LatchError `option_invalid` for an invalid option.
 */
export function guard<Rest extends readonly unknown[], Who extends SnapshotIdentity = Identity, Asked extends Request = Request>(
  latch: Verifier<Who> | ((...rest: Rest) => Verifier<Who> | Promise<Verifier<Who>>),
  options: RouteOptions<Asked>,
  handler: (request: Asked, identity: Who | null, ...rest: Rest) => Response | Promise<Response>,
): (request: Asked, ...rest: Rest) => Promise<Response>;
export function guard<Rest extends readonly unknown[], Who extends SnapshotIdentity, Asked extends Request>(
  latch: Verifier<Who> | ((...rest: Rest) => Verifier<Who> | Promise<Verifier<Who>>),
  options: AnyOptions<Asked>,
  // Gets null only with `RouteOptions`, as the overloads say.
  handler: (request: Asked, identity: never, ...rest: Rest) => Response | Promise<Response>,
): (request: Asked, ...rest: Rest) => Promise<Response> {
  if (typeof latch !== "function") checkVerifier(latch);
  const read = readGuardOptions(options);
  if (typeof handler !== "function") throw new LatchError("option_invalid", "`handler` must be a function", { field: "handler" });
  return async (request, ...rest) => {
    const checked = await checkWith(() => (typeof latch === "function" ? latch(...rest) : latch), request, read);
    return checked.refusal ?? handler(checked.request, checked.identity as never, ...rest);
  };
}

/**
 * Checks one standard request, for handlers that guard only some paths.
 *
 * @example
 * ```ts
 * const { identity, refusal } = await check(latch, request, { call: { feature: "backup", writes: false } });
 * if (refusal !== null) return refusal;
 * return new Response(`Hello ${identity.user}`);
 * ```
 *
 * @throws LatchError `option_invalid` for an invalid option; TokenlatchError for an invalid call.
 */
export function check<Who extends SnapshotIdentity = Identity, Asked extends Request = Request>(
  latch: Verifier<Who>,
  request: Asked,
  options?: GuardOptions<Asked>,
): Promise<Checked<Who, Asked>>;
/**
 * Checks one standard request by the routes of the catalogue.
 *
 * @example
 * ```ts
 * const { identity, refusal } = await check(latch, request, { call: "route" });
 * if (refusal !== null) return refusal;
 * return new Response(`Hello ${identity?.user ?? "stranger"}`);
 * ```
 *
 * @throws LatchError `option_invalid` for an invalid option.
 */
export function check<Who extends SnapshotIdentity = Identity, Asked extends Request = Request>(
  latch: Verifier<Who>,
  request: Asked,
  options: RouteOptions<Asked>,
): Promise<Checked<Who | null, Asked>>;
export async function check<Who extends SnapshotIdentity, Asked extends Request>(
  latch: Verifier<Who>,
  request: Asked,
  options: AnyOptions<Asked> = {},
): Promise<Checked<Who | null, Asked>> {
  checkVerifier(latch);
  return checkWith(() => latch, request, readGuardOptions(options));
}

/**
 * Returns the request without its `Authorization` header, to forward or to log. The middleware does this. A request of a framework's own
 * class, such as a `NextRequest`, isn't copied: the header is deleted from the request itself. A body that was read stays read.
 *
 * @param fields the names of the header fields to remove, such as `latch.credentialFields(request)`. Default: `Authorization`.
 *
 * @example
 * ```ts
 * return fetch(new Request("https://origin.example/", withoutAuthorization(request)));
 * ```
 */
export function withoutAuthorization<Asked extends Request>(request: Asked, fields: readonly string[] = ["authorization"]): Asked {
  const given = fields.filter((name) => request.headers.has(name));
  if (given.length === 0) return request;
  const headers = new Headers(request.headers);
  for (const name of given) headers.delete(name);
  try {
    if (request.constructor === Request) return new Request(request, { headers }) as Asked;
    for (const name of given) request.headers.delete(name);
    if (!given.some((name) => request.headers.has(name))) return request;
  } catch {
    // Its body was read, its headers are immutable, or an adapter has made it without the runtime's class.
  }
  return copyOf(request, headers) as Asked;
}

/** Copies a request from its parts. Its body may be read already. */
function copyOf(request: Request, headers: Headers): Request {
  const { url, method, body, bodyUsed, redirect, signal } = request;
  // Undici requires `duplex` for a stream as the body; workerd has data about the client in `cf`.
  const init: RequestInit & { duplex: "half"; cf?: unknown } = { method, headers, redirect, duplex: "half" };
  if (signal instanceof AbortSignal) init.signal = signal;
  if ("cf" in request) init.cf = request.cf;
  const isRead = bodyUsed || body?.locked === true;
  const copy = new Request(url, { ...init, body: isRead ? new Uint8Array(0) : body });
  // A body that was read must not look like an empty one.
  if (isRead) copy.arrayBuffer().catch(() => {});
  return copy;
}

async function checkWith<Who extends SnapshotIdentity, Asked extends Request>(
  verifierOf: () => Verifier<Who> | Promise<Verifier<Who>>,
  request: Asked,
  options: AnyOptions<Asked>,
): Promise<Checked<Who | null, Asked>> {
  const { method, url } = request;
  const asking = { request, asked: request, accept: request.headers.get("Accept"), method, target: targetOf(url) };
  const { identity, reply, removed } = await passage(verifierOf, asking, options);
  if (reply !== null) {
    const refusal = new Response(reply.body, { status: reply.status, headers: reply.headers });
    return { identity: null, request: null, refusal };
  }
  return { identity, request: withoutAuthorization(request, removed), refusal: null };
}
