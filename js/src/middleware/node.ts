/* @ts-self-types="./node.d.ts" */

import type { IncomingMessage, ServerResponse } from "node:http";

import type { Identity, SnapshotIdentity } from "../types/index.js";
import { LatchError, errorOf } from "../types/latch-error.js";
import { type AnyOptions, type GuardOptions, type RouteOptions, type Verifier, checkVerifier, passage, readGuardOptions } from "./guard.js";

export type { FailureLimiter, GuardOptions, RefusalNote, RouteOptions, Verifier } from "./guard.js";
export type { Identity, SnapshotIdentity } from "../types/index.js";

// In a map, not on the requests, so that no other code can set an identity. Null is that of a public route's request.
const identities = new WeakMap<IncomingMessage, SnapshotIdentity | null>();

/**
 * Guards a listener of Node's own servers (`node:http`, `https`, `http2`). The listener runs only for admitted requests; all others are
 * answered here. If a function of the options fails, or the listener fails before it has sent anything, the answer is 500.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { guard } from "tokenlatch/middleware/node";
 *
 * const listener = guard(
 *   latch,
 *   {
 *     call: (request) => ({ feature: "backup", writes: request.method !== "GET" }),
 *     address: (request) => request.socket.remoteAddress, // behind your own proxy: the address from that proxy
 *   },
 *   (request, response, identity) => void response.end(`Hello ${identity.user}`),
 * );
 * createServer(listener).listen(8080);
 * ```
 *
 * @throws LatchError `option_invalid` for an invalid option.
 */
export function guard<Asked extends IncomingMessage, Answer extends ServerResponse, Who extends SnapshotIdentity = Identity>(
  latch: Verifier<Who>,
  options: GuardOptions<Asked>,
  listener: (request: Asked, response: Answer, identity: Who) => unknown,
): (request: Asked, response: Answer) => void;
/**
 * Guards a listener by the routes of the catalogue: the method and the target of a request as Node received them. A request of a public route
 * has no identity: the listener gets null.
 *
 * @example
 * ```ts
 * createServer(guard(latch, { call: "route" }, (request, response, identity) => void response.end(`Hello ${identity?.user ?? "stranger"}`)));
 * ```
 *
 * @throws LatchError `option_invalid` for an invalid option.
 */
export function guard<Asked extends IncomingMessage, Answer extends ServerResponse, Who extends SnapshotIdentity = Identity>(
  latch: Verifier<Who>,
  options: RouteOptions<Asked>,
  listener: (request: Asked, response: Answer, identity: Who | null) => unknown,
): (request: Asked, response: Answer) => void;
export function guard<Asked extends IncomingMessage, Answer extends ServerResponse, Who extends SnapshotIdentity>(
  latch: Verifier<Who>,
  options: AnyOptions<Asked>,
  // Gets null only with `RouteOptions`, as the overloads say.
  listener: (request: Asked, response: Answer, identity: never) => unknown,
): (request: Asked, response: Answer) => void {
  const read = readGuardOptions(options);
  const admit = admission(latch, read);
  if (typeof listener !== "function") throw new LatchError("option_invalid", "`listener` must be a function", { field: "listener" });
  return (request, response) => {
    admit(request, response)
      .then((admitted) => (admitted === null ? undefined : listener(request, response, admitted.identity as never)))
      .catch((thrown: unknown) => fail(read, thrown, response));
  };
}

/**
 * Returns the identity of an admitted request. With a `SnapshotFollower` use the type `SnapshotIdentity`, whose id and name may be null.
 *
 * @example
 * ```ts
 * app.get("/", (request, response) => void response.send(identityOf(request).name));
 * ```
 *
 * @throws LatchError `identity_missing` for a request that wasn't admitted by a middleware, or that was admitted by a public route.
 */
export function identityOf<Who extends SnapshotIdentity = Identity>(request: IncomingMessage): Who {
  const identity = optionalIdentityOf<Who>(request);
  if (identity === null) throw new LatchError("identity_missing", "the route is public, so the request has no identity");
  return identity;
}

