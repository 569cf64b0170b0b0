/* @ts-self-types="./snapshot.d.ts" */

import type { Catalogue } from "./call.js";
import type { AcceptedCredential, Pepper } from "./credential.js";
import type { UnixSeconds } from "./time.js";

/** Options of `new Snapshot`. */
export interface SnapshotOptions {
  /** The Ed25519 keys of the origin, 64 hex digits or 32 bytes each: 1 to 8, more than one while the origin rotates its key. */
  readonly publicKeys: readonly (string | Uint8Array)[];
  /** The peppers, newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** The catalogue of functions and routes. Default: the built-in catalogue. */
  readonly catalogue?: Catalogue | undefined;
  /** Where a token may stand, 1 to 16. Default: `bearer`, `cpanel` and `whm`. */
  readonly credentials?: readonly AcceptedCredential[] | undefined;
  /** The last table before a restart. Older ones are refused. Default: none. */
  readonly floor?: SnapshotFloor | undefined;
  /** The maximum age of the table, in seconds from 1. It can only shorten the age that the origin allows. Default: that age. */
  readonly maxAge?: number | undefined;
}

/** Options of `Snapshot.load`. */
export interface SnapshotLoadOptions extends SnapshotOptions {
  /** The current time. Default: the clock. */
  readonly now?: UnixSeconds | undefined;
}

/** The version of a table, to save over a restart. */
export interface SnapshotFloor {
  /** The store's epoch. A new one begins when versions can't continue, such as after a backup was restored. */
  readonly epoch: number;
  /** The store's version. */
  readonly version: number;
  /** When the table was made. */
  readonly made: UnixSeconds;
}

/** The state of a snapshot's table. */
export interface SnapshotState extends SnapshotFloor {
  /** How many seconds after it was made it may be used. */
  readonly maxAge: number;
  /** The number of tokens, revoked ones included. */
  readonly tokens: number;
  /** The memory that it uses, in bytes. */
  readonly bytes: number;
}
