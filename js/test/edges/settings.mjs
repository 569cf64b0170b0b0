// The settings of the services in this folder, and how they report their address. `load --edges` starts them.

export const { ORIGIN, ORIGIN_TOKEN, PUBLIC_KEYS, INTERVAL } = process.env;

/** Milliseconds between two polls; undefined for long polls. */
export const interval = INTERVAL === undefined ? undefined : Number(INTERVAL);

export const warn = ({ code, message }) => console.error(JSON.stringify({ code, message }));

/** Reports that the service is listening. It ends when its standard input is closed. */
export function started(url, stop) {
  process.stdin.on("end", async () => {
    await stop();
    process.exit(0);
  });
  process.stdin.resume();
  console.log(JSON.stringify({ address: new URL(url).host }));
}

/** Reports a missing tool. */
export function lacks(what, error) {
  console.log(JSON.stringify({ missing: `${what}: ${error.message}` }));
  process.exit(0);
}
