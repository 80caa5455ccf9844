import { relative } from 'node:path';
import { DataflowErrors } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph } from '../../core/planning/graph.ts';
import type { ProjectOptions, Rooms } from '../rooms.ts';
import { streams } from './doctor/connections.ts';
import { farEngine } from './doctor/far-engine.ts';
import { farLake } from './doctor/far-lake.ts';
import { type DoctorFinding, fail, failure, ok } from './doctor/finding.ts';
import { abandonedLanding, tornLanding } from './doctor/landing.ts';
import { lookups } from './doctor/lookups.ts';
import { disk, engine, environment, permissions } from './doctor/machine.ts';
import { mirrors } from './doctor/mirrors.ts';
import { orphans } from './doctor/orphans.ts';
import { noPlaceForLake } from './doctor/place.ts';
import { refusedRows } from './doctor/refused.ts';
import { sources } from './doctor/sources.ts';
import { clock, leftoverFinding, leftovers, locks, lost, openLedger, unfinished } from './doctor/state.ts';

export interface DoctorReport {
  readonly project: string | null;
  readonly lake: string | null;
  readonly healthy: boolean;
  readonly findings: readonly DoctorFinding[];
}

/**
 * Looks at everything that a run depends on, and changes nothing: environment, configuration, permissions, disk, clock, sources,
 * ledger, locks, what dead runs left. What it meets becomes a finding with a remedy; it throws for nothing but defects.
 */
export async function runDoctor(
  rooms: Rooms,
  options: ProjectOptions & { signal: AbortSignal },
): Promise<DoctorReport> {
  const findings: DoctorFinding[] = [...environment(rooms)];
  let project: Project | undefined;
  try {
    const loaded = await rooms.loadProject(options);
    buildGraph(loaded.project, await rooms.checks());
    findings.push(ok('configuration', `${relative(options.cwd, loaded.project.config_file)} is valid`));
    project = loaded.project;
  } catch (error) {
    const problems = error instanceof DataflowErrors ? error.errors : [error];
    for (const problem of problems) findings.push(configProblem(problem));
  }
  if (project !== undefined) findings.push(...(await examined(rooms, project, options)));
  return {
    project: project?.name ?? null,
    lake: project?.lake.url ?? null,
    healthy: !findings.some((finding) => finding.status === 'fail'),
    findings,
  };
}

function configProblem(problem: unknown): DoctorFinding {
  const finding = failure('configuration', problem);
  const { place } = (problem ?? {}) as { place?: { file: string; line?: number; column?: number } };
  const at = place === undefined ? '' : ` at ${[place.file, place.line, place.column].filter(Boolean).join(':')}`;
  return fail(finding.check, `${finding.message}${at}`, finding.remedy ?? '');
}

async function examined(
  rooms: Rooms,
  project: Project,
  options: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<readonly DoctorFinding[]> {
  const { signal } = options;
  const nowhere = noPlaceForLake(project);
  const findings: DoctorFinding[] = [...((await farEngine(rooms, project, options)) ?? (await engine(rooms, project)))];
  if (nowhere !== undefined)
    return [...findings, nowhere, ...(await sources({ rooms, project, ledger: undefined, signal }))];
  findings.push(...permissions(rooms, project), ...(await farLake(rooms, project, signal)));
  const lake = await rooms.openLake(project);
  const has_tables = await lake.tables().then(
    (tables) => tables.length > 0,
    () => true,
  );
  const opened = await openLedger(() => rooms.openLedger(project, { read_only: true, create: false }), has_tables);
  const { ledger } = opened;
  const about = { rooms, project, ledger, signal };
  try {
    findings.push(...disk(project, ledger?.receipts(1)[0]?.bytes_out ?? 0));
    findings.push(...opened.findings);
    findings.push(...(await guarded('clock', () => clock(lake, ledger, Date.now()))));
    findings.push(...(await sources(about)));
    findings.push(...(await guarded('lookups', () => lookups(about))));
    findings.push(...(await guarded('streams', () => streams(about))));
    findings.push(...(await guarded('loads', () => refusedRows(rooms, project))));
    findings.push(...(await guarded('mirrors', () => mirrors(about))));
    findings.push(
      ...(await guarded('left-over files', async () => {
        const care = await rooms.openLandingCare(project);
        return [...(await abandonedLanding(project, care)), ...(await tornLanding(care, Date.now()))];
      })),
    );
    if (ledger === undefined) return findings;
    const graph = buildGraph(project, await rooms.checks());
    findings.push(...locks(ledger));
    findings.push(...(await guarded('tables', () => lost(project, lake, ledger))));
    findings.push(...(await guarded('runs', () => unfinished(graph, lake, ledger))));
    findings.push(
      ...(await guarded('left-over files', async () => {
        const paths = await leftovers(lake, ledger, await rooms.openLeases(project));
        const others = await orphans(lake, await rooms.openLakeCare(project), new Set(paths));
        return paths.length > 0 || others.length === 0 ? [leftoverFinding(paths), ...others] : others;
      })),
    );
    return findings;
  } finally {
    ledger?.close();
  }
}

async function guarded(
  check: string,
  look: () => Promise<readonly DoctorFinding[]>,
): Promise<readonly DoctorFinding[]> {
  try {
    return await look();
  } catch (error) {
    return [failure(check, error)];
  }
}
