/* @ts-self-types="./follower.d.ts" */

import { Accepted } from "../module/accepted.js";
import { type FetchRequest, type NodeRequest, authorizationOf } from "../module/authorization.js";
import { parseAuthorization, reply } from "../module/functions.js";
import { readCall, pickKnown, routeRequestOf, typeInvalid } from "../module/plain-object.js";
import { refusalCauseOf, refusalFor, unavailableReply } from "../module/refusal.js";
import { monotonic, unixNow } from "../runtime/clock.js";
import { pause } from "../runtime/timer.js";
import type {
  AuthorizationHeader,
  Call,
  FollowerVerdict,
  Hash,
  PresentedFields,
  PublicAdmission,
  Refused,
  Reply,
  SnapshotAdmitted,
  UnroutedCall,
  Verdict,
} from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import { type FollowerManyOptions, type FollowerOptions, type FollowerState, readFollowerOptions } from "./follower-options.js";
import { Origin } from "./origin.js";
import { type Snapshot, admittedDigest } from "./snapshot.js";
import { Sync } from "./sync.js";
import { UsageReporter } from "./usage-reporter.js";

/** Prepared calls that are cached. All are forgotten when there are more, because the module's numbers are limited. */
const MAX_CALLS = 1_000;

/** Tokens without names whose hashes are cached. */
const MAX_HASHES = 20_000;

/** Milliseconds to wait after the first failure, doubled after each further one, and the longest wait. */
const FIRST_RETRY = 250;
const MAX_RETRY = 5_000;

/** The shortest time between long polls without a change, in milliseconds, for an origin that doesn't hold them. */
const MIN_POLL = 1_000;

/** How long the origin may hold a long poll, in seconds. */
const WAIT = 25;

/**
 * Follows an origin's signed snapshot and decides about requests in the module's memory, without a request to the origin.
 * When the table is older than allowed, every request is refused (503, `snapshot_stale`) until the origin answers again.
 *
 * @example
 * ```js
 * const follower = new SnapshotFollower({
 *   url: "https://origin.example:2089",
 *   publicKeys: [publicKey],
 *   authorization: `whm edge:${token}`,
 *   onError: (error) => console.warn(error.code, error.message),
 * });
 * follower.start();
 * const verdict = follower.verify(request, { feature: "backup", writes: false });
 * ```
 */
export class SnapshotFollower {
  readonly #options: FollowerOptions;
  readonly #sync: Sync;
  /** The credentials of the options; undefined for the usual ones. */
  readonly #accepted: Accepted | undefined;
  readonly #unavailable: Reply;
  readonly #reporter: UsageReporter | undefined;
  /** Numbers of prepared calls by their content, and the snapshot that they belong to. */
  #calls = new Map<string, number>();
  #preparedIn: Snapshot | undefined;
  /** Hashes by digest, for snapshots without names. */
  readonly #hashes = new Map<string, readonly Hash[]>();
  #stopper: AbortController | undefined;
  #loops: Promise<unknown> = Promise.resolve();

