/**
 * Facts that are not there: whatever a message asks of them, it gets their name in angle brackets.
 *
 * Owns    how a sentence of an error table becomes a line of the reference page.
 * Never   chooses between two sentences: where a row has two, the page names the facts of each.
 */

/**
 * Any fact, any item or method of it, as `<name>`; those in `given` as they are.
 * `unknown` on purpose: each row of each table has facts of its own.
 */
export function placeholders(given: Readonly<Record<string, unknown>> = {}): unknown {
  return new Proxy(given, {
    get: (facts, name) =>
      typeof name === 'string' && Object.hasOwn(facts, name) ? facts[name] : named(String(name)),
  });
}

function named(name: string): unknown {
  const text = `<${name}>`;
  // A function, because facts are joined, cut and split; each of these yields the fact again.
  const itself: unknown = new Proxy(() => itself, {
    get: (_, property) => {
      if (property === Symbol.toPrimitive || property === 'toString') return () => text;
      return property === 'toJSON' ? () => text : itself;
    },
    apply: () => itself,
  });
  return itself;
}
