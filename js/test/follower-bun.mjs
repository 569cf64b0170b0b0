// The suite of the follower in Bun, against the origin at the given URL.
import { failures } from "./follower-suite.mjs";

console.log(JSON.stringify(await failures(process.argv[2])));
