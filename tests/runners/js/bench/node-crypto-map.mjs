// The check by hand over `node:crypto`, as quick as it could be made here: one-shot hash, one `Map`, no buffer made anew.
import { Buffer } from "node:buffer";
import * as crypto from "node:crypto";

import { admits, kept, read } from "./by-hand.mjs";
import { TURN } from "./stage.mjs";

/** SHA-256 in hex: the quickest way that this runtime's `node:crypto` has. */
export function hasher() {
  if (typeof crypto.hash === "function") return (text) => crypto.hash("sha256", text, "hex");
  return (text) => crypto.createHash("sha256").update(text).digest("hex");
}

/** A run of the whole check, with the stored hash compared in constant time; `mask` picks the tokens in use. */
export function nodeCryptoMap({ headers, records, accounts, order, now }, mask) {
  const sha256 = hasher();
  const byHash = new Map(kept(records, accounts).map((record) => [record.hex, { ...record, bytes: Buffer.from(record.hex, "latin1") }]));
  const scratch = Buffer.alloc(64);

  function check(header) {
    const credential = read(header);
    if (credential === null) return null;
    const hex = sha256(credential.secret);
    const record = byHash.get(hex);
    if (record === undefined) return null;
    scratch.write(hex, "latin1");
    if (!crypto.timingSafeEqual(record.bytes, scratch)) return null;
    return admits(record, credential.user, now, "apitokens") ? record : null;
  }
  return repeat(check, headers, order, mask);
}

/** The same without the comparison: the place in the `Map` is the answer. */
export function nodeCryptoMapBare({ headers, records, accounts, order, now }, mask) {
  const sha256 = hasher();
  const byHash = new Map(kept(records, accounts).map((record) => [record.hex, record]));

  function check(header) {
    const credential = read(header);
    if (credential === null) return null;
    const record = byHash.get(sha256(credential.secret));
    return record !== undefined && admits(record, credential.user, now, "apitokens") ? record : null;
  }
  return repeat(check, headers, order, mask);
}

function repeat(check, headers, order, mask) {
  let at = 0;
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      at = (at + 1) & (TURN - 1);
      if (check(headers[order[at] & mask]) !== null) good++;
    }
    return good;
  };
}
