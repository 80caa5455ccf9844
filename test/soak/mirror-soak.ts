import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { SyncReport } from '../../src/app/mirror/sync-report.ts';
import type { MirrorProject } from '../services/mirror-project.ts';
import { KnownVersions } from './known-versions.ts';
import type { LakeReader } from './lake-reader.ts';
import { type Random, seeded } from './random.ts';

export interface MirrorSoakOptions {
  readonly project: MirrorProject;
  /** So many processes are killed, at least. */
  readonly kills: number;
  readonly seed: number;
  /** Reads both sides, each time after a kill, too; without one the program itself compares them. */
  readonly reader?: LakeReader;
  readonly say: (line: string) => void;
}

export interface MirrorSoakResult {
  /** Processes that were killed, by command. */
  readonly kills: Readonly<Record<string, number>>;
  readonly trials: number;
  /** What was done to the lake before a trial. */
  readonly changes: Readonly<Record<string, number>>;
  /** Times that an independent reader looked at what a kill had left there. */
  readonly looks: number;
  /** What was not as it should be, each with the trial that brought it. */
  readonly violations: readonly string[];
}

/** A sync passes about so many fault points, the ledger's among them. */
const POINTS_MAX = 40;
const KILLS_IN_A_TRIAL = 12;
const ROWS = 5;

/**
 * The lake changes; a sync is killed at its fault points and at random instants, again and again, then one is left alone: both sides must be equal, and another
 * sync must find nothing to do. After a kill whatever can be read there must be a version of the lake as it was published. Now and then old versions
 * are collected and removed there too, runs are undone, the lake is made anew, and what is there is restored under kills.
 */
export async function mirrorSoak(options: MirrorSoakOptions): Promise<MirrorSoakResult> {
  const soak = new Soak(options);
  try {
    return await soak.run();
  } finally {
    soak.close();
  }
}

class Soak {
  readonly #options: MirrorSoakOptions;
  readonly #random: Random;
  readonly #folder = mkdtempSync(join(tmpdir(), 'dataflow-mirror-soak-'));
  readonly #known = new KnownVersions();
  readonly #kills: Record<string, number> = { sync: 0, restore: 0 };
  readonly #changes: Record<string, number> = {};
  readonly #violations: string[] = [];
  #looks = 0;
  /** So long took the last command that nobody disturbed: instants lie within. */
  #wall_ms = 1000;
  #day = 1000;
  /** What the trial under way did so far. */
  #story: string[] = [];

  constructor(options: MirrorSoakOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async run(): Promise<MirrorSoakResult> {
    let trials = 0;
    for (; this.#killed() < this.#options.kills; trials++) {
      this.#story = [];
      const before = this.#violations.length;
      const how = await this.#change();
      await this.#killSyncs(how);
      await this.#settle(how);
      if (this.#random.share() < 0.15) await (this.#random.share() < 0.5 ? this.#copy() : this.#mend());
      const wrong = this.#violations.slice(before);
      this.#options.say(
        `${this.#killed()} kills; ${this.#story.join(', ')}${wrong.map((one) => `\n  ${one}`).join('')}`,
      );
    }
    return {
      ...{ kills: this.#kills, trials, changes: this.#changes, looks: this.#looks },
      violations: this.#violations,
    };
  }

  #killed(): number {
    return Object.values(this.#kills).reduce((sum, n) => sum + n, 0);
  }

  #wrong(words: string): void {
    this.#violations.push(`${this.#story.join(', ')}: ${words}`);
  }

  async #must(...args: readonly string[]): Promise<void> {
    const { code, stderr, stdout } = await this.#options.project.run(...args);
    if (code !== 0) this.#wrong(`${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  }

  /** Something new in the lake. @returns how it is to be synced */
  async #change(): Promise<readonly string[]> {
    const { project } = this.#options;
    const share = this.#random.share();
    const rows = async (): Promise<void> => {
      project.day(this.#day++, ROWS);
      await this.#must('run');
    };
    const [change, how] = await (async (): Promise<readonly [string, readonly string[]]> => {
      if (share < 0.05) {
        rmSync(join(project.folder, 'lake'), { recursive: true });
        await rows();
        this.#known.another();
        return ['made anew', ['--force']];
      }
      await rows();
      if (share < 0.12) {
        await this.#must('run', '--full-refresh', '--force');
        return ['computed anew', []];
      }
      if (share < 0.35) {
        await this.#must('compact', '--grace', '0s');
        return ['compacted', ['--delete', '--max-delete', '100']];
      }
      if (share < 0.5) {
        await this.#must('undo');
        return ['undone', []];
      }
      return ['rows', []];
    })();
    this.#changes[change] = (this.#changes[change] ?? 0) + 1;
    this.#story.push(change);
    await this.#learn();
    return how;
  }

  /** What the lake's tables were at each version that can be read now. */
  async #learn(): Promise<void> {
    const { reader, project } = this.#options;
    if (reader !== undefined) this.#known.learn((await reader.tables(join(project.folder, 'lake'), true)).tables);
  }

