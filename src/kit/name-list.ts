import { closest } from './closest.ts';

/** Names that are listed one by one. */
const NAMES_MAX = 4;

/** `Did you mean gold.ca?`, or what there is: the first names, and how many more. */
export function nameHint(word: string, names: readonly string[]): string {
  const bare = new Map(names.map((name) => [name.slice(name.indexOf('.') + 1), name]));
  const near = closest(word, names) ?? bare.get(closest(word, bare.keys()) ?? '');
  if (near !== undefined) return `Did you mean ${near}?`;
  const rest = names.length - NAMES_MAX;
  return rest > 1
    ? `There are ${names.slice(0, NAMES_MAX).join(', ')} and ${rest} more: dataflow status`
    : `There ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}.`;
}
