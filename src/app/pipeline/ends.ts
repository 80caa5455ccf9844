import type { DestinationList, ReceiptList, SourceList } from '../../core/contract/pipeline.ts';
import type { LoadRecord } from '../../core/model/load.ts';
import type { Project } from '../../core/model/project.ts';
import type { Ledger, ReleaseRecord, StepRecord } from '../../core/ports/ledger.ts';
import { matchesGlob } from '../../kit/glob.ts';
import { judgedRun } from '../run/judged-run.ts';
import { liveDestinations } from '../watch/live-destinations.ts';
import { type Redact, receiptShape } from './runs.ts';
import type { Scope } from './scope.ts';

/** Farther back nobody counts how many releases a destination is behind. */
const RELEASES_MAX = 1_000;
/** Records of a step among which the last one that brought rows is looked for. */
const STEPS_LOOKED_AT = 50;

type Destination = DestinationList['data'][number];

/** When sources were looked at, and when something came from them. */
export function sourceList(project: Project, ledger: Ledger, scope: Scope): SourceList {
  const latest = new Map(ledger.latestSteps().map((step) => [step.step, step]));
  const names = Object.entries(project.sources).filter(([name]) => scope.may(`bronze.${name}`));
  return {
    data: names.map(([name, { type, description }]) => {
      const table = `bronze.${name}`;
      const looked = latest.get(table);
      const fresh = ledger.pages.steps(table, STEPS_LOOKED_AT).find(broughtRows);
      const { loaded, refused, removed } = ledger.pages.inputTotals(name);
      return {
        ...{ source: name, table, type, description: description ?? null },
        looked_at: looked?.finished_at ?? null,
        status: looked?.status ?? null,
        fresh_at: fresh?.finished_at ?? null,
        rows_last: fresh?.balance?.rows_in ?? null,
        ...{ units_loaded: loaded, units_refused: refused, units_removed: removed },
      };
    }),
  };
}

function broughtRows({ status, balance }: StepRecord): boolean {
  return status === 'succeeded' && (balance?.rows_in ?? 0) > 0;
}

/** Where releases go to and how far behind that is. */
export function destinationList(
  project: Project,
  ledger: Ledger,
  scope: Scope,
  redact: Redact,
  now_ms: number,
): DestinationList {
  const releases = ledger.releases(RELEASES_MAX);
  const tables = releases[0]?.tables ?? {};
  const taken = (patterns: readonly string[]): boolean => {
    const keys = Object.keys(tables).filter((key) => patterns.some((pattern) => matchesGlob(pattern, key)));
    return scope.all || (keys.length > 0 && keys.every((key) => scope.may(key)));
  };
  const visible: Readonly<Record<Destination['kind'], (name: string) => boolean>> = {
    load: (name) => taken(project.loads?.[name]?.tables ?? []),
    mirror: (name) => taken(project.mirrors?.[name]?.tables ?? []),
    stream: (name) => scope.may(project.streams?.[name]?.from ?? ''),
  };
  return {
    data: liveDestinations(project, ledger, releases[0])
      .filter(({ kind, name }) => visible[kind](name))
      .map((one) => ({
        ...{ kind: one.kind, name: one.name, state: one.state, holds: one.holds, at: one.at },
        place: scope.all && one.place !== '' ? redact(one.place) : null,
        ...behind(one, releases, now_ms),
        ...measured(one, ledger),
      })),
  };
}

/** By the oldest release that the destination does not have. */
function behind(
  { state, holds, kind }: Pick<Destination, 'state' | 'holds' | 'kind'>,
  releases: readonly ReleaseRecord[],
  now_ms: number,
): Pick<Destination, 'releases_behind' | 'lag_ms'> {
  if (state === 'current') return { releases_behind: 0, lag_ms: 0 };
  if (state === 'empty' || kind === 'stream') return { releases_behind: null, lag_ms: null };
  const at = releases.findIndex(({ release_id }) => release_id === holds);
  const missed = at < 1 ? undefined : releases[at - 1];
  return {
    releases_behind: at < 0 ? null : at,
    lag_ms: missed === undefined ? null : Math.max(0, now_ms - Date.parse(missed.created_at)),
  };
}

function measured(
  { kind, name }: Pick<Destination, 'kind' | 'name'>,
  ledger: Ledger,
): Pick<Destination, 'refresh_ms' | 'rows' | 'size_bytes'> {
  if (kind === 'load') {
    const records = ledger.loads.records(name);
    const refresh = records.map(refreshOf);
    return {
      refresh_ms: refresh.length === 0 ? null : Math.max(...refresh),
      rows: records.length === 0 ? null : records.reduce((sum, { rows }) => sum + rows, 0),
      size_bytes: null,
    };
  }
  const standing = kind === 'mirror' ? ledger.mirrors.standings().find(({ mirror }) => mirror === name) : undefined;
  return { refresh_ms: standing?.wall_ms ?? null, rows: null, size_bytes: standing?.size_bytes ?? null };
}

function refreshOf({ loaded_at, gold_processed_at }: LoadRecord): number {
  return Math.max(0, Date.parse(loaded_at) - Date.parse(gold_processed_at));
}

/** What the newest runs took and used; nothing for whoever may not see all tables. */
export function receiptList(ledger: Ledger, limit: number, scope: Scope): ReceiptList {
  const receipts = scope.all ? ledger.receipts(limit) : [];
  return {
    data: receipts.flatMap((receipt) => {
      const run = ledger.run(receipt.run_id);
      if (run === undefined) return [];
      return [{ ...receiptShape(receipt), started_at: run.started_at, status: judgedRun(ledger, run).status }];
    }),
  };
}
