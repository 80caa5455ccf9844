import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DAMAGE_KINDS, type DamageKind, damaged } from './damage.ts';
import { BINARY } from './kill-scenarios.ts';
import type { PythonReader } from './lake-reader.ts';
import { measuredRun } from './measured-run.ts';
import type { Random } from './random.ts';

/** Kinds of input file, with the ending of their names. A source each. */
export const INPUT_KINDS: Readonly<Record<string, string>> = {
  csv: 'csv',
  'csv.gz': 'csv.gz',
  'csv.zst': 'csv.zst',
  ndjson: 'ndjson',
  'ndjson.gz': 'ndjson.gz',
  'ndjson.zst': 'ndjson.zst',
  json: 'json',
  'json.gz': 'json.gz',
  parquet: 'parquet',
  'parquet zstd': 'parquet',
  'parquet checksum': 'parquet',
};

export interface Outcome {
  readonly kind: string;
  readonly damage: DamageKind;
  readonly outcome: 'refused' | 'same' | 'as the file says' | 'SILENT';
  readonly detail: string;
  /** Where a file that led to a violation is kept. */
  readonly kept?: string;
}

export interface RoundResult {
  readonly outcomes: readonly Outcome[];
  /** What was wrong with the run itself: it died, or ended as it must not. */
  readonly faults: readonly string[];
  readonly peak_memory_bytes: number;
}

interface DamagedFile {
  readonly kind: string;
  readonly damage: DamageKind;
  readonly base: string;
  readonly path: string;
  /** As the ledger names it. */
  readonly id: string;
}

const MEMORY_LIMIT = '512MB';
/** The engine's limit, and what a program with an engine needs beside it. */
export const MEMORY_BYTES_MAX = 1200 * 1024 * 1024;
const TIMEOUT_MS = 300_000;

function configOf(kinds: readonly string[]): string {
  const sources = kinds.map(
    (kind) =>
      `  ${sourceOf(kind)}: { type: files, path: "in/${sourceOf(kind)}/*", settle_seconds: 0, columns: { id: bigint, label: varchar, amount: "decimal(12,2)", day: date } }`,
  );
  return `version: 1\nname: damage\nlake: { url: ./lake }\nengine: { type: duckdb, threads: 2, memory_limit: ${MEMORY_LIMIT} }\nsources:\n${sources.join('\n')}\n`;
}

function sourceOf(kind: string): string {
  return kind.replaceAll(/[. ]/g, '_');
}

/**
 * Damages files of every kind, runs the program once over all of them and has each judged.
 * @param per_kind damaged files of each kind
 */
export async function damageInputs(
  folder: string,
  per_kind: number,
  random: Random,
  python: PythonReader,
): Promise<RoundResult> {
  const kinds = Object.keys(INPUT_KINDS);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'sound'), { recursive: true });
  writeFileSync(join(folder, 'pipelines.yaml'), configOf(kinds));
  const files: DamagedFile[] = [];
  for (const kind of kinds) files.push(...(await damagedFiles(folder, kind, per_kind, random, python)));
  const run = await measuredRun(folder, ['run'], TIMEOUT_MS);
  const faults =
    run.status === 0 || run.status === 4
      ? []
      : [`run ended with ${run.status ?? run.signal}: ${run.stderr.slice(-2000)}`];
  if (/E_INTERNAL|^\s+at .+:\d+:\d+/m.test(run.stderr)) faults.push(`a defect was told: ${run.stderr.slice(-2000)}`);
  const listed = spawnSync(process.execPath, [BINARY, 'ledger', 'inputs', '--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const inputs = new Map(
    (JSON.parse(listed.stdout) as { path: string; status: string; records: number; rejected: number }[]).map((one) => [
      one.path,
      one,
    ]),
  );
  const outcomes: Outcome[] = [];
  for (const kind of kinds) {
    const mine = files.filter((file) => file.kind === kind);
    const answer = (await python.ask({
      op: 'judge',
      kind,
      lake: join(folder, 'lake'),
      table: `bronze/${sourceOf(kind)}`,
      files: mine.map(({ id, base, path }) => {
        const { status = 'missing', records = 0, rejected = 0 } = inputs.get(id) ?? {};
        return { id, base, path, status, records, rejected };
      }),
    })) as { outcomes?: Record<string, [Outcome['outcome'], string]>; error?: string };
    if (answer.error !== undefined) faults.push(`${kind} cannot be judged: ${answer.error}`);
    for (const { damage, id, path } of mine) {
      const [outcome, detail] = answer.outcomes?.[id] ?? ['SILENT', 'not judged'];
      outcomes.push({ kind, damage, outcome, detail, ...(outcome === 'SILENT' ? { kept: path } : {}) });
    }
  }
  return { outcomes, faults, peak_memory_bytes: run.peak_memory_bytes };
}

/** Files of one kind, no two with the same bytes (the same bytes would be one input). */
async function damagedFiles(
  folder: string,
  kind: string,
  count: number,
  random: Random,
  python: PythonReader,
): Promise<readonly DamagedFile[]> {
  const question = {
    op: 'make',
    kind,
    folder: join(folder, 'sound'),
    count: Math.max(4, Math.ceil(count / 10)),
    seed: random.below(2 ** 31),
  };
  const { files: bases, error } = (await python.ask(question)) as { files: string[]; error?: string };
  if (error !== undefined) throw new Error(error);
  const inside = join('in', sourceOf(kind));
  mkdirSync(join(folder, inside), { recursive: true });
  const seen = new Set<string>();
  const found: DamagedFile[] = [];
  for (let tries = 0; found.length < count && tries < count * 10; tries++) {
    const base = random.pick(bases);
    const damage = random.pick(DAMAGE_KINDS);
    const bytes = damaged(readFileSync(base), damage, random);
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (seen.has(hash)) continue;
    seen.add(hash);
    const id = `${inside}/${String(found.length).padStart(5, '0')}.${INPUT_KINDS[kind]}`;
    writeFileSync(join(folder, id), bytes);
    found.push({ kind, damage, base, path: join(folder, id), id });
  }
  return found;
}
