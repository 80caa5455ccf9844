import type { JsonSchema } from '../serve/json-schema.ts';
import { list, orNull, record } from '../serve/shared-schemas.ts';
import { RUN_WORDS } from './runs.ts';

// What answers about the pipeline look like: the types of `core/contract/pipeline.ts` as JSON Schema. A test holds every answer against them.

const text: JsonSchema = { type: 'string' };
const whole: JsonSchema = { type: 'integer' };
const number: JsonSchema = { type: 'number' };
const flag: JsonSchema = { type: 'boolean' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const words = (...all: readonly string[]): JsonSchema => ({ enum: all });

const runWord = words(...RUN_WORDS);
const stepWord = words('running', 'succeeded', 'failed', 'skipped', 'up_to_date');
const failure = orNull(record({ code: text, message: orNull(text), hint: orNull(text) }));
const balance = orNull(
  record({ rows_in: whole, rows_out: whole, quarantined: whole, deduplicated: whole, filtered: whole }),
);

const runFields = {
  ...{ run_id: text, status: runWord, command: orNull(text), started_at: time, finished_at: orNull(time) },
  ...{ wall_ms: orNull(number), rows_in: orNull(whole), rows_out: orNull(whole), rows_quarantined: orNull(whole) },
  ...{ money: orNull(number), currency: orNull(text), error: failure },
};

const receiptFields = {
  ...{ run_id: text, wall_ms: number, cpu_ms: number, peak_memory_bytes: whole },
  ...{ rows_in: whole, rows_out: whole, rows_quarantined: whole, bytes_in: whole, bytes_out: whole },
  ...{ rows_per_second: orNull(number), money: orNull(number), currency: orNull(text) },
  over_budget: list(record({ limit: text, allowed: number, used: number })),
};

const step = record({
  ...{ step_id: text, table: text, status: stepWord, reason: text, mode: orNull(words('full', 'incremental')) },
  ...{ started_at: time, finished_at: orNull(time), wall_ms: orNull(number), last_wall_ms: orNull(number) },
  ...{ version: orNull(whole), balance, error: failure },
  tests: list(record({ test: text, severity: words('fail', 'warn'), passed: flag, failures: whole, message: text })),
});

const graphFields = {
  ...{ table: text, layer: words('bronze', 'silver', 'gold') },
  state: words('running', 'waits', 'ok', 'fresh', 'failed', 'skipped', 'new'),
  ...{ version: orNull(whole), rows_out: orNull(whole), quarantined: whole, finished_at: orNull(time) },
  ...{ reason: text, error: orNull(text), parents: list(text) },
};

const check = record({
  ...{ name: text, check: text, kind: words('rule', 'test'), severity: words('fail', 'warn') },
  quarantined: orNull(whole),
  result: orNull(record({ passed: flag, failures: whole, message: text })),
});

const group = record({ table: text, rule: text, file: text, run_id: text, rows: whole, replay: text });
const side = record({ release_id: text, version: orNull(whole) });
const origins = list(record({ table: text, column: text, way: text }));
const cells = list(orNull(text));

export const ACTION_SCHEMA = record({
  ...{ action_id: text, kind: words('retry', 'cancel', 'replay'), by: text, at: time, command: text },
  ...{ state: words('running', 'done', 'failed'), exit_status: orNull(whole), lines: list(text) },
});

export const PIPELINE_SCHEMAS = {
  runs: record({ data: list(record(runFields)), next: orNull(text) }),
  run: record({
    ...runFields,
    ...{ dataflow_version: text, steps: list(step), steps_truncated: flag, waiting: list(text), alive_here: flag },
    receipt: orNull(record(receiptFields)),
  }),
  graph: record({
    project: text,
    release: orNull(record({ release_id: text, created_at: time })),
    run: orNull(record({ run_id: text, status: runWord, started_at: time })),
    tables: list(record(graphFields)),
  }),
  table: record({
    ...graphFields,
    ...{ description: orNull(text), children: list(text), key: list(text), partition_by: list(text) },
    columns: list(record({ name: text, type: text, nullable: flag })),
    checks: list(check),
    ...{ rows: orNull(whole), size_bytes: orNull(whole), balance, balance_run_id: orNull(text) },
    ...{ rows_served: flag, rejects_served: flag },
  }),
  sample: record({
    release_id: text,
    columns: list(record({ name: text, type: text })),
    rows: list(cells),
    total: whole,
  }),
  rejected: record({
    ...{ table: text, rows: whole, replay: text, groups: list(group), groups_truncated: flag },
    rejected: orNull(
      list(
        record({
          ...{ quarantine_id: text, file: orNull(text), line: orNull(whole), rule: text, reason: text },
          raw: orNull(text),
        }),
      ),
    ),
  }),
  quarantine: record({
    rows: whole,
    data: list(record({ table: text, rule: text, rows: whole, files: whole, replay: text })),
  }),
  versions: record({
    table: text,
    data: list(
      record({
        ...{ version: whole, run_id: text, finished_at: time, reason: text, balance },
        ...{ mode: orNull(words('full', 'incremental')), release_id: orNull(text) },
      }),
    ),
  }),
  diff: record({
    ...{
      table: text,
      from: side,
      to: side,
      key: list(text),
      rows_added: whole,
      rows_removed: whole,
      rows_changed: whole,
    },
    columns_changed: list(record({ column: text, rows: whole })),
    ...{ columns_added: list(text), columns_removed: list(text) },
    samples: orNull(
      list(
        record({
          kind: words('added', 'removed', 'changed'),
          row: { type: 'object', additionalProperties: orNull(text) },
        }),
      ),
    ),
  }),
  lineage: record({
    table: text,
    columns: list(record({ name: text, origins, used_by: origins })),
    ...{ rows: origins, incomplete: flag },
  }),
  sources: record({
    data: list(
      record({
        ...{ source: text, table: text, type: text, description: orNull(text), looked_at: orNull(time) },
        ...{ status: orNull(stepWord), fresh_at: orNull(time), rows_last: orNull(whole) },
        ...{ units_loaded: whole, units_refused: whole, units_removed: whole },
      }),
    ),
  }),
  destinations: record({
    data: list(
      record({
        ...{ kind: words('load', 'mirror', 'stream'), name: text, state: words('current', 'behind', 'empty') },
        ...{ holds: orNull(text), at: orNull(time), place: orNull(text), releases_behind: orNull(whole) },
        ...{ lag_ms: orNull(number), refresh_ms: orNull(number), rows: orNull(whole), size_bytes: orNull(whole) },
      }),
    ),
  }),
  receipts: record({ data: list(record({ ...receiptFields, started_at: time, status: runWord })) }),
  actions: record({ data: list(ACTION_SCHEMA) }),
} as const;
