// The function for Vercel's edge runtime: POST /FACE with commands, one a line.
import compiled from "tokenlatch/tokenlatch.wasm?module";

import { answers } from "./guest.mjs";

addEventListener("fetch", (event) => {
  const face = new URL(event.request.url).pathname.slice(1);
  event.respondWith(event.request.text().then((text) => new Response(answers(face, compiled, text))));
});
