import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { batchTxn } from '../../core/model/pulled.ts';
import { parseTableKey, quarantineOf, type TableId, tableKey } from '../../core/model/table.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { FileProblem, LakeCare, LogReport } from '../../core/ports/lake-care.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { nameHint } from '../../kit/name-list.ts';
import type { Rooms } from '../rooms.ts';
import { emptyLedger } from '../run/empty-ledger.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { balanceFindings, quarantineFindings } from './verify/balance-findings.ts';
import { checkDocuments } from './verify/document-findings.ts';
import { fileFindings, logFindings, orphanFindings } from './verify/file-findings.ts';
import { damage, type Finding, holds, newestOf, remark } from './verify/finding.ts';
import { checkLanding } from './verify/landing-findings.ts';
import { ledgerFindings, releaseFindings, stepsOf } from './verify/ledger-findings.ts';
import { keyRangeFindings, loadFindings } from './verify/load-findings.ts';
import { lostFindings, lostTables, releasesLost } from './verify/lost-findings.ts';
import { withMirrors } from './verify/mirror-remedy.ts';
import { reportOf, type VerifyReport } from './verify/report.ts';
import { inputFindings } from './verify/row-findings.ts';
import { checkRows } from './verify/rows.ts';
import { checkSources } from './verify/source-findings.ts';
import { spanFindings, standingFindings } from './verify/span-findings.ts';

export interface VerifyOptions {
  /** Tables or layers; none = the whole lake. The quarantine of a table comes with it. */
  readonly tables: readonly string[];
  /** Files of every version that can be read, not of the newest alone. */
  readonly all_versions: boolean;
  /** Also hold the source files on the disk against what was loaded. */
  readonly sources: boolean;
  /** Sizes, logs and balances only: no data file is read. */
  readonly quick: boolean;
  /** Also read the rows: those of each input file, keys, quarantine by rule and file. */
  readonly rows: boolean;
  readonly signal: AbortSignal;
  /** Hears how far the hashing is, 0..1. */
  readonly tell: (share: number) => void;
}

interface Opened {
  readonly project: Project;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly graph: Graph;
  readonly reports: ReadonlyMap<string, LogReport>;
  /** Tables that are gone, of those that are asked for, and the versions that were published of them. */
  readonly missing: ReadonlyMap<string, number>;
  /** Reports of the tables that are asked for. */
  readonly chosen: Chosen;
  readonly files: Promise<FilesChecked>;
}

type Chosen = readonly (readonly [string, LogReport])[];

interface FilesChecked {
  readonly problems: readonly FileProblem[];
  readonly hashed_bytes: number;
}

/**
 * Proves that the lake is what was published: each file against its recorded SHA-256, size and row count, each log against the ledger and
 * the reverse, each balance added again, each input once in the data. Everything is looked at, whatever is found on the way.
 * @throws DataflowError E_LAKE_NO_TABLE for a table that the lake does not have; damage is in the report.
 */
export async function verifyLake(rooms: Rooms, project: Project, options: VerifyOptions): Promise<VerifyReport> {
  const started_ms = Date.now();
  const lake = await rooms.openLake(project);
  const care = await rooms.openLakeCare(project);
  const findings: Finding[] = [];
  const graph = buildGraph(project, await rooms.checks());
  const present = await lake.tables();
  const reports = await examineAll(present, care, findings);
  const stop = new AbortController();
  const there = wantedOf(present.map(tableKey), options.tables);
  const chosen = [...reports].filter(([table]) => there.has(table));
  // The files are hashed by other threads; the ledger and the balances are gone through meanwhile.
  const files = startOn(care, chosen, { ...options, signal: AbortSignal.any([options.signal, stop.signal]) });
  let ledger: Ledger | undefined;
  try {
    ledger = await ledgerOrDamage(rooms, project, lake, findings);
    const lost = await lostTables(lake, ledger);
    const known = [...present.map(tableKey), ...lost.keys()];
    refuseUnknown(known, options.tables);
    const wanted = wantedOf(known, options.tables);
    const missing = new Map([...lost].filter(([table]) => wanted.has(table)));
    const open = { project, lake, ledger, graph, reports, missing, chosen, files };
    const sizes = await checkAll(rooms, open, options, findings);
    const checked = options.sources
      ? await checkSources(rooms, project, ledger, (table) => wanted.has(table), {
          signal: options.signal,
          tell: () => {},
        })
      : undefined;
    findings.push(...(checked?.findings ?? []));
    const told = withMirrors(project, ledger, findings);
    return reportOf(open, wanted, told, { ...sizes, checked, wall_ms: Date.now() - started_ms });
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    ledger?.close();
  }
}

/** Without a ledger that can be read, the lake alone is verified. */
async function ledgerOrDamage(rooms: Rooms, project: Project, lake: Lake, findings: Finding[]): Promise<Ledger> {
  try {
    const ledger = await ledgerForReading(rooms, project, lake);
    try {
      ledger.checkIntegrity();
    } catch (error) {
      ledger.close();
      throw error;
    }
    for (const holder of ledger.lockHolders())
      if (holder.state !== 'dead')
        findings.push(
          remark('run', `${holder.command} is at work (pid ${holder.pid} on ${holder.host}, since ${holder.since})`, {
            remedy: 'What it publishes meanwhile may show as files or versions that the ledger does not know yet.',
          }),
        );
    return ledger;
  } catch (error) {
    if (!(error instanceof DataflowError) || !error.code.startsWith('E_LEDGER')) throw error;
    findings.push(damage('ledger', error.message, { remedy: error.hint }));
    return emptyLedger();
  }
}

