import { type Definition, definitionOf } from '../../core/planning/definition.ts';
import type { Node } from '../../core/planning/graph.ts';
import { type DefinitionChange, definitionChanges } from '../../core/planning/reasons.ts';
import type { Ledger } from '../../core/ports/ledger.ts';

type Redact = (text: string) => string;

/**
 * The definition to be kept with a step, as JSON with secrets masked; undefined when the last success had the same and the ledger
 * holds it.
 */
export function newDefinition(
  { ledger, redact }: { readonly ledger: Ledger; readonly redact: Redact },
  node: Node,
  code_fingerprint: string,
): string | undefined {
  const same = ledger.lastSuccess(node.key)?.code_fingerprint === code_fingerprint;
  if (same && ledger.definition(node.key, code_fingerprint) !== undefined) return undefined;
  return JSON.stringify(masked(definitionOf(node), redact));
}

/** The definition kept for a fingerprint; undefined when it is not known (an older ledger, a rebuilt one). */
export function keptDefinition(
  ledger: Ledger,
  step: string,
  code_fingerprint: string | undefined,
): Definition | undefined {
  const text = code_fingerprint === undefined ? undefined : ledger.definition(step, code_fingerprint);
  if (text === undefined) return undefined;
  try {
    const parts = JSON.parse(text) as unknown;
    return typeof parts === 'object' && parts !== null ? (parts as Definition) : undefined;
  } catch {
    return undefined; // written by another version: it only explains, so it is not worth a failure
  }
}

/** What changed in a step's definition since the one of a fingerprint; undefined when that one is not known. */
export function changesSince(
  ledger: Ledger,
  node: Node,
  code_fingerprint: string | undefined,
  redact: Redact,
): readonly DefinitionChange[] | undefined {
  const before = keptDefinition(ledger, node.key, code_fingerprint);
  return before === undefined ? undefined : definitionChanges(before, masked(definitionOf(node), redact));
}

function masked(definition: Definition, redact: Redact): Definition {
  return Object.fromEntries(Object.entries(definition).map(([part, text]) => [part, redact(text)]));
}
