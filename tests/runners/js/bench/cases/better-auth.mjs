import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";

/** Few, because the adapter searches them one after the other. */
const KEYS = 64;

/** `verifyApiKey` of better-auth's plugin over its in-memory adapter, without its limit on attempts. */
export default async () => {
  const now = new Date();
  const owner = { id: "alice", name: "Alice", email: "alice@example.com", emailVerified: true, createdAt: now, updatedAt: now };
  const database = { user: [owner], session: [], account: [], verification: [], apikey: [] };
  const auth = betterAuth({
    baseURL: "http://127.0.0.1",
    secret: "a secret of the benchmark, 32 characters and more",
    database: memoryAdapter(database),
    plugins: [apiKey({ rateLimit: { enabled: false } })],
    logger: { disabled: true },
    telemetry: { enabled: false },
  });
  const keys = [];
  for (let index = 0; index < KEYS; index++) {
    keys.push((await auth.api.createApiKey({ body: { name: `key-${index}`, userId: owner.id, expiresIn: 86_400 * 30 } })).key);
  }
  return async (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      const { valid } = await auth.api.verifyApiKey({ body: { key: keys[done % KEYS] } });
      if (valid) good++;
    }
    return good;
  };
};
