/* @ts-self-types="./parameters.d.ts" */

import type { UnixSeconds } from "./time.js";
import type { Access } from "./token.js";

/** Options of {@link readParameters}. */
export interface ParametersOptions {
  /** The interface that was asked; all but WHM's share their parameters. */
  readonly shape: "uapi" | "uapiCommand" | "api2" | "whm";
  /** The function that was asked. */
  readonly function: string;
  /** Keys and values in the order received: text, or from a JSON body what stood there. Null counts as left out. */
  readonly values: readonly (readonly [key: string, value: unknown])[];
}

/** What a function was given. What wasn't given is left out. */
export interface Parameters {
  /** The token's name. */
  readonly name?: string;
  /** Its new name. */
  readonly newName?: string;
  /** The names of the tokens to revoke. */
  readonly names?: readonly string[];
  /** When it is to stop being valid; whether that lies ahead isn't looked at. */
  readonly expires?: UnixSeconds | "never";
  /** Whether functions that write are refused. */
  readonly readOnly?: boolean;
  /** Addresses and CIDR blocks it may come from; empty: any. */
  readonly addresses?: readonly string[];
  /** What it may do. */
  readonly access?: Access;
  /** A token's text. */
  readonly token?: string;
  /** Keys that the function doesn't have, cut to 64 bytes, at most 16. */
  readonly unknown: readonly string[];
}
