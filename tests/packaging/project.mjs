// A small project in which the packed package is installed, as a user has it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const tarball = process.env.TOKENLATCH_TARBALL;
/** The folder in whose `node_modules` the bundlers, compilers and runtimes are. */
export const tools = process.env.TOKENLATCH_TOOLS;
assert.ok(tarball && tools, "TOKENLATCH_TARBALL and TOKENLATCH_TOOLS name the packed package and the tools; see tests/tests/packaging.rs");

/** The path of a tool's file in `node_modules`. */
export const tool = (path) => join(tools, "node_modules", path);

/** Makes a project from its files here, below the tools, so that it finds them; installs the tarball in it, without a network. */
export function project(name, manifest = {}) {
  const folder = join(tools, "packaging", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(fileURLToPath(new URL(`projects/${name}/`, import.meta.url)), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, private: true, ...manifest }));
  run(folder, "npm", "install", "--no-save", "--offline", "--no-audit", "--no-fund", tarball);
  return folder;
}

/** Runs a program to its end, and gives what it printed. It must succeed. */
export function run(folder, program, ...args) {
  const { status, output } = attempt(folder, program, ...args);
  assert.equal(status, 0, `${program} ${args.join(" ")}\n${output}`);
  return output.trim();
}

/** Runs a program to its end. */
export function attempt(folder, program, ...args) {
  const { status, stdout, stderr } = ended(folder, program, args);
  return { status, output: status === 0 ? stdout : stdout + stderr };
}

/** Runs a program to its end, with further variables in its environment; gives both of its outputs. */
export function ended(folder, program, args, more = {}) {
  const env = { ...process.env, NO_COLOR: "1", CI: "1", NEXT_TELEMETRY_DISABLED: "1", PATH: `${tool(".bin")}${delimiter}${process.env.PATH}` };
  // Set by the test runner for its own processes.
  delete env.NODE_TEST_CONTEXT;
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: "utf8", env: { ...env, ...more }, timeout: 300_000 });
  if (error) throw error;
  return { status, stdout, stderr };
}
