// A run of jose's `jwtVerify` over some tokens, which it keeps no record of.
import { SignJWT, jwtVerify } from "jose";

import { PEERS } from "./stage.mjs";

/** One run; both keys are the same where the algorithm has only one. */
export async function jwt(alg, signingKey, key) {
  const until = Math.floor(Date.now() / 1000) + 86_400;
  const tokens = await Promise.all(
    Array.from({ length: PEERS }, (_, index) =>
      new SignJWT({ sub: `user${index}` }).setProtectedHeader({ alg }).setExpirationTime(until).sign(signingKey),
    ),
  );
  const options = { algorithms: [alg] };
  return async (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      const { payload } = await jwtVerify(tokens[done & (PEERS - 1)], key, options);
      if (payload.exp === until) good++;
    }
    return good;
  };
}
