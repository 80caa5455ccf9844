import type { Column } from '../../core/model/table.ts';
import type { EngineSession, ParseResult } from '../../core/ports/engine.ts';
import type { Discovery, InputUnit, Inspection, KnownInput, Source, SourceContext } from '../../core/ports/source.ts';
import type { AcceptedUnit } from './intake.ts';
import { parseRequest } from './parse.ts';
import type { BronzeStep } from './step.ts';

/** From this size on a file has data files of its own, whatever comes with it. */
const LARGE_BYTES = 32 * 1024 * 1024;
/** Below this size the inspection of a file that comes alone is over before it would pay. */
const ALONE_BYTES = 1024 * 1024;

/**
 * New files that may be parsed before their inspection is through: large ones, or one that came alone; many small ones are left to be parsed
 * together. Files that may hold bytes that are loaded already (same size as a known one) wait, since their parsing could be for nothing.
 */
export function earlyUnits(
  { fresh }: Pick<Discovery, 'fresh'>,
  known: ReadonlyMap<string, KnownInput>,
): readonly InputUnit[] {
  const bytes_min = fresh.length === 1 ? ALONE_BYTES : LARGE_BYTES;
  const large = fresh.filter((unit) => unit.size_bytes >= bytes_min);
  if (large.length === 0) return [];
  const sizes = new Set([...known.values()].map((input) => input.size_bytes));
  return large.filter((unit) => !sizes.has(unit.size_bytes));
}

/** Parse results that were begun before the inspection was through. */
export interface EarlyParse {
  /** The result for a unit, if what the inspection found agrees with what was assumed. */
  resultOf(accepted: AcceptedUnit): Promise<ParseResult | undefined>;
  /** Waits for what is still running. */
  settle(): Promise<void>;
}

export const NOTHING_EARLY: EarlyParse = { resultOf: async () => undefined, settle: async () => undefined };

/**
 * Lets the engine parse plain files while they are being hashed, checked and counted. Nothing of it is published unless the inspection ends
 * well and agrees on the layout.
 */
export function parseEarly(
  step: BronzeStep,
  session: EngineSession,
  parts: {
    readonly source: Source;
    readonly context: SourceContext;
  },
  units: readonly InputUnit[],
  columns: readonly Column[],
): EarlyParse {
  const results = new Map<string, Promise<Attempt | undefined>>();
  let before: Promise<unknown> = Promise.resolve();
  for (const unit of units) {
    const attempt = before.then(() => attemptOf(step, session, parts, unit, columns)).catch(() => undefined);
    results.set(unit.path, attempt);
    before = attempt;
  }
  return {
    resultOf: async ({ unit, inspection }) => {
      const attempt = await results.get(unit.path);
      return attempt !== undefined && agrees(attempt.assumed, inspection) ? attempt.result : undefined;
    },
    settle: async () => {
      await before;
    },
  };
}

interface Attempt {
  readonly assumed: Inspection;
  readonly result: ParseResult;
}

/** Undefined when the beginning does not tell how the file is laid out; an error only means that the usual way is gone. */
async function attemptOf(
  step: BronzeStep,
  session: EngineSession,
  { source, context }: { readonly source: Source; readonly context: SourceContext },
  unit: InputUnit,
  columns: readonly Column[],
): Promise<Attempt | undefined> {
  const assumed = await source.peek?.(unit, context, step.run.ledger.dialect(step.node.name));
  if (assumed === undefined) return undefined;
  const accepted: AcceptedUnit = { unit, inspection: assumed, replaces: false };
  const request = await parseRequest(step, [accepted], accepted, columns, `early-${unit.inode}`);
  return { assumed, result: await session.parse(request) };
}

function agrees(assumed: Inspection, found: Inspection): boolean {
  return (
    found.decoded_uri === undefined &&
    JSON.stringify([assumed.dialect, assumed.header, assumed.multiline_records]) ===
      JSON.stringify([found.dialect, found.header, found.multiline_records]) &&
    // What was read exactly without need is right all the same.
    (found.doubtful ?? []).every((name) => assumed.doubtful?.includes(name) === true)
  );
}
