/* @ts-self-types="./express.d.ts" */

import type { IncomingMessage, ServerResponse } from "node:http";

import { LatchError } from "../latch-error.js";
import type { Identity, SnapshotIdentity } from "../verdict.js";
import { type GuardOptions, type Verifier, checkGuardOptions, passage } from "./guard.js";

export type { FailureLimiter, GuardOptions, RefusalNote, Verifier } from "./guard.js";
export type { Identity, SnapshotIdentity } from "../verdict.js";

/** A middleware as Express and Connect take it; `Asked` is their request. */
export type Handler<Asked extends IncomingMessage> = (request: Asked, response: ServerResponse, next: (error?: unknown) => void) => void;

// Beside the requests, not on them: no other code can put an identity there.
const identities = new WeakMap<IncomingMessage, SnapshotIdentity>();

/**
 * A middleware for Express, Connect and whatever else has Node's requests and responses. Admitted requests go on, and
 * {@link identityOf} says whom they act for; all others are answered here.
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
  checkGuardOptions(latch, options);
  return (request, response, next) => {
    admit(latch, options, request, response).then((admitted) => {
      if (admitted) next();
    }, next);
  };
}

/**
 * Whom an admitted request acts for. Where a `SnapshotFollower` decides ask for a `SnapshotIdentity`, whose id and name may be null.
 *
 * @example
 * ```ts
 * app.get("/", (request, response) => void response.send(identityOf(request).name));
 * ```
 *
 * @throws LatchError `identity_missing` for a request that no middleware has admitted.
 */
export function identityOf<Who extends SnapshotIdentity = Identity>(request: IncomingMessage): Who {
  const identity = identities.get(request);
  if (identity === undefined) throw new LatchError("identity_missing", "no middleware has admitted this request");
  return identity as Who;
}

async function admit<Asked extends IncomingMessage>(
  latch: Verifier<SnapshotIdentity>,
  options: GuardOptions<Asked>,
  request: Asked,
  response: ServerResponse,
): Promise<boolean> {
  const { identity, reply } = await passage<Asked, SnapshotIdentity>(latch, request, request, request.headers.accept, options);
  if (reply !== null) {
    response.statusCode = reply.status;
    for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
    response.end(reply.body);
    return false;
  }
  if (options.keepAuthorization !== true) strip(request);
  identities.set(request, identity);
  return true;
}

/** Takes the header out of each of the forms in which Node keeps it. The others are made of the raw one: they come first. */
function strip(request: IncomingMessage): void {
  const { headers, headersDistinct, rawHeaders } = request;
  delete headers.authorization;
  delete headersDistinct["authorization"];
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (rawHeaders[index]?.toLowerCase() === "authorization") rawHeaders.splice(index, 2);
  }
}
