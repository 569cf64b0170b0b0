// `workerd serve`: `workerd.mjs INPUT`.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

import workerd from "workerd";

import { bundle, drive, required } from "./driver.mjs";

const { folder, files, missing } = await bundle("workerd", "worker.mjs", {
  conditions: ["workerd", "worker", "browser"],
  external: ["node:*", "cloudflare:*"],
  plugins: [required],
});
const modules = ["worker.js", ...files.filter((name) => name !== "worker.js")].map(
  (name) => `(name = "${name}", ${name.endsWith(".wasm") ? "wasm" : "esModule"} = embed "${name}")`,
);
const config = join(folder, "config.capnp");
// `nodejs_compat` is for the peers; Tokenlatch needs no flag.
writeFileSync(
  config,
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [${modules.join(", ")}],
    compatibilityDate = "2026-07-01",
    compatibilityFlags = ["nodejs_compat"],
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
  const ask = async (path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
    return text;
  };
  await ask("/input", readFileSync(process.argv[2]));
  await drive({ runtime: "workerd", version }, missing, async (command) => {
    const began = process.hrtime.bigint();
    const answer = JSON.parse(await ask("/", JSON.stringify(command)));
    answer.outside = Number(process.hrtime.bigint() - began);
    return answer;
  });
} finally {
  child.kill();
}
