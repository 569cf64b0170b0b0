import { createHash } from "node:crypto";

import { TURN } from "../stage.mjs";

/** SHA-256 of 32 characters alone by `createHash`, as most programs for Node write it. */
export default ({ headers, order }) => {
  const secrets = headers.slice(0, 256).map((header) => header.slice(-32));
  let at = 0;
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      at = (at + 1) & (TURN - 1);
      if (createHash("sha256").update(secrets[order[at] & 255]).digest("hex").length === 64) good++;
    }
    return good;
  };
};
