/* @ts-self-types="./accepted.d.ts" */

import type { AcceptedCredential, AuthorizationHeader, PresentedFields } from "../types/index.js";
import { type FetchRequest, type NodeRequest, fieldsOf } from "./authorization.js";
import { credentials, parseAuthorization } from "./functions.js";

const AUTHORIZATION = ["authorization"] as const;

/**
 * The credentials that a verifier accepts, if its options name any. The module decides which field of a request counts.
 *
 * @example
 * ```js
 * new Accepted(["x-api-key"]).presentedBy(request).fields; // [["x-api-key", "…"]]
 * ```
 */
export class Accepted {
  readonly #credentials: readonly AcceptedCredential[];
  /** The names of the fields that the module needs. */
  readonly #names: readonly string[];

  /**
   * Checks the credentials.
   *
   * @throws TokenlatchError `credentials_invalid`.
   */
  constructor(chosen: readonly AcceptedCredential[]) {
    this.#credentials = chosen;
    this.#names = credentials({ credentials: chosen }).fields;
  }

  /** Returns the fields of a request that the module needs. */
  presentedBy(request: FetchRequest | NodeRequest | AuthorizationHeader): PresentedFields {
    return { credentials: this.#credentials, fields: fieldsOf(request, this.#names) };
  }

  /** Returns the names of the fields to remove from a request that is passed on: those that can hold a credential. */
  heldBy(request: FetchRequest | NodeRequest): readonly string[] {
    // Browsers set this one, for every server that the request comes to.
    const names = this.#names.filter((name) => name !== "sec-fetch-site");
    const fields = fieldsOf(request, AUTHORIZATION);
    if (fields.length === 0 || !names.includes("authorization")) return names;
    // An `Authorization` by a scheme that isn't chosen is meant for somebody else.
    const { reason } = parseAuthorization({ authorization: { credentials: this.#credentials, fields } });
    return reason === "scheme_unsupported" ? names.filter((name) => name !== "authorization") : names;
  }
}
