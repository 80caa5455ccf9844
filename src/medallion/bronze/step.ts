import type { Node } from '../../core/planning/graph.ts';
import type { StepContext } from '../context.ts';

/** A step that takes in one source. */
export type BronzeNode = Extract<Node, { layer: 'bronze' }>;

/** `anew`: every file is loaded again and the table replaced, because the columns changed and that was asked for. */
export type BronzeStep = StepContext<BronzeNode> & { readonly anew?: boolean };
