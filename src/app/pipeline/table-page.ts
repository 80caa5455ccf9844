import type { CheckShape, TableShape, VersionList } from '../../core/contract/pipeline-table.ts';
import type { CheckSpec } from '../../core/model/project.ts';
import type { Graph, Node } from '../../core/planning/graph.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { Ledger, StepRecord } from '../../core/ports/ledger.ts';
import type { StatusReport } from '../explain/show-status.ts';
import { graphTable, tablesNow } from './graph.ts';
import type { Redact } from './runs.ts';
import type { Scope } from './scope.ts';

/** Releases in which the versions of a table are looked for. */
const RELEASES_MAX = 200;

export interface TableAsked {
  readonly graph: Graph;
  readonly node: Node;
  /** What is published; undefined before the first version. */
  readonly snapshot: Snapshot | undefined;
  readonly status: StatusReport;
  readonly scope: Scope;
  readonly redact: Redact;
  readonly rows_served: boolean;
  readonly rejects_served: boolean;
}

/** All that the ledger and the table's log tell of a table. */
export function tableShape(ledger: Ledger, asked: TableAsked): TableShape | undefined {
  const { graph, node, snapshot, status, scope, redact } = asked;
  const live = tablesNow(graph, ledger, status).find(({ key }) => key === node.key);
  if (live === undefined) return undefined;
  const made = ledger.lastSuccess(node.key);
  return {
    ...graphTable(live, scope, redact),
    description: node.spec.description ?? null,
    children: live.children.filter((child) => scope.may(child)),
    key: node.layer === 'bronze' ? [] : node.spec.key,
    partition_by: snapshot?.partition_by ?? [],
    columns: (snapshot?.columns ?? []).map(({ name, type, nullable, kept_as }) => ({
      name,
      type: kept_as ?? type,
      nullable,
    })),
    checks: checksOf(node, ledger, redact),
    rows: snapshot?.rows ?? null,
    size_bytes: snapshot?.size_bytes ?? null,
    balance: made?.balance ?? null,
    balance_run_id: made?.run_id ?? null,
    rows_served: asked.rows_served,
    rejects_served: asked.rejects_served,
  };
}

/** Rules with the rows that they put aside, tests with their last results; what stopped the table last goes before what let it pass. */
function checksOf(node: Node, ledger: Ledger, redact: Redact): readonly CheckShape[] {
  const totals = new Map(
    ledger.pages.quarantine().flatMap(({ table, rule, rows }) => (table === node.key ? [[rule, rows]] : [])),
  );
  const tested = ledger.pages.steps(node.key, 20).find((step) => step.tests.length > 0);
  const results = new Map(tested?.tests.map((test) => [test.test, test]));
  const rule = (spec: CheckSpec): CheckShape => {
    const quarantined = totals.get(spec.name) ?? 0;
    totals.delete(spec.name);
    return {
      ...named(spec, 'rule'),
      quarantined: spec.severity === 'fail' ? quarantined : null,
      result: resultOf(spec),
    };
  };
  const resultOf = ({ name }: CheckSpec): CheckShape['result'] => {
    const result = results.get(name);
    if (result === undefined) return null;
    return { passed: result.passed, failures: result.failures, message: redact(result.message) };
  };
  const rules = node.layer === 'silver' ? node.spec.rules.map(rule) : [];
  const tests = node.layer === 'bronze' ? [] : node.spec.tests;
  // What no rule of the project says: records that cannot be read, files that are refused.
  const others = [...totals].map(
    ([name, quarantined]): CheckShape => ({
      ...{ name, check: 'reading', kind: 'rule', severity: 'fail', quarantined, result: null },
    }),
  );
  return [
    ...rules,
    ...others,
    ...tests.map((spec): CheckShape => ({ ...named(spec, 'test'), quarantined: null, result: resultOf(spec) })),
  ];
}

function named(
  { name, check, severity }: CheckSpec,
  kind: CheckShape['kind'],
): Pick<CheckShape, 'name' | 'check' | 'kind' | 'severity'> {
  return { name, check, kind, severity };
}

/** Versions that steps made, newest first, each with the newest release that has it. */
export function versionList(ledger: Ledger, table: string, limit: number, redact: Redact): VersionList {
  const released = new Map<number, string>();
  for (const { release_id, tables } of ledger.releases(RELEASES_MAX)) {
    const version = tables[table];
    if (version !== undefined && !released.has(version)) released.set(version, release_id);
  }
  const steps = ledger.pages.steps(table, limit * 2).flatMap((step) => madeVersion(step));
  return {
    table,
    data: steps.slice(0, limit).map((step) => ({
      version: step.output_version,
      run_id: step.run_id,
      finished_at: step.finished_at ?? step.started_at,
      reason: redact(step.reason),
      mode: step.mode ?? null,
      balance: step.balance ?? null,
      release_id: released.get(step.output_version) ?? null,
    })),
  };
}

function madeVersion(step: StepRecord): readonly (StepRecord & { readonly output_version: number })[] {
  const { status, output_version } = step;
  return status === 'succeeded' && output_version !== undefined ? [{ ...step, output_version }] : [];
}
