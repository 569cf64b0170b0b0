/* @ts-self-types="./follower-options.d.ts" */

import { deepCopy, readPlain } from "../module/plain-object.js";
import type { AcceptedCredential, Call, Catalogue, Pepper, SnapshotState, UnixSeconds } from "../types/index.js";
import { optionInvalid } from "../types/latch-error.js";

/** The keys of a {@link FollowerStore}: the last whole snapshot, the deltas since, and the floor, below which no table is accepted. */
export type FollowerKey = "snapshot" | "deltas" | "floor";

/**
 * A store that keeps the table of a follower over a restart: a file, Durable Object storage, KV. It holds hashes, not secrets. It isn't
 * trusted: messages are verified again, and a table below the floor isn't used.
 */
export interface FollowerStore {
  /** Returns the last value, or null. */
  get(key: FollowerKey): StoredBytes | Promise<StoredBytes>;
  /** Replaces the value. */
  put(key: FollowerKey, bytes: Uint8Array): unknown;
  /**
   * Replaces the value by the result of `change` in one step, for example in a transaction; null leaves it unchanged. Needed when several
   * processes share the store: without it two writes at the same moment could lower the floor. Followers in one process write in order
   * without it.
   */
  update?(key: FollowerKey, change: (bytes: StoredBytes) => Uint8Array | null): unknown;
}

/** Bytes as the runtimes' stores return them. */
export type StoredBytes = Uint8Array | ArrayBuffer | null | undefined;

/** A message that was applied: its signature is valid, and it is in force. */
export interface FollowerMessage {
  /** A whole table, or the changes since another version. */
  readonly kind: "snapshot" | "delta";
  /** The version that a delta starts from; `table.version` for a heartbeat; null for a snapshot. */
  readonly base: number | null;
  /** The table after this message. */
  readonly table: SnapshotState;
  /** The message as received. */
  readonly bytes: Uint8Array;
}

/** The state of a follower. */
export interface FollowerState {
  /** The table that it decides by; null before the first. */
  readonly table: SnapshotState | null;
  /** When the origin last gave a valid answer, in milliseconds since 1970; null for never. */
  readonly contacted: number | null;
  /** The number of failed attempts since then. */
  readonly failures: number;
  /** Why the last attempt failed, as a `LatchError` or a `TokenlatchError`; null after a success. */
  readonly error: Error | null;
  /** Whether it follows in the background. */
  readonly running: boolean;
  /** Uses that are waiting to be reported, and lost ones. */
  readonly usage: UsageState;
}

/** Options of `SnapshotFollower.verifyMany`. */
export interface FollowerManyOptions {
  /** What all requests want to do. Default: an empty call, for which only a full token that may write is admitted. */
  readonly call?: Call | undefined;
  /** The addresses that the requests came from, one for each header. Default: unknown. */
  readonly addresses?: readonly (string | null | undefined)[] | undefined;
  /** Whether admissions count as uses. Set it to false for requests from a log. Default: true. */
  readonly counts?: boolean | undefined;
}

/** The state of usage reports. */
export interface UsageState {
  /** The number of tokens with uses that the origin hasn't acknowledged. */
  readonly waiting: number;
  /** The number of lost uses: too many tokens were waiting, or the origin refused a report permanently. */
  readonly lost: number;
}

/** Options of a `SnapshotFollower`. */
export interface FollowerOptions {
  /** The origin's listener for edges (`--snapshot-listen`) or for administrators, such as `https://origin.example:2089`. Paths under `/snapshot` are requested. */
  readonly url: string | URL;
  /** The trusted Ed25519 keys, 64 hex digits or 32 bytes each: 1 to 8, more than one while the origin rotates its key. */
  readonly publicKeys: readonly (string | Uint8Array)[];
  /**
   * The `Authorization` header for the origin, or a function that returns it. Default: no header. With it the `url` of another host must
   * be `https:`, unless you set `fetch`.
   */
  readonly authorization?: string | (() => string | Promise<string>) | undefined;
  /** The peppers, newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** The catalogue of functions and routes. Default: the built-in catalogue. */
  readonly catalogue?: Catalogue | undefined;
  /**
   * Where a token may stand in a request, 1 to 16: see `AcceptedCredential`. The middleware removes these headers from admitted requests.
   * Default: `bearer`, `cpanel` and `whm`.
   */
  readonly credentials?: readonly AcceptedCredential[] | undefined;
  /** Keeps the table over a restart. Default: none, so a restart begins with a whole snapshot. */
  readonly store?: FollowerStore | undefined;
  /**
   * How often to request changes, in milliseconds from 100. Default: long polls, which the origin answers as soon as something has
   * changed.
   */
  readonly interval?: number | undefined;
  /** How long the origin may hold a long poll, in seconds from 1 to 300, limited to a third of the allowed age. Default: 25. */
  readonly wait?: number | undefined;
  /** The maximum age of the table, in seconds from 1. It can only shorten the age that the origin allows. Default: that age. */
  readonly maxAge?: number | undefined;
  /** How long the origin may be silent, in addition to a long poll's wait, in milliseconds from 1 to 60,000. Default: 5,000. */
  readonly timeout?: number | undefined;
  /** How often to report used tokens, in milliseconds from 100; false for never. Default: 10,000. */
  readonly usage?:
    | {
        /** Milliseconds between reports, from 100. */
        readonly interval: number;
      }
    | false
    | undefined;
  /** Sends the requests to the origin. Default: the runtime's `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Called after each applied message, heartbeats included. What it throws is ignored. */
  readonly onChange?: ((table: SnapshotState) => void) | undefined;
  /** Called with each applied message, for example to pass it to a `SnapshotRelay`. What it throws is ignored. */
  readonly onMessage?: ((message: FollowerMessage) => void) | undefined;
  /** Called with each failure, for the log. What it throws is ignored. */
  readonly onError?: ((error: Error) => void) | undefined;
  /** Returns the current time. Default: the clock. */
  readonly now?: (() => UnixSeconds) | undefined;
}

