/* @ts-self-types="./call.d.ts" */

import type { Realm } from "./token.js";

/** The APIs of a call. */
export type Api = "uapi" | "api2" | "api1" | "whm";

/**
 * What a request wants to do: either a function of the catalogue (`module`, `function`), or a feature and whether it writes. An empty call
 * is treated most strictly.
 */
export interface Call {
  /** The API. Default: `"uapi"`. */
  readonly api?: Api | undefined;
  /** The module of the function; requires `function`. */
  readonly module?: string | undefined;
  /** The function; requires `module`. */
  readonly function?: string | undefined;
  /** The feature, instead of a function. */
  readonly feature?: string | undefined;
  /** Whether the call writes. Default: true. */
  readonly writes?: boolean | undefined;
  /** The IPv4 or IPv6 address that the request came from. */
  readonly address?: string | undefined;
  /** The realm of the listener that received the request. Default: `"account"`. */
  readonly realm?: Realm | undefined;
}

/** A function of the catalogue. */
export interface CatalogueFunction {
  /** The module of the function. */
  readonly module: string;
  /** The name of the function. */
  readonly function: string;
  /** The APIs that have the function. */
  readonly apis: readonly ("uapi" | "api2" | "whm")[];
  /** The feature that the token and its account need, or null. */
  readonly feature: string | null;
  /** Whether it writes. */
  readonly writes: boolean;
}
