/* @ts-self-types="./index.d.ts" */

export { TokenlatchError } from "./errors.js";
export type { ErrorCode } from "./errors.js";
export { SnapshotFollower } from "./follower.js";
export type {
  FollowerKey,
  FollowerManyOptions,
  FollowerMessage,
  FollowerOptions,
  FollowerState,
  FollowerStore,
  StoredBytes,
  UsageState,
} from "./follower-options.js";
export * from "./functions.js";
export { Latch } from "./latch.js";
export type { LatchCreated, LatchRevoked } from "./latch.js";
export { LatchError } from "./latch-error.js";
export type { LatchErrorCode } from "./latch-error.js";
export type { LatchCreateOptions, LatchListOptions, LatchOptions, Managing, TokenSelection, TokenSelector } from "./latch-options.js";
export { SnapshotRelay } from "./relay.js";
export { Snapshot } from "./snapshot.js";
export { TokenTable } from "./table.js";
export type * from "./types.js";
export type {
  Admitted,
  FaultReason,
  FollowerVerdict,
  Identity,
  LatchVerdict,
  Refused,
  SnapshotAdmitted,
  SnapshotIdentity,
} from "./verdict.js";