const FUNCTIONS = ["fetch", "onChange", "onMessage", "onError", "now"] as const;
const KNOWN = new Set<string>([
  ...["url", "publicKeys", "authorization", "peppers", "catalogue", "credentials", "store", "interval", "wait", "maxAge", "timeout", "usage"],
  ...FUNCTIONS,
]);
/** Options that are copied, because the caller may change them later. */
const DATA = ["publicKeys", "peppers", "catalogue", "credentials"] as const;
const DAY = 86_400_000;

/** Hosts of this machine, as `URL` writes them. */
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Reads options once and refuses invalid ones. The module checks keys, peppers, the catalogue and the credentials.
 *
 * @throws LatchError `option_invalid`.
 *
 * @example
 * ```js
 * readFollowerOptions({ url: "https://origin.example:2089", publicKeys, wait: 0 }); // LatchError: `wait` must be …
 * ```
 */
export function readFollowerOptions(given: FollowerOptions): FollowerOptions {
  const read = readPlain(given, "options", () => optionInvalid("options", "expected a plain object with a `url` and `publicKeys`"));
  for (const key of Object.keys(read)) if (!KNOWN.has(key)) throw optionInvalid(key, `unknown option \`${key}\``);
  for (const key of DATA) read[key] = deepCopy(read[key], key);
  const options = read as unknown as FollowerOptions;
  const { authorization, store, usage } = options;
  if (authorization !== undefined && typeof authorization !== "string" && typeof authorization !== "function") {
    throw optionInvalid("authorization", "`authorization` must be a header or a function that returns one");
  }
  if (typeof authorization === "string") checkHeader(authorization);
  if (store !== undefined && (typeof store?.get !== "function" || typeof store.put !== "function")) {
    throw optionInvalid("store", "`store` must have the functions `get` and `put`");
  }
  if (store?.update !== undefined && typeof store.update !== "function") throw optionInvalid("store.update", "`store.update` must be a function");
  checkInteger(options.interval, "interval", 100, DAY, "milliseconds");
  checkInteger(options.wait, "wait", 1, 300, "seconds");
  checkInteger(options.maxAge, "maxAge", 1, 2 ** 32 - 1, "seconds");
  checkInteger(options.timeout, "timeout", 1, 60_000, "milliseconds");
  if (usage !== undefined && usage !== false) {
    if (typeof usage !== "object" || usage === null) throw optionInvalid("usage", "`usage` must be false or have an `interval`");
    if (usage.interval === undefined) throw optionInvalid("usage.interval", "`usage` must be false or have an `interval`");
    checkInteger(usage.interval, "usage.interval", 100, DAY, "milliseconds");
  }
  for (const name of FUNCTIONS) {
    if (options[name] !== undefined && typeof options[name] !== "function") throw optionInvalid(name, `\`${name}\` must be a function`);
  }
  return options;
}

/**
 * Refuses a header that `fetch` would refuse. The message of `fetch` would quote it, and it holds a secret.
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
    throw optionInvalid("authorization", "`authorization` must be a header of visible ASCII characters");
  }
}

/**
 * Returns the origin's URL with a trailing `/`, to append paths to.
 *
 * @throws LatchError `option_invalid`, also for a header that would be sent unencrypted.
 *
 * @example
 * ```js
 * baseOf({ url: "https://origin.example:2089" }); // "https://origin.example:2089/"
 * ```
 */
export function baseOf({ url, authorization, fetch }: Pick<FollowerOptions, "url" | "authorization" | "fetch">): string {
  const base = parseUrl(url);
  if (base === undefined || !/^https?:$/.test(base.protocol)) throw optionInvalid("url", "`url` must be an http or https URL");
  // URLs are logged, so they must hold no secret. The message doesn't quote the URL.
  if (base.username !== "" || base.password !== "" || base.search !== "" || base.hash !== "") {
    throw optionInvalid("url", "`url` must not contain a user, a password, a query or a fragment");
  }
  // A custom `fetch` may use another transport, such as a binding or a tunnel.
  if (base.protocol === "http:" && authorization !== undefined && fetch === undefined && !LOOPBACK.test(base.hostname)) {
    throw optionInvalid("url", "`url` must begin with https:// when `authorization` is sent to another host; http:// would expose the token");
  }
  return base.href.endsWith("/") ? base.href : `${base.href}/`;
}

/** Parses a string, or a `URL` object of any realm. */
function parseUrl(url: unknown): URL | undefined {
  if (typeof url !== "string" && typeof (url as URL | null | undefined)?.href !== "string") return undefined;
  try {
    return new URL(String(url));
  } catch {
    return undefined;
  }
}

function checkInteger(value: unknown, field: string, min: number, max: number, unit: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)) return;
  throw optionInvalid(field, `\`${field}\` must be whole ${unit} from ${min} to ${max}`);
}
