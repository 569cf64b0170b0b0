/* @ts-self-types="./index.d.ts" */

export { TokenlatchError } from "./types/error.js";
export type { ErrorCode } from "./types/error.js";
export { SnapshotFollower } from "./snapshot/follower.js";
export type {
  FollowerKey,
  FollowerManyOptions,
  FollowerMessage,
  FollowerOptions,
  FollowerState,
  FollowerStore,
  StoredBytes,
  UsageState,
} from "./snapshot/follower-options.js";
export * from "./module/functions.js";
export { Latch } from "./latch/latch.js";
export type { LatchCreated, LatchRevoked } from "./latch/latch.js";
export { LatchError } from "./types/latch-error.js";
export type { LatchErrorCode } from "./types/latch-error.js";
export type { LatchCreateOptions, LatchListOptions, Managing, TokenSelection, TokenSelector } from "./latch/operation.js";
export type { LatchOptions } from "./latch/options.js";
export { SnapshotRelay } from "./snapshot/relay.js";
export { Snapshot } from "./snapshot/snapshot.js";
export { TokenTable } from "./module/table.js";
export type * from "./types/index.js";
