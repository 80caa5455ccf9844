import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './corrupt-inputs.ts';
import { DAMAGE_KINDS, damaged } from './damage.ts';
import { BINARY, play, SCENARIOS } from './kill-scenarios.ts';
import type { LakeReader } from './lake-reader.ts';
import type { Random } from './random.ts';

/** Kinds of file in a lake, by how their paths look. */
export const LAKE_TARGETS = [
  { kind: 'lake: data', pattern: /^(bronze|silver|gold)\/.*\.parquet$/, but: /_delta_log/ },
  { kind: 'lake: quarantine', pattern: /^quarantine\/.*\.parquet$/, but: /_delta_log/ },
  { kind: 'lake: log entry', pattern: /_delta_log\/\d+\.json$/ },
  { kind: 'lake: checkpoint', pattern: /_delta_log\/.*(checkpoint.*\.parquet|_last_checkpoint)$/ },
  { kind: 'lake: ledger', pattern: /^_dataflow\/ledger\.db$/ },
] as const satisfies readonly { readonly kind: string; readonly pattern: RegExp; readonly but?: RegExp }[];

/** A sound lake and what is read in it. */
export interface SoundLake {
  readonly folder: string;
  readonly tables: string;
  readonly status: string;
}

/** A lake with several versions, checkpoints and rejected rows; undefined when this build cannot verify one. */
export async function layLake(folder: string, reader: LakeReader): Promise<SoundLake | undefined> {
  if (spawnSync(process.execPath, [BINARY, 'help', 'verify']).status !== 0) return undefined;
  const scenario = SCENARIOS.find(({ name }) => name === 'checkpoint');
  if (scenario === undefined) throw new Error('no scenario with checkpoints');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  scenario.prepare(folder);
  for (const args of [scenario.command, ['verify']]) {
    const ended = await play(folder, args);
    if (ended.status !== 0) throw new Error(`${args.join(' ')} ended with ${ended.status}:\n${ended.output}`);
  }
  return { folder, tables: await tablesOf(folder, reader), status: await statusOf(folder) };
}

/** Damages one file of a copy and asks `verify`; what it does not find must change nothing that is read. */
export async function damageLake(
  sound: SoundLake,
  target: (typeof LAKE_TARGETS)[number],
  folder: string,
  random: Random,
  reader: LakeReader,
): Promise<Outcome> {
  rmSync(folder, { recursive: true, force: true });
  cpSync(sound.folder, folder, { recursive: true });
  const lake = join(folder, 'lake');
  const all = readdirSync(lake, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  const path = random.pick(
    all.filter((one) => target.pattern.test(one) && !('but' in target && target.but.test(one))).sort(),
  );
  const damage = random.pick(DAMAGE_KINDS);
  const before = readFileSync(join(lake, path));
  const bytes = damaged(before, damage, random);
  writeFileSync(join(lake, path), bytes);
  const answer = (outcome: Outcome['outcome'], detail = ''): Outcome => ({
    kind: target.kind,
    damage,
    outcome,
    detail,
  });
  if (before.equals(bytes)) return answer('same');
  const verified = await play(folder, ['verify']);
  if (verified.signal !== null || /E_INTERNAL|^\s+at .+:\d+:\d+/m.test(verified.output))
    return answer('SILENT', `verify died or told of a defect (${path}): ${verified.output.slice(-500)}`);
  if (verified.status !== 0) {
    const named =
      verified.output.includes(path.split('/').at(-1) ?? '') ||
      target.kind === 'lake: ledger' ||
      target.kind === 'lake: checkpoint';
    return named
      ? answer('refused')
      : answer('SILENT', `verify fails without naming ${path}: ${verified.output.slice(0, 500)}`);
  }
  const tables = await tablesOf(folder, reader).catch((error: unknown) => String(error));
  if (tables !== sound.tables) return answer('SILENT', `verify finds nothing, but the rows differ (${path})`);
  if ((await statusOf(folder)) !== sound.status)
    return answer('SILENT', `verify finds nothing, but status differs (${path})`);
  return answer('same');
}

async function tablesOf(folder: string, reader: LakeReader): Promise<string> {
  const { tables } = await reader.tables(join(folder, 'lake'));
  return JSON.stringify(tables);
}

async function statusOf(folder: string): Promise<string> {
  const ended = await play(folder, ['status', '--format', 'json']);
  if (ended.status !== 0) return ended.output;
  const { tables } = JSON.parse(ended.output) as { tables: readonly Readonly<Record<string, unknown>>[] };
  // Words and durations in the ledger are recorded nowhere else.
  return JSON.stringify(
    tables.map(({ step, status, version, rows_in, rows_out, quarantined }) => [
      step,
      status,
      version,
      rows_in,
      rows_out,
      quarantined,
    ]),
  );
}
