/* @ts-self-types="./guard.d.ts" */

import { bindPrincipal, principalOf } from "../latch/principal.js";
import type { FetchRequest, NodeRequest } from "../module/authorization.js";
import { readCall, readPlain } from "../module/plain-object.js";
import { withTimeout } from "../runtime/timeout.js";
import type { Call, Identity, PublicAdmission, Refused, Reply, SnapshotIdentity } from "../types/index.js";
import { LatchError, errorOf, optionInvalid } from "../types/latch-error.js";

/** A verifier of requests: a `Latch`, or a `SnapshotFollower`, whose identities may lack an id and a name. */
export interface Verifier<Who extends SnapshotIdentity = Identity> {
  /** Decides about a request. */
  verify(request: FetchRequest | NodeRequest, call?: Call): Decision<Who> | Promise<Decision<Who>>;
  /** Returns the names of the header fields to remove from an admitted request, in lower case. Default: `authorization`. */
  credentialFields?(request: FetchRequest | NodeRequest): readonly string[];
  /** Makes the reply to an address with too many failures. */
  tooMany(retryAfter: number): Reply | Promise<Reply>;
  /** Makes the reply for requests that can't be decided. */
  unavailable(): Reply | Promise<Reply>;
}

/** The verdict of a {@link Verifier}. */
export type Decision<Who extends SnapshotIdentity> =
  | (Who & {
      /** The request is admitted. */
      readonly allowed: true;
    })
  | PublicAdmission
  | Refused;

/** Counts the failures of an address: a limiter of `rate-limiter-flexible`, or an object with the same functions. */
export interface FailureLimiter {
  /** Returns the usage of an address, or null if it hasn't failed. */
  get(address: string): Promise<{
    /** The failures that are left. */
    readonly remainingPoints: number;
    /** Milliseconds until the next request is allowed. */
    readonly msBeforeNext: number;
  } | null>;
  /** Counts one failure. */
  penalty(address: string): Promise<unknown>;
}

/** A refused request, for the log. It contains no header and no secret. */
export interface RefusalNote {
  /** The status of the reply. */
  readonly status: 401 | 403 | 429 | 500 | 503;
  /** The verdict's reason, `too_many_failures` or `limiter_failed`; `failed` with 500 if no framework handles the error. */
  readonly reason: Refused["reason"] | "too_many_failures" | "limiter_failed" | "failed";
  /** A sentence for the log. */
  readonly message: string;
  /** The client's address from the option `address`. */
  readonly address: string | undefined;
  /** The token's id, if its hash matched. */
  readonly id: string | null;
  /** The token's user, if its hash matched. */
  readonly user: string | null;
  /** The error behind a 500 or 503, or null. */
  readonly fault: Error | null;
}

/** A client's address; null or undefined if it is unknown. */
export type Address = string | null | undefined;

/** Options of every middleware; `Asked` is the framework's type of request. */
export interface GuardOptions<Asked> {
  /**
   * What a request wants to do. Default: an empty call, for which only a full token that may write is admitted. A function must return a
   * call: for anything else the request isn't admitted. See {@link RouteOptions} for judging by routes; with a call from here a public
   * route is an error, because the handler expects an identity.
   */
  readonly call?: Call | ((request: Asked) => Call | Promise<Call>) | undefined;
  /**
   * Returns the address that a request came from: that of the socket, or a header that your own proxy sets. Default: unknown, so a token
   * with a list of addresses is refused. `X-Forwarded-For` is never read.
   */
  readonly address?: ((request: Asked) => Address | Promise<Address>) | undefined;
  /** Limits failures: an address with too many gets 429. Needs `address`; requests without an address are counted together. */
  readonly failures?: FailureLimiter | undefined;
  /**
   * The form of refusals: RFC 9457 problem details, or the replies of cPanel's API, for clients that don't accept
   * `application/problem+json`. Default: `"problem"`.
   */
  readonly refusals?: "problem" | "cpanel" | undefined;
  /** Whether the request that is passed on keeps its `Authorization` header, and the others that may hold a token. Default: false. */
  readonly keepAuthorization?: boolean | undefined;
  /** Called with every refusal, for the log, before the reply is sent. What it throws is thrown as an `Error`. */
  readonly onRefusal?: ((note: RefusalNote) => void | Promise<void>) | undefined;
}

