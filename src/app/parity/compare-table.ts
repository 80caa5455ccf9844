import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ParityExample, RowsParity, TableParity } from '../../core/model/parity.ts';
import { codeFingerprint } from '../../core/planning/fingerprint.ts';
import { resultOf } from '../../core/planning/parity.ts';
import type { DialectRefusal } from '../../core/ports/dialect.ts';
import type { Engine, EngineSession } from '../../core/ports/engine.ts';
import type { RunContext } from '../../medallion/context.ts';
import { type BareRows, compareRows } from '../../medallion/parity/compare-rows.ts';
import { type ComputedSide, computeSide, type TableStep } from '../../medallion/parity/compute-side.ts';
import type { OpenProject } from '../run/open-project.ts';
import { type SameInputs, sameInputs } from './same-inputs.ts';
import { rejectedExample, traceExamples } from './trace-examples.ts';

/** What comparing tables needs; the other engine is opened when it is first asked for. */
export interface Comparing {
  readonly open: OpenProject;
  /** Below it everything is staged, and removed at the end. */
  readonly staging_id: string;
  readonly here: Engine;
  readonly there: () => Promise<Engine>;
  /** Rows per 10,000; undefined: all. */
  readonly sample: number | undefined;
  /** Rows that are shown of each kind of difference. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** A table that could not be compared, and why. */
type Verdict = Pick<TableParity, 'result' | 'why' | 'refusals'>;

/** Computes one table by both engines from the same input versions and compares rows and types. Publishes nothing. */
export async function compareTable(comparing: Comparing, node: TableStep['node']): Promise<TableParity> {
  const read = await sameInputs(comparing.open, node, comparing.sample);
  if ('missing' in read) {
    const why = `${read.missing} has no data yet`;
    return { ...emptyParity(node.key), result: 'not_comparable', why };
  }
  const about = {
    ...emptyParity(node.key),
    inputs: read.making.inputs,
    sample_percent: read.sampled ? (comparing.sample ?? 0) / 100 : null,
  };
  const computed = await bothSides(comparing, node, read);
  if (!('here' in computed)) return { ...about, ...computed };
  const { here, there } = computed;
  const session = await comparing.here.openSession({ label: `parity/${node.key}`, signal: comparing.signal });
  try {
    const accepted = await acceptedRows(comparing, session, node, read, computed);
    const rejected = await rejectedRows(comparing, session, { here, there }, read.sampled);
    return { ...about, result: resultOf(accepted, rejected), accepted, rejected };
  } finally {
    await session.close();
  }
}

function emptyParity(table: string): TableParity {
  const none = { why: null, refusals: [], inputs: {}, sample_percent: null, accepted: null, rejected: null };
  return { table, result: 'not_comparable', ...none };
}

interface Computed {
  readonly here: ComputedSide;
  readonly there: ComputedSide;
}

/** What both engines make of it; or a verdict, where one of them cannot. What is wrong with the engine itself is thrown. */
async function bothSides(comparing: Comparing, node: TableStep['node'], read: SameInputs): Promise<Computed | Verdict> {
  const side = async (name: 'here' | 'there', engine: Engine): Promise<ComputedSide> => {
    const label = `${comparing.staging_id}/${name}-${node.key}`;
    const session = await engine.openSession({ label, signal: comparing.signal });
    try {
      return await computeSide(stepOf(comparing, node, read, `${name}-${node.key}`), session);
    } finally {
      await session.close();
    }
  };
  let here: ComputedSide;
  try {
    here = await side('here', comparing.here);
  } catch (error) {
    const failed = failureOf(error);
    return { result: 'not_comparable', why: `it fails here: ${failed.message}`, refusals: [] };
  }
  const engine = await comparing.there();
  try {
    return { here, there: await side('there', engine) };
  } catch (error) {
    const failed = failureOf(error);
    if (failed.code === 'E_ENGINE_DIALECT')
      return { result: 'refused', why: failed.message, refusals: [refusalFrom(failed)] };
    return { result: 'different', why: `${engine.type} fails: ${failed.message}`, refusals: [] };
  }
}

/** Errors of the SQL, or of what rows make of it. */
const OF_THE_TABLE = new Set(['E_SQL', 'E_ENGINE', 'E_ENGINE_DIALECT', 'E_TYPE_UNSUPPORTED', 'E_CONFIG_REFERENCE']);

function failureOf(error: unknown): DataflowError {
  if (error instanceof DataflowError && OF_THE_TABLE.has(error.code)) return error;
  throw error;
}

function refusalFrom({ message, hint, place }: DataflowError): DialectRefusal {
  const where = place?.line === undefined ? {} : { line: place.line, column: place.column ?? 1 };
  return { ...where, construct: message, remedy: hint };
}

/** A step that can publish nothing. Lookups take what was found before: nobody is asked. */
function stepOf(comparing: Comparing, node: TableStep['node'], read: SameInputs, step_id: string): TableStep {
  const { open, staging_id, signal } = comparing;
  const run: Partial<RunContext> = { ...open, run_id: staging_id, now_ms: read.making.now_ms, signal };
  return {
    run: { ...run, notice: () => undefined } as RunContext,
    node,
    step_id,
    verdict: { run: true, mode: 'full', reason: 'parity', changed: [], causes: [] },
    code_fingerprint: codeFingerprint(node),
    definition: undefined,
    inputs: read.inputs,
    decided: read.decided,
    recall: read.published === undefined ? {} : { published: read.published },
    started_ms: read.making.now_ms,
  };
}

async function acceptedRows(
  { open, limit, ...comparing }: Comparing,
  session: EngineSession,
  node: TableStep['node'],
  read: SameInputs,
  { here, there }: Computed,
): Promise<RowsParity> {
  const sides = { here: here.accepted, there: there.accepted };
  const bare = await compareRows(session, sides, node.spec.key, limit);
  if (bare.examples.length === 0) return { ...bare, examples: [] };
  const step = stepOf({ open, limit, ...comparing }, node, read, 'trace');
  const traced = await traceExamples(open, session, { step, making: read.making, ...sides }, bare.examples);
  return { ...bare, examples: traced };
}

/** Null where neither engine rejected a row. */
async function rejectedRows(
  { limit }: Comparing,
  session: EngineSession,
  { here, there }: Computed,
  sampled: boolean,
): Promise<RowsParity | null> {
  if (here.rejected.files.length + there.rejected.files.length === 0) return null;
  // Lines are counted from the first row of a file, which a sample need not have.
  const columns = here.rejected.columns.filter(({ name }) => !sampled || name !== 'line');
  const sides = { here: { ...here.rejected, columns }, there: { ...there.rejected, columns } };
  const bare: BareRows = await compareRows(session, sides, ['origin', 'file', sampled ? 'row_key' : 'line'], limit);
  const examples: readonly ParityExample[] = bare.examples.map(rejectedExample);
  return { ...bare, examples };
}
