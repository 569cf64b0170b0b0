/* @ts-self-types="./info.d.ts" */

import type { ErrorCode } from "./error.js";
import type { Reason } from "./reason.js";

/** The version of the module and its operations, error codes and reasons. */
export interface Info {
  /** The version of the plain ABI. */
  readonly abi: number;
  /** The version of the module. */
  readonly version: string;
  /** The operations of `callJson`. */
  readonly operations: readonly string[];
  /** All error codes. */
  readonly errors: readonly ErrorCode[];
  /** All reasons of a verdict, by number. */
  readonly reasons: readonly Reason[];
}
