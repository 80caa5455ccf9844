import type { CandidateFile } from '../../core/ports/engine.ts';
import type { AcceptedUnit } from './intake.ts';

/** A unit that cannot be taken although its bytes are sound. */
export interface Unfit {
  readonly accepted: AcceptedUnit;
  readonly rule: string;
  readonly reason: string;
}

export interface Parsed {
  readonly candidates: readonly CandidateFile[];
  readonly rejects: readonly CandidateFile[];
  readonly loaded: readonly { readonly accepted: AcceptedUnit; readonly rows: number; readonly rejected: number }[];
  readonly unfit: readonly Unfit[];
}
