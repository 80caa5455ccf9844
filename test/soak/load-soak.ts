import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadReport } from '../../src/app/load/load-report.ts';
import { newPlace, type Outcome, type Place } from '../support/fault-project.ts';
import type { LoadTarget } from './load-targets.ts';
import { type Random, seeded } from './random.ts';

export interface LoadSoakOptions {
  readonly target: LoadTarget;
  readonly kills: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface LoadSoakResult {
  readonly target: string;
  readonly kills: number;
  /** Of these, how many were at a fault point, and at how many different ones. */
  readonly kills_at_points: number;
  readonly points: readonly string[];
  readonly trials: number;
  readonly loads: number;
  /** What was not as it should be, each with the trial that brought it. */
  readonly violations: readonly string[];
}

/** What a release holds, as the CSV that it was made of, and which columns `items` has in it. */
interface Release {
  readonly rows: readonly Line[];
  readonly shape: Shape;
}

interface Line {
  readonly id: number;
  readonly n: number;
  readonly more: string;
}

/** Select lists of `gold.items`: columns grow wider, come and go. */
const SHAPES = [
  { select: 'id, n::integer as n', columns: ['id', 'n'] },
  { select: 'id, n::bigint as n', columns: ['id', 'n'] },
  { select: 'id, n::bigint as n, more', columns: ['id', 'n', 'more'] },
] as const;
type Shape = (typeof SHAPES)[number];

const CONFIG = (target: LoadTarget, { select }: Shape): string => `connections:
  target: ${target.connection}
sources:
  a: { type: files, path: in/a.csv, settle_seconds: 0, on_rewrite: replace, columns: { id: bigint, n: bigint, more: varchar } }
gold:
  items: { sql: "select ${select} from bronze.a", key: id }
  pairs: { sql: "select (id % 3)::varchar as part, id, n from bronze.a", key: [part, id] }
  bag: { sql: "select n % 7 as n7, count(*) as c from bronze.a group by 1" }
loads:
  out: { connection: target, tables: [gold.*]${target.load} }
`;

/** Releases that `--release` may go back to. */
const KEPT_RELEASES = 8;
const SECOND_LOOK_MS = 3000;
/** More than one transaction of MongoDB takes. */
const MANY_ROWS = 12_000;

/**
 * A new release, or an older one by name, and a load that is killed at any of its points or at any moment, perhaps killed again, then one that is left alone: the
 * destination must hold that release, read by a client of its own and compared with the rows that the release was made of; the next load must find nothing
 * to do. Where all of a release becomes visible at once a whole one must be there after each kill, too.
 */
export async function loadSoak(options: LoadSoakOptions): Promise<LoadSoakResult> {
  const soak = new LoadSoak(options);
  try {
    return await soak.run();
  } finally {
    soak.remove();
  }
}

class LoadSoak {
  readonly #options: LoadSoakOptions;
  readonly #random: Random;
  readonly #folder = mkdtempSync(join(tmpdir(), 'dataflow-load-soak-'));
  #place: Place;
  #releases: Release[] = [];
  #shape: Shape = SHAPES[0];
  readonly #points = new Set<string>();
  readonly #violations: string[] = [];
  #kills = 0;
  #kills_at_points = 0;
  #loads = 0;
  /** How long a load takes, and how many points it passes: of the last one that was left alone. */
  #load_ms = 1000;
  #passes = 20;

