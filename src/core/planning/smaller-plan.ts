/** How a step is done again after the engine ran out of memory. */
export interface SmallerPlan {
  /** Into how many batches the rows are divided; 1: in one piece. */
  readonly batches: number;
  /** `with 1 thread and in 8 batches by id`. */
  readonly words: string;
}
