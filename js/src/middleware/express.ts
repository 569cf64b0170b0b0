/* @ts-self-types="./express.d.ts" */

import type { IncomingMessage, ServerResponse } from "node:http";

import type { SnapshotIdentity } from "../types/index.js";
import { errorOf } from "../types/latch-error.js";
import { type GuardOptions, type Verifier, readGuardOptions } from "./guard.js";
import { admission, fail } from "./node.js";

export type { FailureLimiter, GuardOptions, RefusalNote, Verifier } from "./guard.js";
export { identityOf } from "./node.js";
export type { Identity, SnapshotIdentity } from "../types/index.js";

/** A middleware as Express and Connect take it; `Asked` is their request. */
export type Handler<Asked extends IncomingMessage> = (request: Asked, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * A middleware for Express, Connect and whatever else hands errors to `next`. Admitted requests go on, and
 * {@link identityOf} says whom they act for; all others are answered here. An error is passed on as an `Error`; to a
 * `next` that declares no parameter none is passed, and the request is answered with 500. For Node's own servers there is `tokenlatch/middleware/node`.
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
 *     address: (request) => request.socket.remoteAddress, // behind a proxy of your own: what that proxy says
 *   }),
 * );
 * app.get("/", (request, response) => void response.send(`Hello ${identityOf(request).user}`));
 * ```
 *
 * @throws LatchError `option_invalid` for a wrong option.
 */
export function tokenlatch<Asked extends IncomingMessage = IncomingMessage>(
  latch: Verifier<SnapshotIdentity>,
  options: GuardOptions<Asked> = {},
): Handler<Asked> {
  const read = readGuardOptions(options);
  const admit = admission(latch, read);
  return (request, response, next) => {
    admit(request, response)
      .then(
        (identity) => {
          if (identity !== null) next();
        },
        // A `next` without a parameter would take an error for an admission.
        (thrown: unknown) => (next.length === 0 ? fail(read, thrown, response) : next(errorOf(thrown))),
      )
      // A `next` of the caller's own may throw.
      .catch((thrown: unknown) => fail(read, thrown, response));
  };
}
