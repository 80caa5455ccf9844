import type { InputFile } from '../ports/engine.ts';
import type { StepRecord } from '../ports/ledger.ts';
import type { InputUnit } from '../ports/source.ts';

/** What a step will take, as far as it can be known before; undefined where nothing tells. */
export interface Estimate {
  readonly rows: number | undefined;
  readonly bytes_in: number | undefined;
  readonly bytes_out: number | undefined;
  /** Data that the engine may have to hold at once: in memory as far as it goes, the rest on disk. */
  readonly working_bytes: number | undefined;
}

/** Text shrinks to about so much of itself as compressed columns; seen: 0.15 to 0.35. */
const TEXT_TO_LAKE = 0.2;
const COMPRESSED_TO_LAKE = 0.7;
/** Compressed columns grow to about so much in the engine. */
const LAKE_TO_MEMORY = 4;
/** What the engine holds of a file that streams through it. */
const STREAM_BYTES = 256 * 1024 * 1024;

/** New input of a source: by its own past, else by the kind of its files. */
export function estimateIntake(units: readonly InputUnit[], last: StepRecord | undefined): Estimate {
  const bytes_in = units.reduce((sum, unit) => sum + unit.size_bytes, 0);
  const guessed = units.reduce((sum, unit) => {
    const text = unit.format !== 'parquet' && unit.compression === 'none';
    return sum + unit.size_bytes * (text ? TEXT_TO_LAKE : COMPRESSED_TO_LAKE);
  }, 0);
  const factor = growth(bytes_in, last);
  return {
    rows: scaled(last?.balance?.rows_in, factor),
    bytes_in,
    bytes_out: scaled(last?.resources?.bytes_written, factor) ?? Math.round(guessed),
    working_bytes: Math.min(bytes_in, STREAM_BYTES),
  };
}

/** A step over tables; a whole computation reads all files of its inputs, a part of it about what it read last time. */
export function estimateTable(
  inputs: readonly Pick<InputFile, 'rows' | 'size_bytes'>[],
  mode: 'full' | 'incremental',
  last: StepRecord | undefined,
): Estimate {
  if (mode === 'incremental') {
    const known = last?.mode === 'incremental' ? last : undefined;
    const bytes_in = known?.resources?.bytes_read;
    return {
      rows: known?.balance?.rows_in,
      bytes_in,
      bytes_out: known?.resources?.bytes_written,
      working_bytes: scaled(bytes_in, LAKE_TO_MEMORY),
    };
  }
  const bytes_in = inputs.reduce((sum, input) => sum + input.size_bytes, 0);
  return {
    rows: inputs.reduce((sum, input) => sum + input.rows, 0),
    bytes_in,
    bytes_out: last?.mode === 'full' ? scaled(last.resources?.bytes_written, growth(bytes_in, last)) : undefined,
    working_bytes: bytes_in * LAKE_TO_MEMORY,
  };
}

function growth(bytes: number, last: StepRecord | undefined): number | undefined {
  const before = last?.resources?.bytes_read ?? 0;
  return before > 0 ? bytes / before : undefined;
}

function scaled(value: number | undefined, factor: number | undefined): number | undefined {
  return value === undefined || factor === undefined ? undefined : Math.round(value * factor);
}