  async #killSyncs(how: readonly string[]): Promise<void> {
    for (let again = 0; again < KILLS_IN_A_TRIAL; again++) {
      if (this.#killed() >= this.#options.kills) return;
      if (!(await this.#kill('sync', POINTS_MAX >> (again >> 1), how))) return;
      if (this.#random.share() < 0.25) await this.#look();
    }
  }

  /** One command, killed at a fault point or at any instant. @returns whether it was killed before its end */
  async #kill(verb: string, points: number, args: readonly string[]): Promise<boolean> {
    const { project } = this.#options;
    const by_point = this.#random.share() < 0.6;
    const nth = 1 + this.#random.below(Math.max(2, points));
    const instant = Math.round(this.#wall_ms * (0.2 + this.#random.share()));
    const { killed, stderr } = by_point
      ? await project.faulty(`any:kill@${nth}`, verb, ...args)
      : await project.cut(instant, verb, ...args);
    if (!killed) return false;
    this.#kills[verb] = (this.#kills[verb] ?? 0) + 1;
    this.#story.push(by_point ? `${/fault point ([\w-]+)/.exec(stderr)?.[1]} (${nth})` : `${verb} after ${instant} ms`);
    return true;
  }

  /** Whatever can be read there is what the lake published. */
  async #look(): Promise<void> {
    const { reader } = this.#options;
    if (reader === undefined) return;
    this.#looks += 1;
    const copy = await this.#fresh('look');
    try {
      for (const words of this.#known.unlike((await reader.tables(copy, true)).tables))
        this.#wrong(`after a kill: ${words}`);
    } catch (error) {
      this.#wrong(`after a kill: ${String(error)}`);
    }
  }

  async #fresh(name: string): Promise<string> {
    const copy = join(this.#folder, name);
    rmSync(copy, { recursive: true, force: true });
    await this.#options.project.copyTo(copy);
    return copy;
  }

  async #settle(how: readonly string[]): Promise<void> {
    const { project, reader } = this.#options;
    const began = performance.now();
    const [report] = await project.json<readonly SyncReport[]>('sync', 'far', ...how);
    this.#wall_ms = performance.now() - began;
    if (report === undefined || report.left.length > 0) this.#wrong('the sync afterwards left something');
    const [next] = await project.json<readonly SyncReport[]>('sync', 'far');
    if (next?.up_to_date !== true) this.#wrong('another sync has something to do');
    if (reader === undefined) {
      await this.#must('verify', '--at', 'far');
      return;
    }
    const copy = await this.#fresh('settled');
    const lake = join(project.folder, 'lake');
    const [here, there] = [await reader.tables(lake), await reader.tables(copy)];
    for (const [name, { digest }] of Object.entries(here.tables))
      if (there.tables[name]?.digest !== digest) this.#wrong(`${name} reads differently there`);
    // Hints tell of the newest versions, which are in no release yet.
    const hint = (path: string): boolean => basename(path).startsWith('_');
    for (const path of filesOf(copy).filter((one) => !hint(one) && existsSync(join(lake, one))))
      if (!readFileSync(join(lake, path)).equals(readFileSync(join(copy, path)))) this.#wrong(`${path} differs there`);
  }

  /** The whole lake, brought back beside itself under kills. */
  async #copy(): Promise<void> {
    const to = join(this.#folder, 'restored');
    rmSync(to, { recursive: true, force: true });
    for (let again = 0; again < KILLS_IN_A_TRIAL && !existsSync(to); again++)
      if (!(await this.#kill('restore', POINTS_MAX, ['far', '--to', to]))) break;
    if (!existsSync(to)) await this.#must('restore', 'far', '--to', to);
    await this.#sameRows(to);
  }

  /** Files of the lake that are damaged or gone are put back under kills. */
  async #mend(): Promise<void> {
    const { project } = this.#options;
    const lake = join(project.folder, 'lake');
    const before = join(this.#folder, 'before');
    rmSync(before, { recursive: true, force: true });
    cpSync(lake, before, { recursive: true });
    // What was merged since the release is not there.
    const there = new Set(filesOf(await this.#fresh('mirrored')));
    const files = filesOf(lake).filter((path) => isData(path) && there.has(path));
    for (const path of this.#random.shuffled(files).slice(0, 3))
      if (this.#random.share() < 0.5) rmSync(join(lake, path));
      else damage(join(lake, path), this.#random);
    for (let again = 0; again < 3 && (await this.#kill('restore', 20, ['far'])); again++);
    await this.#must('restore', 'far');
    await this.#sameRows(before);
    await this.#must('verify');
  }

  async #sameRows(other: string): Promise<void> {
    const { project, reader } = this.#options;
    if (reader === undefined) return;
    const [lake, its] = [await reader.tables(join(project.folder, 'lake')), await reader.tables(other)];
    for (const [name, { digest }] of Object.entries(lake.tables))
      if (its.tables[name]?.digest !== digest) this.#wrong(`${name} was not restored as it was`);
  }
}

/** Paths of the tables' files. */
function filesOf(lake: string): readonly string[] {
  return readdirSync(lake, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(lake.length + 1))
    .filter((path) => !path.startsWith('_dataflow/'));
}

function isData(path: string): boolean {
  return path.endsWith('.parquet') && !path.includes('_delta_log');
}

function damage(path: string, random: Random): void {
  const bytes = readFileSync(path);
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  writeFileSync(path, bytes);
}
