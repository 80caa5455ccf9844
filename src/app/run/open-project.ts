import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { CheckComponent } from '../../core/ports/rule.ts';
import type { Rooms } from '../rooms.ts';
import { emptyLedger } from './empty-ledger.ts';

/** A project opened for work: its tables, its memory, its checks. */
export interface OpenProject {
  readonly project: Project;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly checks: ReadonlyMap<string, CheckComponent>;
  readonly graph: Graph;
}

/** Opens the ledger; a lake with tables but without ledger is refused rather than loaded again (E_LEDGER_MISSING). */
export async function openLedgerFor(rooms: Rooms, project: Project, lake: Lake): Promise<Ledger> {
  try {
    return await rooms.openLedger(project, { create: false });
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_LEDGER_MISSING') throw error;
    if ((await lake.tables()).length > 0) throw error;
    return await rooms.openLedger(project, { create: true });
  }
}

/** The ledger for commands that only look; before the first run it is an empty one, and no file is made. */
export async function ledgerForReading(rooms: Rooms, project: Project, lake: Lake): Promise<Ledger> {
  try {
    return await rooms.openLedger(project, { create: false, read_only: true });
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_LEDGER_MISSING' || (await lake.tables()).length > 0)
      throw error;
    return emptyLedger();
  }
}
