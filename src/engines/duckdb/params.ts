import {
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  LIST,
  TIMESTAMP,
  VARCHAR,
} from '@duckdb/node-api';
import type { ReadParam } from '../../core/ports/read-engine.ts';

const TYPES: Readonly<Record<ReadParam['type'], DuckDBType>> = {
  bigint: BIGINT,
  double: DOUBLE,
  varchar: VARCHAR,
  boolean: BOOLEAN,
  date: DATE,
  timestamp: TIMESTAMP,
  'varchar[]': LIST(VARCHAR),
};

const DAY_MS = 86_400_000;

/** What the engine is given for the parameters of a statement. */
export function boundValues(params: Readonly<Record<string, ReadParam>>): {
  readonly values: Record<string, DuckDBValue>;
  readonly types: Record<string, DuckDBType>;
} {
  const values: Record<string, DuckDBValue> = {};
  const types: Record<string, DuckDBType> = {};
  for (const [name, param] of Object.entries(params)) {
    values[name] = engineValue(param);
    types[name] = TYPES[param.type];
  }
  return { values, types };
}

function engineValue({ type, value }: ReadParam): DuckDBValue {
  if (value === null) return value;
  if (typeof value === 'object') return new DuckDBListValue([...value]);
  if (type === 'varchar' || type === 'boolean') return value;
  if (type === 'bigint') return BigInt(value);
  if (type === 'double') return Number(value);
  const time_ms = Date.parse(/[zZ]$|[+-]\d\d:?\d\d$|^.{10}$/.test(String(value)) ? String(value) : `${value}Z`);
  return type === 'date'
    ? new DuckDBDateValue(Math.floor(time_ms / DAY_MS))
    : new DuckDBTimestampValue(BigInt(time_ms) * 1000n);
}
