import { PULL_BATCH } from '../../../core/model/project.ts';
import type { Column } from '../../../core/model/table.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';
import type { Inspection } from '../../../core/ports/source.ts';
import { layoutOf } from '../columns.ts';
import { extraColumns, isDeclared, retypedColumns } from '../drift.ts';
import { NOTHING_EARLY } from '../early-parse.ts';
import type { AcceptedUnit } from '../intake.ts';
import { merged, parseUnits } from '../parse.ts';
import type { Parsed } from '../parsed.ts';
import { inputUnit, inspectionOf, unitPath } from './inspect-units.ts';
import type { Pulling } from './pulling.ts';
import type { PathedUnit } from './unreadable.ts';

/** Units that have less of a batch together are left for its end: a data file of their own would be a small one. */
const SHARE_MIN = 1 / 16;
/** The same of what is parsed already: a large whole does not get more and more files of one size. */
const GROWTH_MIN = 1 / 8;

/** What is there of a batch when its pull ends. */
interface EarlyResult {
  /** Open; the batch goes on with it. */
  readonly session: EngineSession;
  /** The columns that the units were read into. */
  readonly columns: readonly Column[];
  /** The first units of the batch, in order. */
  readonly parsed: Parsed;
  readonly inspections: ReadonlyMap<string, Inspection>;
}

/**
 * Lets the engine parse the units that are sealed while the source is asked for the next ones: a pull mostly waits, or keeps one core busy. Nothing
 * of it is published before the batch is. A unit whose columns are not those that are known ends it: what to make of that is decided
 * over the whole batch. So does any failure, after which everything is done in the usual way, which says what is wrong.
 */
export class EarlyUnits {
  /** When it began. */
  readonly cpu = process.cpuUsage();
  /** Whether the source is being asked for more: then the engine leaves it a core. */
  beside = true;
  readonly #pulling: Pulling;
  readonly #known: readonly Column[] | undefined;
  readonly #sequence: number;
  readonly #inspections = new Map<string, Inspection>();
  readonly #parts: Parsed[] = [];
  #waiting: PathedUnit[] = [];
  #waiting_bytes = 0;
  #parsed_bytes = 0;
  #bytes_min: number;
  #sealed: number;
  #work: Promise<void> | undefined;
  #columns: readonly Column[] | undefined;
  #session: EngineSession | undefined;
  #over = false;
  #failed = false;

  /** @param columns those that are known when the pull begins @param first number of units that the batch has already */
  constructor(pulling: Pulling, columns: readonly Column[] | undefined, sequence: number, first = 0) {
    this.#pulling = pulling;
    this.#known = columns;
    this.#columns = columns;
    this.#sequence = sequence;
    this.#sealed = first;
    this.#bytes_min = (pulling.step.node.spec.batch ?? PULL_BATCH).bytes * SHARE_MIN;
    // After units that are not among these nothing may come first.
    this.#over = first > 0 || pulling.step.small !== undefined;
  }

  /** Takes a unit of the batch, in order. */
  take(unit: SealedUnit): void {
    const path = unitPath(this.#pulling.step.node.name, this.#sequence, this.#sealed++, unit.name);
    if (this.#over) return;
    this.#waiting.push({ unit, path });
    this.#waiting_bytes += unit.size_bytes;
    if (this.#waiting_bytes >= this.#bytes_min) this.#work ??= this.#run();
  }

  /** Waits for what is under way. Undefined: nothing came of it. */
  async result(): Promise<EarlyResult | undefined> {
    await this.#work;
    const [session, columns] = [this.#session, this.#columns];
    if (!this.#failed && session !== undefined && columns !== undefined && this.#parts.length > 0)
      return { session, columns, parsed: merged(this.#parts), inspections: this.#inspections };
    await this.end();
    return undefined;
  }

  /** Gives up what is not used. */
  async end(): Promise<void> {
    this.#over = true;
    await this.#work;
    await this.#session?.close();
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting_bytes >= this.#bytes_min && !this.#over) {
        this.#parsed_bytes += this.#waiting_bytes;
        this.#bytes_min = Math.max(this.#bytes_min, this.#parsed_bytes * GROWTH_MIN);
        this.#waiting_bytes = 0;
        await this.#parse(this.#waiting.splice(0));
      }
    } catch {
      [this.#failed, this.#over] = [true, true];
    }
    this.#work = undefined;
  }

  /** What is sealed meanwhile is parsed together: the slower the engine, the fewer the files. */
  async #parse(units: readonly PathedUnit[]): Promise<void> {
    const { step } = this.#pulling;
    const accepted: AcceptedUnit[] = [];
    for (const one of units.filter(({ unit }) => unit.records > 0)) {
      const inspection = await inspectionOf(this.#pulling, one, this.#known);
      this.#inspections.set(one.path, inspection);
      const sound = inspection.problem === undefined && inspection.sha256 === one.unit.sha256;
      if (!sound || inspection.records !== one.unit.records) this.#over = true;
      if (this.#over) break;
      accepted.push({ unit: inputUnit(one), inspection, replaces: false });
    }
    if (accepted.length === 0) return;
    this.#session ??= await step.run.openSession(`${step.run.run_id}/${step.node.key}`);
    const columns = await this.#columnsOf(this.#session, accepted);
    if (columns === undefined) return;
    const other = accepted.findIndex((one) => !this.#isUsual(one, columns));
    if (other >= 0) this.#over = true;
    const usual = other < 0 ? accepted : accepted.slice(0, other);
    if (usual.length === 0) return;
    const label = `early-${this.#parts.length}-`;
    const session = this.beside ? besideSource(this.#session) : this.#session;
    const parsed = await parseUnits(step, session, usual, columns, NOTHING_EARLY.resultOf, label);
    this.#parts.push(parsed);
  }

  /** Those that are known, else what the engine sees in the first unit. */
  async #columnsOf(session: EngineSession, accepted: readonly AcceptedUnit[]): Promise<readonly Column[] | undefined> {
    if (this.#columns !== undefined) return this.#columns;
    const { columns, unfit } = await layoutOf(this.#pulling.step, session, accepted, undefined);
    if (unfit.length > 0) this.#over = true;
    else this.#columns = columns;
    return this.#columns;
  }

  /** Neither a new column nor, where the table would follow, another type. */
  #isUsual(accepted: AcceptedUnit, columns: readonly Column[]): boolean {
    const { spec } = this.#pulling.step.node;
    if (extraColumns(accepted, columns).length > 0) return false;
    if (spec.schema_change !== 'evolve') return true;
    const doubtful = (accepted.inspection.doubtful ?? []).filter((name) => !isDeclared(spec, name));
    return doubtful.length === 0 && retypedColumns(accepted, columns).length === 0;
  }
}

function besideSource(session: EngineSession): Pick<EngineSession, 'parse'> {
  return { parse: (request) => session.parse({ ...request, beside: true }) };
}
