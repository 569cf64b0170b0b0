// The suite of the follower in Deno, against the origin at the given URL.
import { failures } from "./follower-suite.mjs";

console.log(JSON.stringify(await failures(Deno.args[0])));
