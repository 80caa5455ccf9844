import type { Node } from '../../core/planning/graph.ts';
import type { StepContext } from '../context.ts';

/** A step that takes in one source. */
export type BronzeNode = Extract<Node, { layer: 'bronze' }>;

/** A file that was refused as a whole and is to be read again from its place. */
export interface FileReplay {
  readonly file: string;
  readonly decision: number;
  readonly rule: string;
  readonly quarantine_run_id: string;
}

/** `anew`: every file is loaded again and the table replaced, because the columns changed and that was asked for. `replays`: files that decisions send again.
 * `lost`: the table was published and is gone, in whole or its last versions. */
export type BronzeStep = StepContext<BronzeNode> & {
  readonly anew?: boolean;
  readonly lost?: boolean;
  readonly replays?: readonly FileReplay[];
};
