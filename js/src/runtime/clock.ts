/* @ts-self-types="./clock.d.ts" */

/** Returns milliseconds of a monotonic clock, for intervals and deadlines: setting the wall clock doesn't change them. */
export function monotonic(): number {
  return performance.now();
}

/** Returns the current time in whole Unix seconds. */
export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}
