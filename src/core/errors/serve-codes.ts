import { entry } from './entry.ts';

/** What `serve`, its answers and monitoring say. */
export const SERVE_CODES = {
  E_SERVE_OPEN: entry(
    'The server would be open to everybody',
    'Give `serve.tokens` or `serve.jwt`, or listen at 127.0.0.1.',
    2,
  ),
  E_SERVE_ADDRESS: entry('The server cannot listen there', 'Take another port with --port, or end who has it.', 1),
  E_SERVE_PARAMETER: entry(
    'A parameter of a request is wrong',
    'Give what is allowed instead; /docs lists all parameters.',
    2,
  ),
  E_SERVE_UNKNOWN: entry('Nothing is served there', 'See /docs for what is.', 2),
  E_SERVE_METHOD: entry('Only reading is served', 'Ask with GET or HEAD.', 2),
  E_SERVE_TOKEN: entry('A request without a valid token', 'Send `Authorization: Bearer TOKEN`.', 2),
  E_SERVE_KEYS: entry(
    'Keys of signed tokens cannot be had',
    'Ask again soon; the log of the server says why.',
    5,
    true,
  ),
  E_SERVE_SCOPE: entry('A token does not allow this table', 'Ask whoever runs the server for a token that does.', 2),
  E_SERVE_OPERATOR: entry(
    'Only an operator may do this',
    'Ask with a token that has `operator: true` in `serve.tokens`.',
    2,
  ),
  E_SERVE_STATE: entry('This cannot be done as things stand', 'Look again how the run or the table stands now.', 1),
  E_SERVE_ORIGIN: entry(
    'A request came under a name, or from a page, that is not allowed',
    'Add the name to `serve.hosts`, or the page to `serve.cors`.',
    2,
  ),
  E_SERVE_BUSY: entry('The server has more to do than it takes', 'Ask again after the time in Retry-After.', 5, true),
  E_SERVE_TIME: entry('An answer took too long, or is too long', 'Ask for less, with filters or a smaller limit.', 1),
  E_SERVE_GONE: entry('A release is not kept any more', 'Ask without as_of, or begin the walk again.', 1),
  E_SERVE_STORE: entry(
    'The destination that is served cannot answer',
    'Ask again soon; `dataflow load status` says how the destination stands.',
    5,
    true,
  ),
  // numbers for monitoring
  E_METRICS_FILE: entry(
    'The file of metrics cannot be written',
    'Check that its folder exists and may be written to.',
    1,
  ),
  E_ALERT: entry(
    'An alert could not be told',
    'Check the address or the command with `dataflow alerts test`.',
    5,
    true,
  ),
  E_LINEAGE_SEND: entry(
    'Events of a run could not be delivered',
    'Check `openlineage`, or the OPENLINEAGE_* variables; then: dataflow lineage --openlineage --send',
    5,
    true,
  ),
  E_METRICS_PUSH: entry(
    'Metrics cannot be pushed',
    'Check `metrics.otlp`, or the OTEL_EXPORTER_OTLP_* variables.',
    5,
    true,
  ),
} as const;