/** Options of a middleware that judges by the routes of the catalogue. A request of a public route is admitted without an identity. */
export interface RouteOptions<Asked> extends Omit<GuardOptions<Asked>, "call"> {
  /** Judges the method and the target of each request, as the server received them, in the realm `account`. */
  readonly call: "route";
}

/** The options of a middleware, whatever it judges by. */
export type AnyOptions<Asked> = GuardOptions<Asked> | RouteOptions<Asked>;

/** The result of {@link passage}: the identity of an admitted request, or the reply. */
export type Passage<Who extends SnapshotIdentity = Identity> =
  | {
      /** The identity of the admitted request; null for a public route. */
      readonly identity: Who | null;
      /** Null, because the request is admitted. */
      readonly reply: null;
      /** The names of the header fields to remove from the request, in lower case. */
      readonly removed: readonly string[];
    }
  | {
      /** Null, because the request is refused. */
      readonly identity: null;
      /** The reply to send. */
      readonly reply: Reply;
      /** Null, because the request is refused. */
      readonly removed: null;
    };

/** A request, for the verifier and for the functions of the options. */
export interface Asking<Asked> {
  /** The standard `Request` or the request of Node that the header is read from. */
  readonly request: FetchRequest | NodeRequest;
  /** The framework's request. */
  readonly asked: Asked;
  /** The `Accept` header. */
  readonly accept: string | null | undefined;
  /** The method of the request, as received. */
  readonly method: string;
  /** Its target, as received: the path and the query. */
  readonly target: string;
}

const KNOWN = ["call", "address", "failures", "refusals", "keepAuthorization", "onRefusal"] as const;
const LIMITER_CODES = { failed: "limiter_failed", timeout: "limiter_failed" } as const;
const LIMITER_TIMEOUT = 5_000;
const UNKNOWN_ADDRESS = "unknown";

/**
 * Throws for anything but a verifier.
 *
 * @throws LatchError `option_invalid`.
 *
 * @example
 * ```js
 * checkVerifier({}); // LatchError: expected a Latch or a SnapshotFollower
 * ```
 */
export function checkVerifier(latch: unknown): void {
  if (typeof (latch as Partial<Verifier> | null | undefined)?.verify === "function") return;
  throw optionInvalid("latch", "expected a Latch or a SnapshotFollower");
}

/**
 * Reads options once, when the middleware is made, and refuses invalid ones.
 *
 * @throws LatchError `option_invalid`.
 *
 * @example
 * ```js
 * readGuardOptions({ adress: () => "192.0.2.7" }); // LatchError: unknown option `adress`
 * ```
 */
export function readGuardOptions<Asked>(options: AnyOptions<Asked>): AnyOptions<Asked> {
  const read = readPlain(options, "options", optionInvalid) as AnyOptions<Asked>;
  for (const key of Object.keys(read)) if (!(KNOWN as readonly string[]).includes(key)) throw optionInvalid(key, `unknown option \`${key}\``);
  const { call, address, failures, refusals, keepAuthorization, onRefusal } = read;
  if (address !== undefined && typeof address !== "function") throw optionInvalid("address", "`address` must be a function");
  if (failures !== undefined && (typeof failures?.get !== "function" || typeof failures.penalty !== "function")) {
    throw optionInvalid("failures", "`failures` must have the functions `get` and `penalty`");
  }
  if (failures !== undefined && address === undefined) throw optionInvalid("address", "`failures` needs `address`");
  if (refusals !== undefined && refusals !== "problem" && refusals !== "cpanel") {
    throw optionInvalid("refusals", '`refusals` must be "problem" or "cpanel"');
  }
  if (keepAuthorization !== undefined && typeof keepAuthorization !== "boolean") {
    throw optionInvalid("keepAuthorization", "`keepAuthorization` must be true or false");
  }
  if (onRefusal !== undefined && typeof onRefusal !== "function") throw optionInvalid("onRefusal", "`onRefusal` must be a function");
  if (call === undefined || call === "route" || typeof call === "function") return read;
  const invalid = () => optionInvalid("call", '`call` must be a call, a function that returns one, or "route"');
  return { ...read, call: readPlain(call, "call", invalid) as Call };
}

