/* @ts-self-types="./clock.d.ts" */

/** Milliseconds on a clock that nobody sets: for intervals and deadlines, which the wall clock would shorten or stretch. */
export function monotonic(): number {
  return performance.now();
}