  /**
   * Makes a follower without contacting the origin: call {@link start}, or {@link poll} where nothing runs in the background.
   *
   * @throws LatchError `option_invalid` for an invalid option, TokenlatchError for a key, a pepper or a catalogue that the module refuses.
   */
  constructor(options: FollowerOptions) {
    this.#options = readFollowerOptions(options);
    const { credentials } = this.#options;
    this.#accepted = credentials === undefined ? undefined : new Accepted(credentials);
    const origin = new Origin(this.#options);
    this.#sync = new Sync(this.#options, origin);
    this.#unavailable = unavailableReply();
    const { usage } = this.#options;
    this.#reporter = usage === false ? undefined : new UsageReporter(origin, usage?.interval, (error) => this.#sync.notifyError(error));
  }

  /** The state of the follower. */
  get state(): FollowerState {
    const { table, contacted, failures, error } = this.#sync;
    const running = this.#stopper !== undefined;
    return { table, contacted, failures, error, running, usage: this.#reporter?.counts.state ?? { waiting: 0, lost: 0 } };
  }

  /** Whether there is a table that is recent enough to decide by. */
  get ready(): boolean {
    return this.verify(null).status !== 503;
  }

  /**
   * Starts to follow in the background, by long polls or every `interval`. Timers keep no process alive; a long poll may, until
   * {@link stop} is called. In workerd timers run only as long as a request or a Durable Object: use {@link poll} there.
   *
   * @example
   * ```js
   * follower.start();
   * ```
   */
  start(): void {
    if (this.#stopper !== undefined) return;
    const stopper = new AbortController();
    this.#stopper = stopper;
    this.#loops = Promise.all([this.#loops, this.#follow(stopper.signal), this.#reporter?.run(stopper.signal)]);
  }

  /**
   * Stops following and reports the remaining uses, once. The table still decides until it is too old.
   *
   * @example
   * ```js
   * await follower.stop();
   * ```
   */
  async stop(): Promise<void> {
    this.#stopper?.abort();
    this.#stopper = undefined;
    this.#sync.abort();
    await this.#loops;
    await this.#reporter?.report();
  }

  /**
   * Catches up with the origin once: for cron triggers, alarms and runtimes without background work. It also reports usage when
   * that is due. It rejects for an invalid option only; see `state.error` for a failure. It waits for another running poll, but
   * replaces a long poll.
   *
   * @param options `wait`: how many seconds the origin may hold the answer until something changes, limited to a third of the
   * allowed age. Default: 0.
   *
   * @example
   * ```js
   * const { table, error } = await follower.poll();
   * ```
   */
  async poll(options: { readonly wait?: number | undefined } = {}): Promise<FollowerState> {
    const { wait = 0 } = options;
    if (!Number.isSafeInteger(wait) || wait < 0 || wait > 300) {
      throw new LatchError("option_invalid", "`wait` must be whole seconds from 0 to 300", { field: "wait" });
    }
    await this.#sync.attempt(wait);
    if (this.#reporter?.isDue === true) await this.#reporter.report();
    return this.state;
  }

  /**
   * Deletes the table and the floor, here and in the store. It resolves `floor_in_future`, when an origin with a wrong clock has signed a
   * table of the future. Every request is refused until the next answer of the origin, which may be older than the deleted table.
   *
   * @throws LatchError `store_failed` or `store_timeout`: nothing is deleted then.
   *
   * @example
   * ```js
   * if (follower.state.error?.code === "floor_in_future" && operatorAgrees) await follower.reset();
   * ```
   */
  async reset(): Promise<void> {
    await this.#sync.reset();
  }

  /**
   * Decides about a request, synchronously. A refusal is a verdict, also when the table is missing or too old (status 503): send
   * its `refusal` and log its `reason`.
   *
   * @param request a standard `Request`, a request of Node's `http`, or an `Authorization` header
   * @param call what the request wants to do; without it only a full token that may write is admitted
   * @param address the address that it came from, unless `call` has it
   *
   * @example
   * ```js
   * const verdict = follower.verify(request, { feature: "backup", writes: false }, "192.0.2.7");
   * if (!verdict.allowed) return new Response(verdict.refusal.body, verdict.refusal);
   * ```
   *
   * @throws TokenlatchError for an invalid call, LatchError for a value that isn't a request.
   */
  verify(request: FetchRequest | NodeRequest | AuthorizationHeader, call?: UnroutedCall, address?: string | null): FollowerVerdict;
  /**
   * Decides about a request by its route in the catalogue. A public route is admitted without a token and without a table: its `user` is
   * null.
   *
   * @example
   * ```js
   * const { pathname, search } = new URL(request.url);
   * const verdict = follower.verify(request, { method: request.method, path: pathname + search });
   * ```
   */
  verify(request: FetchRequest | NodeRequest | AuthorizationHeader, call?: Call, address?: string | null): FollowerVerdict | PublicAdmission;
  verify(request: FetchRequest | NodeRequest | AuthorizationHeader, call?: Call, address?: string | null): FollowerVerdict | PublicAdmission {
    const presented = this.#accepted?.presentedBy(request) ?? headerOf(authorizationOf(request));
    const callInput = call === undefined ? {} : readCall(call);
    try {
      const now = this.#now();
      const options = { call: this.#prepare(callInput), address: address ?? callInput.address, now };
      const { snapshot } = this.#sync;
      const isHeader = presented === null || typeof presented === "string";
      const verdict = isHeader ? snapshot.verify(presented, options) : snapshot.verifyFields(presented.fields, options);
      const digest = verdict.allowed && verdict.user !== null && verdict.id === null ? admittedDigest() : undefined;
      return this.#toFollowerVerdict(verdict, presented, now, true, digest);
    } catch (error) {
      return this.#toRefusal(error);
    }
  }

  /**
   * Returns the names of the header fields to remove from a request before it is passed on, in lower case: those in which a token may stand.
   * The middleware removes them. `Authorization` isn't among them if its scheme isn't one of the option `credentials`.
   *
   * @example
   * ```js
   * follower.credentialFields(request); // ["authorization"]
   * ```
   */
  credentialFields(request: FetchRequest | NodeRequest): readonly string[] {
    return this.#accepted?.heldBy(request) ?? ["authorization"];
  }

  /**
   * Decides about many requests in one call, for gateways and logs. Returns a verdict for each header, in the same order.
   *
   * @param options `call`: what all of them want to do; `addresses`: the address of each; `counts`: whether they count as uses
   * (default: true; set it to false for a log)
   *
   * @example
   * ```js
   * const verdicts = follower.verifyMany(headers, { call: { feature: "backup", writes: false }, counts: false });
   * ```
   *
   * @throws TokenlatchError for an invalid option. No request is decided then.
   */
  verifyMany(
    headers: readonly (string | null | undefined)[],
    options?: FollowerManyOptions & { readonly call?: UnroutedCall | undefined },
  ): FollowerVerdict[];
  /**
   * Decides about many requests of one route.
   *
   * @example
   * ```js
   * const verdicts = follower.verifyMany(headers, { call: { method: "GET", path: "/orders" }, counts: false });
   * ```
   */
  verifyMany(headers: readonly (string | null | undefined)[], options?: FollowerManyOptions): (FollowerVerdict | PublicAdmission)[];
  verifyMany(headers: readonly (string | null | undefined)[], options: FollowerManyOptions = {}): (FollowerVerdict | PublicAdmission)[] {
    const { call, addresses, counts = true } = pickKnown(options, "options", ["call", "addresses", "counts"]) as FollowerManyOptions;
    const callInput = call === undefined ? {} : readCall(call);
    if (typeof counts !== "boolean") throw typeInvalid("counts", "expected true or false");
    try {
      const now = this.#now();
      const verdicts = this.#sync.snapshot.verifyMany(headers, { call: this.#prepare(callInput), addresses, now });
      const presentedBy = (header: string | null | undefined) => this.#accepted?.presentedBy(header) ?? header ?? null;
      return verdicts.map((verdict, index) => this.#toFollowerVerdict(verdict, presentedBy(headers[index]), now, counts));
    } catch (error) {
      const refusal = this.#toRefusal(error);
      return headers.map(() => refusal);
    }
  }

  /**
   * Makes the reply (429) to an address with too many failures, to send unchanged.
   *
   * @param retryAfter whole seconds from 1
   *
   * @example
   * ```js
   * follower.tooMany(30).headers["Retry-After"]; // "30"
   * ```
   */
  tooMany(retryAfter: number): Reply {
    return reply({ shape: "denied", httpStatus: 429, retryAfter });
  }

  /**
   * Makes the reply (503) for requests that can't be decided, to send unchanged.
   *
   * @example
   * ```js
   * follower.unavailable().status; // 503
   * ```
   */
  unavailable(): Reply {
    return { ...this.#unavailable, headers: { ...this.#unavailable.headers } };
  }

  #now(): number {
    return this.#options.now?.() ?? unixNow();
  }

  /** Returns the number of a call, and prepares it if it is new. Calls with a route aren't cached: clients choose their paths. */
  #prepare(call: Call): number {
    const { snapshot } = this.#sync;
    const routed = routeRequestOf(call);
    if (routed !== undefined) return snapshot.route(routed.method, routed.path, routed.realm);
    if (this.#preparedIn !== snapshot) {
      this.#preparedIn = snapshot;
      this.#calls.clear();
    }
    const { address: _, ...rest } = call;
    const key = callKey(rest);
    // The module refuses an invalid call.
    if (key === undefined) return snapshot.prepare(rest);
    let number = this.#calls.get(key);
    if (number === undefined) {
      if (this.#calls.size >= MAX_CALLS) {
        snapshot.forgetCalls();
        this.#calls.clear();
      }
      number = snapshot.prepare(rest);
      this.#calls.set(key, number);
    }
    return number;
  }

  /** Converts a verdict of the module, and counts the admission of a token. `digest` identifies the token, if it is known. */
  #toFollowerVerdict(
    verdict: Verdict,
    presented: string | null | PresentedFields,
    now: number,
    counts: boolean,
    digest?: string,
  ): FollowerVerdict | PublicAdmission {
    if (!verdict.allowed) return { ...verdict, fault: null } as Refused;
    // A public admission says nothing about the token of the request, which may even be unknown.
    if (verdict.user === null) return { ...verdict, fault: null } as PublicAdmission;
    if (counts && this.#reporter !== undefined) {
      if (verdict.id !== null) this.#reporter.counts.count({ id: verdict.id }, now);
      else for (const hash of this.#hashesOf(presented, digest)) this.#reporter.counts.count({ hash }, now);
    }
    return { ...verdict, fault: null } as SnapshotAdmitted;
  }

  /** Makes the refusal for an error. Errors of the caller are thrown again. */
  #toRefusal(error: unknown): Refused {
    const cause = refusalCauseOf(error);
    if (cause === undefined) throw error;
    return refusalFor(cause, this.unavailable());
  }

  /** Returns the hashes of a token under each pepper: the origin finds a token without a name by one of them. */
  #hashesOf(presented: string | null | PresentedFields, digest: string | undefined): readonly Hash[] {
    const cached = digest === undefined ? undefined : this.#hashes.get(digest);
    if (cached !== undefined) return cached;
    const { hashes } = parseAuthorization({ authorization: presented, peppers: this.#options.peppers });
    if (digest !== undefined) {
      if (this.#hashes.size >= MAX_HASHES) this.#hashes.clear();
      this.#hashes.set(digest, hashes);
    }
    return hashes;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { interval, wait = WAIT } = this.#options;
    while (!signal.aborted) {
      const began = monotonic();
      const before = this.#sync.table;
      await this.#sync.attempt(interval === undefined ? wait : 0);
      const { failures, table } = this.#sync;
      const isSame = table?.version === before?.version && table?.epoch === before?.epoch;
      if (failures > 0) {
        await pause(retryDelay(failures), signal);
      } else if (interval !== undefined) {
        // Counted from request to request, whatever time the answer and the store took.
        await pause(interval - (monotonic() - began), signal);
      } else if (isSame) {
        await pause(MIN_POLL - (monotonic() - began), signal);
      }
    }
  }
}

const CALL_KEYS = ["api", "module", "function", "feature", "writes", "realm"] as const;

/** Makes a text that is the same for equal calls only; undefined if a part is unknown or neither a string nor a boolean. */
function callKey(call: Call): string | undefined {
  for (const key of Object.keys(call)) if (!(CALL_KEYS as readonly string[]).includes(key)) return undefined;
  let text = "";
  for (const key of CALL_KEYS) {
    // Own properties only, as in the module: a polluted prototype must not make two calls equal.
    const value: unknown = Object.hasOwn(call, key) ? call[key] : undefined;
    // With lengths, so that different parts never give the same text.
    if (typeof value === "string") text += `${value.length}:${value}`;
    else if (typeof value === "boolean") text += value ? "t" : "f";
    else if (value === undefined) text += "-";
    else return undefined;
  }
  return text;
}

/** Returns the header as one text. Several values are joined as in a standard request, which the module refuses. */
function headerOf(authorization: AuthorizationHeader): string | null {
  if (authorization === null || authorization === undefined || typeof authorization === "string") return authorization ?? null;
  return authorization.length === 0 ? null : authorization.join(", ");
}

/** Returns the milliseconds to wait after this number of failures, with jitter: edges that lost their origin together don't retry together. */
function retryDelay(failures: number): number {
  return Math.min(MAX_RETRY, FIRST_RETRY * 2 ** Math.min(failures - 1, 10)) * (0.5 + Math.random() / 2);
}
