import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import type { RunEvent } from '../run/run-events.ts';
import { checkDemo, type DemoCheck } from './demo-checks.ts';
import { writeDemoParquet, writeDemoProject } from './demo-project.ts';
import { openOrdersApi } from './orders-api.ts';

export interface DemoAllOptions {
  /** Where it happens; without it in a temporary folder that goes afterwards, unless something failed. */
  readonly folder?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly tell: (event: RunEvent) => void;
  /** Told what is done now. */
  readonly now: (words: string) => void;
}

export interface DemoAllReport {
  readonly folder: string;
  /** Whether the folder is still there. */
  readonly kept: boolean;
  readonly checks: readonly DemoCheck[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly wall_ms: number;
  readonly exit_code: number;
}

/**
 * A quick test of the whole: a stream, an API and files of three kinds go through a project of their own, on what is built in (no server, nothing beyond
 * loopback), and what came out is held against what was put in.
 * @throws DataflowError E_USAGE when the folder is not empty. What goes wrong in the demo itself is a failed check.
 */
export async function demoAll(rooms: Rooms, options: DemoAllOptions): Promise<DemoAllReport> {
  const started_ms = Date.now();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'dataflow-demo-'));
  const api = await openOrdersApi();
  let checks: readonly DemoCheck[] = [];
  try {
    const config = writeDemoProject(folder, api.url);
    const { project } = await rooms.loadProject({ cwd: folder, config, env: options.env });
    await makeParquet(rooms, project, options.signal);
    const withScans = () => rooms.loadProject({ cwd: folder, config: join(folder, 'scans.yaml'), env: options.env });
    checks = await checkDemo({ rooms, project, withScans, refused: api.refused, ...options });
  } finally {
    await api.close();
    if (options.folder === undefined && checks.every((one) => one.result !== 'fail'))
      rmSync(folder, { recursive: true, force: true });
  }
  const count = (result: DemoCheck['result']): number => checks.filter((one) => one.result === result).length;
  const failed = count('fail');
  return {
    folder,
    kept: options.folder !== undefined || failed > 0,
    checks,
    passed: count('pass'),
    failed,
    skipped: count('skipped'),
    wall_ms: Date.now() - started_ms,
    exit_code: failed > 0 ? 1 : 0,
  };
}

async function makeParquet(rooms: Rooms, project: Project, signal: AbortSignal): Promise<void> {
  const engine = await rooms.openEngine(project);
  try {
    const session = await engine.openSession({ label: 'demo', signal });
    try {
      await writeDemoParquet(session, project.root);
    } finally {
      await session.close();
    }
  } finally {
    await engine.close();
  }
}
