/* @ts-self-types="./timeout.d.ts" */

import { LatchError, type LatchErrorCode, codeOf } from "../types/latch-error.js";

/** The codes for a party that threw and for one that didn't answer in time. */
export interface FaultCodes {
  readonly failed: LatchErrorCode;
  readonly timeout: LatchErrorCode;
}

const store: FaultCodes = { failed: "store_failed", timeout: "store_timeout" };

/**
 * Asks a party that may throw or never answer. Its errors become a {@link LatchError} with the cause kept, whose message
 * says nothing of it. A party that blocks the thread can't be bounded.
 *
 * @example
 * ```js
 * const record = await bounded("find a token", 5_000, (signal) => store.find(hashes, { signal }));
 * ```
 */
export async function bounded<T>(
  what: string,
  milliseconds: number,
  ask: (signal: AbortSignal) => T | Promise<T>,
  codes: FaultCodes = store,
): Promise<T> {
  const aborter = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new LatchError(codes.timeout, `no answer within ${milliseconds} ms to the request to ${what}`));
      aborter.abort();
    }, milliseconds);
  });
  try {
    return await Promise.race([(async () => ask(aborter.signal))(), late]);
  } catch (error) {
    const code = codeOf(error);
    if (code === codes.timeout || code === "store_answer_invalid") throw error;
    throw new LatchError(codes.failed, `the request to ${what} failed`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
