// The browser of the tests: the one that is on the path or in the variable CHROMIUM.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** The path of Chromium on this machine, or undefined. */
export const executable = [
  process.env.CHROMIUM,
  ...process.env.PATH.split(delimiter).flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name))),
].find((path) => path && existsSync(path));
