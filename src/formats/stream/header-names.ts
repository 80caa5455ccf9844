import { UnitFault } from './unit-fault.ts';

const COLUMNS_MAX = 10_000;

/** The names of the columns, trimmed. @throws UnitFault `bad_header` for none, for too many, and for two that are one name in SQL */
export function headerNames(cells: readonly string[], line: number): readonly string[] {
  const bad = (reason: string): UnitFault => new UnitFault('bad_header', reason, { line });
  if (cells.length > COLUMNS_MAX)
    throw bad(`the header has ${cells.length} columns; at most ${COLUMNS_MAX} are allowed`);
  const names = cells.map((name) => name.trim());
  const seen = new Map<string, string>();
  for (const [index, name] of names.entries()) {
    if (name === '') throw bad(`column ${index + 1} of the header has no name`);
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined)
      throw bad(
        twin === name
          ? `the header names ${name} twice`
          : `the header names ${twin} and ${name}, which are one name in SQL`,
      );
    seen.set(name.toLowerCase(), name);
  }
  return names;
}
