import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { LakeStorage } from '../core/ports/storage.ts';

const ENTRY = /^(\d{20})\.json$/;
const CHECKPOINT = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/;
const V2_CHECKPOINT = /^\d{20}\.checkpoint\.[0-9a-f-]{36}\.(json|parquet)$/;

/** What a `_delta_log` holds. */
export interface LogListing {
  /** Versions whose JSON entries are there, ascending. */
  readonly entries: readonly number[];
  /** Complete checkpoints: version → file names. One that misses a part does not count. */
  readonly checkpoints: ReadonlyMap<number, readonly string[]>;
  /** Newest version; -1 when there is no table. */
  readonly newest: number;
}

export function entryName(version: number): string {
  return `${String(version).padStart(20, '0')}.json`;
}

export function checkpointName(version: number): string {
  return `${String(version).padStart(20, '0')}.checkpoint.parquet`;
}

/** One listing. @throws DataflowError E_LAKE_FEATURE for a V2 checkpoint. */
export async function listLog(storage: LakeStorage, log_folder: string): Promise<LogListing> {
  const entries: number[] = [];
  const parts = new Map<string, { readonly version: number; readonly of: number; readonly names: string[] }>();
  for (const name of await storage.list(log_folder)) {
    const entry = ENTRY.exec(name)?.[1];
    if (entry !== undefined) entries.push(Number(entry));
    const [, version, , of] = CHECKPOINT.exec(name) ?? [];
    if (version !== undefined) {
      // Two writers may have made checkpoints of one version with different numbers of parts: they do not mix.
      const group = parts.get(`${version}/${of}`) ?? { version: Number(version), of: Number(of ?? 1), names: [] };
      group.names.push(name);
      parts.set(`${version}/${of}`, group);
    }
    if (V2_CHECKPOINT.test(name))
      throw new DataflowError(
        'E_LAKE_FEATURE',
        `${log_folder} uses the table feature v2Checkpoint, which we cannot handle`,
      );
  }
  const whole = [...parts.values()].filter((group) => group.names.length === group.of);
  const checkpoints = new Map(whole.sort((a, b) => b.of - a.of).map((group) => [group.version, group.names.sort()]));
  entries.sort((a, b) => a - b);
  return { entries, checkpoints, newest: Math.max(-1, ...entries.slice(-1), ...checkpoints.keys()) };
}
