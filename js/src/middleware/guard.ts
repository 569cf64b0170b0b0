/* @ts-self-types="./guard.d.ts" */

import { vouch, vouchedFor } from "../latch/principal.js";
import type { FetchRequest, NodeRequest } from "../module/authorization.js";
import { callOf, plain } from "../module/plain-object.js";
import { bounded } from "../runtime/timeout.js";
import type { Call, Identity, Refused, Reply, SnapshotIdentity } from "../types/index.js";
import { LatchError, errorOf, wrongOption as wrong } from "../types/latch-error.js";

/** What decides about requests: a `Latch`, or a `SnapshotFollower`, whose identities may have no id and no name. */
export interface Verifier<Who extends SnapshotIdentity = Identity> {
  /** Decides about a request. */
  verify(request: FetchRequest | NodeRequest, call?: Call): Decision<Who> | Promise<Decision<Who>>;
  /** The reply to an address that has failed too often. */
  tooMany(retryAfter: number): Reply | Promise<Reply>;
  /** The reply where no verdict can be had. */
  unavailable(): Reply | Promise<Reply>;
}

/** A verdict. */
export type Decision<Who extends SnapshotIdentity> = (Who & { readonly allowed: true }) | Refused;

/** Counts the failures of an address: a limiter of `rate-limiter-flexible`, or anything of this form. */
export interface FailureLimiter {
  /** What an address has used up, or null when it hasn't failed. */
  get(address: string): Promise<{ readonly remainingPoints: number; readonly msBeforeNext: number } | null>;
  /** Counts one failure. */
  penalty(address: string): Promise<unknown>;
}

/** What the log gets of a refused request. It holds no header and no secret. */
export interface RefusalNote {
  readonly status: 401 | 403 | 429 | 500 | 503;
  /** The verdict's reason, `too_many_failures`, `limiter_failed`; `failed` with 500 where no framework takes the error. */
  readonly reason: Refused["reason"] | "too_many_failures" | "limiter_failed" | "failed";
  readonly message: string;
  /** The client's address, as the option `address` gave it. */
  readonly address: string | undefined;
  /** The token's id and user, once its hash has matched. */
  readonly id: string | null;
  readonly user: string | null;
  readonly fault: Error | null;
}

/** A client's address, or that it isn't known. */
export type Address = string | null | undefined;

/** Options of every middleware; `Asked` is the request as the framework has it. */
export interface GuardOptions<Asked> {
  /**
   * What a request wants to do. Default: a call that names nothing, which only a full token that may write passes. A
   * function must give a call: for anything else the request isn't admitted.
   */
  readonly call?: Call | ((request: Asked) => Call | Promise<Call>) | undefined;
  /**
   * The address that a request came from, by what you know to be true of your network: the socket's, or a header that
   * your own proxy sets. Default: unknown, so a token that lists addresses is refused. `X-Forwarded-For` is never read.
   */
  readonly address?: ((request: Asked) => Address | Promise<Address>) | undefined;
  /** Answers 429 to an address that has failed too often. It needs `address`; requests without one count together. */
  readonly failures?: FailureLimiter | undefined;
  /** When a refusal is RFC 9457 problem details: for clients that accept `application/problem+json`, always or never. Default: `"accept"`. */
  readonly problemDetails?: "accept" | "always" | "never" | undefined;
  /** Whether the request that is handed on keeps its `Authorization` header. Default: false. */
  readonly keepAuthorization?: boolean | undefined;
  /** Called with every refusal, for the log, before the reply is sent. What it throws is thrown on, as an `Error`. */
  readonly onRefusal?: ((note: RefusalNote) => void | Promise<void>) | undefined;
}

/** The outcome of a request: the identity that it goes on with, or the reply. */
export type Passage<Who extends SnapshotIdentity = Identity> =
  | { readonly identity: Who; readonly reply: null }
  | { readonly identity: null; readonly reply: Reply };

