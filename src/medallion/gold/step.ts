import type { Node } from '../../core/planning/graph.ts';
import type { StepContext } from '../context.ts';

export type GoldNode = Extract<Node, { layer: 'gold' }>;
/** A step that computes one model. */
export type GoldStep = StepContext<GoldNode>;
