// Plain `workerd serve`: `workerd.mjs FACE`.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import workerd from "workerd";

import { bundle, drive, face, sha256 } from "./driver.mjs";

const { folder, wasm } = await bundle("worker.mjs", { conditions: ["workerd", "worker", "browser"] });
const config = join(folder, "config.capnp");
writeFileSync(
  config,
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [
      (name = "guest.js", esModule = embed "guest.js"),
      (name = "${wasm}", wasm = embed "${wasm}"),
    ],
    compatibilityDate = "2026-07-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`,
);
const version = execFileSync(workerd.default, ["--version"], { encoding: "utf8" }).trim().replace("workerd ", "");
const child = spawn(workerd.default, ["serve", "--control-fd=3", config], { stdio: ["ignore", "ignore", "inherit", "pipe"] });
try {
  // workerd writes `{"event":"listen","socket":"http","port":…}` once it listens.
  const [line] = await once(child.stdio[3], "data");
  const { port } = JSON.parse(String(line).split("\n")[0]);
  await drive({ runtime: "workerd serve", version, module_sha256: sha256(join(folder, wasm)) }, async (text) => {
    const answer = await fetch(`http://127.0.0.1:${port}/${face}`, { method: "POST", body: text });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    return answer.text();
  });
} finally {
  child.kill();
}
