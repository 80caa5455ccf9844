import { constantOf, type SyntaxNode } from '../../../core/lineage/syntax.ts';
import { renderType, type TypeNode } from '../../../core/types/type-text.ts';
import { cast } from './casts.ts';
import { Refused } from './refusal.ts';
import { type Family, familyOf, type Sql } from './types.ts';

/** One use of a function. */
export class Call {
  readonly name: string;
  readonly args: readonly Sql[];
  readonly nodes: readonly SyntaxNode[];
  /** What DuckDB makes of it. */
  readonly type: TypeNode;
  /** What follows each aggregate in the text: ` FILTER (WHERE …)`, ` OVER (…)` or nothing. */
  readonly suffix: string;
  /** `DISTINCT ` of an aggregate, or nothing. */
  readonly distinct: string;

  constructor(parts: {
    readonly name: string;
    readonly args: readonly Sql[];
    readonly nodes: readonly SyntaxNode[];
    readonly type: TypeNode;
    readonly suffix?: string;
    readonly distinct?: boolean;
  }) {
    this.name = parts.name;
    this.args = parts.args;
    this.nodes = parts.nodes;
    this.type = parts.type;
    this.suffix = parts.suffix ?? '';
    this.distinct = parts.distinct === true ? 'DISTINCT ' : '';
  }

  /** @throws Refused when there are fewer arguments than that, too. */
  arg(index: number): Sql {
    const arg = this.args[index];
    if (arg === undefined) throw this.refused('with so few arguments');
    return arg;
  }

  family(index: number): Family {
    return familyOf(this.arg(index).type);
  }

  /** The argument, which must be of one of these families. */
  of(index: number, ...families: readonly Family[]): string {
    const arg = this.arg(index);
    if (!families.includes(familyOf(arg.type))) throw this.refused(`of ${renderType(arg.type)}`);
    return arg.text;
  }

  /** The argument as another type, as DuckDB casts it unasked. */
  as(index: number, type: TypeNode): string {
    return cast(this.arg(index), type).text;
  }

  /** @throws Refused for more arguments than the list knows of. */
  count(...numbers: readonly number[]): number {
    if (!numbers.includes(this.args.length)) throw this.refused(`with ${this.args.length} arguments`);
    return this.args.length;
  }

  /** The constant text of an argument. */
  text(index: number): string {
    const value = constantOf(this.nodes[index]);
    if (typeof value !== 'string' || this.family(index) !== 'text')
      throw this.refused('with a text that is computed', 'Write the text itself in its place.');
    return value;
  }

  /** The constant whole number of an argument, within bounds. */
  whole(index: number, min: number, max = 2_147_483_647): number {
    const value = constantOf(this.nodes[index]);
    if (typeof value !== 'number' || this.family(index) !== 'whole')
      throw this.refused('with a number that is computed', 'Write the number itself in its place.');
    if (value < min || value > max) throw this.refused(`with ${value}`);
    return value;
  }

  refused(how: string, remedy?: string): Refused {
    return new Refused(`${this.name}() ${how}`, remedy);
  }
}

/** How one function is put into Spark's dialect: an expression of the type that corresponds to {@link Call.type}. */
export type Rule = (call: Call) => string;
export type Rules = Readonly<Record<string, Rule>>;
