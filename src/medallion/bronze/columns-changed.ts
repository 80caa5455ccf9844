import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { keptMessage } from '../publish.ts';
import { declaredColumns } from './columns.ts';
import type { BronzeStep } from './step.ts';

/** The declared columns are not those of the published table. */
export function columnsChanged(step: BronzeStep, snapshot: Snapshot | undefined): boolean {
  if (snapshot === undefined || step.node.spec.columns === undefined) return false;
  const declared = declaredColumns(step);
  const same = (a: readonly Column[], b: readonly Column[]): boolean => JSON.stringify(a) === JSON.stringify(b);
  if (step.node.spec.schema_change !== 'evolve') return !same(declared, snapshot.columns);
  return !same(declared, snapshot.columns.slice(0, declared.length));
}

export function columnsError(step: BronzeStep, snapshot: Snapshot | undefined): DataflowError {
  return new DataflowError(
    'E_SCHEMA_CHANGED',
    `${step.node.key}: the declared columns differ from those of version ${snapshot?.version}`,
    {
      kept: keptMessage(step, snapshot),
      hint: `Load the files again with: dataflow run --full-refresh --select ${step.node.key}+ (or restore the columns).`,
    },
  );
}
