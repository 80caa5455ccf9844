import { type Destination, destinationName } from '../../core/model/destination.ts';
import type { BackwardTrace, ForwardTrace, TracedFate, TracedFile, TraceLevel } from '../../core/model/trace.ts';
import { cellWidth, cutToWidth, escapeControls } from '../../kit/terminal-text.ts';
import { plainText } from '../table.ts';
import { type Branch, drawTree } from './tree.ts';

/** A trace that leads back, for people: a tree of tables down to the files. */
export function backwardText(trace: BackwardTrace, width: number, ascii: boolean): readonly string[] {
  const [first] = trace.levels;
  if (first === undefined || first.rows === 0) {
    const which = trace.where === null ? 'has no rows' : `has no row where ${trace.where}`;
    return [escapeControls(`${trace.table} version ${trace.version} ${which}`)];
  }
  const seen = new Set<string>();
  const lines = drawTree(levelBranch(trace, first, seen), ascii);
  return [...cut(lines, width), ...fileLines(trace.files), ...wrapped(remarks(trace.levels), width)];
}

function levelBranch(trace: BackwardTrace, level: TraceLevel, seen: Set<string>): Branch {
  const label = `${level.table}  version ${level.version}, ${countText(level)}`;
  if (seen.has(level.table)) return { label: `${level.table} (above)`, below: [] };
  seen.add(level.table);
  const sample = samples(level);
  const next = level.next.flatMap((name) => {
    const other = trace.levels.find((one) => one.table === name);
    return other === undefined ? [] : [levelBranch(trace, other, seen)];
  });
  const files = trace.files
    .filter((file) => `bronze.${file.source}` === level.table)
    .map((file) => fileBranch(file, sample.length > 0));
  return { label, below: [...sample, ...files, ...next] };
}

function countText({ rows, sure_rows }: Pick<TraceLevel, 'rows' | 'sure_rows'>): string {
  if (rows === sure_rows) return rowsText(rows);
  if (sure_rows === 0) return `at most ${rowsText(rows)}`;
  return `${rowsText(sure_rows)}, at most ${rows - sure_rows} more`;
}

function rowsText(rows: number): string {
  return rows === 1 ? '1 row' : `${rows} rows`;
}

function samples(level: TraceLevel): readonly Branch[] {
  const lines = level.sample.map((row) => ({
    label: Object.entries(row)
      .filter(([name]) => name !== '_file')
      .map(([name, value]) => `${name}=${value === null ? 'NULL' : plainText(value)}`)
      .join(' '),
    below: [],
  }));
  const more = level.rows - lines.length;
  return more > 0 && lines.length > 0 ? [...lines, { label: `… ${more} more`, below: [] }] : lines;
}

function fileBranch(file: TracedFile, with_lines: boolean): Branch {
  const lines = with_lines ? linesOf(file) : [];
  return { label: `${file.path}  ${countText(file)}`, below: lines.map((label) => ({ label, below: [] })) };
}

function linesOf({ lines, rows }: TracedFile): readonly string[] {
  if (lines.length === 0) return rows === 0 ? [] : ['the lines are not known: a record may span several'];
  return [`${rows === 1 ? 'line' : 'lines'} ${lines.join(', ')}${rows > lines.length ? ', …' : ''}`];
}

/** A hash is as long as a line: it stands below the tree. */
function fileLines(files: readonly TracedFile[]): readonly string[] {
  const known = files.filter((file) => file.sha256 !== '');
  return known.length === 0 ? [] : ['', ...known.flatMap((file) => [`${file.path}  sha256`, `  ${file.sha256}`])];
}

function remarks(levels: readonly TraceLevel[]): readonly string[] {
  const said = levels.flatMap((level) => [
    ...(level.at_most.length > 0 && level.rows > level.sure_rows
      ? [`${level.table}: at most these rows: ${level.at_most.join('; ')}`]
      : []),
    ...level.notes.map((note) => `${level.table}: ${note}`),
  ]);
  return said.length === 0 ? [] : ['', ...said];
}

/** A trace that leads forward, for people. */
export function forwardText(trace: ForwardTrace, width: number, ascii: boolean): readonly string[] {
  const { file, line } = trace;
  const lines = [`${file.path}${line === null ? '' : `:${line.number}`}  ${fileWords(file)}`];
  if (file.sha256 !== '') lines.push(`sha256 ${file.sha256}`);
  if (file.state === 'loaded' || file.state === 'duplicate') {
    lines.push(
      `run ${file.run_id ?? '?'}, bronze version ${file.bronze_version ?? '?'}, ${rowsText(file.records ?? 0)}, ${file.rejected ?? 0} rejected`,
    );
  }
  if (line?.state === 'record' && line.detail !== null) lines.push('', `line ${line.number}: ${line.detail}`);
  if (line !== null && line.state !== 'record') lines.push('', `line ${line.number}: ${lineWords(line)}`);
  const [bronze] = trace.levels;
  if (bronze !== undefined) {
    const seen = new Set<string>();
    lines.push('', ...drawTree(forwardBranch(trace, bronze, seen), ascii));
    return [...cut(lines, width), ...wrapped([...remarks(trace.levels), '', ...reachWords(trace)], width)];
  }
  return wrapped(lines, width);
}

