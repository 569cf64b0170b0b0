/* @ts-self-types="./call.d.ts" */

import type { Realm } from "./token.js";

/** The APIs that a call may come through. */
export type Api = "uapi" | "api2" | "api1" | "whm";

/**
 * What a request wants to do: either a function of the catalogue (`module`, `function`), or directly the feature that
 * is touched and whether it writes. A call that names nothing is read most strictly.
 */
export interface Call {
  /** Default: `"uapi"`. */
  readonly api?: Api | undefined;
  /** The function's module, together with `function`. */
  readonly module?: string | undefined;
  /** The function, together with `module`. */
  readonly function?: string | undefined;
  /** The feature that is touched, in place of a function. */
  readonly feature?: string | undefined;
  /** Default: true. */
  readonly writes?: boolean | undefined;
  /** The IPv4 or IPv6 address that the request came from. */
  readonly address?: string | undefined;
  /** The port that the request came in by. Default: `"account"`. */
  readonly realm?: Realm | undefined;
}

/** A function of the catalogue. */
export interface CatalogueFunction {
  /** The module that the function is in. */
  readonly module: string;
  /** The function's name. */
  readonly function: string;
  /** The APIs that it can be called through. */
  readonly apis: readonly ("uapi" | "api2" | "whm")[];
  /** The feature that a token and its account need, or null. */
  readonly feature: string | null;
  /** Whether it changes anything. */
  readonly writes: boolean;
}
