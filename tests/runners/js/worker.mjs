// The worker for workerd: POST /FACE with commands, one a line.
import { createToken } from "tokenlatch";
import compiled from "tokenlatch/tokenlatch.wasm";

import { answers } from "./guest.mjs";

/** The code of the error, or what was made. */
function attempt(options) {
  try {
    return createToken({ user: "alice", name: "early", access: "full", ...options }).token;
  } catch (error) {
    return error.code;
  }
}

// At global scope workerd has no random bytes.
const early = attempt({ now: 1_795_341_384, expires: "never" });
const cases = [
  {
    name: "makes no token at global scope",
    run() {
      if (early !== "entropy_unavailable") throw new Error(early);
    },
  },
];

export default {
  async fetch(request) {
    return new Response(answers(new URL(request.url).pathname.slice(1), compiled, await request.text(), cases));
  },
};
