// What runs in every JavaScript runtime: prepares cases by their names and times them.
import { stage } from "./stage.mjs";

/**
 * Answers one command at a time.
 *
 * - `{"prepare":CASE}` → `{}`, or `{"missing":REASON}` where the case can't run here.
 * - `{"time":CASE,"calls":N}` → `{"nanoseconds":…,"good":…}`: of all the calls, and how many did what they should; or
 *   `{"failed":REASON}`.
 * - `{"tick":true}` → `{"nanoseconds":…}`: the least step of the clock, 0 where it stands still while a program runs.
 *
 * @param {object} input see {@link stage}
 * @param {object} platform
 * @param {(name: string) => Promise<{ default: (stage: object) => unknown }>} load imports a case
 */
export function guest(input, platform, load) {
  const here = stage(input, platform);
  const cases = new Map();

  async function prepare(name) {
    try {
      cases.set(name, await (await load(name)).default(here));
      return {};
    } catch (error) {
      return { missing: firstLine(error) };
    }
  }

  async function time(name, calls) {
    const run = cases.get(name);
    try {
      const began = performance.now();
      const answer = run(calls);
      const good = typeof answer === "number" ? answer : await answer;
      return { nanoseconds: Math.round((performance.now() - began) * 1e6), good };
    } catch (error) {
      return { failed: firstLine(error) };
    }
  }
  return (command) => {
    if (command.tick) return { nanoseconds: tick() };
    return command.prepare === undefined ? time(command.time, command.calls) : prepare(command.prepare);
  };
}

function tick() {
  let least = Infinity;
  let last = performance.now();
  for (let looks = 0, steps = 0; looks < 2_000_000 && steps < 20; looks++) {
    const now = performance.now();
    if (now > last) {
      least = Math.min(least, now - last);
      steps++;
    }
    last = now;
  }
  return least === Infinity ? 0 : Math.round(least * 1e6);
}

/** What was thrown, which need not be an error. */
function firstLine(error) {
  const text = error instanceof Error ? error.message : JSON.stringify(error);
  return String(text).split("\n")[0];
}