/** A request, as what decides and as what the user's functions take it. */
export interface Asking<Asked> {
  /** A standard `Request` or one of Node's: the header is read from it. */
  readonly request: FetchRequest | NodeRequest;
  /** The request as the framework has it. */
  readonly asked: Asked;
  /** Its `Accept` header. */
  readonly accept: string | null | undefined;
}

const KNOWN = ["call", "address", "failures", "problemDetails", "keepAuthorization", "onRefusal"] as const;
const LIMITER_CODES = { failed: "limiter_failed", timeout: "limiter_failed" } as const;
const LIMITER_TIMEOUT = 5_000;
const UNKNOWN_ADDRESS = "unknown";

/**
 * Refuses what can't decide.
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
  throw wrong("latch", "expected a Latch or a SnapshotFollower");
}

/**
 * Reads options once, when the middleware is made, and refuses wrong ones.
 *
 * @throws LatchError `option_invalid`.
 *
 * @example
 * ```js
 * readGuardOptions({ adress: () => "192.0.2.7" }); // LatchError: there is no option `adress`
 * ```
 */
export function readGuardOptions<Asked>(options: GuardOptions<Asked>): GuardOptions<Asked> {
  const read = plain(options, "options", wrong) as GuardOptions<Asked>;
  for (const key of Object.keys(read)) if (!(KNOWN as readonly string[]).includes(key)) throw wrong(key, `there is no option \`${key}\``);
  const { call, address, failures, problemDetails, keepAuthorization, onRefusal } = read;
  if (address !== undefined && typeof address !== "function") throw wrong("address", "`address` must be a function");
  if (failures !== undefined && (typeof failures?.get !== "function" || typeof failures.penalty !== "function")) {
    throw wrong("failures", "`failures` must have the functions `get` and `penalty`");
  }
  if (failures !== undefined && address === undefined) throw wrong("address", "`failures` needs `address`");
  if (problemDetails !== undefined && !["accept", "always", "never"].includes(problemDetails)) {
    throw wrong("problemDetails", '`problemDetails` must be "accept", "always" or "never"');
  }
  if (keepAuthorization !== undefined && typeof keepAuthorization !== "boolean") {
    throw wrong("keepAuthorization", "`keepAuthorization` must be true or false");
  }
  if (onRefusal !== undefined && typeof onRefusal !== "function") throw wrong("onRefusal", "`onRefusal` must be a function");
  if (call === undefined || typeof call === "function") return read;
  return { ...read, call: plain(call, "call", () => wrong("call", "`call` must be a call or a function that gives one")) as Call };
}

/**
 * Decides whether a request goes on. The middlewares of all frameworks do this and nothing else.
 *
 * @param verifierOf gives what decides
 * @param options as {@link readGuardOptions} gave them
 * @throws an `Error`, whatever the functions among the options throw
 *
 * @example
 * ```js
 * const { identity, reply } = await passage(() => latch, { request, asked: request, accept }, options);
 * ```
 */
export async function passage<Asked, Who extends SnapshotIdentity = Identity>(
  verifierOf: () => Verifier<Who> | Promise<Verifier<Who>>,
  asking: Asking<Asked>,
  options: GuardOptions<Asked>,
): Promise<Passage<Who>> {
  try {
    const latch = await verifierOf();
    checkVerifier(latch);
    return await decided(latch, asking, options);
  } catch (thrown) {
    throw errorOf(thrown);
  }
}

