import { enrichDefinition } from '../model/enrich.ts';
import { SQL_FUNCTIONS } from '../model/functions.ts';
import type { CheckSpec, SilverSpec } from '../model/project.ts';
import type { Node } from './graph.ts';
import { functionsNamedIn, normaliseSql } from './sql-refs.ts';

/**
 * Everything in a step's definition that decides its rows, by part: `sql`, `rule montant_limites`, `select pays`, `key`, … Texts are kept as they
 * were written; {@link canonicalPart} says when two of them mean the same. The code fingerprint is a hash of these parts.
 */
export type Definition = Readonly<Record<string, string>>;

/** Raised when the line itself would compute other rows from the same definition, so that everything is built again once. */
const LINE_FORMAT = 1;

/** The definition of a step as it is configured now. Tags, descriptions and tests are no part of it: they change no row. */
export function definitionOf(node: Node): Definition {
  const parts = partsOf(node);
  return { ...parts, ...functionParts(Object.values(parts)), line: String(LINE_FORMAT) };
}

/** What counts of a part: in SQL, comments and runs of blanks do not. */
export function canonicalPart(name: string, text: string): string {
  return name === 'sql' || name === 'where' || name === 'deleted_when' || name.startsWith('select ')
    ? normaliseSql(text)
    : text;
}

function partsOf(node: Node): Record<string, string> {
  switch (node.layer) {
    case 'bronze':
      return node.spec.columns === undefined ? {} : { columns: linesOf(node.spec.columns) };
    case 'silver':
      return silverParts(node.spec);
    case 'gold':
      return {
        sql: node.spec.sql.trimEnd(),
        ...(node.spec.spark_sql === undefined ? {} : { 'sql for spark': node.spec.spark_sql.trimEnd() }),
        ...(node.spec.refresh === undefined ? {} : { refresh: JSON.stringify(node.spec.refresh) }),
        ...(node.spec.partition_by.length > 0 ? { partition_by: node.spec.partition_by.join('\n') } : {}),
      };
  }
}

function silverParts(spec: SilverSpec): Record<string, string> {
  const select = Object.entries(spec.select);
  return {
    from: spec.from.join('\n'),
    ...(select.length > 1 ? { 'order of select': select.map(([column]) => column).join('\n') } : {}),
    ...Object.fromEntries(select.map(([column, sql]) => [`select ${column}`, sql])),
    ...(spec.where === undefined ? {} : { where: spec.where }),
    ...enrichParts(spec),
    ...ruleParts(spec.rules),
    ...(spec.key.length > 0 ? { key: spec.key.join('\n') } : {}),
    ...(spec.dedupe === undefined ? {} : { dedupe: JSON.stringify(spec.dedupe) }),
    ...(spec.deleted_when === undefined ? {} : { deleted_when: spec.deleted_when }),
    ...(spec.history === true ? { history: 'true' } : {}),
    ...(spec.partition_by.length > 0 ? { partition_by: spec.partition_by.join('\n') } : {}),
  };
}

/** Lookups by name; a later one may go by what an earlier one added. */
function enrichParts({ enrich = [] }: SilverSpec): Record<string, string> {
  const parts = Object.fromEntries(enrich.map((one) => [`enrich ${one.name}`, enrichDefinition(one)]));
  return enrich.length > 1 ? { 'order of enrich': enrich.map(({ name }) => name).join('\n'), ...parts } : parts;
}

/** Rules by name; two of one name are told apart by their number. Their order counts: a row is quarantined by the first it breaks. */
function ruleParts(rules: readonly CheckSpec[]): Record<string, string> {
  const parts: Record<string, string> = {};
  const names: string[] = [];
  for (const { check, name, severity, params } of rules) {
    const again = names.filter((known) => known === name).length;
    const key = again === 0 ? `rule ${name}` : `rule ${name} (${again + 1})`;
    names.push(name);
    parts[key] = `${check}: ${JSON.stringify(params)}${severity === 'warn' ? '\nseverity: warn' : ''}`;
  }
  return rules.length > 1 ? { 'order of rules': names.join('\n'), ...parts } : parts;
}

/** The functions of dataflow's own that the parts call: another body may give other rows. */
function functionParts(texts: readonly string[]): Record<string, string> {
  // A rule's parameters are JSON: without its quotes the SQL in them is read like any other.
  const called = new Set(texts.flatMap((text) => functionsNamedIn(text.replaceAll(/["\\]/g, ' '))));
  const used = SQL_FUNCTIONS.filter(({ name }) => called.has(name));
  return Object.fromEntries(
    used.map(({ name, params, body }) => [`function ${name}`, `(${params.join(', ')}) ${body}`]),
  );
}

function linesOf(record: Readonly<Record<string, string>>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}
