import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, type Kill, play, type Scenario } from './kill-scenarios.ts';
import type { LakeReader } from './lake-reader.ts';
import type { Random } from './random.ts';

/** One kill, by fault point or by time, and the instants at which the runs that would mend it are killed in their turn. */
export interface Trial {
  readonly id: string;
  readonly scenario: string;
  readonly kill: Kill;
  readonly again_ms: readonly number[];
  /** A plain run comes before the command is given again. */
  readonly run_first?: boolean;
}

export interface TrialResult {
  readonly id: string;
  readonly scenario: string;
  /** Name of the fault point; undefined for a random instant. */
  readonly point?: string | undefined;
  /** How many processes died; 0 when the command was done before. */
  readonly kills: number;
  readonly violations: readonly string[];
}

/** A scenario with its starting state, and what it leads to when nothing disturbs it. */
export interface Stage {
  readonly scenario: Scenario;
  readonly folder: string;
  readonly wall_ms: number;
  /** Digest by table. */
  readonly goal: Readonly<Record<string, string>>;
  /** Every content that a table may show on the way: that of a version in the undisturbed history, before the command or after it. */
  readonly allowed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Passes of each fault point. */
  readonly passes: ReadonlyMap<string, number>;
  /** States of rejected rows in the end: `open silver.achats between_montant in/achats1.csv` → rows. */
  readonly states: Readonly<Record<string, number>>;
  /** Exit status of `status` before the command. */
  readonly status_before: number | null;
}

const STATUS = ['status', '--format', 'json'];
const RANDOM_RANGE = 1.05;
/** Most of the tries in a row that are killed. */
const KILLS_MAX = 12;
const RUN_FIRST_SHARE = 0.5;

