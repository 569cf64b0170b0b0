// Checks a pasted token locally: its form, its prefix and its checksum. Only the server knows whether it exists and is live.
import { validate } from "tokenlatch";

const input = document.querySelector<HTMLInputElement>("#token");
const result = document.querySelector<HTMLElement>("#result");
if (input === null || result === null) throw new Error("the page has no place for a token");

input.addEventListener("input", () => {
  const token = input.value.trim();
  result.textContent = token === "" ? "" : judged(token);
});

function judged(token: string): string {
  const { valid, problems, hint } = validate({ token });
  return valid ? `Well formed; it ends in ${hint}.` : problems.map((problem) => problem.message).join(" ");
}
