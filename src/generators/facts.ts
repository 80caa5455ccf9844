import type { CheckSpec, Project, SilverSpec } from '../core/model/project.ts';
import { parseTableKey } from '../core/model/table.ts';

/** What the configuration says about one column of a source, gathered from the silver tables that read it. */
export interface ColumnFacts {
  required: boolean;
  is_key: boolean;
  /** What `select` converts it to. */
  converted_to?: 'date' | 'timestamp' | 'integer' | 'decimal';
  title_cased: boolean;
  has_at_sign: boolean;
  not_future: boolean;
  accepted?: readonly (string | number | boolean)[];
  reference?: { readonly source: string; readonly column: string };
  lower?: number | string;
  upper?: number | string;
}

export type SourceFacts = ReadonlyMap<string, ColumnFacts>;

/** Facts by column name in lower case, for every column of the source that some silver table says something about. */
export function factsOf(project: Project, source: string): SourceFacts {
  const facts = new Map<string, ColumnFacts>();
  const of = (column: string): ColumnFacts => {
    const name = column.toLowerCase();
    const known = facts.get(name) ?? {
      required: false,
      is_key: false,
      title_cased: false,
      has_at_sign: false,
      not_future: false,
    };
    facts.set(name, known);
    return known;
  };
  for (const spec of Object.values(project.silver).filter((one) => one.from.includes(source))) {
    fromSelect(spec, of);
    if (spec.key.length === 1 && spec.key[0] !== undefined) of(spec.key[0]).is_key = true;
    for (const rule of spec.rules) if (rule.severity === 'fail') fromRule(project, rule, of);
  }
  return facts;
}

type Of = (column: string) => ColumnFacts;

const CONVERSIONS: readonly (readonly [RegExp, NonNullable<ColumnFacts['converted_to']>])[] = [
  [/\bas\s+date\b|::\s*date\b/i, 'date'],
  [/\bas\s+timestamp|::\s*timestamp/i, 'timestamp'],
  [/\bas\s+(decimal|numeric|double|float|real)|::\s*(decimal|numeric|double|float|real)/i, 'decimal'],
  [/\bas\s+(big|small|tiny)?int|::\s*(big|small|tiny)?int/i, 'integer'],
];

function fromSelect(spec: SilverSpec, of: Of): void {
  for (const [column, sql] of Object.entries(spec.select)) {
    const facts = of(column);
    if (/\btitle_case\s*\(/i.test(sql)) facts.title_cased = true;
    const converted = CONVERSIONS.find(([pattern]) => pattern.test(sql))?.[1];
    if (converted !== undefined) facts.converted_to = converted;
  }
}

/** Parameters of the rule components as they are after validation. */
interface Params {
  readonly column?: string;
  readonly pattern?: string;
  readonly values?: readonly (string | number | boolean)[];
  readonly table?: string;
  readonly on?: string;
  readonly min?: number | string;
  readonly max?: number | string;
  readonly above?: number | string;
  readonly below?: number | string;
}

function fromRule(project: Project, rule: CheckSpec, of: Of): void {
  if (rule.check === 'not_null') {
    for (const column of rule.params as readonly string[]) of(column).required = true;
    return;
  }
  if (typeof rule.params !== 'object' || rule.params === null) return;
  const params = rule.params as Params;
  if (params.column === undefined) return;
  const facts = of(params.column);
  if (rule.check === 'not_future') facts.not_future = true;
  if (rule.check === 'matches' && params.pattern?.includes('@') === true) facts.has_at_sign = true;
  if (rule.check === 'accepted_values' && params.values !== undefined) facts.accepted = params.values;
  if (rule.check === 'references') addReference(project, params, facts);
  if (rule.check === 'between') {
    const lower = params.min ?? params.above;
    const upper = params.max ?? params.below;
    if (lower !== undefined) facts.lower = lower;
    if (upper !== undefined) facts.upper = upper;
  }
}

function addReference(project: Project, params: Params, facts: ColumnFacts): void {
  const table = parseTableKey(params.table ?? '');
  if (table === undefined || params.on === undefined) return;
  const source = table.layer === 'bronze' ? table.name : project.silver[table.name]?.from[0];
  if (source !== undefined && project.sources[source] !== undefined) facts.reference = { source, column: params.on };
}
