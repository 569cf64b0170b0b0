// Creates a user's account and first token. Prints the SQL to standard output, and the token, which is shown only once, to standard error.
//
//   node first-token.mjs alice > first.sql && npx wrangler d1 execute tokens --remote --file first.sql
import { fileURLToPath } from "node:url";

import { createToken } from "tokenlatch";

/** Creates a token and the statements that store its record and its user's account. */
export function firstToken(options) {
  const account = { user: options.user, features: "all" };
  const { token, record } = createToken({ account, ...options });
  const tokenValues = [record.id, record.user, record.name, record.hash, JSON.stringify(record)];
  const accountValues = [account.user, JSON.stringify(account)];
  const statements = [
    `INSERT INTO tokenlatch_accounts (user_name, account) VALUES (${accountValues.map(quoted)}) ON CONFLICT DO NOTHING;`,
    `INSERT INTO tokenlatch_tokens (id, user_name, name, hash, record) VALUES (${tokenValues.map(quoted)});`,
  ];
  return { token, statements };
}

function quoted(text) {
  return `'${text.replaceAll("'", "''")}'`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { token, statements } = firstToken({ user: process.argv[2] ?? "", name: "first", access: "full" });
  console.log(statements.join("\n"));
  console.error(`The token, shown this once: ${token}`);
}
