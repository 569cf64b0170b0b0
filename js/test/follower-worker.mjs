// The suite of the follower inside workerd, against the origin at the given URL.
import { failures } from "./follower-suite.mjs";

export default {
  async fetch(request) {
    return Response.json(await failures(new URL(request.url).searchParams.get("origin")));
  },
};
