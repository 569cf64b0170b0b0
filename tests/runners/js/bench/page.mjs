// The script of a browser's page: `answer(command)`.
import { guest } from "./guest.mjs";

// From a variable, or the bundler would want to follow it.
const load = (file) => import(file);
const platform = {
  glue: () => load("/biscuit_bg.js"),
  wasm: async (path) => WebAssembly.compile(await (await fetch(`/${path.split("/").pop()}`)).arrayBuffer()),
};
const input = await (await fetch("/input.json")).json();
globalThis.answer = guest(input, platform, (name) => load(`/cases/${name}.js`));
