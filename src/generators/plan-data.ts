import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { GenerateColumn } from '../core/model/generate.ts';
import type { Project, SourceSpec } from '../core/model/project.ts';
import { closest } from '../kit/closest.ts';
import { factsOf, type SourceFacts } from './facts.ts';
import { faultsOf } from './faults.ts';
import { makerOf } from './infer-maker.ts';
import type { ColumnPlan, DataFormat, DataPlan, SourcePlan } from './plan-types.ts';

const ROWS_DEFAULT = 1000;

export interface PlanOptions {
  /** Rows of the main source (the last one that others' rows are made for), or of each source by name. */
  readonly rows?: number | Readonly<Record<string, number>>;
  /** The sources to make data for; default: see {@link chosenSources}. */
  readonly sources?: readonly string[];
  readonly seed: number;
  /** Share of faulty rows, 0..1. */
  readonly bad_share: number;
  readonly format: DataFormat;
}

/**
 * Decides what is made for the chosen sources with declared columns: kinds of values, who refers to whom, numbers of rows, possible faults.
 * Pure. @throws DataflowError E_USAGE when nothing can be made or `sources` or `rows` names an unknown source; E_CONFIG_CYCLE when sources
 * refer to each other in a circle.
 */
export function planData(project: Project, options: PlanOptions): DataPlan {
  const drafts = new Map<string, Draft>();
  const chosen = chosenSources(project, options.sources);
  for (const [name, spec] of Object.entries(project.sources)) {
    if (spec.columns !== undefined && chosen.has(name))
      drafts.set(name, draftOf(project, name, spec, spec.columns, chosen));
  }
  if (drafts.size === 0) {
    throw new DataflowError('E_USAGE', 'no source declares its columns, so there is nothing to make data from', {
      hint: 'Add `columns:` to a source.',
    });
  }
  const ordered = parentsFirst(drafts);
  const rows = rowsBySource(ordered, options.rows);
  const sources = ordered.map((draft): SourcePlan => {
    const { name, columns, per, facts } = draft;
    return {
      name,
      columns,
      per,
      rows: rows.get(name),
      faults: options.bad_share > 0 ? faultsOf(columns, facts, options.format) : [],
    };
  });
  return { seed: options.seed, bad_share: options.bad_share, format: options.format, sources };
}

interface Draft {
  readonly name: string;
  readonly columns: readonly ColumnPlan[];
  readonly per: SourcePlan['per'];
  readonly rows: number | undefined;
  readonly facts: SourceFacts;
}

/**
 * The sources that were named; else those with a `generate:` of their own; else those of files; else all. Sources that their `generate:` refers to
 * come along. @throws DataflowError E_USAGE
 */
function chosenSources(project: Project, named: readonly string[] | undefined): ReadonlySet<string> {
  const able = Object.keys(project.sources).filter((name) => project.sources[name]?.columns !== undefined);
  for (const name of named ?? []) {
    if (able.includes(name)) continue;
    const guess = closest(name, able);
    throw new DataflowError(
      'E_USAGE',
      `there is no source ${name} with declared columns`,
      guess === undefined ? {} : { hint: `Did you mean ${guess}?` },
    );
  }
  const hinted = able.filter((name) => project.sources[name]?.generate !== undefined);
  const files = able.filter((name) => project.sources[name]?.type === 'files');
  const first =
    named !== undefined && named.length > 0 ? named : [hinted, files, able].find(({ length }) => length > 0);
  const chosen = new Set(first);
  // A set is walked in the order in which it grows: parents of parents come along too.
  for (const name of chosen) {
    const { per, columns = {} } = project.sources[name]?.generate ?? {};
    for (const parent of [per?.references, ...Object.values(columns).map(({ references }) => references)])
      if (parent !== undefined && able.includes(parent)) chosen.add(parent);
  }
  return chosen;
}

