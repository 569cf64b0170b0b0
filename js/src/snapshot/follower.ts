/* @ts-self-types="./follower.d.ts" */

import { type FetchRequest, type NodeRequest, authorizationOf } from "../module/authorization.js";
import { parseAuthorization, reply } from "../module/functions.js";
import { callOf, picked, wrong } from "../module/plain-object.js";
import { faultOf, refusedBy, unavailableReply } from "../module/refusal.js";
import { monotonic, unixNow } from "../runtime/clock.js";
import { pause } from "../runtime/timer.js";
import type { AuthorizationHeader, Call, FollowerVerdict, Hash, Refused, Reply, SnapshotAdmitted, Verdict } from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import { type FollowerManyOptions, type FollowerOptions, type FollowerState, readFollowerOptions } from "./follower-options.js";
import { Origin } from "./origin.js";
import { type Snapshot, admittedDigest } from "./snapshot.js";
import { Following } from "./sync.js";
import { Reporter } from "./usage-reporter.js";

/** Calls whose numbers are remembered; then all of them are forgotten, for the module has no numbers without end. */
const MOST_CALLS = 1_000;

/** Tokens without names whose hashes are remembered; those of others are computed again. */
const MOST_HASHES = 20_000;

/** Milliseconds to wait after the first failure, which double with each further one, and the longest wait. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;

/** The shortest time between long polls that brought nothing, in milliseconds: for an origin that doesn't hold them. */
const QUIET = 1_000;

/** How long the origin may hold a long poll, in seconds. */
const WAIT = 25;

