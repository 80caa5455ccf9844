import type { GenerateColumn, GeneratorKind } from '../core/model/generate.ts';
import type { ColumnFacts } from './facts.ts';
import type { Maker, VocabularyName } from './plan-types.ts';

const DATE_MIN = '2023-01-01';
const DATE_MAX = '2024-12-31';

/** What a text column is called in French or English, and what it then holds. The first match counts. */
const NAMES: readonly (readonly [RegExp, GeneratorKind])[] = [
  [/e_?mail|courriel/, 'email'],
  [/prenom|first_?name/, 'first_name'],
  [/last_?name|nom_de_famille/, 'last_name'],
  [/(^|_)(societe|entreprise|company|fournisseur|supplier)/, 'company'],
  [/(^|_)(produit|product|article|item)/, 'product'],
  [/(^|_)(pays|country)/, 'country'],
  [/(^|_)(ville|city)/, 'city'],
  [/(^|_)(tel|telephone|phone|mobile)(_|$)/, 'phone'],
  [/(^|_)(rue|adresse|street|address)/, 'street'],
  [/(^|_)(nom|name|client|customer)(_|$)/, 'name'],
  [/(^|_)(date|jour|day)(_|$)|_(on|le)$/, 'date'],
  [/(^|_)(horodatage|timestamp|heure)(_|$)|_at$/, 'timestamp'],
  [/(^|_)(montant|prix|price|amount|total|cout|cost)/, 'decimal'],
  [/(^|_)(quantite|quantity|qty|nb|nombre|count|age)(_|$)/, 'integer'],
];

/** How the values of a column are made: what its hints say, else what rules and type say, else what its name suggests. */
export function makerOf(
  column: { readonly name: string; readonly type: string },
  hints: GenerateColumn,
  facts: ColumnFacts | undefined,
): Maker {
  const kind = hints.kind ?? kindOf(column, hints, facts);
  switch (kind) {
    case 'sequence':
    case 'boolean':
    case 'uuid':
      return { kind };
    case 'values':
      return { kind, values: hints.values ?? facts?.accepted ?? ['a', 'b', 'c'] };
    case 'integer':
    case 'decimal':
      return numberMaker(column.type, hints, facts, kind);
    case 'date':
    case 'timestamp':
      return {
        kind,
        min: dateLimit(hints.min, facts?.lower) ?? DATE_MIN,
        max: dateLimit(hints.max, facts?.upper) ?? DATE_MAX,
      };
    default:
      return { kind: 'vocabulary', words: kind satisfies VocabularyName };
  }
}

function kindOf(
  column: { readonly name: string; readonly type: string },
  hints: GenerateColumn,
  facts: ColumnFacts | undefined,
): GeneratorKind {
  if (hints.values !== undefined) return 'values';
  if (hints.unique === true) return column.type === 'uuid' ? 'uuid' : 'sequence';
  if (facts?.is_key === true && isCounter(column.type)) return column.type === 'uuid' ? 'uuid' : 'sequence';
  if (facts?.accepted !== undefined) return 'values';
  const byType = kindOfType(column.type);
  if (byType !== undefined) return byType;
  if (facts?.converted_to !== undefined) return facts.converted_to;
  if (facts?.has_at_sign === true) return 'email';
  if (facts?.not_future === true) return 'date';
  if (typeof facts?.lower === 'number' || typeof facts?.upper === 'number' || typeof hints.min === 'number')
    return 'decimal';
  const name = column.name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();
  return NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'words';
}

function isCounter(type: string): boolean {
  return /^(varchar|uuid|(big|small|tiny)?int(eger)?|hugeint|u\w*int\w*|decimal\(\d+,0\))$/.test(type);
}

function kindOfType(type: string): GeneratorKind | undefined {
  if (type === 'boolean' || type === 'date' || type === 'uuid') return type;
  if (type.startsWith('timestamp')) return 'timestamp';
  if (/^(u?(big|small|tiny|huge)?int(eger)?|decimal\(\d+,0\))$/.test(type)) return 'integer';
  return /^(decimal|double|float)/.test(type) ? 'decimal' : undefined;
}

function numberMaker(
  type: string,
  hints: GenerateColumn,
  facts: ColumnFacts | undefined,
  kind: 'integer' | 'decimal',
): Maker {
  const scale = /^decimal\(\d+,(\d+)\)$/.exec(type)?.[1];
  const decimals = kind === 'integer' ? 0 : (hints.decimals ?? (scale === undefined ? 2 : Math.min(Number(scale), 9)));
  const step = 10 ** -decimals;
  const min = numberLimit(hints.min) ?? numberLimit(facts?.lower);
  const max = numberLimit(hints.max) ?? numberLimit(facts?.upper);
  const low = min ?? Math.min(1, max ?? 1);
  // The limits of a rule may be exclusive: one step inside is safe for both kinds.
  const inside = hints.min === undefined && min !== undefined ? low + step : low;
  const high = max ?? Math.max(1000, low + 1000);
  const below = hints.max === undefined && max !== undefined && high - step > inside ? high - step : high;
  return { kind: 'number', min: inside, max: Math.max(below, inside), decimals };
}

function numberLimit(limit: number | string | undefined): number | undefined {
  if (limit === undefined || limit === '') return undefined;
  const value = Number(limit);
  return Number.isFinite(value) ? value : undefined;
}

function dateLimit(hint: number | string | undefined, rule: number | string | undefined): string | undefined {
  for (const limit of [hint, rule])
    if (typeof limit === 'string' && /^\d{4}-\d{2}-\d{2}/.test(limit)) return limit.slice(0, 10);
  return undefined;
}