/**
 * Returns the path and query of an absolute URL as they are: parsing would normalise them again, and a framework that reads the text would
 * serve another path than the judged one.
 *
 * @example
 * ```js
 * targetOf("https://api.example/orders/7?page=2"); // "/orders/7?page=2"
 * ```
 */
export function targetOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*([^]*)$/i.exec(url)?.[1] ?? url;
}

/**
 * Decides whether to admit a request. All middlewares use it.
 *
 * @param verifierOf returns the verifier
 * @param options the result of {@link readGuardOptions}
 * @throws an `Error`, whatever the functions of the options throw
 *
 * @example
 * ```js
 * const asking = { request, asked: request, accept, method: request.method, target: request.url };
 * const { identity, reply } = await passage(() => latch, asking, options);
 * ```
 */
export async function passage<Asked, Who extends SnapshotIdentity = Identity>(
  verifierOf: () => Verifier<Who> | Promise<Verifier<Who>>,
  asking: Asking<Asked>,
  options: AnyOptions<Asked>,
): Promise<Passage<Who>> {
  try {
    const latch = await verifierOf();
    checkVerifier(latch);
    return await decide(latch, asking, options);
  } catch (thrown) {
    throw errorOf(thrown);
  }
}

async function decide<Asked, Who extends SnapshotIdentity>(
  latch: Verifier<Who>,
  asking: Asking<Asked>,
  options: AnyOptions<Asked>,
): Promise<Passage<Who>> {
  const { request, asked, accept } = asking;
  const { failures } = options;
  const address = addressOf(await options.address?.(asked));
  const refuse = async (reply: Reply | Promise<Reply>, note: Omit<RefusalNote, "address">): Promise<Passage<Who>> => {
    const sendable = replyOf(await reply);
    await options.onRefusal?.({ ...note, address });
    return { identity: null, reply: wantsProblem(options.refusals, accept) ? problem(sendable) : sendable, removed: null };
  };
  const failed = (fault: unknown) =>
    refuse(latch.unavailable(), { ...anonymous(503, "limiter_failed", errorOf(fault).message), fault: errorOf(fault) });
  let retryAfter = 0;
  try {
    if (failures !== undefined) retryAfter = await secondsToWait(failures, address);
  } catch (fault) {
    return failed(fault);
  }
  if (retryAfter > 0) return refuse(latch.tooMany(retryAfter), anonymous(429, "too_many_failures", "too many failures"));
  const call = await callOf(asking, options.call);
  const verdict = verdictOf(await latch.verify(request, address === undefined ? call : { ...call, address }));
  if (verdict.allowed) {
    const removed = options.keepAuthorization === true ? [] : removedOf(latch.credentialFields?.(request));
    if (verdict.user !== null) return { identity: identityFrom(verdict), reply: null, removed };
    if (options.call === "route") return { identity: null, reply: null, removed };
    throw new LatchError("verdict_invalid", 'the route is public, so there is no identity; set `call` to "route" to admit such requests');
  }
  if (failures !== undefined && verdict.status === 401) {
    try {
      await penalty(failures, address);
    } catch (fault) {
      return failed(fault);
    }
  }
  const { status, reason, message, id, user, fault } = verdict;
  return refuse(verdict.refusal, { status, reason, message, id, user, fault });
}