function forwardBranch(trace: ForwardTrace, level: TraceLevel, seen: Set<string>): Branch {
  if (seen.has(level.table)) return { label: `${level.table} (above)`, below: [] };
  seen.add(level.table);
  const next = level.next.flatMap((name) => {
    const other = trace.levels.find((one) => one.table === name);
    return other === undefined ? [] : [forwardBranch(trace, other, seen)];
  });
  const fates = level.table.startsWith('bronze.')
    ? trace.fates.filter((fate) => fate.fate !== 'kept' && !fate.table.startsWith('gold.')).map(fateBranch)
    : [];
  return {
    label: `${level.table}  version ${level.version}, ${countText(level)}`,
    below: [...samples(level), ...fates, ...next],
  };
}

/** What became of rows, and below it why: reasons are long. */
function fateBranch(fate: TracedFate): Branch {
  const below = fateReasons(fate).map((label) => ({ label, below: [] }));
  return { label: `${fate.table}: ${rowsText(fate.rows)} ${fateWords(fate)}`, below };
}

function fateWords(fate: TracedFate): string {
  switch (fate.fate) {
    case 'quarantined':
      return `quarantined by ${fate.rule ?? 'a rule'}`;
    case 'discarded':
      return 'discarded from quarantine';
    case 'filtered':
      return 'filtered out by where';
    case 'not_read_yet':
      return 'not read yet; next: dataflow run';
    default:
      return fate.fate;
  }
}

function fateReasons({ fate, reason, instead, rows, quarantine_id }: TracedFate): readonly string[] {
  const first = rows > 1 ? 'the first: ' : '';
  const place = instead === null ? '' : `${instead.file}${instead.line === null ? '' : `:${instead.line}`}`;
  return [
    ...(fate === 'quarantined' && reason !== null ? [`${first}${reason}`] : []),
    ...(quarantine_id === null ? [] : [`quarantine id ${quarantine_id}`]),
    ...(place === '' ? [] : [`${first}${place} was kept instead`]),
  ];
}

function fileWords(file: ForwardTrace['file']): string {
  switch (file.state) {
    case 'loaded':
      return `loaded by source ${file.source ?? ''}`;
    case 'duplicate':
      return file.same_as === null ? (file.reason ?? 'loaded') : `same bytes as ${file.same_as}, whose rows are shown`;
    case 'quarantined':
      return `quarantined as a whole${file.rule === null ? '' : ` (${file.rule})`}: ${file.reason ?? ''}`;
    case 'removed':
      return 'removed: it was gone, and its rows left the table (on_missing: delete)';
    case 'undone':
      return 'undone: its rows left the lake; dataflow run --redo takes it again';
    default:
      return `unknown: ${file.reason ?? ''}`;
  }
}

function lineWords(line: NonNullable<ForwardTrace['line']>): string {
  const detail = line.detail ?? '';
  if (line.state === 'rejected') return `quarantined while it was read, ${detail}`;
  if (line.state === 'beyond_end') return `no record: ${detail}`;
  if (line.state === 'before_records') return `no record: ${detail}`;
  return detail;
}

function reachWords(trace: ForwardTrace): readonly string[] {
  const late = trace.fates.filter((fate) => fate.table.startsWith('gold.') && fate.fate === 'not_read_yet');
  const [newest] = trace.releases;
  return [
    ...late.map((fate) => `${fate.table} was built before; next: dataflow run`),
    newest === undefined
      ? 'releases: none has it yet'
      : `releases: ${trace.releases.length}, the newest ${newest.release_id}`,
    ...(trace.destinations.length === 0 ? ['destinations: none of these tables goes anywhere'] : []),
    ...trace.destinations.map((one) => destinationWords(one, trace.levels)),
  ];
}

/** A destination holds versions of its table: an older one than the rows have been in for so long has not got them. */
function destinationWords(destination: Destination, levels: ForwardTrace['levels']): string {
  const { table, version } = destination;
  const to = `destination: ${destinationName(destination)} of ${table}`;
  if (version === null) return `${to}: nothing is out yet`;
  const reached = levels.find((level) => level.table === table)?.version ?? version;
  return version >= reached
    ? `${to}: version ${version} is out`
    : `${to}: version ${version} is out, this is ${reached}`;
}

/** Lines of a tree are cut: the whole is in the JSON. */
function cut(lines: readonly string[], width: number): readonly string[] {
  return lines.map((line) => cutToWidth(escapeControls(line), width));
}

/** Sentences go on in the next line, indented. */
function wrapped(lines: readonly string[], width: number): readonly string[] {
  return lines.flatMap((line) => {
    const out: string[] = [];
    let rest = escapeControls(line);
    while (cellWidth(rest) > width) {
      const space = rest.lastIndexOf(' ', width);
      if (space <= 2) break;
      out.push(rest.slice(0, space));
      rest = `  ${rest.slice(space + 1)}`;
    }
    return [...out, rest];
  });
}
