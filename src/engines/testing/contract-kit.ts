import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { Column } from '../../core/model/table.ts';
import {
  type CsvDialect,
  type Engine,
  type EngineSession,
  type ParseRequest,
  type ParseResult,
  REJECT_COLUMNS,
  type Row,
  type SessionOptions,
} from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';

export type MakeEngine = (temp_folder: string) => Promise<Engine>;

export const CSV: CsvDialect = { delimiter: ',', quote: '"', escape: '"', has_header: true, skip_lines: 0 };

const ORIGIN = column('_file', 'varchar');

export function column(name: string, type: string): Column {
  return { name, type, nullable: true };
}

export interface Parsed extends ParseResult {
  readonly good: readonly Row[];
  readonly bad: readonly Row[];
}

/** What the parts of the contract work with: one engine for the suite, folders that vanish after it. */
export interface ContractKit {
  folder(): string;
  file(name: string, content: string | Uint8Array): string;
  session<T>(work: (session: EngineSession) => Promise<T>, options?: Partial<SessionOptions>): Promise<T>;
  /** Parses one text (or several files) and reads back what became of it. */
  parse(
    request: Pick<ParseRequest, 'format' | 'columns'> & Partial<ParseRequest>,
    content?: string | Uint8Array,
  ): Promise<Parsed>;
}

/** To be called inside a `describe`: the engine is made before its tests and closed after them. */
export function contractKit(makeEngine: MakeEngine): ContractKit {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-engine-'));
  let engine: Engine;
  let folders = 0;
  beforeAll(async () => {
    engine = await makeEngine(join(root, 'tmp'));
  });
  afterAll(async () => {
    await engine.close();
    rmSync(root, { recursive: true, force: true });
  });
  const folder = (): string => {
    const path = join(root, `f${++folders}`);
    mkdirSync(path);
    return path;
  };
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder(), name);
    writeFileSync(path, content);
    return path;
  };
  const session: ContractKit['session'] = async (work, options = {}) => {
    const opened = await engine.openSession({ label: 'contract', ...options });
    try {
      return await work(opened);
    } finally {
      await opened.close();
    }
  };
  const parse: ContractKit['parse'] = (request, content) =>
    session(async (open) => {
      const files = request.files ?? [
        { id: 'in/a', uri: file(`a.${request.format}`, content ?? ''), compression: 'none' as const },
      ];
      const columns = [...request.columns, ORIGIN];
      const result = await open.parse({
        dialect: CSV,
        header: request.columns.map(({ name }) => name),
        ...request,
        files,
        target: { folder: folder(), columns },
        reject_folder: folder(),
      });
      await open.bind({ name: 'good', columns, files: result.candidates, with_position: true });
      await open.bind({ name: 'bad', columns: REJECT_COLUMNS, files: result.rejects, with_position: true });
      const names = columns.map(({ name }) => quoteIdent(name)).join(', ');
      return {
        ...result,
        good: await open.rows(`select ${names} from good order by _part, _pos`),
        bad: await open.rows(
          `select ${REJECT_COLUMNS.map(({ name }) => name).join(', ')} from bad order by _part, _pos`,
        ),
      };
    });
  return { folder, file, session, parse };
}