/** Those of the tables that the words name, with their quarantines. */
function wantedOf(all: readonly string[], words: readonly string[]): ReadonlySet<string> {
  if (words.length === 0) return new Set(all);
  const wanted = new Set(all.filter((key) => words.some((word) => names(word, key))));
  for (const key of [...wanted]) {
    const table = parseTableKey(key);
    const quarantine = table === undefined || table.layer === 'quarantine' ? undefined : quarantineOf(table);
    if (quarantine !== undefined && all.includes(tableKey(quarantine))) wanted.add(tableKey(quarantine));
  }
  return wanted;
}

function names(word: string, key: string): boolean {
  return key === word || key.startsWith(`${word}.`);
}

function refuseUnknown(all: readonly string[], words: readonly string[]): void {
  const word = words.find((one) => !all.some((key) => names(one, key)));
  if (word === undefined) return;
  throw new DataflowError('E_LAKE_NO_TABLE', `the lake has no table ${word}`, {
    hint: all.length === 0 ? 'The lake is empty: run `dataflow run` first.' : nameHint(word, all),
  });
}

/** All logs are read, also those of tables that are not asked for: the others are held against them. */
async function examineAll(
  tables: readonly TableId[],
  care: LakeCare,
  findings: Finding[],
): Promise<ReadonlyMap<string, LogReport>> {
  const reports = new Map<string, LogReport>();
  for (const table of tables) {
    try {
      reports.set(tableKey(table), await care.examineLog(table));
    } catch (error) {
      if (!(error instanceof DataflowError) || !['E_LAKE_FEATURE', 'E_LAKE_CORRUPT'].includes(error.code)) throw error;
      findings.push(damage('log', error.message, { table: tableKey(table), remedy: error.hint }));
    }
  }
  return reports;
}

async function checkAll(
  rooms: Rooms,
  open: Opened,
  options: VerifyOptions,
  findings: Finding[],
): Promise<{ readonly hashed_bytes: number }> {
  const { ledger, reports, chosen } = open;
  const has_ledger = ledger.runs(1).length > 0;
  const releases = ledger.releases(Number.MAX_SAFE_INTEGER);
  const others: Finding[] = [...lostFindings(open.missing, releases), ...(await releasesLost(open.lake, releases))];
  for (const [table, report] of chosen) {
    others.push(...logFindings(report), ...orphanFindings(report));
    if (report.table.layer === 'quarantine' || !has_ledger) continue;
    const node = open.graph.byKey.get(table);
    const steps = stepsOf(report, ledger);
    others.push(
      ...ledgerFindings(report, ledger, steps),
      ...balanceFindings(report, steps, reports, node),
      ...quarantineFindings(table, reports.get(tableKey(quarantineOf(report.table))), ledger),
      ...(report.table.layer === 'bronze' ? inputFindings(report, ledger, sourceTraits(open, report)) : []),
      ...(report.table.layer === 'bronze' ? loadFindings(report, ledger) : []),
      ...keyRangeFindings(report, node),
      ...(report.table.layer === 'bronze' ? [...spanFindings(report), ...standingFindings(report)] : []),
    );
  }
  others.push(...releaseFindings(releases, new Map(chosen)));
  const { problems, hashed_bytes } = await open.files;
  const sound: TableId[] = [];
  for (const [table, report] of chosen) {
    const own = problems.filter((problem) => tableKey(problem.table) === table);
    findings.push(...fileFindings(report, own, releases));
    const broken = own.some(({ file }) => holds(file.versions, newestOf(report)));
    if (!broken && report.versions.length > 0 && report.problems.length === 0) sound.push(report.table);
  }
  findings.push(...others);
  findings.push(...(await checkLanding(rooms, open)));
  const state_folder = rooms.stateFolder(open.project);
  const asked = (table: string): boolean => options.tables.length === 0 || chosen.some(([key]) => key === table);
  if (has_ledger) findings.push(...(await checkDocuments({ ...open, state_folder }, asked, options)));
  if (options.rows && has_ledger) findings.push(...(await checkRows(rooms, { ...open, sound }, options.signal)));
  return { hashed_bytes };
}

/** `appends`: rows of a file's earlier contents stay beside those of its newest one. */
function sourceTraits({ project }: Opened, { table, txns }: LogReport): { appends: boolean; pulled: boolean } {
  return { appends: project.sources[table.name]?.on_rewrite === 'append', pulled: txns.has(batchTxn(table.name)) };
}

/** Begins with the bytes of every file. Whoever awaits the answer hears of its failure. */
function startOn(care: LakeCare, chosen: Chosen, options: VerifyOptions): Promise<FilesChecked> {
  const tables = chosen.map(([, report]) => ({
    table: report.table,
    files: report.files.filter((file) => options.all_versions || holds(file.versions, newestOf(report))),
  }));
  const total = tables.flatMap(({ files }) => files).reduce((sum, file) => sum + file.size_bytes, 0);
  let done = 0;
  const tell = (bytes: number): void => {
    done += bytes;
    options.tell(total === 0 ? 1 : done / total);
  };
  const { quick, signal } = options;
  const checked = care
    .checkFiles(tables, { quick, signal, tell })
    .then((problems) => ({ problems, hashed_bytes: done }));
  checked.catch(() => undefined);
  return checked;
}
