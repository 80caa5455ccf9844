import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine } from '../services/far-machine.ts';
import type { MirrorPlace } from '../services/mirror-project.ts';
import type { LakeReader } from './lake-reader.ts';
import { type Random, seeded } from './random.ts';

export interface LakeSoakOptions {
  readonly place: MirrorPlace;
  /** So many processes are killed, at least. */
  readonly kills: number;
  readonly seed: number;
  /** Reads the lake after each trial. */
  readonly reader: LakeReader;
  readonly say: (line: string) => void;
}

export interface LakeSoakResult {
  /** Processes that were killed, by command. */
  readonly kills: Readonly<Record<string, number>>;
  /** Of them, while the other machine was at work, too. */
  readonly beside: number;
  /** Runs that another machine's lock or commit sent away. */
  readonly sent_away: number;
  readonly trials: number;
  readonly violations: readonly string[];
}

const POINTS_MAX = 60;
const KILLS_IN_A_TRIAL = 6;
/** What a command may say that another machine was in the way of. */
const SENT_AWAY = /E_LOCKED|E_LOCK_LOST|E_LAKE_CONFLICT/;

/**
 * Two machines with a ledger each and one lake elsewhere: rows come, and runs, undos and compactions of both are killed at fault points and at random
 * instants, one after the other and side by side. Then each runs once undisturbed: both must see every row once, the lake must verify on both,
 * and an independent reader must find the same rows and no file that nobody knows.
 */
export async function lakeSoak(options: LakeSoakOptions): Promise<LakeSoakResult> {
  const soak = new Soak(options);
  try {
    return await soak.run();
  } finally {
    soak.close();
  }
}

class Soak {
  readonly #options: LakeSoakOptions;
  readonly #random: Random;
  readonly #machines: readonly [Machine, Machine];
  readonly #folder = mkdtempSync(join(tmpdir(), 'dataflow-lake-soak-'));
  readonly #kills: Record<string, number> = {};
  readonly #violations: string[] = [];
  #beside = 0;
  #sent_away = 0;
  #days = 0;
  #wall_ms = 1500;
  #story: string[] = [];

  constructor(options: LakeSoakOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
    this.#machines = [new Machine(options.place), new Machine(options.place)];
  }

  close(): void {
    for (const machine of this.#machines) machine.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async run(): Promise<LakeSoakResult> {
    const [first, second] = this.#machines;
    this.#day();
    await this.#must(first, 'run');
    await this.#must(second, 'ledger', 'rebuild');
    let trials = 0;
    for (; this.#killed() < this.#options.kills; trials++) {
      this.#story = [];
      const before = this.#violations.length;
      this.#day();
      for (let again = 0; again < KILLS_IN_A_TRIAL && this.#killed() < this.#options.kills; again++) {
        if (this.#random.share() < 0.4) this.#day();
        await this.#disturb();
      }
      await this.#settle();
      const wrong = this.#violations.slice(before).map((one) => `\n  ${one}`);
      this.#options.say(`${this.#killed()} kills; ${this.#story.join(', ')}${wrong.join('')}`);
    }
    const { kills, beside, sent_away } = { kills: this.#kills, beside: this.#beside, sent_away: this.#sent_away };
    return { kills, beside, sent_away, trials, violations: this.#violations };
  }

  #killed(): number {
    return Object.values(this.#kills).reduce((sum, n) => sum + n, 0);
  }

  #day(): void {
    this.#days += 1;
    for (const machine of this.#machines) machine.day(this.#days);
  }

  /** One machine, or both at the same time. */
  async #disturb(): Promise<void> {
    const both = this.#random.share() < 0.5;
    const chosen = both ? this.#machines : [this.#random.pick(this.#machines)];
    await Promise.all(chosen.map((machine) => this.#kill(machine, both)));
  }

  async #kill(machine: Machine, beside: boolean): Promise<void> {
    const share = this.#random.share();
    const args = share < 0.75 ? ['run'] : share < 0.9 ? ['compact', '--grace', '0s'] : ['undo'];
    const by_point = this.#random.share() < 0.6;
    const nth = 1 + this.#random.below(POINTS_MAX);
    const instant = Math.round(this.#wall_ms * (0.1 + this.#random.share()));
    const { killed, code, stderr } = by_point
      ? await machine.faulty(`any:kill@${nth}`).run(...args)
      : await machine.program.cut(instant, ...args);
    const verb = args[0] ?? '';
    const who = machine === this.#machines[0] ? 'A' : 'B';
    if (killed) {
      this.#kills[verb] = (this.#kills[verb] ?? 0) + 1;
      if (beside) this.#beside += 1;
      this.#story.push(
        by_point ? `${who} ${verb} at ${/fault point ([\w-]+)/.exec(stderr)?.[1]}` : `${who} ${verb} at ${instant} ms`,
      );
    } else if (code !== 0 && SENT_AWAY.test(stderr)) {
      this.#sent_away += 1;
      this.#story.push(`${who} ${verb} sent away`);
    } else if (code !== 0) this.#wrong(`${verb} ended with ${code}: ${stderr}`);
    else this.#story.push(`${who} ${verb}`);
  }

  async #settle(): Promise<void> {
    const [first, second] = this.#random.shuffled(this.#machines);
    if (first === undefined || second === undefined) return;
    const began = performance.now();
    // What an undo took away is loaded again; a run without it would rightly leave that alone.
    const { stderr } = await first.program.run('run', '--redo');
    // The other machine has half an undo to finish.
    if (stderr.includes('an undo was cut short on')) await this.#must(second, 'run', '--redo');
    await this.#must(first, 'run', '--redo');
    this.#wall_ms = performance.now() - began;
    await this.#must(second, 'run', '--redo');
    const expected = { n: 9 * this.#days };
    for (const machine of [first, second]) {
      const { n } = await machine.total();
      if (n !== expected.n) this.#wrong(`gold.total says ${n}, not ${expected.n}`);
      await this.#must(machine, 'verify');
    }
    const copy = join(this.#folder, 'copy');
    rmSync(copy, { recursive: true, force: true });
    await this.#options.place.copyTo(copy);
    const { tables } = await this.#options.reader.tables(copy);
    const rows = {
      'bronze/sales': 10 * this.#days,
      'silver/sales': 9 * this.#days,
      'quarantine/silver_sales': this.#days,
    };
    for (const [table, count] of Object.entries(rows))
      if (tables[table]?.rows !== count)
        this.#wrong(`delta-rs finds ${tables[table]?.rows} rows in ${table}, not ${count}`);
  }

  async #must(machine: Machine, ...args: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await machine.program.run(...args);
    if (code !== 0) this.#wrong(`${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  }

  #wrong(words: string): void {
    this.#violations.push(`${this.#story.join(', ')}: ${words}`);
  }
}
