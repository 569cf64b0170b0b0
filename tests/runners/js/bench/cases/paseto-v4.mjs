import { PublicProtocol } from "paseto";
import { GenerateKeyPairFactory, SignFactory, VerifyFactory } from "paseto/v4/public";

import { PEERS } from "../stage.mjs";

/** PASETO v4.public by the package `paseto`. */
export default async () => {
  const v4 = new PublicProtocol(GenerateKeyPairFactory, SignFactory, VerifyFactory);
  const { publicKey, secretKey } = await v4.GenerateKeyPair();
  const exp = new Date(Date.now() + 86_400_000).toISOString();
  const tokens = await Promise.all(Array.from({ length: PEERS }, (_, index) => v4.Sign(secretKey, { sub: `user${index}`, exp })));
  return async (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      const { claims } = await v4.Verify(publicKey, tokens[done & (PEERS - 1)]);
      if (typeof claims.sub === "string") good++;
    }
    return good;
  };
};
