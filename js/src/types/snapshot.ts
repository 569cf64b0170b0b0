/* @ts-self-types="./snapshot.d.ts" */

import type { CatalogueFunction } from "./call.js";
import type { Pepper } from "./credential.js";
import type { UnixSeconds } from "./time.js";

/** Options of `new Snapshot`. */
export interface SnapshotOptions {
  /** The Ed25519 keys of the origin, 64 hex digits or 32 bytes each: one, or several (at most 8) while it changes its own. */
  readonly publicKeys: readonly (string | Uint8Array)[];
  /** Newest first, at most 8. Default: none. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** Default: the built-in catalogue. */
  readonly catalogue?: readonly CatalogueFunction[] | undefined;
  /** The last table that was held before a restart: nothing older is taken. Default: none. */
  readonly floor?: SnapshotFloor | undefined;
  /** The longest age to decide by, in seconds from 1, where the origin allows a longer one. Default: what the origin allows. */
  readonly maxAge?: number | undefined;
}

/** Options of `Snapshot.load`. */
export interface SnapshotLoadOptions extends SnapshotOptions {
  /** The present time. Default: the clock's. */
  readonly now?: UnixSeconds | undefined;
}

/** A table that an edge knows of, to keep through a restart. */
export interface SnapshotFloor {
  /** The store's epoch: another begins when its versions can't go on rising, such as after a backup was restored. */
  readonly epoch: number;
  /** The store's version. */
  readonly version: number;
  /** When it was made. */
  readonly made: UnixSeconds;
}

/** Which table a snapshot holds. */
export interface SnapshotState extends SnapshotFloor {
  /** For how many seconds after it was made it may be decided by. */
  readonly maxAge: number;
  /** How many tokens it has, revoked ones among them. */
  readonly tokens: number;
  /** The memory that it takes. */
  readonly bytes: number;
}
