// workerd through miniflare, as wrangler runs it: `miniflare.mjs FACE`.
import { createRequire } from "node:module";
import { join } from "node:path";

import { Miniflare } from "miniflare";

import { bundle, drive, face, sha256 } from "./driver.mjs";

const { folder, script, wasm } = await bundle("worker.mjs", { conditions: ["workerd", "worker", "browser"], external: ["cloudflare:*"] });
const { version } = createRequire(import.meta.url)("miniflare/package.json");
const server = new Miniflare({
  modules: true,
  script,
  modulesRoot: folder,
  scriptPath: join(folder, "guest.js"),
  modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
  compatibilityDate: "2026-07-01",
});
try {
  await drive({ runtime: "workerd, miniflare", version, module_sha256: sha256(join(folder, wasm)) }, async (text) => {
    const answer = await server.dispatchFetch(`http://worker/${face}`, { method: "POST", body: text });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    return answer.text();
  });
} finally {
  await server.dispose();
}
