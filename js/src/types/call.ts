/* @ts-self-types="./call.d.ts" */

import type { Realm } from "./token.js";

/** The APIs of a call. */
export type Api = "uapi" | "api2" | "api1" | "whm";

/**
 * What a request wants to do: a function of the catalogue (`module`, `function`), its route (`method`, `path`), or a feature and whether
 * it writes. An empty call is treated most strictly.
 */
export interface Call {
  /** The API. Default: `"uapi"`. */
  readonly api?: Api | undefined;
  /** The module of the function; requires `function`. */
  readonly module?: string | undefined;
  /** The function; requires `module`. */
  readonly function?: string | undefined;
  /** The method of the request, in capitals as received; requires `path`. */
  readonly method?: string | undefined;
  /** The target of the request as received: its path, with or without the query; requires `method`. */
  readonly path?: string | undefined;
  /** The feature, instead of a function or a route. */
  readonly feature?: string | undefined;
  /** Whether the call writes. Default: true. */
  readonly writes?: boolean | undefined;
  /** The IPv4 or IPv6 address that the request came from. */
  readonly address?: string | undefined;
  /** The realm of the listener that received the request. Default: `"account"`. */
  readonly realm?: Realm | undefined;
}

/** A call that names no route. Its verdict admits tokens only. */
export interface UnroutedCall extends Call {
  /** Left out: no route is named. */
  readonly method?: undefined;
  /** Left out: no route is named. */
  readonly path?: undefined;
}

/** The functions and routes that calls can name. An array has functions only. */
export type Catalogue =
  | readonly CatalogueFunction[]
  | {
      /** The functions. Default: the built-in ones. */
      readonly functions?: readonly CatalogueFunction[] | undefined;
      /** The routes, at most 10,000. Default: none. */
      readonly routes?: readonly Route[] | undefined;
      /**
       * Who may make requests that no route names: tokens with full access that may write, or nobody. Default: `"full"`; without any
       * route, `GET`, `HEAD` and `OPTIONS` only read.
       */
      readonly default?: "full" | "deny" | undefined;
    };

/** A route of the catalogue. */
export interface Route {
  /** The method in capitals, or `*` for every method. `HEAD` counts as `GET`. */
  readonly method: string;
  /** The path, such as `/v1/orders/{id}` or `/files/{*rest}`. */
  readonly path: string;
  /** The feature that the token and its account need, or null. */
  readonly feature: string | null;
  /** Whether it writes. */
  readonly writes: boolean;
  /** Whether it needs no token. Requires a method, and no feature. Default: false. */
  readonly public?: boolean | undefined;
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