function draftOf(
  project: Project,
  name: string,
  spec: SourceSpec,
  declared: Readonly<Record<string, string>>,
  chosen: ReadonlySet<string>,
): Draft {
  const facts = factsOf(project, name);
  const hints = spec.generate;
  const columns = Object.entries(declared).map(([column, type]): ColumnPlan => {
    const hint = hints?.columns[column] ?? {};
    const known = facts.get(column.toLowerCase());
    const source = hint.references ?? (isTold(hint) ? undefined : known?.reference?.source);
    const parent = source === undefined || source === name ? undefined : project.sources[source];
    if (source === undefined || parent?.columns === undefined || !chosen.has(source))
      return { name: column, type, maker: makerOf({ name: column, type }, hint, known) };
    const key = known?.reference?.source === source ? known.reference.column : keyOf(project, source, column);
    const held = Object.keys(parent.columns).find((one) => one.toLowerCase() === key.toLowerCase());
    if (held === undefined) {
      throw new DataflowError(
        'E_CONFIG_REFERENCE',
        `sources.${name}: ${column} refers to ${source}.${key}, which is not a column of it`,
      );
    }
    return { name: column, type, maker: { kind: 'reference', source, column: held } };
  });
  return { name, columns, facts, rows: hints?.rows, per: perOf(name, spec, columns) };
}

/** Whether the project says itself what the values are: then nothing is inferred. */
function isTold({ kind, values, min, max }: GenerateColumn): boolean {
  return kind !== undefined || values !== undefined || min !== undefined || max !== undefined;
}

/** The column of a source that others refer to: the key of the silver table made from it, else one of the same name. */
function keyOf(project: Project, source: string, column: string): string {
  const silver = Object.values(project.silver).find((spec) => spec.from.includes(source) && spec.key.length === 1);
  return silver?.key[0] ?? column;
}

function perOf(name: string, spec: SourceSpec, columns: readonly ColumnPlan[]): SourcePlan['per'] {
  const hint = spec.generate?.per;
  if (hint === undefined) return undefined;
  const column = columns.find(
    ({ name: one, maker }) =>
      maker.kind === 'reference' && maker.source === hint.references && (hint.column ?? one) === one,
  );
  if (column === undefined) {
    throw new DataflowError(
      'E_CONFIG_REFERENCE',
      `sources.${name}.generate.per: no column refers to ${hint.references}`,
      {
        hint: 'Add a `references` rule to the silver table, or `references:` to the column under `generate`.',
      },
    );
  }
  return { source: hint.references, column: column.name, min: hint.min, max: hint.max };
}

function parentsFirst(drafts: ReadonlyMap<string, Draft>): readonly Draft[] {
  const done = new Set<Draft>();
  const visit = (draft: Draft, path: readonly string[]): void => {
    if (done.has(draft)) return;
    if (path.includes(draft.name)) {
      throw new DataflowError(
        'E_CONFIG_CYCLE',
        `sources refer to each other in a circle: ${[...path, draft.name].join(' → ')}`,
      );
    }
    for (const { maker } of draft.columns) {
      const parent = maker.kind === 'reference' ? drafts.get(maker.source) : undefined;
      if (parent !== undefined) visit(parent, [...path, draft.name]);
    }
    done.add(draft);
  };
  for (const draft of drafts.values()) visit(draft, []);
  return [...done];
}

/** Rows that are fixed in advance. Those of a parent follow from its child when only the child's are given. */
function rowsBySource(drafts: readonly Draft[], wanted: PlanOptions['rows']): ReadonlyMap<string, number> {
  const main = drafts.findLast((draft) => draft.per !== undefined) ?? drafts.at(-1);
  const asked = typeof wanted === 'number' ? (main === undefined ? {} : { [main.name]: wanted }) : (wanted ?? {});
  for (const name of Object.keys(asked)) {
    if (drafts.some((draft) => draft.name === name)) continue;
    const guess = closest(
      name,
      drafts.map((draft) => draft.name),
    );
    throw new DataflowError(
      'E_USAGE',
      `--rows: there is no source ${name} with declared columns`,
      guess === undefined ? {} : { hint: `Did you mean ${guess}?` },
    );
  }
  const rows = new Map<string, number>();
  for (const draft of drafts) {
    const fixed = asked[draft.name] ?? (draft.per === undefined ? (draft.rows ?? ROWS_DEFAULT) : undefined);
    const sized = drafts.some((child) => child.per?.source === draft.name && asked[child.name] !== undefined);
    if (fixed !== undefined && !(sized && asked[draft.name] === undefined)) rows.set(draft.name, fixed);
  }
  return rows;
}
