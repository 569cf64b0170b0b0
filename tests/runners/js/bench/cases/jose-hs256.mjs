import { jwt } from "../jwt.mjs";

/** `jwtVerify` of HMAC-SHA-256 with the secret's bytes, as jose's documentation of `jwtVerify` shows it. */
export default () => {
  const secret = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
  return jwt("HS256", secret, secret);
};