/** Plays a scenario undisturbed. */
export async function setStage(scenario: Scenario, root: string, reader: LakeReader): Promise<Stage> {
  const folder = join(root, `${scenario.name.replaceAll(' ', '-')}-before`);
  const goal_folder = join(root, `${scenario.name.replaceAll(' ', '-')}-goal`);
  for (const old of [folder, goal_folder]) rmSync(old, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  scenario.prepare(folder);
  const status_before = (await play(folder, STATUS)).status;
  cpSync(folder, goal_folder, { recursive: true });
  const started = Date.now();
  const traced = await play(goal_folder, scenario.command, {}, 'any:trace');
  const wall_ms = Date.now() - started;
  for (const ended of [traced, ...(await playAll(goal_folder, scenario.after ?? []))])
    if (!isDone(scenario, ended))
      throw new Error(`${scenario.name}, undisturbed, ended with ${ended.status}:\n${ended.output}`);
  const { tables } = await reader.tables(join(goal_folder, 'lake'), true);
  // Compaction collects versions, also that before it: until it has done so, that is a whole version too.
  const before = existsSync(join(folder, 'lake')) ? (await reader.tables(join(folder, 'lake'), true)).tables : {};
  const passes = new Map<string, number>();
  for (const [, name = ''] of traced.output.matchAll(/^fault point (\S+)$/gm))
    passes.set(name, (passes.get(name) ?? 0) + 1);
  const states = await rowStates(goal_folder);
  rmSync(goal_folder, { recursive: true });
  return {
    scenario,
    states,
    folder,
    wall_ms,
    status_before,
    passes,
    goal: digestsOf(tables),
    allowed: new Map(
      Object.entries(tables).map(([name, { versions }]) => [
        name,
        new Set([...Object.values(before[name]?.versions ?? {}), ...Object.values(versions ?? {})]),
      ]),
    ),
  };
}

/** Every pass of every fault point, in no order; `named` first gives each name of each scenario once. */
export function pointTrials(
  stages: readonly Stage[],
  random: Random,
): { readonly named: readonly Trial[]; readonly rest: readonly Trial[] } {
  const named: Trial[] = [];
  const rest: Trial[] = [];
  for (const { scenario, passes, wall_ms } of stages) {
    for (const [name, count] of passes) {
      const first = 1 + random.below(count);
      for (let nth = 1; nth <= count; nth++) {
        const kill = { point: { name, nth } };
        const id = `${scenario.name}/${name}@${nth}`;
        (nth === first ? named : rest).push({
          id,
          scenario: scenario.name,
          kill,
          ...further(wall_ms, random),
          ...runFirst(scenario, random),
        });
      }
    }
  }
  return { named: random.shuffled(named), rest: random.shuffled(rest) };
}

/** A kill at a random instant of a random scenario. */
export function randomTrial(stages: readonly Stage[], index: number, random: Random): Trial {
  const { scenario, wall_ms } = random.pick(stages);
  const kill = { after_ms: Math.round(random.share() * wall_ms * RANDOM_RANGE) };
  const id = `${scenario.name}/random-${index}`;
  return { id, scenario: scenario.name, kill, ...further(wall_ms, random), ...runFirst(scenario, random) };
}

/** None to eleven more kills, each at an instant of its own. */
function further(wall_ms: number, random: Random): Pick<Trial, 'again_ms'> {
  return { again_ms: Array.from({ length: random.below(KILLS_MAX) }, () => Math.round(random.share() * wall_ms)) };
}

function runFirst({ plain_run = false }: Scenario, random: Random): Pick<Trial, 'run_first'> {
  return plain_run && random.share() < RUN_FIRST_SHARE ? { run_first: true } : {};
}

/** Kills, looks at what is left, mends, and looks again. The folder goes, unless something was wrong. */
export async function runTrial(stage: Stage, trial: Trial, folder: string, reader: LakeReader): Promise<TrialResult> {
  const { scenario } = stage;
  rmSync(folder, { recursive: true, force: true });
  cpSync(stage.folder, folder, { recursive: true });
  const violations: string[] = [];
  const killed = await play(folder, scenario.command, trial.kill);
  let kills = killed.signal === 'SIGKILL' ? 1 : 0;
  if (kills === 1) violations.push(...(await afterKill(stage, folder, reader)));
  else if (!isDone(scenario, killed)) violations.push(`ended with ${killed.status} by itself: ${killed.output}`);
  for (const after_ms of kills === 1 ? trial.again_ms : []) {
    const again = await play(folder, scenario.command, { after_ms });
    if (again.signal === 'SIGKILL') {
      kills += 1;
      violations.push(...(await afterKill(stage, folder, reader)));
    } else if (!isDone(scenario, again)) violations.push(`the next try ended with ${again.status}: ${again.output}`);
    else break;
  }
  if (trial.run_first === true) {
    const ended = await play(folder, ['run']);
    if (ended.status !== 0) violations.push(`a plain run ended with ${ended.status}: ${ended.output}`);
  }
  violations.push(...(await afterMending(stage, folder, reader)));
  if (violations.length === 0) rmSync(folder, { recursive: true, force: true });
  return { id: trial.id, scenario: scenario.name, point: trial.kill.point?.name, kills, violations };
}

/** What must hold right after a kill: each table shows one whole version of the undisturbed history, and `status` answers. */
async function afterKill(stage: Stage, folder: string, reader: LakeReader): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    const { tables } = await reader.tables(join(folder, 'lake'));
    for (const [name, { digest }] of Object.entries(tables))
      if (stage.allowed.get(name)?.has(digest) !== true)
        found.push(`after the kill ${name} shows rows that no version has`);
  } catch (error) {
    found.push(`after the kill a table cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const status = await play(folder, STATUS);
  if (status.status !== 0 && status.status !== stage.status_before)
    found.push(`after the kill status ends with ${status.status}: ${status.output}`);
  return found;
}

/** What must hold after a plain second try: the rows of the undisturbed history, nothing left over, balances that add up. */
async function afterMending(stage: Stage, folder: string, reader: LakeReader): Promise<readonly string[]> {
  const { command, after = [] } = stage.scenario;
  const found: string[] = [];
  for (const ended of await playAll(folder, [command, ...after]))
    if (!isDone(stage.scenario, ended)) found.push(`the second try ended with ${ended.status}: ${ended.output}`);
  try {
    const { tables, strays } = await reader.tables(join(folder, 'lake'));
    const digests = digestsOf(tables);
    for (const name of new Set([...Object.keys(stage.goal), ...Object.keys(digests)]))
      if (digests[name] !== stage.goal[name]) found.push(`${name} differs from an undisturbed run`);
    const states = JSON.stringify(await rowStates(folder));
    if (states !== JSON.stringify(stage.states)) found.push(`states of rejected rows: ${states}`);
    if (strays.length > 0) found.push(`left in a table's folder: ${strays.join(', ')}`);
    const ledger = await reader.ledger(join(folder, 'lake/_dataflow/ledger.db'));
    if (ledger.sound !== 'ok') found.push(`the ledger is damaged: ${ledger.sound}`);
    if (ledger.unbalanced.length > 0) found.push(`rows are not conserved: ${ledger.unbalanced.join(', ')}`);
  } catch (error) {
    found.push(`cannot be read in the end: ${error instanceof Error ? error.message : String(error)}`);
  }
  const staging = join(folder, 'lake/_dataflow/staging');
  if (existsSync(staging) && readdirSync(staging).length > 0) found.push('staging is not empty in the end');
  const last = await play(folder, ['run']);
  if (last.status !== 0 || !/nothing to do/i.test(last.output)) found.push(`one more run is not idle: ${last.output}`);
  return found;
}

function isDone({ partly = false }: Scenario, { status }: Ended): boolean {
  return status === 0 || (partly && status === 4);
}

async function playAll(folder: string, commands: readonly (readonly string[])[]): Promise<readonly Ended[]> {
  const ends: Ended[] = [];
  for (const command of commands) ends.push(await play(folder, command));
  return ends;
}

/** Rejected rows by state, table, rule and file: what the ledger knows, whatever runs and decisions led to it. */
async function rowStates(folder: string): Promise<Readonly<Record<string, number>>> {
  const asked = await play(folder, ['quarantine', '--state', 'all', '--format', 'json']);
  if (asked.status !== 0) throw new Error(`quarantine ended with ${asked.status}: ${asked.output}`);
  const states = new Map<string, number>();
  for (const { state, table, rule, file, rows } of JSON.parse(asked.output) as readonly RowGroup[]) {
    const key = `${state} ${table} ${rule} ${file}`;
    states.set(key, (states.get(key) ?? 0) + rows);
  }
  return Object.fromEntries([...states].sort());
}

interface RowGroup {
  readonly state: string;
  readonly table: string;
  readonly rule: string;
  readonly file: string;
  readonly rows: number;
}

function digestsOf(tables: Readonly<Record<string, { readonly digest: string }>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tables).map(([name, { digest }]) => [name, digest]));
}
