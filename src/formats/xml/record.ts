/** An element that is being read. */
export interface Element {
  readonly members: Map<string, string[]>;
  text: string;
}

export function newElement(attributes: Readonly<Record<string, string>>): Element {
  const named = Object.entries(attributes).filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:'));
  return {
    members: new Map(named.map(([name, value]) => [`@${name.slice(name.indexOf(':') + 1)}`, [JSON.stringify(value)]])),
    text: '',
  };
}

export function addMember({ members }: Element, name: string, json: string): void {
  const known = members.get(name);
  if (known === undefined) members.set(name, [json]);
  else known.push(json);
}

/** An element that is a value, as JSON: its text where it has nothing else; an object of attributes (`@name`), elements and `#text` otherwise. */
export function valueJson(element: Element): string {
  return element.members.size === 0 ? textJson(element.text) : objectJson(element);
}

/** An element as an object; members that stand in it several times are arrays. */
export function objectJson({ members, text }: Element): string {
  const parts = [...members].map(
    ([name, values]) => `${JSON.stringify(name)}:${values.length === 1 ? values[0] : `[${values.join(',')}]`}`,
  );
  if (text.trim() !== '') parts.push(`"#text":${JSON.stringify(text.trim())}`);
  return `{${parts.join(',')}}`;
}

function textJson(text: string): string {
  return text.trim() === '' ? 'null' : JSON.stringify(text);
}
