/**
 * Answers commands by the module's plain ABI, where every import is a function that throws.
 *
 * @param {WebAssembly.Module} compiled
 * @returns {(command: object) => string} gives the answer to one command, the module's own text
 */
export function plain(compiled) {
  const imports = {};
  for (const { module, name } of WebAssembly.Module.imports(compiled)) {
    (imports[module] ??= {})[name] = () => {
      throw new Error(`the plain ABI reached the import ${name}`);
    };
  }
  const abi = new WebAssembly.Instance(compiled, imports).exports;

  /** Writes a text or bytes, hands their place to `then`, and frees them. Nothing has no place. */
  function sent(text, then) {
    const data = text instanceof Uint8Array ? text : new TextEncoder().encode(text ?? "");
    if (data.length === 0) return then(0, 0);
    const place = abi.tokenlatch_alloc(data.length) >>> 0;
    if (place === 0) throw new Error(`the module refused ${data.length} bytes`);
    new Uint8Array(abi.memory.buffer, place, data.length).set(data);
    try {
      return then(place, data.length);
    } finally {
      abi.tokenlatch_free(place, data.length);
    }
  }

  /** Reads and frees an answer. */
  function received(answer) {
    const [place, length] = [Number(BigInt.asUintN(32, answer >> 32n)), Number(BigInt.asUintN(32, answer))];
    const text = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(abi.memory.buffer, place, length));
    abi.tokenlatch_free(place, length);
    return text;
  }

  let table = 0;

  /** Opens a table or a snapshot in place of the one before. */
  function opened(input, open) {
    abi.tokenlatch_table_free(table);
    const answer = received(sent(JSON.stringify(input), open));
    table = JSON.parse(answer).ok?.table ?? 0;
    return answer;
  }

  const commands = {
    request: (request) => received(sent(JSON.stringify(request), abi.tokenlatch_call)),
    raw: (text) => received(sent(text, abi.tokenlatch_call)),
    padded: ({ head, unit, times, tail }) => received(sent(head + unit.repeat(times) + tail, abi.tokenlatch_call)),
    table: (input) => opened(input, abi.tokenlatch_table_new),
    snapshot: (options) => opened(options, abi.tokenlatch_snapshot_new),
    apply: ({ message, now }) => received(sent(bytesOf(message), (p, n) => abi.tokenlatch_snapshot_apply(table, p, n, BigInt(now)))),
    update: (input) => received(sent(JSON.stringify(input), (p, n) => abi.tokenlatch_table_update(table, p, n))),
    prepare: (input) => received(sent(JSON.stringify(input), (p, n) => abi.tokenlatch_table_prepare(table, p, n))),
    verify: ({ authorization, call, address, now }) => {
      const code = sent(authorization, (p, n) =>
        sent(address, (q, m) => abi.tokenlatch_table_verify(table, call ?? 0, p, n, q, m, BigInt(now))),
      );
      return code < 0n ? JSON.stringify({ code: Number(code) }) : received(abi.tokenlatch_table_verdict(table, code));
    },
  };

  return (command) => {
    const [name, input] = Object.entries(command)[0];
    return commands[name](input);
  };
}

/** The bytes that hex digits stand for. */
export function bytesOf(hex) {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}
