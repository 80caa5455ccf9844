/** Lines around a change that a diff shows. */
const CONTEXT_LINES = 3;
/** Longer texts are not compared line by line: the table of the comparison grows with the product of their lengths. */
const LINES_MAX = 2_000;

type Edit = readonly [mark: ' ' | '-' | '+', line: string];

/**
 * A unified diff of two texts without its file heading: hunks that begin with `@@`, lines marked ` `, `-` or `+`. Empty when the texts
 * have the same lines.
 */
export function lineDiff(before: string, after: string): readonly string[] {
  const edits = editsOf(linesOf(before), linesOf(after));
  const shown = edits.map((_, at) =>
    edits.slice(Math.max(0, at - CONTEXT_LINES), at + CONTEXT_LINES + 1).some(([mark]) => mark !== ' '),
  );
  const lines: string[] = [];
  let [old_line, new_line] = [1, 1];
  for (let at = 0; at < edits.length; at++) {
    if (shown[at] === true && shown[at - 1] !== true) {
      const hidden = shown.indexOf(false, at);
      lines.push(heading(edits.slice(at, hidden < 0 ? edits.length : hidden), old_line, new_line));
    }
    const [mark, line] = edits[at] ?? [' ', ''];
    if (shown[at] === true) lines.push(mark + line);
    if (mark !== '+') old_line += 1;
    if (mark !== '-') new_line += 1;
  }
  return lines;
}

/** How many lines of a diff were added and removed. */
export function diffCounts(diff: readonly string[]): { readonly added: number; readonly removed: number } {
  const count = (mark: string): number => diff.filter((line) => line.startsWith(mark)).length;
  return { added: count('+'), removed: count('-') };
}

function heading(hunk: readonly Edit[], old_line: number, new_line: number): string {
  const length = (without: string): number => hunk.filter(([mark]) => mark !== without).length;
  const range = (line: number, lines: number): string => `${lines === 0 ? line - 1 : line},${lines}`;
  return `@@ -${range(old_line, length('+'))} +${range(new_line, length('-'))} @@`;
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
}

/** By a longest common subsequence, after what both texts begin and end with. */
function editsOf(before: readonly string[], after: readonly string[]): readonly Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1;
  const same = (line: string): Edit => [' ', line];
  const middle = middleEdits(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  return [...before.slice(0, head).map(same), ...middle, ...before.slice(before.length - tail).map(same)];
}

function middleEdits(before: readonly string[], after: readonly string[]): readonly Edit[] {
  const edits: Edit[] = [];
  const common = before.length > LINES_MAX || after.length > LINES_MAX ? undefined : commonLengths(before, after);
  const width = after.length + 1;
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old_line, new_line] = [before[i], after[j]];
    if (common !== undefined && old_line !== undefined && old_line === new_line) {
      edits.push([' ', old_line]);
      i += 1;
      j += 1;
    } else if (
      old_line !== undefined &&
      (new_line === undefined ||
        common === undefined ||
        (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))
    ) {
      edits.push(['-', old_line]);
      i += 1;
    } else {
      edits.push(['+', new_line ?? '']);
      j += 1;
    }
  }
  return edits;
}

/** Cell `i * (after.length + 1) + j`: the length of the longest common subsequence of what follows line i and line j. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint16Array {
  const width = after.length + 1;
  const cells = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      cells[i * width + j] =
        before[i] === after[j]
          ? (cells[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(cells[(i + 1) * width + j] ?? 0, cells[i * width + j + 1] ?? 0);
    }
  }
  return cells;
}
