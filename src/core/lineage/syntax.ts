/** A node of the engine's parse tree. Its content is the engine's business; only the fields that lineage needs are looked at. */
export type SyntaxNode = Readonly<Record<string, unknown>>;

/** One SELECT as the engine parses it, unbound: names are as they were written. */
export interface QuerySyntax {
  /** The tree of the statement. */
  readonly tree: SyntaxNode;
  /** Names of the functions that make one value of many rows, in lower case. */
  readonly aggregates: ReadonlySet<string>;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The child under `key`, if there is one. */
export function child(node: SyntaxNode, key: string): SyntaxNode | undefined {
  const value = node[key];
  return isNode(value) ? value : undefined;
}

/** The child under `key` as a list of one, or of none. */
export function optional(node: SyntaxNode, key: string): readonly SyntaxNode[] {
  const one = child(node, key);
  return one === undefined ? [] : [one];
}

export function children(node: SyntaxNode, key: string): readonly SyntaxNode[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function word(node: SyntaxNode, key: string): string {
  const value = node[key];
  return typeof value === 'string' ? value : '';
}

export function words(node: SyntaxNode, key: string): readonly string[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

/** The value of a constant expression; undefined for anything else. */
export function constantOf(node: SyntaxNode | undefined): unknown {
  return node === undefined || node['class'] !== 'CONSTANT' ? undefined : child(node, 'value')?.['value'];
}

/** The definitions of a WITH, in order. */
export function withOf(node: SyntaxNode): readonly { readonly name: string; readonly value: SyntaxNode }[] {
  const map = child(node, 'cte_map');
  if (map === undefined) return [];
  return children(map, 'map').flatMap((entry) => {
    const value = child(entry, 'value');
    return value === undefined ? [] : [{ name: word(entry, 'key'), value }];
  });
}

/** The nodes directly below: in every field, in lists, and one level into plain holders (`{ key, value }`). Constants' values are data. */
export function below(node: SyntaxNode): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (node['class'] === 'CONSTANT' && key === 'value') continue;
    for (const one of Array.isArray(value) ? value : [value]) if (isNode(one)) found.push(one);
  }
  return found;
}

/** True when the node or anything below it satisfies the test; queries inside are not entered unless `into_queries`. */
export function some(node: SyntaxNode, test: (one: SyntaxNode) => boolean, into_queries = false): boolean {
  if (test(node)) return true;
  if (node['class'] === 'SUBQUERY' && !into_queries) {
    const tested = child(node, 'child');
    return tested !== undefined && some(tested, test);
  }
  return below(node).some((one) => some(one, test, into_queries));
}
