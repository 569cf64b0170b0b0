import { generateKeyPair } from "jose";

import { jwt } from "../jwt.mjs";

/** `jwtVerify` of Ed25519. */
export default async () => {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA");
  return jwt("EdDSA", privateKey, publicKey);
};