/** Returns what a request wants to do. */
async function callOf<Asked>({ asked, method, target }: Asking<Asked>, call: AnyOptions<Asked>["call"]): Promise<Call | undefined> {
  if (call === undefined) return undefined;
  if (call === "route") return { method, path: target };
  return readCall(typeof call === "function" ? await call(asked) : call);
}

/** Returns the identity of an admission. It is accepted as `by`, like the admission. */
function identityFrom<Who extends SnapshotIdentity>(verdict: Who): Who {
  const { user, id, name, expires, access, readOnly } = verdict;
  const identity = { user, id, name, expires, access, readOnly } as Who;
  const principal = principalOf(verdict);
  return principal === undefined ? identity : bindPrincipal(identity, principal);
}

/** Checks the address from the option. */
function addressOf(address: unknown): string | undefined {
  if (address === undefined || address === null) return undefined;
  if (typeof address !== "string") throw optionInvalid("address", "`address` must return a string, or null if the address is unknown");
  return address;
}

/** Checks a verdict, because the verifier may be custom: only an admission of a user or of a public route, or a refusal, is accepted. */
function verdictOf<Who extends SnapshotIdentity>(verdict: Decision<Who>): Decision<Who> {
  if (typeof verdict === "object" && verdict !== null) {
    if (verdict.allowed === true && typeof verdict.user === "string" && verdict.user !== "") return verdict;
    if (verdict.allowed === true && verdict.user === null && verdict.reason === "public") return verdict;
    if (verdict.allowed === false) return verdict;
  }
  throw new LatchError("verdict_invalid", "the verifier returned no verdict");
}

/** Checks the names of the fields to remove, because the verifier may be custom. */
function removedOf(names: readonly string[] = ["authorization"]): readonly string[] {
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw new LatchError("verdict_invalid", "the verifier returned no names of header fields");
}

function replyOf(reply: Reply): Reply {
  const isSendable =
    typeof reply === "object" && reply !== null && typeof reply.body === "string" && typeof reply.headers === "object" && reply.headers !== null;
  if (isSendable && Number.isInteger(reply.status) && reply.status >= 400 && reply.status <= 599) return reply;
  throw new LatchError("verdict_invalid", "the verifier returned a refusal that can't be sent");
}

/** Returns the seconds that an address must wait, or 0. */
async function secondsToWait(failures: FailureLimiter, address: string | undefined): Promise<number> {
  const used = await withTimeout("read failures", LIMITER_TIMEOUT, () => failures.get(address ?? UNKNOWN_ADDRESS), LIMITER_CODES);
  if (used === null) return 0;
  if (typeof used !== "object") throw new LatchError("limiter_failed", "the limiter returned an invalid answer");
  if (typeof used.remainingPoints === "number" && used.remainingPoints > 0) return 0;
  // An answer without a valid number still refuses.
  const seconds = Math.ceil(used.msBeforeNext / 1000);
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : 1;
}

async function penalty(failures: FailureLimiter, address: string | undefined): Promise<void> {
  await withTimeout("count a failure", LIMITER_TIMEOUT, () => failures.penalty(address ?? UNKNOWN_ADDRESS), LIMITER_CODES);
}

function anonymous(status: RefusalNote["status"], reason: RefusalNote["reason"], message: string): Omit<RefusalNote, "address"> {
  return { status, reason, message, id: null, user: null, fault: null };
}

function wantsProblem(refusals: GuardOptions<never>["refusals"], accept: string | null | undefined): boolean {
  if (refusals !== "cpanel") return true;
  return /(^|[,\s])application\/problem\+json\s*($|[,;])/i.test(accept ?? "");
}

const TITLES: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

/** Converts a refusal to RFC 9457 problem details: the same for all refusals of a status. */
function problem({ status, headers }: Reply): Reply {
  const others = Object.entries(headers).filter(([name]) => !/^content-/i.test(name));
  return {
    status,
    headers: { ...Object.fromEntries(others), "Content-Type": "application/problem+json" },
    body: JSON.stringify({ type: "about:blank", title: TITLES[status], status }),
  };
}
