/** A line of the box beside the pointer. */
export interface TipLine {
  readonly color?: string | undefined;
  readonly name: string;
  readonly value: string;
}

/** The box as elements: the page's rules allow no styles within texts, and names of rows must never be read as markup. */
export function tip(title: string, lines: readonly TipLine[]): HTMLElement {
  const box = element('div', 'tip');
  if (title !== '') box.append(element('strong', 'tip-title', title));
  for (const { color, name, value } of lines) {
    const line = element('div', 'tip-line');
    if (color !== undefined) {
      const mark = element('span', 'tip-mark');
      mark.style.background = color;
      line.append(mark);
    }
    line.append(element('span', 'tip-name', name), element('span', 'tip-value', value));
    box.append(line);
  }
  return box;
}

function element(tag: string, name: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}
