/** What stands at the `{name}`s of a pattern such as `/pipeline/tables/{layer}/{table}`; undefined when the path is another one. */
export function matched(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const given = path.replace(/(?<=.)\/$/, '').split('/');
  if (wanted.length !== given.length) return undefined;
  const found: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    const value = given[i] ?? '';
    if (name === undefined) {
      if (part !== value) return undefined;
    } else if (value === '') return undefined;
    else found[name] = decoded(value);
  }
  return found;
}

/** Somebody may have typed a `%` that begins nothing. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
