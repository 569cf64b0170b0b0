/* @ts-self-types="./random.d.ts" */

/** Returns 32 random hex digits. `randomUUID` isn't used: browsers have it in secure contexts only, browser emulations not at all. */
export function randomHex(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
