/* @ts-self-types="./timeout.d.ts" */

import { LatchError, type LatchErrorCode, codeOf } from "../types/latch-error.js";

/** The error codes for a call that failed and for one that wasn't answered in time. */
export interface TimeoutCodes {
  readonly failed: LatchErrorCode;
  readonly timeout: LatchErrorCode;
}

const STORE_CODES: TimeoutCodes = { failed: "store_failed", timeout: "store_timeout" };

/**
 * Calls a function that may throw or never answer, with a time limit. Errors become a {@link LatchError} that keeps the cause but
 * doesn't quote it. A function that blocks the thread can't be limited.
 *
 * @example
 * ```js
 * const record = await withTimeout("find a token", 5_000, (signal) => store.find(hashes, { signal }));
 * ```
 */
export async function withTimeout<T>(
  what: string,
  milliseconds: number,
  call: (signal: AbortSignal) => T | Promise<T>,
  codes: TimeoutCodes = STORE_CODES,
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
    return await Promise.race([(async () => call(aborter.signal))(), late]);
  } catch (error) {
    const code = codeOf(error);
    if (code === codes.timeout || code === "store_answer_invalid") throw error;
    throw new LatchError(codes.failed, `the request to ${what} failed`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
