import { child, children, isNode, type SyntaxNode, word } from '../../../core/lineage/syntax.ts';
import type { DialectRequest } from '../../../core/ports/dialect.ts';
import { renderType, type TypeNode } from '../../../core/types/type-text.ts';
import { quoteText } from '../../../kit/sql.ts';
import { Refused } from './refusal.ts';
import { REFUSED_TYPE, typeOf } from './types.ts';

/** Name of the relation of typed nothing that expressions are bound over. */
const TYPED = '_typed';

/** A part of an expression, in its place in the tree. */
export interface Part {
  readonly node: SyntaxNode;
  readonly type: TypeNode;
}

/**
 * What type DuckDB gives an expression: asked of DuckDB itself, over columns of the types of the expression's parts. Its rules (overloads, digits of
 * decimals, literals that fit themselves to their neighbours) are so never written down a second time. The same question is asked once.
 */
export class TypeOracle {
  readonly #session: DialectRequest['session'];
  readonly #known = new Map<string, Promise<TypeNode>>();
  #frame: SyntaxNode | undefined;
  /** A session answers one question at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #left = false;

  constructor(session: DialectRequest['session']) {
    this.#session = session;
  }

  /** @param parts the expression's parts that are no constants, with the types that they were found to have. */
  type(node: SyntaxNode, parts: readonly Part[]): Promise<TypeNode> {
    // What was refused has no type, and nothing that is made of it.
    if (parts.some((part) => part.type === REFUSED_TYPE)) throw new Refused(renderType(REFUSED_TYPE));
    const columns = parts
      .filter((part) => !isWrittenOut(part.node))
      .map((part, index) => ({ ...part, name: `c${index}` }));
    const places = new Map(columns.map(({ node: part, name }): [SyntaxNode, string] => [part, name]));
    const expression = replaced({ ...node, alias: 'x' }, places);
    const types = columns.map(({ type }) => renderType(type));
    const key = JSON.stringify([expression, types]);
    const asked = this.#known.get(key) ?? this.#inTurn(() => this.#ask(expression, types));
    this.#known.set(key, asked);
    return asked;
  }

  /** The type that several values take in one column: what COALESCE gives them. */
  common(values: readonly Part[]): Promise<TypeNode> {
    const node = { class: 'OPERATOR', type: 'OPERATOR_COALESCE', alias: '', query_location: 0 };
    return this.type({ ...node, children: values.map((one) => one.node) }, values);
  }

  /** What a constant is as another type, as DuckDB writes it. @throws Refused for one that cannot be cast. */
  async castConstant(node: SyntaxNode, type: TypeNode): Promise<string> {
    const value = await this.#inTurn(() => this.#one(node, `try_cast(x as ${renderType(type)})`));
    if (value === null) throw new Refused(`a text that is compared with ${renderType(type)}`);
    return value;
  }

  /** What a constant expression gives, as DuckDB writes it; null for NULL. */
  value(node: SyntaxNode): Promise<string | null> {
    return this.#inTurn(() => this.#one(node, 'x'));
  }

  /**
   * No question is asked from now on, and none is under way: parts that were read side by side go on when one of them is refused, and a session that is asked
   * two things at once gives no rows to one of them.
   */
  async leave(): Promise<void> {
    this.#left = true;
    await this.#last;
  }

  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const asked = this.#last.then(() => {
      if (this.#left) throw new Refused('what stands beside a part that is refused');
      return ask();
    });
    this.#last = asked.catch(() => undefined);
    return asked;
  }

  async #one(node: SyntaxNode, expression: string): Promise<string | null> {
    const [row] = await this.#session.rows(
      `select cast(${expression} as varchar) as x from (${await this.#text(node)})`,
    );
    const value = row?.['x'];
    return value === null || value === undefined ? null : String(value);
  }

  async #ask(expression: SyntaxNode, types: readonly string[]): Promise<TypeNode> {
    const columns = types.map((type, index) =>
      type === 'null' ? `null as c${index}` : `cast(null as ${type}) as c${index}`,
    );
    const select = await this.#text(expression);
    const typed = `(select ${['0 as _', ...columns].join(', ')})`;
    const [column] = await this.#session.describe(`${select} from ${typed} as ${TYPED}`);
    return typeOf(column?.type ?? 'null');
  }

  async #text(expression: SyntaxNode): Promise<string> {
    this.#frame ??= (await this.#session.syntaxOf(`select ${quoteText('x')} as x`, { functions: false })).tree;
    const text = await this.#session.sqlOf({ ...this.#frame, select_list: [{ ...expression, alias: 'x' }] });
    return text.replace(/;\s*$/, '');
  }
}

/** Constants and lists of them stay in their places: some functions take nothing else. Doubles do not: they come out of a tree as casts. */
function isWrittenOut(node: SyntaxNode): boolean {
  if (node['class'] === 'CONSTANT') return child(child(node, 'value') ?? {}, 'type')?.['id'] !== 'DOUBLE';
  return word(node, 'function_name') === 'list_value' && children(node, 'children').every(isWrittenOut);
}

/** The tree with other nodes in some places. */
function replaced(node: SyntaxNode, places: ReadonlyMap<SyntaxNode, string>): SyntaxNode {
  const one = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(one);
    if (!isNode(value)) return value;
    const name = places.get(value);
    return name === undefined ? replaced(value, places) : column(name, value);
  };
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'query_location' ? 0 : one(value)]),
  );
}

function column(name: string, instead_of: SyntaxNode): SyntaxNode {
  return {
    class: 'COLUMN_REF',
    type: 'COLUMN_REF',
    alias: instead_of['alias'] ?? '',
    query_location: 0,
    column_names: [name],
  };
}
