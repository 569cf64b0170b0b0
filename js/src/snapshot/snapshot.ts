/* @ts-self-types="./snapshot.d.ts" */

import { REASON, explain, finalizers, forgetCalls, prepareCall, readHolder, readTime, routeNumber, verifyFields, verifyMany, verifyOne } from "../module/hot-path.js";
import { buffers, callModule, module, requestBytes, requestJson } from "../module/instance.js";
import { readPlain, typeInvalid } from "../module/plain-object.js";
import { unixNow } from "../runtime/clock.js";
import type {
  Access,
  Call,
  HeaderFields,
  Realm,
  SnapshotLoadOptions,
  SnapshotOptions,
  SnapshotState,
  TableVerifyOptions,
  UnixSeconds,
  Verdict,
  VerifyManyOptions,
} from "../types/index.js";

/** Bytes of a message's header and signature. */
const HEADER_BYTES = 192;

/** Bytes of a body per call of the module. */
const PIECE_BYTES = 1 << 18;

/** The parts of a verdict that all tokens of one grant share. */
interface Grant {
  readonly message: string;
  readonly access: Access | null;
  readonly readOnly: boolean | null;
}

/**
 * A signed table of tokens in the module's memory, by which an edge decides without a request to the origin. It is updated by whole
 * snapshots and by deltas. It refuses messages that aren't signed by one of the public keys, that are older than the table, or that
 * leave a gap; and it refuses every request once it is older than the origin allows.
 *
 * @example
 * ```js
 * const snapshot = Snapshot.load(bytes, { publicKeys: [key] });
 * snapshot.apply(delta);
 * const { allowed, reason } = snapshot.verify(request.headers.get("Authorization"));
 * ```
 */
export class Snapshot {
  #handle: number;
  /** Grants by their number, until the next message. */
  #grants = new Map<number, Grant>();
  /** Verdicts without a token, by their code. */
  readonly #unnamed = new Map<number, Verdict>();

  /**
   * Makes an empty table. Every request is refused (`snapshot_missing`) until a snapshot is applied.
   *
   * @throws TokenlatchError `key_invalid`, or for another invalid option.
   */
  constructor(options: SnapshotOptions) {
    const opened: { table: number } = callModule(() => module.snapshotNew(options));
    this.#handle = opened.table;
    finalizers.register(this, opened.table, this);
  }

  /**
   * Makes a table and applies its first message.
   *
   * @throws TokenlatchError as the constructor and {@link apply} do.
   */
  static load(bytes: Uint8Array, options: SnapshotLoadOptions): Snapshot {
    const { now, ...rest } = readPlain(options, "options") as unknown as SnapshotLoadOptions;
    const snapshot = new Snapshot(rest);
    try {
      snapshot.apply(bytes, now);
    } catch (error) {
      snapshot.free();
      throw error;
    }
    return snapshot;
  }

