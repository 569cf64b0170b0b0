// The worker for workerd: POST /FACE with commands, one a line.
import compiled from "tokenlatch/tokenlatch.wasm";

import { answers } from "./guest.mjs";

export default {
  async fetch(request) {
    return new Response(answers(new URL(request.url).pathname.slice(1), compiled, await request.text()));
  },
};
