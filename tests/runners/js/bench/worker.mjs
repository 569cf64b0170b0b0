// The worker for workerd: POST /input with the tokens, then POST / with a command.
import { guest } from "./guest.mjs";

// From a variable, or the bundler would want to follow it.
const load = (file) => import(file);
const platform = {
  nodeCrypto: () => import("./node-crypto-map.mjs"),
  glue: () => load("./biscuit_bg.js"),
  wasm: async (path) => (await load(`./${path.split("/").pop()}`)).default,
};

let answer;

export default {
  async fetch(request) {
    if (new URL(request.url).pathname === "/input") {
      answer = guest(await request.json(), platform, (name) => load(`./cases/${name}.js`));
      return new Response();
    }
    return Response.json(await answer(await request.json()));
  },
};