  constructor(options: LoadSoakOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
    mkdirSync(join(this.#folder, 'in'));
    this.#place = this.#configured();
  }

  #configured(): Place {
    const { target } = this.#options;
    return newPlace(CONFIG(target, this.#shape), { folder: this.#folder, name: 'soak' });
  }

  async run(): Promise<LoadSoakResult> {
    const { kills, target, say } = this.#options;
    await this.#publish(this.#changed());
    let held = this.#newest();
    await this.#finish([], held, 'first load');
    let trials = 0;
    for (; this.#kills < kills; trials += 1) {
      const back = this.#random.share() < 0.25 ? this.#random.below(this.#releases.length) : -1;
      if (back < 0) await this.#publish(this.#changed());
      const wanted = back < 0 ? this.#newest() : (this.#releases[back] ?? this.#newest());
      const words = [
        ...(back < 0 ? [] : ['--release', `current~${this.#releases.length - 1 - back}`]),
        ...(this.#random.share() < 0.15 ? ['--full-refresh'] : []),
      ];
      const struck: string[] = [];
      for (let again = 0; again < 3; again += 1) {
        const kill = await this.#killed(words, again);
        if (kill === undefined) break;
        struck.push(kill);
        if (target.at_once) await this.#expectOne([held, wanted], `after ${kill}`);
      }
      const name = `${trials} ${words.join(' ')} ${struck.join(', ')}`;
      const before = this.#violations.length;
      await this.#finish(words.slice(0, back < 0 ? 0 : 2), wanted, name);
      held = wanted;
      const wrong = this.#violations.slice(before).join('; ');
      say(`${target.name}: ${this.#kills} kills; ${name}${wrong === '' ? '' : `: ${wrong}`}`);
    }
    const { name } = target;
    return {
      ...{ target: name, kills: this.#kills, kills_at_points: this.#kills_at_points, points: [...this.#points].sort() },
      ...{ trials, loads: this.#loads, violations: this.#violations },
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #newest(): Release {
    const newest = this.#releases.at(-1);
    if (newest === undefined) throw new Error('there is no release');
    return newest;
  }

  /** Rows that came, changed and went; now and then very many. */
  #changed(): readonly Line[] {
    const random = this.#random;
    const old = this.#releases.at(-1)?.rows ?? [];
    const line = (id: number): Line => ({
      id,
      n: random.below(1000) - 500,
      more: random.share() < 0.3 ? '' : `m${random.below(9)}`,
    });
    const many = random.share() < 0.12;
    const [gone, other] = many ? [0.02, 0.9] : [0.1, 0.2];
    const kept = old.filter(() => random.share() >= gone).slice(0, MANY_ROWS);
    const rows = kept.map((one) => (random.share() < other ? line(one.id) : one));
    const last = old.reduce((most, { id }) => Math.max(most, id), 0);
    const wanted = many ? MANY_ROWS : Math.min(rows.length, 400) + 1 + random.below(40);
    const cut = rows.slice(0, Math.max(1, wanted));
    return [...cut, ...Array.from({ length: Math.max(1, wanted - cut.length) }, (_, i) => line(last + 1 + i))];
  }

  async #publish(rows: readonly Line[]): Promise<void> {
    const shape = this.#random.pick(SHAPES);
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#place = this.#configured();
    }
    const text = rows.map(({ id, n, more }) => `${id},${n},${more}`);
    writeFileSync(join(this.#folder, 'in/a.csv'), `id,n,more\n${text.join('\n')}\n`);
    this.#done(await this.#place.start(['run'], this.#options.target.env).ended, 'run');
    this.#releases = [...this.#releases, { rows, shape }].slice(-KEPT_RELEASES);
  }

  #done({ status, stdout, stderr }: Outcome, doing: string): string {
    if (status === 0) return stdout;
    throw new Error(`${doing} ended with ${status}: ${stdout}${stderr}`);
  }

  /** Undefined: the load was done before it could be killed. */
  async #killed(words: readonly string[], again: number): Promise<string | undefined> {
    this.#loads += 1;
    const { env } = this.#options.target;
    if (this.#random.share() < 0.6) {
      const nth = 1 + this.#random.below(Math.max(1, this.#passes >> again));
      const { ended } = this.#place.start(['load', ...words], { ...env, DATAFLOW_FAULT: `any:kill@${nth}` });
      const { signal, stderr } = await ended;
      const point = /fault point ([\w-]+)/.exec(stderr)?.[1];
      if (signal !== 'SIGKILL' || point === undefined) return undefined;
      this.#kills += 1;
      this.#kills_at_points += 1;
      this.#points.add(point);
      return `${point} (${nth})`;
    }
    const after_ms = Math.round(this.#random.share() * this.#load_ms);
    const { child, ended } = this.#place.start(['load', ...words], env);
    await Promise.race([sleep(after_ms), ended]);
    child.kill('SIGKILL');
    if ((await ended).signal !== 'SIGKILL') return undefined;
    this.#kills += 1;
    return `${after_ms} ms`;
  }

  /** Left alone it ends well, the destination holds the release, and another load has nothing to do. */
  async #finish(words: readonly string[], wanted: Release, name: string): Promise<void> {
    const { env } = this.#options.target;
    this.#loads += 2;
    const began_ms = performance.now();
    const first = await this.#place.start(['load', ...words], { ...env, DATAFLOW_FAULT: 'any:trace' }).ended;
    this.#load_ms = performance.now() - began_ms;
    if (first.status !== 0) {
      this.#violations.push(`${name}: the next load ended with ${first.status}: ${first.stderr.slice(-800)}`);
      return;
    }
    this.#passes = Math.max(8, first.stderr.split('fault point ').length - 1);
    await this.#expectOne([wanted], name);
    const second = await this.#place.start(['load', ...words, '--format', 'json'], env).ended;
    const report = (JSON.parse(second.stdout || '{}') as { loads?: LoadReport[] }).loads?.[0];
    if (report?.status !== 'up_to_date')
      this.#violations.push(`${name}: another load has something to do: ${second.stdout}${second.stderr}`);
    const verified = words.length > 0 ? undefined : await this.#place.start(['verify', '--at', 'out'], env).ended;
    if (verified !== undefined && verified.status !== 0)
      this.#violations.push(`${name}: not equal: ${verified.stdout}${verified.stderr}`);
  }

  /** Tables are read one after the other, and a server may be at work for a killed program for a moment longer: a second look decides. */
  async #expectOne(releases: readonly Release[], name: string): Promise<void> {
    for (let look = 1; look <= 2; look += 1) {
      const wrong: string[] = [];
      for (const release of releases) {
        const different = await this.#differences(release);
        if (different === undefined) return;
        wrong.push(different);
      }
      if (look === 2) this.#violations.push(`${name}: ${wrong.join('; ')}`);
      else await sleep(SECOND_LOOK_MS);
    }
  }

  /** Undefined: the destination holds this release, in all tables. */
  async #differences({ rows, shape }: Release): Promise<string | undefined> {
    const counts = new Map<number, number>();
    for (const { n } of rows) counts.set(n % 7, (counts.get(n % 7) ?? 0) + 1);
    const none = (text: string): string | null => (text === '' ? null : text);
    const wanted = {
      items: rows.map(({ id, n, more }) => [id, n, none(more)].slice(0, shape.columns.length)),
      pairs: rows.map(({ id, n }) => [id % 3, id, n]),
      bag: [...counts],
    };
    const columns = { items: shape.columns, pairs: ['part', 'id', 'n'], bag: ['n7', 'c'] };
    const text = (list: readonly (readonly unknown[])[]): string =>
      list
        .map((row) => row.map((value) => (value === null ? 'NULL' : String(value))).join(','))
        .sort()
        .join('\n');
    for (const [table, expected] of Object.entries(wanted)) {
      const found = await this.#options.target.rows(table, columns[table as keyof typeof columns]);
      if (found === undefined) return `${table} is missing`;
      if (text(found) !== text(expected))
        return `${table} has ${found.length} rows, not the ${expected.length} of the release`;
    }
    return undefined;
  }
}
