/** A place in a JSON document: member names and array indexes from the top; `$` is the document itself. */
export interface JsonPath {
  readonly text: string;
  readonly steps: readonly (string | number)[];
}

const STEP = /\.([^.[\]\s'"*]+)|\[(\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]/y;

/**
 * Reads the part of JSONPath that names one place: `$`, `$.a.b`, `$['a b']`, `$.items[0]`. A last `[*]` may be written and changes
 * nothing, because an array of records always means its elements.
 * @returns undefined when the text is something else.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const body = text.endsWith('[*]') ? text.slice(0, -3) : text;
  if (!body.startsWith('$')) return undefined;
  const steps: (string | number)[] = [];
  let at = 1;
  while (at < body.length) {
    STEP.lastIndex = at;
    const match = STEP.exec(body);
    if (match === null) return undefined;
    steps.push(match[2] === undefined ? (match[1] ?? match[3] ?? match[4] ?? '') : Number(match[2]));
    at = STEP.lastIndex;
  }
  return { text, steps };
}
