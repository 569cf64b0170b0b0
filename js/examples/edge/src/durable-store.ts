// What a follower keeps, in a Durable Object's storage: in parts, because one value holds two megabytes at most.
import type { FollowerStore } from "tokenlatch";

// One call takes 128 keys, which is a snapshot of 127 MB: an object, which has 128 MB of memory for everything, never holds so much.
// Were it to come to that, the follower would report it (`store_failed`), decide all the same, and after a restart begin with what was kept last.
const PART = 1_000_000;

export function durableStore(storage: DurableObjectStorage): FollowerStore {
  return {
    async get(key) {
      const length = await storage.get<number>(key);
      if (length === undefined) return null;
      const bytes = new Uint8Array(length);
      // In the order of their names.
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
      // One call, so all of it or nothing. No answer waits until it is on the disk: a slow one must not hold a revocation up.
      await storage.put({ [key]: bytes.length, ...Object.fromEntries(parts) }, { allowUnconfirmed: true });
    },
  };
}

function namesOf(key: string, length: number): string[] {
  return Array.from({ length: Math.ceil(length / PART) }, (_, index) => `${key}/${String(index).padStart(3, "0")}`);
}
