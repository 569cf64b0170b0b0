/* @ts-self-types="./info.d.ts" */

import type { ErrorCode } from "./error.js";
import type { Reason } from "./reason.js";

/** What the module is and knows. */
export interface Info {
  /** The version of the plain ABI. */
  readonly abi: number;
  /** The version of the module. */
  readonly version: string;
  /** The operations that `callJson` takes. */
  readonly operations: readonly string[];
  /** Every code of an error. */
  readonly errors: readonly ErrorCode[];
  /** Every reason of a verdict, by its number. */
  readonly reasons: readonly Reason[];
}
