import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { keptMessage } from '../publish.ts';
import { declaredColumns } from './columns.ts';
import type { BronzeStep } from './step.ts';

/** The declared columns are not those of the published table. */
export function columnsChanged(step: Pick<BronzeStep, 'node'>, snapshot: Snapshot | undefined): boolean {
  if (snapshot === undefined || step.node.spec.columns === undefined) return false;
  const declared = declaredColumns(step);
  const same = (a: readonly Column[], b: readonly Column[]): boolean => JSON.stringify(a) === JSON.stringify(b);
  if (step.node.spec.schema_change !== 'evolve') return !same(declared, snapshot.columns);
  return !same(declared, snapshot.columns.slice(0, declared.length));
}

/** In what the table differs: columns that `evolve` added stay when the source is told to keep to what is declared. */
export function columnsWords({ node }: Pick<BronzeStep, 'node'>, snapshot: Snapshot | undefined): string {
  const declared = declaredColumns({ node });
  const columns = snapshot?.columns ?? [];
  const added = columns.slice(declared.length).map((column) => column.name);
  const evolved = added.length > 0 && JSON.stringify(declared) === JSON.stringify(columns.slice(0, declared.length));
  return evolved
    ? `version ${snapshot?.version} has columns that are not declared (${added.join(', ')}), which schema_change: ${node.spec.schema_change} does not keep`
    : `the declared columns differ from those of version ${snapshot?.version}`;
}

export function columnsError(step: BronzeStep, snapshot: Snapshot | undefined): DataflowError {
  return new DataflowError('E_SCHEMA_CHANGED', `${step.node.key}: ${columnsWords(step, snapshot)}`, {
    kept: keptMessage(step, snapshot),
    hint: `Load the files again with: dataflow run --full-refresh --select ${step.node.key}+ (or restore what was configured).`,
  });
}
