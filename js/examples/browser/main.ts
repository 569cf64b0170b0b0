// Looks at a pasted token without asking anybody: its form, its prefix and its checksum. Whether it is known and live only the
// server can say.
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
