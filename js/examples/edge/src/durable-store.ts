// A follower's store in a Durable Object's storage. Values are split, because one holds two megabytes at most.
import type { FollowerStore } from "tokenlatch";

// One call takes 128 keys, which is a snapshot of 127 MB. An object has 128 MB of memory, so a snapshot never gets that large. If it did,
// the follower would report `store_failed`, keep deciding, and after a restart begin with the last saved snapshot.
const PART = 1_000_000;

export function durableStore(storage: DurableObjectStorage): FollowerStore {
  return {
    async get(key) {
      const length = await storage.get<number>(key);
      if (length === undefined) return null;
      const bytes = new Uint8Array(length);
      // Sorted by their keys.
      const parts = await storage.get<Uint8Array>(namesOf(key, length));
      let at = 0;
      for (const part of parts.values()) {
        bytes.set(part, at);
        at += part.length;
      }
      return bytes;
    },
    async put(key, bytes) {
      const parts = namesOf(key, bytes.length).map((name, index) => [name, bytes.slice(index * PART, (index + 1) * PART)] as const);
      // One call, so it is atomic. Responses don't wait for the write: a slow disk must not delay a revocation.
      await storage.put({ [key]: bytes.length, ...Object.fromEntries(parts) }, { allowUnconfirmed: true });
    },
  };
}

function namesOf(key: string, length: number): string[] {
  return Array.from({ length: Math.ceil(length / PART) }, (_, index) => `${key}/${String(index).padStart(3, "0")}`);
}
