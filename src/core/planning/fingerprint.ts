import { createHash } from 'node:crypto';
import { canonicalPart, definitionOf } from './definition.ts';
import type { Node } from './graph.ts';

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

/** A short hash of everything in a step's definition that decides its rows. Comments, blanks, tags and descriptions do not count. */
export function codeFingerprint(node: Node): string {
  const parts = Object.entries(definitionOf(node)).map(([name, text]) => [name, canonicalPart(name, text)]);
  return hashOf(parts);
}

/** A short hash of the tests of a table, which change none of its rows; undefined for bronze, which has none. */
export function testsFingerprint(node: Node): string | undefined {
  return node.layer === 'bronze' ? undefined : hashOf(node.spec.tests);
}