  /** The state of the table; null before the first snapshot. */
  get state(): SnapshotState | null {
    return requestJson(new Uint8Array(0), (module) => module.tokenlatch_snapshot_state(this.#handle));
  }

  /**
   * Applies a whole message, a snapshot or a delta. On an error nothing is changed.
   *
   * @throws TokenlatchError `snapshot_signature`, `snapshot_rollback`, `snapshot_gap`, `snapshot_malformed`, `clock_backwards`, `floor_in_future`,
   * `pepper_unknown`, `snapshot_too_large`.
   */
  apply(bytes: Uint8Array, now?: UnixSeconds): SnapshotState {
    const message = view(bytes, "bytes");
    this.begin(message.subarray(0, HEADER_BYTES), now);
    for (let from = HEADER_BYTES; from < message.length; from += PIECE_BYTES) this.push(message.subarray(from, from + PIECE_BYTES));
    return this.commit();
  }

  /**
   * Begins a message with its first 192 bytes, so that a large one needn't be in memory twice. Returns the number of bytes that must
   * follow by {@link push}. The old table stays in use until {@link commit}.
   *
   * @throws TokenlatchError as {@link apply} does.
   */
  begin(head: Uint8Array, now?: UnixSeconds): number {
    const time = BigInt(readTime(now) ?? unixNow());
    return this.#sendPart(head, "head", (module, at, length) => module.tokenlatch_snapshot_begin(this.#handle, at, length, time));
  }

  /** Adds the next bytes of the body. Returns the number of bytes that must still follow. */
  push(piece: Uint8Array): number {
    return this.#sendPart(piece, "piece", (module, at, length) => module.tokenlatch_snapshot_push(this.#handle, at, length));
  }

  /** Verifies the signature of the whole message and puts it in force. */
  commit(): SnapshotState {
    try {
      return requestJson(new Uint8Array(0), (module) => module.tokenlatch_snapshot_commit(this.#handle));
    } finally {
      this.#grants = new Map();
    }
  }

  /**
   * Prepares a call (without its address) and returns its number for {@link verify}. A snapshot holds 10,000 prepared calls: where
   * calls depend on requests, call {@link forgetCalls} before that.
   */
  prepare(call: Call): number {
    return prepareCall(this.#handle, call);
  }

  /**
   * Returns the number of a request's route for {@link verify}, from its method and its target as received. It needs no preparation, stays
   * valid, and takes no memory, whatever paths clients make up. A verdict with the reason `public` admits a request without a token, also
   * without a table or with one that is too old.
   *
   * @throws TokenlatchError for a freed snapshot, an unknown realm, half a surrogate pair, or more than 8 MiB.
   */
  route(method: string, target: string, realm: Realm = "account"): number {
    return routeNumber(this.#handle, method, target, realm);
  }

  /** Forgets all prepared calls. Their numbers, all but 0, become invalid and are used again; those of routes stay valid. */
  forgetCalls(): void {
    forgetCalls(this.#handle);
  }

  /**
   * Decides about a request. Status 503 means that no decision is possible: `snapshot_missing`, `snapshot_stale`, `clock_backwards`.
   *
   * @throws TokenlatchError for an invalid option, a number that isn't from `prepare` or `route`, or a freed snapshot.
   */
  verify(authorization: string | null | undefined, options?: TableVerifyOptions): Verdict {
    return this.#verdict(verifyOne(this.#handle, authorization, options));
  }

  /**
   * Decides about a request by its header fields, among which the module finds the credential: for a snapshot with `credentials`. Give all
   * fields, or at least those that {@link credentials} names.
   *
   * @throws TokenlatchError as {@link verify} does.
   */
  verifyFields(fields: HeaderFields, options?: TableVerifyOptions): Verdict {
    return this.#verdict(verifyFields(this.#handle, fields, options));
  }

  /**
   * Decides about many requests in one call, such as those of a log. Returns a verdict for each header.
   *
   * @throws TokenlatchError as {@link verify} does. No request is decided then.
   */
  verifyMany(headers: readonly (string | null | undefined)[], options?: VerifyManyOptions): Verdict[] {
    return verifyMany(this.#handle, headers, options, (code) => this.#verdict(code));
  }

  /** Frees the module's memory of the table. Every later use throws `table_unknown`. */
  free(): void {
    finalizers.unregister(this);
    const handle = this.#handle;
    this.#handle = 0;
    this.#grants = new Map();
    callModule(() => module.tableFree(handle));
  }

  #sendPart(bytes: Uint8Array, field: string, call: Parameters<typeof requestBytes>[1]): number {
    const answer: { left: number } = requestJson(view(bytes, field), call);
    return answer.left;
  }

  #verdict(code: number): Verdict {
    if (code > 0 && code < REASON) return this.#admission(code);
    const cached = this.#unnamed.get(code);
    if (cached !== undefined) return cached;
    const verdict = explain(this.#handle, code);
    if (code % REASON === 0) this.#unnamed.set(code, verdict);
    return verdict;
  }

  /** Builds the verdict of an admission from a few bytes that the module writes: verdicts of a million tokens would be too many to cache. */
  #admission(code: number): Verdict {
    const { holder } = buffers();
    const written = readHolder(this.#handle, code);
    isHolderWritten = written !== 0;
    if (written === 0) return explain(this.#handle, code);
    const expires = readU32(holder, 32) + readU32(holder, 36) * 2 ** 32;
    const userEnd = 45 + holder[44]!;
    const idEnd = userEnd + 1 + holder[userEnd]!;
    const nameEnd = idEnd + 1 + holder[idEnd]!;
    const id = readAscii(holder, userEnd + 1, idEnd);
    const grant = this.#grant(readU32(holder, 40), code);
    return {
      allowed: true,
      status: 200,
      reason: "ok",
      message: grant.message,
      user: readAscii(holder, 45, userEnd),
      id: id === "" ? null : id,
      name: id === "" ? null : readAscii(holder, idEnd + 1, nameEnd),
      expires: expires >= NEVER ? null : expires,
      access: grant.access,
      readOnly: grant.readOnly,
      refusal: null,
    };
  }

  #grant(number: number, code: number): Grant {
    const cached = this.#grants.get(number);
    if (cached !== undefined) return cached;
    const grant = explain(this.#handle, code);
    this.#grants.set(number, grant);
    return grant;
  }
}

/** Whether the holder buffer has the holder of the last admission. */
let isHolderWritten = false;

/**
 * Returns the digest of the last admitted token of all snapshots, one character per byte; undefined where the module didn't write it.
 * Call it right after the admission of a token. It identifies tokens of a snapshot without names.
 *
 * @example
 * ```js
 * const digest = verdict.allowed && verdict.user !== null && verdict.id === null ? admittedDigest() : undefined;
 * ```
 */
export function admittedDigest(): string | undefined {
  return isHolderWritten ? readAscii(buffers().holder, 0, 32) : undefined;
}

/** The module writes −1 for a token that never expires; read as unsigned it is above this. */
const NEVER = 2 ** 63;

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Reads a short ASCII text, four characters at a time: a decoder or single characters cost ten times as much. */
function readAscii(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  let at = from;
  for (; at + 8 <= to; at += 8) text += fourCharacters(bytes, at) + fourCharacters(bytes, at + 4);
  if (at + 4 <= to) {
    text += fourCharacters(bytes, at);
    at += 4;
  }
  if (at + 2 <= to) {
    text += String.fromCharCode(bytes[at]!, bytes[at + 1]!);
    at += 2;
  }
  return at < to ? text + String.fromCharCode(bytes[at]!) : text;
}

function fourCharacters(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
}

/** Returns a plain view of the bytes, so that methods of a subclass aren't called. */
function view(bytes: unknown, field: string): Uint8Array {
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw typeInvalid(field, "expected a `Uint8Array`");
}
