import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Figure, milliseconds } from './figure.ts';
import { timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');
const RAW = resolve('scripts/bench/raw-parts.mjs');

/** Processor time of what landed units cost anybody, in ms. */
interface Parts {
  readonly engine: number;
  readonly write: number;
  readonly again: number;
}

/**
 * The processor time that is left when nothing is done but what has to be: the rows are read as the other side reads them, written down once so that a
 * crash loses none, and made Parquet by the bare engine.
 * @param cwd a project whose only work is `source` @param reader the engine's call for a unit, FILE in place of its path
 */
export async function floorFigure(name: string, { cwd, source, reader, beside_cpu_ms }: FloorParts): Promise<Figure> {
  rmSync(join(cwd, 'lake'), { recursive: true, force: true });
  await timed('env', ['DATAFLOW_FAULT=after-pull:kill', process.execPath, BINARY, 'ingest', source], {
    cwd,
    expect: [-1],
  });
  const units = join(cwd, 'lake/_dataflow/landing', source);
  const { stdout } = await timed(process.execPath, [RAW, units, reader], { cwd: resolve('.') });
  const { engine, write, again } = JSON.parse(stdout) as Parts;
  const least = beside_cpu_ms + engine + write;
  return {
    name: `${name}, CPU at the least`,
    ours: milliseconds(least),
    beside: milliseconds(beside_cpu_ms),
    ratio: (least / beside_cpu_ms).toFixed(2),
    note: `a floor from measured parts: the other side as it is, ${milliseconds(engine)} of the bare engine on one thread that makes zstd Parquet of the landed rows, ${milliseconds(write)} for writing these to new files (${milliseconds(again)} when the kernel has their pages already); no start, no hash, no check, no commit`,
  };
}

interface FloorParts {
  readonly cwd: string;
  readonly source: string;
  readonly reader: string;
  readonly beside_cpu_ms: number;
}
