/* @ts-self-types="./clock.d.ts" */

/** Milliseconds on a clock that nobody sets: for intervals and deadlines, which the wall clock would shorten or stretch. */
export function monotonic(): number {
  return performance.now();
}

/** The current time in whole Unix seconds. */
export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}