async function decided<Asked, Who extends SnapshotIdentity>(
  latch: Verifier<Who>,
  { request, asked, accept }: Asking<Asked>,
  options: GuardOptions<Asked>,
): Promise<Passage<Who>> {
  const { failures } = options;
  const address = addressOf(await options.address?.(asked));
  const refuse = async (reply: Reply | Promise<Reply>, note: Omit<RefusalNote, "address">): Promise<Passage<Who>> => {
    const sendable = replyOf(await reply);
    await options.onRefusal?.({ ...note, address });
    return { identity: null, reply: wantsProblem(options.problemDetails, accept) ? problem(sendable) : sendable };
  };
  const failed = (fault: unknown) =>
    refuse(latch.unavailable(), { ...unnamed(503, "limiter_failed", errorOf(fault).message), fault: errorOf(fault) });
  let wait = 0;
  try {
    if (failures !== undefined) wait = await waiting(failures, address);
  } catch (fault) {
    return failed(fault);
  }
  if (wait > 0) return refuse(latch.tooMany(wait), unnamed(429, "too_many_failures", "too many failures"));
  const call = options.call === undefined ? undefined : callOf(typeof options.call === "function" ? await options.call(asked) : options.call);
  const verdict = verdictOf(await latch.verify(request, address === undefined ? call : { ...call, address }));
  if (verdict.allowed) return { identity: identityIn(verdict), reply: null };
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

/** The identity in an admission. It can be given as `by`, as the admission can. */
function identityIn<Who extends SnapshotIdentity>(verdict: Who): Who {
  const { user, id, name, expires, access, readOnly } = verdict;
  const identity = { user, id, name, expires, access, readOnly } as Who;
  const vouched = vouchedFor(verdict);
  return vouched === undefined ? identity : vouch(identity, vouched);
}

/** The address as the option gave it. */
function addressOf(address: unknown): string | undefined {
  if (address === undefined || address === null) return undefined;
  if (typeof address !== "string") throw wrong("address", "`address` must give a string, or null where it isn't known");
  return address;
}

/** What decides may be anybody's: what is neither an admission of somebody nor a refusal that can be sent isn't acted upon. */
function verdictOf<Who extends SnapshotIdentity>(verdict: Decision<Who>): Decision<Who> {
  if (typeof verdict === "object" && verdict !== null) {
    if (verdict.allowed === true && typeof verdict.user === "string" && verdict.user !== "") return verdict;
    if (verdict.allowed === false) return verdict;
  }
  throw new LatchError("verdict_invalid", "what decides gave no verdict");
}

function replyOf(reply: Reply): Reply {
  const isSendable =
    typeof reply === "object" && reply !== null && typeof reply.body === "string" && typeof reply.headers === "object" && reply.headers !== null;
  if (isSendable && Number.isInteger(reply.status) && reply.status >= 400 && reply.status <= 599) return reply;
  throw new LatchError("verdict_invalid", "what decides gave a refusal that can't be sent");
}

/** Seconds that an address must wait, 0 for none. */
async function waiting(failures: FailureLimiter, address: string | undefined): Promise<number> {
  const used = await bounded("read failures", LIMITER_TIMEOUT, () => failures.get(address ?? UNKNOWN_ADDRESS), LIMITER_CODES);
  if (used === null) return 0;
  if (typeof used !== "object") throw new LatchError("limiter_failed", "the limiter gave no answer");
  if (typeof used.remainingPoints === "number" && used.remainingPoints > 0) return 0;
  // An answer without a usable number is still not a pass.
  const seconds = Math.ceil(used.msBeforeNext / 1000);
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : 1;
}

async function penalty(failures: FailureLimiter, address: string | undefined): Promise<void> {
  await bounded("count a failure", LIMITER_TIMEOUT, () => failures.penalty(address ?? UNKNOWN_ADDRESS), LIMITER_CODES);
}

function unnamed(status: RefusalNote["status"], reason: RefusalNote["reason"], message: string): Omit<RefusalNote, "address"> {
  return { status, reason, message, id: null, user: null, fault: null };
}

function wantsProblem(when: GuardOptions<never>["problemDetails"], accept: string | null | undefined): boolean {
  if (when === "always" || when === "never") return when === "always";
  return /(^|[,\s])application\/problem\+json\s*($|[,;])/i.test(accept ?? "");
}

const TITLES: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

/** The same refusal as RFC 9457 problem details: what it says is the refusal's own sentence, and nothing more. */
function problem({ status, headers, body }: Reply): Reply {
  const { cpanelresult } = JSON.parse(body) as { readonly cpanelresult: { readonly error: string } };
  return {
    status,
    headers: { ...headers, "Content-Type": "application/problem+json" },
    body: JSON.stringify({ type: "about:blank", title: TITLES[status], status, detail: cpanelresult.error }),
  };
}
