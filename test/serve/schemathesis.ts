import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PYTHON } from '../soak/lake-reader.ts';

/** The program, where a Python with it is there. */
export const SCHEMATHESIS = ((): string | undefined => {
  const program = PYTHON === undefined ? '' : join(dirname(PYTHON), 'st');
  return existsSync(program) ? program : undefined;
})();

/** What is said of a test that cannot be: empty where it can. */
export const NO_SCHEMATHESIS =
  SCHEMATHESIS === undefined ? ' — skipped: DATAFLOW_PYTHON names none with schemathesis' : '';

/**
 * What requests may come to. That requests of the described form are all taken is not among them: a cursor is none that was given out, whatever its
 * description says.
 */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'negative_data_rejection',
  'unsupported_method',
];

/** Asks every endpoint that `/openapi.json` describes, rightly and wrongly, the same at every time. */
export async function schemathesis(
  url: string,
  seconds_max: number,
): Promise<{ readonly status: number | null; readonly text: string }> {
  const words = [
    `--checks=${CHECKS.join(',')}`,
    `--max-time=${seconds_max}`,
    // Its answer does not end, and is held against its description by a test of its own.
    '--exclude-path=/api/v1/events',
    '--phases=coverage,fuzzing',
    '--max-examples=3',
    '--seed=1',
  ];
  const program = spawn(SCHEMATHESIS ?? '', ['run', `${url}/openapi.json`, ...words, '--continue-on-failure'], {
    // It keeps what it met below the working folder.
    cwd: mkdtempSync(join(tmpdir(), 'dataflow-asked-')),
    env: { ...process.env, NO_COLOR: '1' },
  });
  let text = '';
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (piece: Buffer) => (text += piece.toString()));
  const status = await new Promise<number | null>((done) => program.once('close', done));
  return { status, text };
}
