/* @ts-self-types="./random.d.ts" */

/** 32 random hex digits. Not from `randomUUID`, which browsers have in secure contexts only and their imitations not at all. */
export function randomText(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
