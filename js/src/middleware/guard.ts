/* @ts-self-types="./guard.d.ts" */

import { type FetchRequest, type NodeRequest } from "../authorization.js";
import { bounded } from "../bounded.js";
import { LatchError } from "../latch-error.js";
import type { Call, Reply } from "../types.js";
import type { Identity, Refused, SnapshotIdentity } from "../verdict.js";

/** What decides about requests: a `Latch`, or a `SnapshotFollower`, whose identities may have no id and no name. */
export interface Verifier<Who extends SnapshotIdentity = Identity> {
  /** Decides about a request. */
  verify(request: FetchRequest | NodeRequest, call?: Call): Decision<Who> | Promise<Decision<Who>>;
  /** The reply to an address that has failed too often. */
  tooMany(retryAfter: number): Reply;
  /** The reply where no verdict can be had. */
  unavailable(): Reply;
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

/** What a refused request is told to the log. It holds no header and no secret. */
export interface RefusalNote {
  readonly status: 401 | 403 | 429 | 503;
  /** The verdict's reason, `too_many_failures`, or `limiter_failed`. */
  readonly reason: Refused["reason"] | "too_many_failures" | "limiter_failed";
  readonly message: string;
  /** The client's address, as the option `address` gave it. */
  readonly address: string | undefined;
  /** The token's id and user, once its hash has matched. */
  readonly id: string | null;
  readonly user: string | null;
  readonly fault: Error | null;
}

/** Options of every middleware; `Asked` is the request as the framework has it. */
export interface GuardOptions<Asked> {
  /** What a request wants to do. Default: a call that names nothing, which only a full token that may write passes. */
  readonly call?: Call | ((request: Asked) => Call) | undefined;
  /**
   * The address that a request came from, by what you know to be true of your network: the socket's, or a header that
   * your own proxy sets. Default: unknown, so a token that lists addresses is refused. `X-Forwarded-For` is never read.
   */
  readonly address?: ((request: Asked) => string | null | undefined) | undefined;
  /** Answers 429 to an address that has failed too often. It needs `address`; requests without one count together. */
  readonly failures?: FailureLimiter | undefined;
  /** When a refusal is RFC 9457 problem details: for clients that accept `application/problem+json`, always or never. Default: `"accept"`. */
  readonly problemDetails?: "accept" | "always" | "never" | undefined;
  /** Whether the request that is handed on keeps its `Authorization` header. Default: false. */
  readonly keepAuthorization?: boolean | undefined;
  /** Called with every refusal, for the log, before the reply is sent. What it throws is thrown on. */
  readonly onRefusal?: ((note: RefusalNote) => void | Promise<void>) | undefined;
}

/** What came of a request: it goes on as somebody, or this is the reply. */
export type Passage<Who extends SnapshotIdentity = Identity> =
  | { readonly identity: Who; readonly reply: null }
  | { readonly identity: null; readonly reply: Reply };

const KNOWN = new Set(["call", "address", "failures", "problemDetails", "keepAuthorization", "onRefusal"]);
const LIMITER_CODES = { failed: "limiter_failed", timeout: "limiter_failed" } as const;
const LIMITER_TIMEOUT = 5_000;
const UNKNOWN_ADDRESS = "unknown";

/**
 * Refuses wrong options when the middleware is made, not at the first request.
 *
 * @throws LatchError `option_invalid`.
 *
 * @example
 * ```js
 * checkGuardOptions(latch, { adress: () => "192.0.2.7" }); // LatchError: there is no option `adress`
 * ```
 */
export function checkGuardOptions<Asked>(latch: unknown, options: GuardOptions<Asked>): void {
  if (typeof latch !== "function" && typeof (latch as Partial<Verifier> | null)?.verify !== "function") {
    throw wrong("latch", "expected a Latch or a SnapshotFollower, or a function that gives one");
  }
  if (typeof options !== "object" || options === null) throw wrong("options", "expected an object of options");
  for (const key of Object.keys(options)) if (!KNOWN.has(key)) throw wrong(key, `there is no option \`${key}\``);
  const { call, address, failures, problemDetails, keepAuthorization, onRefusal } = options;
  if (call !== undefined && typeof call !== "function" && (typeof call !== "object" || call === null)) {
    throw wrong("call", "`call` must be a call or a function that gives one");
  }
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
}

/**
 * Decides whether a request goes on. The middlewares of all frameworks do this and nothing else.
 *
 * @example
 * ```js
 * const { identity, reply } = await passage(latch, request, request, request.headers.get("accept"), options);
 * ```
 */
export async function passage<Asked, Who extends SnapshotIdentity = Identity>(
  latch: Verifier<Who>,
  request: FetchRequest | NodeRequest,
  asked: Asked,
  accept: string | null | undefined,
  options: GuardOptions<Asked>,
): Promise<Passage<Who>> {
  const { failures } = options;
  const address = options.address?.(asked) ?? undefined;
  const refuse = async (reply: Reply, note: Omit<RefusalNote, "address">): Promise<Passage<Who>> => {
    await options.onRefusal?.({ ...note, address });
    return { identity: null, reply: wantsProblem(options.problemDetails, accept) ? problem(reply) : reply };
  };
  try {
    const wait = failures === undefined ? 0 : await waiting(failures, address);
    if (wait > 0) return await refuse(latch.tooMany(wait), unnamed(429, "too_many_failures", "too many failures"));
    const given = typeof options.call === "function" ? options.call(asked) : options.call;
    const verdict = await latch.verify(request, address === undefined ? given : { ...given, address });
    if (verdict.allowed) {
      const { user, id, name, expires, access, readOnly } = verdict;
      return { identity: { user, id, name, expires, access, readOnly } as Who, reply: null };
    }
    if (failures !== undefined && verdict.status === 401) await penalty(failures, address);
    const { status, reason, message, id, user, fault } = verdict;
    return await refuse(verdict.refusal, { status, reason, message, id, user, fault });
  } catch (error) {
    if (!(error instanceof LatchError) || error.code !== "limiter_failed") throw error;
    return refuse(latch.unavailable(), { ...unnamed(503, "limiter_failed", error.message), fault: error });
  }
}

/** Seconds that an address must wait, 0 for none. */
async function waiting(failures: FailureLimiter, address: string | undefined): Promise<number> {
  const used = await bounded("read failures", LIMITER_TIMEOUT, () => failures.get(address ?? UNKNOWN_ADDRESS), LIMITER_CODES);
  if (used === null || used.remainingPoints > 0) return 0;
  // Of an answer that is no number nothing is known but that it is no pass.
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

function wrong(field: string, message: string): LatchError {
  return new LatchError("option_invalid", message, { field });
}
