import prefixed from "prefixed-api-key";

import { PEERS } from "../stage.mjs";

/** `checkAPIKey` against a hash that is at hand: no look-up, no expiry. */
export default async () => {
  const { checkAPIKey, generateAPIKey } = prefixed;
  const keys = await Promise.all(Array.from({ length: PEERS }, () => generateAPIKey({ keyPrefix: "bench" })));
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      const { token, longTokenHash } = keys[done & (PEERS - 1)];
      if (checkAPIKey(token, longTokenHash)) good++;
    }
    return good;
  };
};
