import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import type { MirrorPlace } from './mirror-project.ts';

/** Of a lake there. */
export const config = (place: MirrorPlace): string => `version: 1
name: shop
lake: { url: "${place.lake_url}" }
connections:
  there: ${place.connection}
sources:
  sales: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, amount: "decimal(12,2)" } }
silver:
  sales: { from: sales, rules: [{ between: { column: amount, above: 0 } }] }
gold:
  total: { sql: "select count(*) as n, sum(amount) as amount from silver.sales" }
`;

/** One machine: a folder with the project, the same inputs as on the others, and a ledger of its own. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'dataflow-far-'));
  readonly program: BuiltProgram;
  readonly #place: MirrorPlace;

  constructor(place: MirrorPlace) {
    this.#place = place;
    this.program = builtProgram(this.folder, place.env);
    writeFileSync(join(this.folder, 'pipelines.yaml'), config(place));
    mkdirSync(join(this.folder, 'in'));
  }

  /** Ten rows, one of which the rule rejects. */
  day(day: number): void {
    const lines = Array.from({ length: 10 }, (_, i) => `${day * 100 + i},${i === 0 ? -1 : `${day}.50`}`);
    writeFileSync(join(this.folder, 'in', `${day}.csv`), `id,amount\n${lines.join('\n')}\n`);
  }

  /** The engine of the project; the embedded one if none is named. */
  engine(options?: string): void {
    const engine = options === undefined ? '' : `engine: ${options}\n`;
    writeFileSync(join(this.folder, 'pipelines.yaml'), config(this.#place) + engine);
  }

  faulty(fault: string): BuiltProgram {
    return builtProgram(this.folder, { ...this.#place.env, DATAFLOW_FAULT: fault });
  }

  /** As though this machine had never read a table. */
  forget(): void {
    for (const layer of ['bronze', 'silver', 'gold', 'quarantine'])
      rmSync(join(this.folder, '.dataflow', layer), { recursive: true, force: true });
    rmSync(join(this.folder, '.dataflow/_dataflow/cache'), { recursive: true, force: true });
  }

  async total(): Promise<{ readonly n: number; readonly amount: string }> {
    const [row] = await this.program.rows('select n, amount::varchar as amount from gold.total');
    return { n: Number(row?.['n']), amount: String(row?.['amount']) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
