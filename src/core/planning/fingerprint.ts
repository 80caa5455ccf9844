import { createHash } from 'node:crypto';
import type { Node } from './graph.ts';
import { normaliseSql } from './sql-refs.ts';

/** Raised when the line itself would compute other rows from the same definition, so that everything is built again once. */
const LINE_FORMAT = 1;

/** A short hash of everything in a step's definition that decides its rows. Comments, blanks, tags and descriptions do not count. */
export function codeFingerprint(node: Node): string {
  return createHash('sha256')
    .update(JSON.stringify({ line: LINE_FORMAT, ...definitionOf(node) }))
    .digest('hex')
    .slice(0, 16);
}

function definitionOf(node: Node): Record<string, unknown> {
  switch (node.layer) {
    case 'bronze':
      return { columns: node.spec.columns ?? null };
    case 'silver': {
      const { spec } = node;
      const select = Object.entries(spec.select).map(([column, sql]) => [column, normaliseSql(sql)]);
      const where = spec.where === undefined ? null : normaliseSql(spec.where);
      return {
        from: spec.from,
        select,
        where,
        rules: spec.rules,
        key: spec.key,
        dedupe: spec.dedupe ?? null,
        partition_by: spec.partition_by,
      };
    }
    case 'gold':
      return {
        sql: normaliseSql(node.spec.sql),
        refresh: node.spec.refresh ?? null,
        partition_by: node.spec.partition_by,
      };
  }
}
