// How the services of this folder are told what to follow, and how they tell where they listen. `load --edges` starts them.

export const { ORIGIN, ORIGIN_TOKEN, PUBLIC_KEYS, INTERVAL } = process.env;

/** Milliseconds between two questions; undefined: the origin is asked by long polls. */
export const interval = INTERVAL === undefined ? undefined : Number(INTERVAL);

export const warn = ({ code, message }) => console.error(JSON.stringify({ code, message }));

/** Tells that the service listens. Whoever started it closes its standard input when it shall end. */
export function started(url, stop) {
  process.stdin.on("end", async () => {
    await stop();
    process.exit(0);
  });
  process.stdin.resume();
  console.log(JSON.stringify({ address: new URL(url).host }));
}

/** Tells what this machine lacks. */
export function lacks(what, error) {
  console.log(JSON.stringify({ missing: `${what}: ${error.message}` }));
  process.exit(0);
}
