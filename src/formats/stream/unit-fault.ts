import type { UnitProblem } from '../../core/ports/source.ts';

/** Ends an inspection early: the unit as a whole cannot be taken. Never leaves this room; it becomes `Inspection.problem`. */
export class UnitFault extends Error {
  readonly problem: UnitProblem;

  constructor(rule: string, reason: string, at: { readonly line?: number; readonly byte_offset?: number } = {}) {
    super(reason);
    this.name = 'UnitFault';
    // What a damaged file holds may stand in the reason; no engine takes a NUL.
    this.problem = { rule, reason: reason.replaceAll('\0', '\\0'), ...at };
  }
}
