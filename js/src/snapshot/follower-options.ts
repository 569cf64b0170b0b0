/* @ts-self-types="./follower-options.d.ts" */

import { copied, plain } from "../module/plain-object.js";
import type { Call, CatalogueFunction, Pepper, SnapshotState, UnixSeconds } from "../types/index.js";
import { wrongOption as wrong } from "../types/latch-error.js";

/** What a follower keeps: the last whole snapshot, the deltas since, and the floor below which nothing is taken. */
export type FollowerKey = "snapshot" | "deltas" | "floor";

/**
 * Where a follower keeps what it holds over a restart: a file, Durable Object storage, KV. The content holds hashes, no
 * secret. It isn't trusted: every message is verified again, and one that doesn't reach the floor isn't used.
 */
export interface FollowerStore {
  /** What was put last, or null. */
  get(key: FollowerKey): StoredBytes | Promise<StoredBytes>;
  /** Replaces it. */
  put(key: FollowerKey, bytes: Uint8Array): unknown;
  /**
   * Replaces it by what `change` makes of it, in one step, or leaves it as it is for null. Needed where several processes share the store
   * and it can do that, such as a transaction: without it two of them that keep at the same moment might lower the floor. Followers in one
   * process take turns without it.
   */
  update?(key: FollowerKey, change: (bytes: StoredBytes) => Uint8Array | null): unknown;
}

/** Bytes as the stores of the runtimes give them. */
export type StoredBytes = Uint8Array | ArrayBuffer | null | undefined;

/** A message that was taken: its signature is good, and it is in force. */
export interface FollowerMessage {
  /** A whole table, or what has changed since another version. */
  readonly kind: "snapshot" | "delta";
  /** The version that a delta starts from; the same as `table.version` for a heartbeat; null for a snapshot. */
  readonly base: number | null;
  /** The table that it has led to. */
  readonly table: SnapshotState;
  /** The message as it came. */
  readonly bytes: Uint8Array;
}

/** The state of a follower. */
export interface FollowerState {
  /** The table that it decides by, or null before the first. */
  readonly table: SnapshotState | null;
  /** When the origin last gave a good answer, in milliseconds since 1970; null for never. */
  readonly contacted: number | null;
  /** How many attempts have failed since. */
  readonly failures: number;
  /** Why the last attempt failed: a `LatchError` or a `TokenlatchError`; null when it didn't. */
  readonly error: Error | null;
  /** Whether `start` runs. */
  readonly running: boolean;
  /** What is still to be reported, and what never will be. */
  readonly usage: UsageState;
}

/** Options of `SnapshotFollower.verifyMany`. */
export interface FollowerManyOptions {
  /** What all of the requests want to do. Default: a call that names nothing, which only a full token that may write passes. */
  readonly call?: Call | undefined;
  /** The addresses that they came from, one for each header. Default: none is known. */
  readonly addresses?: readonly (string | null | undefined)[] | undefined;
  /** Whether admissions count as uses: those of requests do, those read from a log don't. Default: true. */
  readonly counts?: boolean | undefined;
}

/** The state of the reports of usage. */
export interface UsageState {
  /** How many tokens have uses that the origin hasn't acknowledged. */
  readonly waiting: number;
  /** How many uses were lost, because too many tokens were waiting or the origin refused a report for good. */
  readonly lost: number;
}

/** Options of a `SnapshotFollower`. */
export interface FollowerOptions {
  /** The origin's listener for edges (`--snapshot-listen`) or its administrator's port, such as `https://origin.example:2089`: `/snapshot` and what is under it is asked there. */
  readonly url: string | URL;
  /** The Ed25519 keys that are trusted, 64 hex digits or 32 bytes each: 1 to 8, several while the origin changes its own. */
  readonly publicKeys: readonly (string | Uint8Array)[];
  /**
   * The `Authorization` header for the origin, or what gives it. Default: none is sent. With it a `url` of another host must
   * be `https:`, unless `fetch` is yours.
   */
  readonly authorization?: string | (() => string | Promise<string>) | undefined;
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** Default: the built-in catalogue. */
  readonly catalogue?: readonly CatalogueFunction[] | undefined;
  /** Where the table rests over a restart. Default: nowhere, so a restart begins with a whole snapshot. */
  readonly store?: FollowerStore | undefined;
  /**
   * How often to ask for changes, in milliseconds from 100. Default: none; the origin is asked by long polls then, which
   * it answers as soon as something has changed.
   */
  readonly interval?: number | undefined;
  /** How long the origin may hold a long poll, in seconds from 1 to 300; never longer than a third of the age that is allowed. Default: 25. */
  readonly wait?: number | undefined;
  /** The longest age to decide by, in seconds from 1, where the origin allows a longer one. Default: what the origin allows. */
  readonly maxAge?: number | undefined;
  /** For how long the origin may be silent, beyond a long poll's wait, in milliseconds from 1 to 60,000. Default: 5,000. */
  readonly timeout?: number | undefined;
  /** How often to report which tokens were used, in milliseconds from 100; false: never. Default: every 10,000. */
  readonly usage?: { readonly interval: number } | false | undefined;
  /** Asks the origin. Default: the runtime's `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Called after each message that was taken, heartbeats too. What it throws is passed over. */
  readonly onChange?: ((table: SnapshotState) => void) | undefined;
  /** Called with each message that was taken, such as a `SnapshotRelay`'s `take`. What it throws is passed over. */
  readonly onMessage?: ((message: FollowerMessage) => void) | undefined;
  /** Called with each failure, for the log. What it throws is passed over. */
  readonly onError?: ((error: Error) => void) | undefined;
  /** The present time. Default: the clock's. */
  readonly now?: (() => UnixSeconds) | undefined;
}

