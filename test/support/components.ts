import * as z from 'zod/mini';
import type { Components, EngineChoice } from '../../src/core/config/components.ts';
import type { CheckComponent } from '../../src/core/ports/rule.ts';
import type { SourceComponent } from '../../src/core/ports/source-component.ts';
import { component as acceptedValues } from '../../src/rules/accepted_values.ts';
import { component as between } from '../../src/rules/between.ts';
import { component as expr } from '../../src/rules/expr.ts';
import { component as freshness } from '../../src/rules/freshness.ts';
import { component as length } from '../../src/rules/length.ts';
import { component as matches } from '../../src/rules/matches.ts';
import { component as notFuture } from '../../src/rules/not_future.ts';
import { component as notNull } from '../../src/rules/not_null.ts';
import { component as references } from '../../src/rules/references.ts';
import { component as rowCount } from '../../src/rules/row_count.ts';
import { component as sql } from '../../src/rules/sql.ts';
import { component as unique } from '../../src/rules/unique.ts';

/** A source with one option of each kind that the loader treats specially; it is never created. */
const stub: SourceComponent = {
  type: 'files',
  summary: 'Files of a folder.',
  schema: z.strictObject({
    path: z.string().check(z.minLength(1), z.meta({ description: 'Which files.' })),
    settle_seconds: z._default(z.number().check(z.gte(0)), 0),
    password: z.optional(z.string().check(z.minLength(4), z.meta({ secret: true }))),
  }),
  create: () => {
    throw new Error('a stub');
  },
};

const duckdb: EngineChoice = {
  type: 'duckdb',
  schema: z.strictObject({ memory_limit: z.optional(z.string()), threads: z.optional(z.int().check(z.gte(1))) }),
};

const checks: readonly CheckComponent[] = [
  notNull,
  unique,
  between,
  notFuture,
  acceptedValues,
  matches,
  length,
  references,
  expr,
  rowCount,
  freshness,
  sql,
];

/** All checks, one stub source and one engine: for tests of the configuration. */
export const testComponents: Components = {
  sources: new Map([[stub.type, stub]]),
  checks: new Map(checks.map((check) => [check.name, check])),
  engines: new Map([[duckdb.type, duckdb]]),
  connections: new Map(),
  lookups: new Map(),
};
