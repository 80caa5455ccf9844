import type { Project } from '../../../core/model/project.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import type { Rooms } from '../../rooms.ts';

/** A project that the doctor looks at. */
export interface Examined {
  readonly rooms: Rooms;
  readonly project: Project;
  /** Undefined: there is none yet, or it cannot be opened. */
  readonly ledger: Ledger | undefined;
  readonly signal: AbortSignal;
}