/**
 * Follows an origin's signed snapshot and decides about requests by it, in the module's memory, without asking anyone.
 * A table that has become older than is allowed refuses every request (503, `snapshot_stale`) until the origin is heard again.
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
  readonly #following: Following;
  readonly #unavailable: Reply;
  readonly #reporter: Reporter | undefined;
  /** Numbers of calls by what they say, and whose numbers they are. */
  #calls = new Map<string, number>();
  #numbered: Snapshot | undefined;
  /** Hashes by the digest that the module found, where the snapshot has no names. */
  readonly #hashes = new Map<string, readonly Hash[]>();
  #stopper: AbortController | undefined;
  #loops: Promise<unknown> = Promise.resolve();

  /**
   * Nothing is asked yet: call {@link start}, or {@link poll} where nothing may run by itself.
   *
   * @throws LatchError `option_invalid` for a wrong option, TokenlatchError for a key, a pepper or a catalogue that the module refuses.
   */
  constructor(options: FollowerOptions) {
    this.#options = readFollowerOptions(options);
    const origin = new Origin(this.#options);
    this.#following = new Following(this.#options, origin);
    this.#unavailable = unavailableReply();
    const { usage } = this.#options;
    this.#reporter = usage === false ? undefined : new Reporter(origin, usage?.interval, (error) => this.#following.tell(error));
  }

  /** Its state. */
  get state(): FollowerState {
    const { table, contacted, failures, error } = this.#following;
    const running = this.#stopper !== undefined;
    return { table, contacted, failures, error, running, usage: this.#reporter?.counts.state ?? { waiting: 0, lost: 0 } };
  }

  /** Whether there is a table that may be decided by at this time. */
  get ready(): boolean {
    return this.verify(null).status !== 503;
  }

  /**
   * Begins to follow, in the background: by long polls, or every `interval`. Its timers keep no process alive; a long
   * poll may until {@link stop} is called. In workerd timers run only as long as a request or a Durable Object does: use {@link poll} there.
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
   * Ends what {@link start} began, and reports the uses that are still unreported, once. The table goes on deciding until it is too old.
   *
   * @example
   * ```js
   * await follower.stop();
   * ```
   */
  async stop(): Promise<void> {
    this.#stopper?.abort();
    this.#stopper = undefined;
    this.#following.end();
    await this.#loops;
    await this.#reporter?.report();
  }

  /**
   * Catches up with the origin, one time: for cron triggers, alarms and runtimes without background work. It reports usage
   * too when that is due. It rejects for a wrong option only: `state.error` says what went wrong. While another poll runs it waits for that one, but a long poll it overtakes.
   *
   * @param options `wait`: for how many seconds the origin may hold the answer until something changes; never longer than a third of the
   * age that is allowed. Default: 0.
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
    await this.#following.once(wait);
    if (this.#reporter?.isDue === true) await this.#reporter.report();
    return this.state;
  }

  /**
   * Forgets the table and the floor, here and in the store: the way out of `floor_in_future`, when an origin with a wrong clock has signed
   * a table of the future. Until the next answer of the origin everything is refused, and that answer may be older than what was held.
   *
   * @throws LatchError `store_failed` or `store_timeout`: nothing is forgotten then.
   *
   * @example
   * ```js
   * if (follower.state.error?.code === "floor_in_future" && operatorAgrees) await follower.reset();
   * ```
   */
  async reset(): Promise<void> {
    await this.#following.reset();
  }

  /**
   * Decides about a request, at once. A refusal is a verdict, and so is a table that is missing or too old (status 503): send
   * its `refusal`, keep its `reason` for the log.
   *
   * @param request a standard `Request`, a request of Node's `http`, or an `Authorization` header
   * @param call what the request wants to do; left out, only a full token that may write passes
   * @param address where it came from, unless `call` says so
   *
   * @example
   * ```js
   * const verdict = follower.verify(request, { feature: "backup", writes: false }, "192.0.2.7");
   * if (!verdict.allowed) return new Response(verdict.refusal.body, verdict.refusal);
   * ```
   *
   * @throws TokenlatchError for a wrong call, LatchError for something that is no request.
   */
  verify(request: FetchRequest | NodeRequest | AuthorizationHeader, call?: Call, address?: string | null): FollowerVerdict {
    const authorization = headerOf(authorizationOf(request));
    const asked = call === undefined ? {} : callOf(call);
    try {
      const now = this.#now();
      const options = { call: this.#numberOf(asked), address: address ?? asked.address, now };
      const verdict = this.#following.snapshot.verify(authorization, options);
      const digest = verdict.allowed && verdict.id === null ? admittedDigest() : undefined;
      return this.#told(verdict, authorization, now, true, digest);
    } catch (error) {
      return this.#refused(error);
    }
  }

  /**
   * Decides about many requests in one go: for gateways and for logs. There is a verdict for each header, at its place.
   *
   * @param options `call`: what all of them want to do; `addresses`: where each came from; `counts`: whether they count as
   * uses, which those of a log don't (default: true)
   *
   * @example
   * ```js
   * const verdicts = follower.verifyMany(headers, { call: { feature: "backup", writes: false }, counts: false });
   * ```
   *
   * @throws TokenlatchError for a wrong option, for all of them.
   */
  verifyMany(headers: readonly (string | null | undefined)[], options: FollowerManyOptions = {}): FollowerVerdict[] {
    const { call, addresses, counts = true } = picked(options, "options", ["call", "addresses", "counts"]) as FollowerManyOptions;
    const asked = call === undefined ? {} : callOf(call);
    if (typeof counts !== "boolean") throw wrong("counts", "expected true or false");
    try {
      const now = this.#now();
      const verdicts = this.#following.snapshot.verifyMany(headers, { call: this.#numberOf(asked), addresses, now });
      return verdicts.map((verdict, index) => this.#told(verdict, headers[index] ?? null, now, counts));
    } catch (error) {
      const refused = this.#refused(error);
      return headers.map(() => refused);
    }
  }

  /**
   * The reply to an address that has failed too often, to send as it is.
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
   * The reply where no verdict can be had, to send as it is.
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

  /** The number of a call that was read. */
  #numberOf(call: Call): number {
    const { snapshot } = this.#following;
    if (this.#numbered !== snapshot) {
      this.#numbered = snapshot;
      this.#calls.clear();
    }
    const { address: _, ...rest } = call;
    const key = keyOf(rest);
    // What is no call, the module refuses.
    if (key === undefined) return snapshot.prepare(rest);
    let number = this.#calls.get(key);
    if (number === undefined) {
      if (this.#calls.size >= MOST_CALLS) {
        snapshot.forgetCalls();
        this.#calls.clear();
      }
      number = snapshot.prepare(rest);
      this.#calls.set(key, number);
    }
    return number;
  }

  /** The verdict to return for one of the module; an admission is counted. `digest` identifies the token, where it is known. */
  #told(verdict: Verdict, authorization: string | null, now: number, counts: boolean, digest?: string): FollowerVerdict {
    if (!verdict.allowed) return { ...verdict, fault: null } as Refused;
    if (counts && this.#reporter !== undefined) {
      if (verdict.id !== null) this.#reporter.counts.count({ id: verdict.id }, now);
      else for (const hash of this.#hashesOf(authorization, digest)) this.#reporter.counts.count({ hash }, now);
    }
    return { ...verdict, fault: null } as SnapshotAdmitted;
  }

  /** The refusal that a fault comes to. What the caller did wrong is thrown on. */
  #refused(error: unknown): Refused {
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    return refusedBy(fault, this.unavailable());
  }

  /** Without names the origin finds a token by its hash: here by those under each pepper, of which it knows one. */
  #hashesOf(authorization: string | null, digest: string | undefined): readonly Hash[] {
    const known = digest === undefined ? undefined : this.#hashes.get(digest);
    if (known !== undefined) return known;
    const { hashes } = parseAuthorization({ authorization, peppers: this.#options.peppers });
    if (digest !== undefined) {
      if (this.#hashes.size >= MOST_HASHES) this.#hashes.clear();
      this.#hashes.set(digest, hashes);
    }
    return hashes;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { interval, wait = WAIT } = this.#options;
    while (!signal.aborted) {
      const began = monotonic();
      const before = this.#following.table;
      await this.#following.once(interval === undefined ? wait : 0);
      const { failures, table } = this.#following;
      const isSame = table?.version === before?.version && table?.epoch === before?.epoch;
      if (failures > 0) {
        await pause(waitAfter(failures), signal);
      } else if (interval !== undefined) {
        // From question to question, however long the answer and the store took.
        await pause(interval - (monotonic() - began), signal);
      } else if (isSame) {
        await pause(QUIET - (monotonic() - began), signal);
      }
    }
  }
}

const CALL_KEYS = ["api", "module", "function", "feature", "writes", "realm"] as const;

/** A text that is the same for equal calls only; undefined where a part is neither a text nor a truth value, or isn't known. */
function keyOf(call: Call): string | undefined {
  for (const key of Object.keys(call)) if (!(CALL_KEYS as readonly string[]).includes(key)) return undefined;
  let text = "";
  for (const key of CALL_KEYS) {
    // Own properties only, as the module reads them: a polluted prototype must not make two calls look alike.
    const value: unknown = Object.hasOwn(call, key) ? call[key] : undefined;
    // With their lengths, so that no two sequences of parts read alike.
    if (typeof value === "string") text += `${value.length}:${value}`;
    else if (typeof value === "boolean") text += value ? "t" : "f";
    else if (value === undefined) text += "-";
    else return undefined;
  }
  return text;
}

/** The header as one text. Several values are joined as a standard request joins them: the module refuses what comes of it. */
function headerOf(authorization: AuthorizationHeader): string | null {
  if (authorization === null || authorization === undefined || typeof authorization === "string") return authorization ?? null;
  return authorization.length === 0 ? null : authorization.join(", ");
}

/** Milliseconds to wait after this number of failures, with jitter: edges that lost their origin together don't come back together. */
function waitAfter(failures: number): number {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failures - 1, 10)) * (0.5 + Math.random() / 2);
}
