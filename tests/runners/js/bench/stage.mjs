// What the cases of one runtime share: the tokens, the order in which they are presented, and the table.
import { Snapshot, TokenTable } from "tokenlatch";

/** How many places the order has: a power of two, so that going round costs an `and`. */
export const TURN = 2 ** 18;

/** Tokens in use in the hot cases. A power of two too. */
export const HOT = 256;

/** How many tokens a peer that keeps them in memory has; most keep none. */
export const PEERS = 256;

/** The call that is verified everywhere. */
export const LIST = { module: "Tokens", function: "list" };

/** Headers in one `verifyMany`. */
export const BATCH = 1024;

/** Records in one update of the table: a request holds at most 8 MiB. */
const PART = 10_000;

/**
 * @param {{ now: number, headers: string[], records: object[], accounts: object[], snapshot: { publicKey: string, message: string } }} input
 * @param {{ nodeCrypto?: () => Promise<object>, glue: () => Promise<object>, wasm: (path: string) => Promise<WebAssembly.Module> }} platform
 *   what only the runner can reach: what is made of `node:crypto` where there is any, and biscuit's glue and module
 */
export function stage(input, platform) {
  let loaded;
  return {
    ...input,
    platform,
    order: order(input.headers.length),
    /**
     * The table and the number of the call `Tokens::list`, loaded when first asked for. Every token has been verified once:
     * the first verdict on a token is made anew, which is a part of the case `table-update`.
     */
    table() {
      if (loaded === undefined) {
        const table = new TokenTable({ accounts: input.accounts });
        for (let from = 0; from < input.records.length; from += PART) table.update({ records: input.records.slice(from, from + PART) });
        loaded = { table, call: table.prepare(LIST) };
        const options = { call: loaded.call, now: input.now };
        for (const header of input.headers) table.verify(header, options);
      }
      return loaded;
    },
    /** A signed snapshot of the same tokens, and the number of the same call. */
    snapshot() {
      const message = Uint8Array.from(atob(input.snapshot.message), (character) => character.charCodeAt(0));
      const snapshot = Snapshot.load(message, { publicKeys: [input.snapshot.publicKey], now: input.now });
      return { snapshot, call: snapshot.prepare(LIST) };
    },
  };
}

/** Tokens in random order, the same in every runtime (xorshift32): no pattern that a cache could like. */
function order(tokens) {
  let state = 0x9e3779b9;
  return Uint32Array.from({ length: TURN }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % tokens;
  });
}
