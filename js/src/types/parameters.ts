/* @ts-self-types="./parameters.d.ts" */

import type { UnixSeconds } from "./time.js";
import type { Access } from "./token.js";

/** Options of {@link readParameters}. */
export interface ParametersOptions {
  /** The interface. All but WHM's have the same parameters. */
  readonly shape: "uapi" | "uapiCommand" | "api2" | "whm";
  /** The function. */
  readonly function: string;
  /** Keys and values in the order received: text, or values of a JSON body. Null counts as left out. */
  readonly values: readonly (readonly [key: string, value: unknown])[];
}

/** The parameters of a function. Missing parameters are left out. */
export interface Parameters {
  /** The token's name. */
  readonly name?: string;
  /** Its new name. */
  readonly newName?: string;
  /** The names of the tokens to revoke. */
  readonly names?: readonly string[];
  /** When it expires. It isn't checked to be in the future. */
  readonly expires?: UnixSeconds | "never";
  /** Whether functions that write are refused. */
  readonly readOnly?: boolean;
  /** Addresses and CIDR blocks that it may come from; empty for any. */
  readonly addresses?: readonly string[];
  /** What it may do. */
  readonly access?: Access;
  /** A token's text. */
  readonly token?: string;
  /** Unknown keys, cut to 64 bytes, at most 16. */
  readonly unknown: readonly string[];
}
