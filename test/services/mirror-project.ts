import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuiltProgram, builtProgram, type Ended } from './built-program.ts';

/** A mirror that a test has to itself, and how a project reaches it. */
export interface MirrorPlace {
  /** The lines of an entry of `connections:`. */
  readonly connection: string;
  /** The same folder as `lake.url` of a lake that lies there. */
  readonly lake_url: string;
  readonly env: Readonly<Record<string, string>>;
  /** A file there, put or removed behind our back; the path is relative to the mirror `lake`. */
  put(path: string, content: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(): Promise<readonly string[]>;
  /** All of it, into a folder of this machine. */
  copyTo(folder: string): Promise<void>;
  clear(): Promise<void>;
}

interface Released {
  readonly tables: readonly { readonly table: string; readonly version: number }[];
}

/** A table of few rows that goes up in several parts. */
const LARGE = `\n  paquets: { sql: "select i as id, string_agg(sha256((i * 100000 + j)::varchar), '' order by j) as empreintes from range(60) t(i), range(12000) u(j) group by i" }`;

/** A small project with rejected rows and a mirror of everything. */
export class MirrorProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'dataflow-mirror-'));
  readonly program: BuiltProgram;
  readonly #place: MirrorPlace;

  constructor(place: MirrorPlace, options: { readonly keep_days?: number; readonly large?: true } = {}) {
    this.#place = place;
    mkdirSync(join(this.folder, 'in'));
    writeFileSync(
      join(this.folder, 'pipelines.yaml'),
      `version: 1
name: shop
lake: { url: ./lake, keep: { versions_days: ${options.keep_days ?? 30} } }
connections:
  far: ${place.connection}
sources:
  sales: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, amount: "decimal(12,2)" } }
silver:
  sales: { from: sales, key: id, rules: [{ between: { column: amount, above: 0 } }] }
gold:
  total: { sql: "select count(*) as n, sum(amount) as amount from silver.sales" }${options.large === true ? LARGE : ''}
mirrors:
  far: { connection: far, path: lake }
`,
    );
    this.program = builtProgram(this.folder, place.env, { share: true });
  }

  /** Rows of one day: the first is rejected by the rule. */
  day(day: number, rows = 10): void {
    const lines = Array.from({ length: rows }, (_, i) => `${day * 1_000_000 + i},${i}.50`);
    lines[0] = `${day * 1_000_000},-1`;
    writeFileSync(join(this.folder, 'in', `${day}.csv`), `id,amount\n${lines.join('\n')}\n`);
  }

  /** A data file of a table as the current release has it: later commits are not mirrored yet, and what earlier ones had may be gone there. */
  async publishedFile(table: string): Promise<string> {
    const [layer = '', name = ''] = table.split('/');
    const { tables } = await this.json<Released>('release', 'show', 'current');
    const version = tables.find((one) => one.table === `${layer}.${name}`)?.version ?? -1;
    const removed = new Set<string>();
    for (let at = version; at >= 0; at--) {
      const entry = join(this.folder, 'lake', table, '_delta_log', `${String(at).padStart(20, '0')}.json`);
      for (const action of readFileSync(entry, 'utf8').trim().split('\n')) {
        const { add, remove } = JSON.parse(action) as { add?: { path: string }; remove?: { path: string } };
        if (remove !== undefined) removed.add(remove.path);
        if (add !== undefined && !removed.has(add.path)) return add.path;
      }
    }
    throw new Error(`the current release has no file of ${table}`);
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.program.run(...args);
  }

  /** Killed after so many milliseconds. */
  cut(after_ms: number, ...args: readonly string[]): Promise<Ended> {
    return this.program.cut(after_ms, ...args);
  }

  /** The mirror as it is now, brought here by somebody else. */
  copyTo(folder: string): Promise<void> {
    return this.#place.copyTo(folder);
  }

  /** With a fault on the way. */
  faulty(fault: string, ...args: readonly string[]): Promise<Ended> {
    return builtProgram(this.folder, { ...this.#place.env, DATAFLOW_FAULT: fault }).run(...args);
  }

  async json<T>(...args: readonly string[]): Promise<T> {
    const { stdout, stderr } = await this.run(...args, '--format', 'json');
    try {
      return JSON.parse(stdout) as T;
    } catch {
      throw new Error(`${args.join(' ')}: ${stderr}${stdout}`);
    }
  }

  /** Paths of files below a folder of the lake. */
  files(folder: string): readonly string[] {
    const base = join(this.folder, 'lake', folder);
    return readdirSync(base).map((name) => join(base, name));
  }

  read(path: string): Buffer {
    return readFileSync(path);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