/**
 * Returns the identity of an admitted request, or null if its route is public.
 *
 * @example
 * ```ts
 * app.get("/status", (request, response) => void response.send(optionalIdentityOf(request)?.name ?? "stranger"));
 * ```
 *
 * @throws LatchError `identity_missing` for a request that wasn't admitted by a middleware.
 */
export function optionalIdentityOf<Who extends SnapshotIdentity = Identity>(request: IncomingMessage): Who | null {
  const identity = identities.get(request);
  if (identity === undefined) throw new LatchError("identity_missing", "no middleware has admitted this request");
  return identity as Who | null;
}

/** The admission of a request. */
export interface Admission<Who extends SnapshotIdentity> {
  /** The identity of the request; null for a public route. */
  readonly identity: Who | null;
}

/**
 * Makes the function that all middlewares for Node use: it returns the identity of an admitted request, which is null for a public route, or
 * answers the request and returns null.
 *
 * @param read the result of {@link readGuardOptions}
 * @throws LatchError `option_invalid` if `latch` isn't a verifier. The returned function rejects with an `Error` only.
 *
 * @example
 * ```js
 * const admitted = await admission(latch, readGuardOptions(options))(request, response);
 * ```
 */
export function admission<Asked extends IncomingMessage, Who extends SnapshotIdentity>(
  latch: Verifier<Who>,
  read: AnyOptions<Asked>,
): (request: Asked, response: ServerResponse) => Promise<Admission<Who> | null> {
  checkVerifier(latch);
  return async (request, response) => {
    const asking = { request, asked: request, accept: request.headers.accept, method: request.method ?? "", target: targetOf(request) };
    const { identity, reply, removed } = await passage<Asked, Who>(() => latch, asking, read);
    if (reply !== null) {
      response.statusCode = reply.status;
      for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
      response.end(reply.body);
      return null;
    }
    strip(request, removed);
    identities.set(request, identity);
    return { identity };
  };
}

/** Returns the target as received: frameworks cut the path of a mounted router off `url`, and keep the whole in `originalUrl`. */
function targetOf(request: IncomingMessage & { readonly originalUrl?: unknown }): string {
  return typeof request.originalUrl === "string" ? request.originalUrl : (request.url ?? "");
}

/**
 * Answers a request with 500 when no framework handles the error, or destroys a response that has begun. Calls `onRefusal`.
 *
 * @param read the result of {@link readGuardOptions}
 *
 * @example
 * ```js
 * fail(readGuardOptions(options), error, response);
 * ```
 */
export function fail(read: AnyOptions<never>, thrown: unknown, response: ServerResponse): void {
  const fault = errorOf(thrown);
  if (response.headersSent) {
    // A complete response may still be in transit.
    if (!response.writableEnded) response.destroy();
  } else {
    response.statusCode = 500;
    response.setHeader("Cache-Control", "no-store");
    response.end();
  }
  const note = { status: 500, reason: "failed", message: "a function failed", address: undefined, id: null, user: null, fault } as const;
  // `onRefusal` itself may have failed.
  Promise.resolve(note).then(read.onRefusal).catch(() => {});
}

/** Deletes headers from every form in which Node and adapters have them. The raw headers come last, because the others are made from them. */
function strip({ headers, headersDistinct, rawHeaders }: IncomingMessage, names: readonly string[]): void {
  const isRemoved = (name: string | undefined) => name !== undefined && names.includes(name.toLowerCase());
  // Requests of HTTP/2 have no `headersDistinct`, those of some adapters no `rawHeaders`.
  for (const group of [headers, headersDistinct as typeof headersDistinct | undefined]) {
    for (const name of Object.keys(group ?? {})) if (isRemoved(name)) delete group?.[name];
  }
  const raw = (rawHeaders as typeof rawHeaders | undefined) ?? [];
  for (let index = raw.length - 2; index >= 0; index -= 2) if (isRemoved(raw[index])) raw.splice(index, 2);
}