const FUNCTIONS = ["fetch", "onChange", "onMessage", "onError", "now"] as const;
const KNOWN = new Set<string>([
  ...["url", "publicKeys", "authorization", "peppers", "catalogue", "store", "interval", "wait", "maxAge", "timeout", "usage"],
  ...FUNCTIONS,
]);
/** Options that are data, which others may change while they are in use. */
const DATA = ["publicKeys", "peppers", "catalogue"] as const;
const DAY = 86_400_000;

/** Hosts that are this machine, as `URL` writes them. */
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Reads options once, and refuses wrong ones at once. Keys, peppers and the catalogue are the module's to refuse.
 *
 * @throws LatchError `option_invalid`.
 *
 * @example
 * ```js
 * readFollowerOptions({ url: "https://origin.example:2089", publicKeys, wait: 0 }); // LatchError: `wait` must be …
 * ```
 */
export function readFollowerOptions(given: FollowerOptions): FollowerOptions {
  const read = plain(given, "options", () => wrong("options", "expected a plain object with a `url` and `publicKeys`"));
  for (const key of Object.keys(read)) if (!KNOWN.has(key)) throw wrong(key, `there is no option \`${key}\``);
  for (const key of DATA) read[key] = copied(read[key], key);
  const options = read as unknown as FollowerOptions;
  const { authorization, store, usage } = options;
  if (authorization !== undefined && typeof authorization !== "string" && typeof authorization !== "function") {
    throw wrong("authorization", "`authorization` must be a header or a function that gives one");
  }
  if (typeof authorization === "string") checkHeader(authorization);
  if (store !== undefined && (typeof store?.get !== "function" || typeof store.put !== "function")) {
    throw wrong("store", "`store` must have the functions `get` and `put`");
  }
  if (store?.update !== undefined && typeof store.update !== "function") throw wrong("store.update", "`store.update` must be a function");
  whole(options.interval, "interval", 100, DAY, "milliseconds");
  whole(options.wait, "wait", 1, 300, "seconds");
  whole(options.maxAge, "maxAge", 1, 2 ** 32 - 1, "seconds");
  whole(options.timeout, "timeout", 1, 60_000, "milliseconds");
  if (usage !== undefined && usage !== false) {
    if (typeof usage !== "object" || usage === null) throw wrong("usage", "`usage` must be false or have an `interval`");
    if (usage.interval === undefined) throw wrong("usage.interval", "`usage` must be false or have an `interval`");
    whole(usage.interval, "usage.interval", 100, DAY, "milliseconds");
  }
  for (const name of FUNCTIONS) {
    if (options[name] !== undefined && typeof options[name] !== "function") throw wrong(name, `\`${name}\` must be a function`);
  }
  return options;
}

/**
 * Refuses a header that `fetch` would refuse with a message that quotes it: it holds a secret.
 *
 * @throws LatchError `option_invalid`.
 *
 * @example
 * ```js
 * checkHeader("whm root:" + token);
 * ```
 */
export function checkHeader(authorization: unknown): asserts authorization is string {
  if (typeof authorization !== "string" || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(authorization)) {
    throw wrong("authorization", "`authorization` must be a header of visible ASCII characters");
  }
}

/**
 * The origin's address with the `/` at its end that names under it need.
 *
 * @throws LatchError `option_invalid`, also for a header that would travel in the clear.
 *
 * @example
 * ```js
 * baseOf({ url: "https://origin.example:2089" }); // "https://origin.example:2089/"
 * ```
 */
export function baseOf({ url, authorization, fetch }: Pick<FollowerOptions, "url" | "authorization" | "fetch">): string {
  const base = parsed(url);
  if (base === undefined || !/^https?:$/.test(base.protocol)) throw wrong("url", "`url` must be an http or https address");
  // An address is logged; what it must not hold is refused without being quoted.
  if (base.username !== "" || base.password !== "" || base.search !== "" || base.hash !== "") {
    throw wrong("url", "`url` must hold no user, password, query or fragment");
  }
  // A `fetch` of the caller's may have a way of its own, such as a binding or a tunnel.
  if (base.protocol === "http:" && authorization !== undefined && fetch === undefined && !LOOPBACK.test(base.hostname)) {
    throw wrong("url", "`url` must begin with https:// where `authorization` is sent to another host; http:// would show the token to everyone on the way");
  }
  return base.href.endsWith("/") ? base.href : `${base.href}/`;
}

/** Text, or a `URL` of whichever realm, as an address. */
function parsed(url: unknown): URL | undefined {
  if (typeof url !== "string" && typeof (url as URL | null | undefined)?.href !== "string") return undefined;
  try {
    return new URL(String(url));
  } catch {
    return undefined;
  }
}

function whole(value: unknown, field: string, least: number, most: number, unit: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)) return;
  throw wrong(field, `\`${field}\` must be whole ${unit} from ${least} to ${most}`);
}
