/* @ts-self-types="./express.d.ts" */

import type { IncomingMessage, ServerResponse } from "node:http";

import type { SnapshotIdentity } from "../types/index.js";
import { errorOf } from "../types/latch-error.js";
import { type GuardOptions, type RouteOptions, type Verifier, readGuardOptions } from "./guard.js";
import { admission, fail } from "./node.js";

export type { FailureLimiter, GuardOptions, RefusalNote, RouteOptions, Verifier } from "./guard.js";
export { identityOf, optionalIdentityOf } from "./node.js";
export type { Identity, SnapshotIdentity } from "../types/index.js";

/** A middleware of Express or Connect; `Asked` is their type of request. */
export type Handler<Asked extends IncomingMessage> = (request: Asked, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Makes a middleware for Express, Connect and other frameworks that pass errors to `next`. Admitted requests are passed on, and
 * {@link identityOf} returns their identity; all others are answered here. An error is passed to `next` as an `Error`. If `next` declares
 * no parameter, the request is answered with 500 instead. For Node's own servers use `tokenlatch/middleware/node`.
 *
 * With `call: "route"` the method and `originalUrl` are judged by the routes of the catalogue. A request of a public route is passed on without
 * an identity: `identityOf` throws for it, and {@link optionalIdentityOf} returns null. Middleware that changes the method or the URL, such as
 * `method-override`, must come before this one; `call` must be a function then.
 *
 * @example
 * ```ts
 * import express from "express";
 * import { identityOf, tokenlatch } from "tokenlatch/middleware/express";
 *
 * const app = express();
 * app.use(
 *   tokenlatch(latch, {
 *     call: (request) => ({ feature: "backup", writes: request.method !== "GET" }),
 *     address: (request) => request.socket.remoteAddress, // behind your own proxy: the address from that proxy
 *   }),
 * );
 * app.get("/", (request, response) => void response.send(`Hello ${identityOf(request).user}`));
 * ```
 *
 * @throws LatchError `option_invalid` for an invalid option.
 */
export function tokenlatch<Asked extends IncomingMessage = IncomingMessage>(
  latch: Verifier<SnapshotIdentity>,
  options: GuardOptions<Asked> | RouteOptions<Asked> = {},
): Handler<Asked> {
  const read = readGuardOptions(options);
  const admit = admission(latch, read);
  return (request, response, next) => {
    admit(request, response)
      .then(
        (admitted) => {
          if (admitted !== null) next();
        },
        // A `next` without a parameter would treat an error as an admission.
        (thrown: unknown) => (next.length === 0 ? fail(read, thrown, response) : next(errorOf(thrown))),
      )
      // `next` itself may throw.
      .catch((thrown: unknown) => fail(read, thrown, response));
  };
}
