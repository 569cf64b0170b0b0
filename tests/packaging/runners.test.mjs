// The installed package in test runners, which load it by rules of their own and imitate browsers.
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";

import { ended, project, tool } from "./project.mjs";

const folder = project("runners");

/** Runs a test runner, which must find two tests and pass them. */
function passes(node, args, env, found) {
  const { status, stdout, stderr } = ended(folder, node, args, env);
  assert.equal(status, 0, stdout + stderr);
  // Jest reports on the one, Vitest on the other.
  assert.match(stdout + stderr, found);
}

for (const environment of ["node", "jsdom"]) {
  for (const [kind, file, options] of [["CommonJS", "package.test.cjs", ""], ["ECMAScript modules", "package.test.mjs", "--experimental-vm-modules"]]) {
    test(`Jest 29 with ${environment}, ${kind}`, () => {
      passes(process.execPath, [tool("jest/bin/jest.js"), `--env=${environment}`, file], { NODE_OPTIONS: options }, /Tests:\s+2 passed, 2 total/);
    });
  }
}

for (const environment of ["node", "jsdom", "happy-dom"]) {
  for (const inlined of ["0", "1"]) {
    test(`Vitest with ${environment}, ${inlined === "1" ? "" : "not "}inlined`, () => {
      // It needs a newer Node than the package does.
      passes(tool("node-24/bin/node"), [tool("vitest/vitest.mjs"), "run"], { ENVIRONMENT: environment, INLINED: inlined }, /Tests\s+2 passed \(2\)/);
    });
  }
}
