// Cold starts: a fresh process imports and gives its first answer, Tokenlatch beside jose, in turn; then a fresh workerd from
// its start to its first verdict, beside a worker without the package. `npm run bench:cold [ROUNDS]`.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { SignJWT } from "jose";
import { createToken } from "tokenlatch";
import workerd from "workerd";

const rounds = Number(process.argv[2] ?? 21);
const root = fileURLToPath(new URL("..", import.meta.url));

const { token, record } = createToken({ user: "alice", name: "bench", access: "full" });
const key = "0123456789abcdef0123456789abcdef";
const jwt = await new SignJWT({ sub: "alice" })
  .setProtectedHeader({ alg: "HS256" })
  .setExpirationTime("1y")
  .sign(new TextEncoder().encode(key));

const first = {
  tokenlatch: `const { verifyToken } = await import("tokenlatch");
    const verdict = verifyToken({ authorization: "Bearer ${token}", record: ${JSON.stringify(record)}, account: { user: "alice", features: "all" } });
    if (!verdict.allowed) throw new Error(verdict.reason);`,
  jose: `const { jwtVerify } = await import("jose");
    const { payload } = await jwtVerify("${jwt}", new TextEncoder().encode("${key}"));
    if (payload.sub !== "alice") throw new Error("jose");`,
};

/** Milliseconds from before the import to the first answer, in a new process. */
function inFreshNode(script) {
  const source = `const began = performance.now();\n${script}\nconsole.log(performance.now() - began);`;
  return Number(execFileSync(process.execPath, ["--input-type=module", "--eval", source], { cwd: root, encoding: "utf8" }));
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const shown = (values) => `${median(values).toFixed(1)} ms (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;

const node = { tokenlatch: [], jose: [] };
for (let round = 0; round < rounds; round++) {
  for (const name of round % 2 === 0 ? ["tokenlatch", "jose"] : ["jose", "tokenlatch"]) node[name].push(inFreshNode(first[name]));
}
const ratio = median(node.tokenlatch.map((time, round) => time / node.jose[round]));
console.log(`Node ${process.versions.node}, ${rounds} fresh processes each`);
console.log(`  tokenlatch: import and first verdict    ${shown(node.tokenlatch)}`);
console.log(`  jose: import and first jwtVerify        ${shown(node.jose)}`);
console.log(`  median of the ratios                    ${ratio.toFixed(2)}`);

const folder = mkdtempSync(join(tmpdir(), "tokenlatch-cold-"));
try {
  const workers = {
    tokenlatch: `import { verifyToken } from "tokenlatch";
      export default { fetch(request) {
        const authorization = request.headers.get("authorization");
        const verdict = verifyToken({ authorization, record: ${JSON.stringify(record)}, account: { user: "alice", features: "all" } });
        return new Response(verdict.reason);
      } };`,
    bare: 'export default { fetch(request) { return new Response("ok"); } };',
  };
  for (const [name, contents] of Object.entries(workers)) {
    await build({
      stdin: { contents, resolveDir: root },
      outfile: join(folder, `${name}.js`),
      bundle: true,
      format: "esm",
      conditions: ["workerd", "worker", "browser"],
      loader: { ".wasm": "copy" },
      assetNames: "[name]",
    });
    const modules = [`(name = "${name}.js", esModule = embed "${name}.js")`];
    if (name === "tokenlatch") modules.push('(name = "tokenlatch.wasm", wasm = embed "tokenlatch.wasm")');
    writeFileSync(
      join(folder, `${name}.capnp`),
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [${modules.join(", ")}], compatibilityDate = "2026-04-01"))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);\n`,
    );
  }

  /** Milliseconds from the start of workerd to its first answer, and of its second answer. */
  async function inFreshWorkerd(name) {
    const began = performance.now();
    const child = spawn(workerd.default, ["serve", "--control-fd=3", join(folder, `${name}.capnp`)], { stdio: ["ignore", "ignore", "inherit", "pipe"] });
    try {
      const [line] = await once(child.stdio[3], "data");
      const { port } = JSON.parse(String(line).split("\n")[0]);
      const ask = async () => (await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } })).text();
      if ((await ask()) !== "ok") throw new Error(`the worker ${name} refused`);
      const firstAnswer = performance.now();
      await ask();
      return { first: firstAnswer - began, second: performance.now() - firstAnswer };
    } finally {
      child.kill();
      await once(child, "exit");
    }
  }

  const runs = { tokenlatch: [], bare: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? ["tokenlatch", "bare"] : ["bare", "tokenlatch"]) runs[name].push(await inFreshWorkerd(name));
  }
  const added = runs.tokenlatch.map(({ first }, round) => first - runs.bare[round].first);
  console.log(`workerd, ${rounds} fresh processes each`);
  console.log(`  from its start to the first verdict     ${shown(runs.tokenlatch.map(({ first }) => first))}`);
  console.log(`  to the first answer without the package ${shown(runs.bare.map(({ first }) => first))}`);
  console.log(`  the package's part, median difference   ${median(added).toFixed(1)} ms`);
  console.log(`  the second verdict, over HTTP           ${shown(runs.tokenlatch.map(({ second }) => second))}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
