/* @ts-self-types="./snapshot.d.ts" */

import { REFUSED, askHolder, askMany, askOne, explain, forgetCalls, forgotten, instant, prepareCall } from "../module/hot-path.js";
import { guarded, module, room, send, sent } from "../module/instance.js";
import { plain, wrong } from "../module/plain-object.js";
import { unixNow } from "../runtime/clock.js";
import type {
  Access,
  Call,
  SnapshotLoadOptions,
  SnapshotOptions,
  SnapshotState,
  TableVerifyOptions,
  UnixSeconds,
  Verdict,
  VerifyManyOptions,
} from "../types/index.js";

/** Bytes of head and signature. */
const HEAD = 192;

/** Bytes of a body that go over at once. */
const PIECE = 1 << 18;

/** What all tokens of one grant have in common, and a verdict contains. */
interface Granted {
  readonly message: string;
  readonly access: Access | null;
  readonly readOnly: boolean | null;
}

/**
 * A table of tokens that an origin has signed, held in the module: an edge decides by it without asking anyone, and refuses
 * everything once it is older than the origin allows. It takes whole snapshots and deltas of them, and nothing that isn't
 * signed by one of the public keys, is older than what it holds, or leaves a gap.
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
  /** By the number of the grant, until the next message. */
  #granted = new Map<number, Granted>();
  /** Verdicts that name no token, by the number of their reason. */
  readonly #unnamed = new Map<number, Verdict>();

  /**
   * Gets ready to take a snapshot; until one is taken every request is refused (`snapshot_missing`).
   *
   * @throws TokenlatchError `key_invalid`, and for any other wrong option.
   */
  constructor(options: SnapshotOptions) {
    const opened: { table: number } = guarded(() => module.snapshotNew(options));
    this.#handle = opened.table;
    forgotten.register(this, opened.table, this);
  }

  /**
   * Opens a snapshot and takes its first message.
   *
   * @throws TokenlatchError as the constructor and {@link apply} do.
   */
  static load(bytes: Uint8Array, options: SnapshotLoadOptions): Snapshot {
    const { now, ...rest } = plain(options, "options") as unknown as SnapshotLoadOptions;
    const snapshot = new Snapshot(rest);
    try {
      snapshot.apply(bytes, now);
    } catch (error) {
      snapshot.free();
      throw error;
    }
    return snapshot;
  }

  /** Which table is held; null before the first. */
  get state(): SnapshotState | null {
    return sent(new Uint8Array(0), (module) => module.tokenlatch_snapshot_state(this.#handle));
  }

  /**
   * Takes a whole message, a snapshot or a delta: all of it, or on an error nothing.
   *
   * @throws TokenlatchError `snapshot_signature`, `snapshot_rollback`, `snapshot_gap`, `snapshot_malformed`, `clock_backwards`, `floor_in_future`,
   * `pepper_unknown`, `snapshot_too_large`; the table held stays in force.
   */
  apply(bytes: Uint8Array, now?: UnixSeconds): SnapshotState {
    const message = view(bytes, "bytes");
    this.begin(message.subarray(0, HEAD), now);
    for (let from = HEAD; from < message.length; from += PIECE) this.push(message.subarray(from, from + PIECE));
    return this.commit();
  }

  /**
   * Begins to take a message of which only the first 192 bytes are there, so that a large one needs no room twice; gives how
   * many bytes are to follow by {@link push}. The table held stays in force until {@link commit}.
   *
   * @throws TokenlatchError as {@link apply} does.
   */
  begin(head: Uint8Array, now?: UnixSeconds): number {
    const time = BigInt(instant(now) ?? unixNow());
    return this.#left(head, "head", (module, at, length) => module.tokenlatch_snapshot_begin(this.#handle, at, length, time));
  }

  /** Takes the next bytes of the body; gives how many are still to follow. */
  push(piece: Uint8Array): number {
    return this.#left(piece, "piece", (module, at, length) => module.tokenlatch_snapshot_push(this.#handle, at, length));
  }

  /** Puts the message in force, if it is whole and what was signed. */
  commit(): SnapshotState {
    try {
      return sent(new Uint8Array(0), (module) => module.tokenlatch_snapshot_commit(this.#handle));
    } finally {
      this.#granted = new Map();
    }
  }

  /**
   * Gives a call (without its address) a number for {@link verify}. There are 10,000 numbers: where calls come from requests,
   * {@link forgetCalls} in time.
   */
  prepare(call: Call): number {
    return prepareCall(this.#handle, call);
  }

  /** Forgets what {@link prepare} was given: every number but 0 is unknown then, and will be given to another call. */
  forgetCalls(): void {
    forgetCalls(this.#handle);
  }

  /**
   * Decides about a request. Status 503 says that nothing can be decided: `snapshot_missing`, `snapshot_stale`, `clock_backwards`.
   *
   * @throws TokenlatchError for a wrong option, a number that `prepare` didn't give, or a freed snapshot.
   */
  verify(authorization: string | null | undefined, options?: TableVerifyOptions): Verdict {
    return this.#verdict(askOne(this.#handle, authorization, options));
  }

  /**
   * Decides about many requests in one go, such as those of a log: a verdict for each header.
   *
   * @throws TokenlatchError as {@link verify} does, for all of them.
   */
  verifyMany(headers: readonly (string | null | undefined)[], options?: VerifyManyOptions): Verdict[] {
    return askMany(this.#handle, headers, options, (code) => this.#verdict(code));
  }

  /** Frees the table in the module. Every later use throws `table_unknown`. */
  free(): void {
    forgotten.unregister(this);
    const handle = this.#handle;
    this.#handle = 0;
    this.#granted = new Map();
    guarded(() => module.tableFree(handle));
  }

  #left(bytes: Uint8Array, field: string, call: Parameters<typeof send>[1]): number {
    const answer: { left: number } = sent(view(bytes, field), call);
    return answer.left;
  }

  #verdict(code: number): Verdict {
    if (code > 0 && code < REFUSED) return this.#admitted(code);
    const kept = this.#unnamed.get(code);
    if (kept !== undefined) return kept;
    const verdict = explain(this.#handle, code);
    if (code % REFUSED === 0) this.#unnamed.set(code, verdict);
    return verdict;
  }

  /** The verdict of an admission, from a few bytes that the module writes: there may be a million tokens, too many to keep verdicts of. */
  #admitted(code: number): Verdict {
    const { holder } = room();
    const written = askHolder(this.#handle, code);
    isHolderWritten = written !== 0;
    if (written === 0) return explain(this.#handle, code);
    const expires = word(holder, 32) + word(holder, 36) * 2 ** 32;
    const userEnd = 45 + holder[44]!;
    const idEnd = userEnd + 1 + holder[userEnd]!;
    const nameEnd = idEnd + 1 + holder[idEnd]!;
    const id = latin(holder, userEnd + 1, idEnd);
    const granted = this.#grant(word(holder, 40), code);
    return {
      allowed: true,
      status: 200,
      reason: "ok",
      message: granted.message,
      user: latin(holder, 45, userEnd),
      id: id === "" ? null : id,
      name: id === "" ? null : latin(holder, idEnd + 1, nameEnd),
      expires: expires >= NEVER ? null : expires,
      access: granted.access,
      readOnly: granted.readOnly,
      refusal: null,
    };
  }

  #grant(number: number, code: number): Granted {
    const kept = this.#granted.get(number);
    if (kept !== undefined) return kept;
    const granted = explain(this.#handle, code);
    this.#granted.set(number, granted);
    return granted;
  }
}

/** Whether the room for whose token it is holds the last admission's. */
let isHolderWritten = false;

/**
 * The digest of the token that was admitted last, by whichever snapshot, a character for each byte; undefined where it wasn't
 * written. For a caller that has just been given an admission: it identifies tokens where a snapshot has no names.
 *
 * @example
 * ```js
 * const digest = verdict.allowed && verdict.id === null ? admittedDigest() : undefined;
 * ```
 */
export function admittedDigest(): string | undefined {
  return isHolderWritten ? latin(room().holder, 0, 32) : undefined;
}

/** An expiry of −1, read without its sign: no other comes near. */
const NEVER = 2 ** 63;

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** A short text of ASCII. A decoder costs ten times as much, and so do single characters put together. */
function latin(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  let at = from;
  for (; at + 8 <= to; at += 8) text += four(bytes, at) + four(bytes, at + 4);
  if (at + 4 <= to) {
    text += four(bytes, at);
    at += 4;
  }
  if (at + 2 <= to) {
    text += String.fromCharCode(bytes[at]!, bytes[at + 1]!);
    at += 2;
  }
  return at < to ? text + String.fromCharCode(bytes[at]!) : text;
}

function four(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
}

/** The bytes themselves, whatever a subclass makes of them. */
function view(bytes: unknown, field: string): Uint8Array {
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw wrong(field, "expected a `Uint8Array`");
}
