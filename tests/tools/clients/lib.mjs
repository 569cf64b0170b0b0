// What the scripts for npm's clients share. A client is found from the folder where it is installed, which is the current one.
import { createRequire } from "node:module";

// A client's error may hold the whole request, and with it the token.
process.on("uncaughtException", (error) => {
  console.error(error?.stack ?? error);
  process.exit(1);
});

export const require = createRequire(`${process.cwd()}/`);

/** Fails unless the promise does, and gives the message. */
export async function failure(promise) {
  const failed = await promise.then(
    () => undefined,
    (error) => error,
  );
  if (failed === undefined) {
    throw new Error("it should have failed");
  }
  return String(failed.message ?? failed);
}
