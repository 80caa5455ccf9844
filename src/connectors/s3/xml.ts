import { SaxesParser } from 'saxes';

/** An element of an answer: its own text, and its children by name, in order. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface Open {
  name: string;
  text: string;
  children: XmlElement[];
}

/** An answer that is not whole. */
export class CutOff extends Error {}

/** The root of an answer. @throws CutOff when it is not whole, or no XML at all */
export function parseAnswer(xml: string): XmlElement {
  const parser = new SaxesParser();
  const open: Open[] = [{ name: '', text: '', children: [] }];
  parser.on('error', (error) => {
    throw new CutOff(`its answer is cut off, or no XML: ${error.message}`);
  });
  parser.on('opentag', ({ name }) => {
    open.push({ name: name.replace(/^.*:/, ''), text: '', children: [] });
  });
  parser.on('text', (text) => {
    const top = open.at(-1);
    if (top !== undefined) top.text += text;
  });
  parser.on('closetag', () => {
    const done = open.pop();
    if (done !== undefined) open.at(-1)?.children.push(done);
  });
  parser.write(xml).close();
  const root = open[0]?.children[0];
  if (root === undefined) throw new CutOff('its answer is empty');
  return root;
}

/** Text of the first child of that name; empty when there is none. */
export function textOf(element: XmlElement, name: string): string {
  return element.children.find((child) => child.name === name)?.text ?? '';
}

export function allOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

export function escaped(text: string): string {
  return text.replace(/[<>&"'\r\n\t]/g, (c) => `&#${c.charCodeAt(0)};`);
}
