// What runs inside a runtime without standard input: the library, the suite and the hostile inputs, asked with text.
import * as tokenlatch from "tokenlatch";

import { hostile } from "./hostile.mjs";
import { plain } from "./plain.mjs";
import { typed } from "./typed.mjs";

/**
 * Answers commands, one a line, with one line each; by the face `hostile`, runs the hostile inputs, one line a case.
 *
 * @param {"plain" | "typed" | "hostile"} face
 * @param {WebAssembly.Module} compiled
 * @param {string} text
 * @param {{ name: string, run: () => void }[]} [more] hostile cases of this runtime alone
 */
export function answers(face, compiled, text, more = []) {
  if (face === "hostile") return [...hostile(tokenlatch), ...more].map(outcome).join("");
  const answer = face === "plain" ? plain(compiled) : typed(tokenlatch);
  return lines(text, (line) => answer(JSON.parse(line)));
}

function lines(text, answer) {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `${answer(line)}\n`)
    .join("");
}

/** Runs one case: `{"name"}` when it held, with `error` when it didn't. */
export function outcome({ name, run }) {
  try {
    run();
    return `${JSON.stringify({ name })}\n`;
  } catch (error) {
    return `${JSON.stringify({ name, error: String(error?.stack ?? error) })}\n`;
  }
}
