import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { MetricFamily } from '../../core/model/metric.ts';
import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import { collectMetrics } from './collect-metrics.ts';

/** Age up to which numbers are given again while nobody wrote to the ledger: a disk fills and a process dies without a word there. */
const KEPT_MS = 15_000;

interface Kept {
  readonly stamp: string;
  readonly at_ms: number;
  readonly families: Promise<readonly MetricFamily[]>;
}

/** The numbers for somebody who asks often: read once for all who ask at the same time, and anew when the ledger changed. */
export function keptMetrics(rooms: Rooms, project: Project): () => Promise<readonly MetricFamily[]> {
  const file = join(rooms.stateFolder(project), 'ledger.db');
  let kept: Kept | undefined;
  return () => {
    const stamp = ledgerStamp(file);
    const now_ms = performance.now();
    if (kept === undefined || kept.stamp !== stamp || now_ms - kept.at_ms > KEPT_MS) {
      const families = collectMetrics(rooms, project);
      kept = { stamp, at_ms: now_ms, families };
      families.catch(() => {
        // The next one who asks is to try again.
        kept = undefined;
      });
    }
    return kept.families;
  };
}

/** Changes with whatever is written to the ledger. */
export function ledgerStamp(file: string): string {
  return [file, `${file}-wal`]
    .map((path) => {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? 'none' : `${stat.ino}.${stat.size}.${stat.mtimeNs}`;
    })
    .join(' ');
}
