import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** A parameter of a request that is wrong: which one, and what is allowed instead. */
export class ParameterError extends DataflowError {
  readonly parameter: string;
  readonly allowed: string;

  constructor(parameter: string, problem: string, allowed: string) {
    super('E_SERVE_PARAMETER', `${parameter}: ${problem}`, { hint: `Allowed: ${allowed}.` });
    this.parameter = parameter;
    this.allowed = allowed;
  }
}
