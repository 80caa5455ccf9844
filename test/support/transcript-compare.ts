/**
 * Holds a recorded output against a new one. What differs from run to run (ids, times, durations, sizes) is made the same on both
 * sides; everything else has to be equal, line by line.
 */
const VOLATILE_COLUMNS =
  /^(ms|wall|wall_ms|cpu|cpu_ms|memory|~?size|bytes|read|written|age|since|until|started|finished|created|published|oldest|when|time|at|committed|run|run_id|release|id|.*_(ms|at|bytes|seconds))$/i;
const VOLATILE_MEMBERS = /^(.*_(ms|at|bytes|per_s|per_second|seconds)|money|pid|host|since|size)$/;

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\b127\.0\.0\.1:\d+/g, '127.0.0.1:<port>'],
  [/\bprocess \d+ on .*/g, '<process>'],
  [/\bNode \d\S+ on \w+ \w+/g, '<node>'],
  [/\b\d+ (CPUs?|threads?)\b/g, '<n> $1'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uuid>'],
  [/\b[0-9a-f]{12,64}\b…?/g, '<hash>'],
  [/\b01[0-9a-z]{18,24}\b/g, '<id>'],
  [/\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?(Z|UTC|\+00(:00)?))?/g, '<time>'],
  [/\b\d[\d,.]* (row|message)s?\/s\b/g, '<n> $1s/s'],
  [/\b\d[\d,.]*\s?(ms|s|min|B|KB|MB|GB|KiB|MiB|GiB|TB|CPU-s|rows\/s|messages\/s|MB\/s|GB\/s|%)(?![A-Za-z])/g, '<n> $1'],
  [/\b\d[\d,.]*\s?(seconds?|minutes?|bytes|days? ago|hours? ago)\b/g, '<n> $1'],
];

/** A slow machine gets there when the files have settled already. */
const MAY_BE_MISSING = /^some files were written just now; waiting .* for them to settle$/;

/** @returns one line per difference; empty when the outputs say the same. */
export function differences(expected: readonly string[], actual: readonly string[]): readonly string[] {
  const said = (lines: readonly string[]): readonly Statement[] =>
    statements(lines.filter((line) => !MAY_BE_MISSING.test(line)));
  const [wanted, got] = [said(expected), said(actual)];
  const found: string[] = [];
  for (let at = 0; at < Math.max(wanted.length, got.length); at++) {
    if (wanted[at]?.settled === got[at]?.settled) continue;
    found.push(`- ${wanted[at]?.lines.join('\n  ') ?? '(nothing)'}\n+ ${got[at]?.lines.join('\n  ') ?? '(nothing)'}`);
  }
  return found;
}

/** The lines with everything volatile replaced, and widths that follow from it forgotten. */
export function settled(lines: readonly string[]): readonly string[] {
  return statements(lines).map((one) => one.settled);
}

/** A line of a table or of JSON, or prose with the lines that it goes on in: where it is broken follows from ports and times. */
interface Statement {
  readonly lines: readonly string[];
  readonly settled: string;
}

function statements(lines: readonly string[]): readonly Statement[] {
  const out: Statement[] = [];
  let columns: readonly Column[] | undefined;
  let prose: string[] | undefined;
  for (const [at, line] of lines.entries()) {
    const rule = lines[at + 1];
    let text: string | undefined;
    if (rule !== undefined && isRule(rule)) {
      columns = columnsOf(line, rule);
      text = columns.map((column) => column.title).join(' | ');
    } else if (isRule(line) && columns !== undefined) text = '---';
    else if (columns !== undefined && line.trim() !== '') text = cellsOf(line, columns);
    else columns = undefined;
    if (text === undefined && prose !== undefined && GOES_ON.test(line)) {
      prose.push(line);
      out[out.length - 1] = { lines: prose, settled: plain(prose.map((one) => one.trim()).join(' ')) };
      continue;
    }
    prose = text === undefined && line.trim() !== '' ? [line] : undefined;
    out.push({ lines: [line], settled: text ?? plain(line) });
  }
  return out;
}

/** Indented, and neither JSON nor a branch of a tree. */
const GOES_ON = /^ {2,}[^\s"{}[\]│├└─]/;

interface Column {
  readonly title: string;
  readonly from: number;
  readonly to: number;
}

function isRule(line: string): boolean {
  return /^\s*-{2,}(\s+-+)*\s*$/.test(line);
}

function columnsOf(header: string, rule: string): readonly Column[] {
  const spans = [...rule.matchAll(/-+/g)].map((match) => match.index);
  return spans.map((from, index) => {
    const to = spans[index + 1] ?? Number.POSITIVE_INFINITY;
    return { title: header.slice(from, to).trim(), from, to };
  });
}

function cellsOf(line: string, columns: readonly Column[]): string {
  return columns
    .map(({ title, from, to }) => (VOLATILE_COLUMNS.test(title) ? '*' : plain(line.slice(from, to).trim())))
    .join(' | ');
}

function plain(line: string): string {
  const member = /^(\s*)"(\w+)": (.*?)(,?)$/.exec(line);
  if (member !== null && VOLATILE_MEMBERS.test(member[2] ?? '') && !/^[[{]/.test(member[3] ?? ''))
    return `"${member[2]}": *`;
  let text = line;
  for (const [pattern, word] of WORDS) text = text.replace(pattern, word);
  return text.replace(/[\s─-]+/g, ' ').trim();
}
