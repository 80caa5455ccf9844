import { createHash } from 'node:crypto';
import { canonicalPart, definitionOf } from './definition.ts';
import type { Node } from './graph.ts';

/** A short hash of everything in a step's definition that decides its rows. Comments, blanks, tags and descriptions do not count. */
export function codeFingerprint(node: Node): string {
  const parts = Object.entries(definitionOf(node)).map(([name, text]) => [name, canonicalPart(name, text)]);
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
