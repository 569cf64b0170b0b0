// The suite of the follower in Deno, against the origin at the address given.
import { failures } from "./follower-suite.mjs";

console.log(JSON.stringify(await failures(Deno.args[0])));
