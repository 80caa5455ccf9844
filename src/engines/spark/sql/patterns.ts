import { Refused } from './refusal.ts';

const REMEDY = 'Use letters, classes, groups, alternatives and repetitions; say the rest in sql.spark.';

/** Characters that mean something in Java's patterns; with a backslash before it each is itself. */
const META = /[\\^$.|?*+()[\]{}&#~-]/;
const ESCAPED = /[\\^$.|?*+()[\]{}\-/&#~:;,@!%'"<>=_ ]/;
const SHORT: Readonly<Record<string, string>> = {
  d: '0-9',
  w: '0-9A-Za-z_',
  s: '\\t\\n\\f\\r ',
};
const LETTER_ESCAPES: Readonly<Record<string, string>> = { n: '\\n', t: '\\t', r: '\\r', f: '\\f' };

/**
 * A regular expression of DuckDB (RE2) as Java reads it: what both know is spelled so that it means the same (`.` and `\s` know other line ends in Java, `$` matches before a last
 * line end). @throws Refused for everything else.
 */
export function javaPattern(pattern: string): string {
  return new Pattern(pattern).all();
}

class Pattern {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#chars = [...pattern];
  }

  all(): string {
    let out = '';
    while (this.#at < this.#chars.length) out += this.#item();
    return out;
  }

  #item(): string {
    const one = this.#take();
    switch (one) {
      case '(':
        return this.#group();
      case ')':
      case '|':
      case '^':
        return one;
      case '$':
        return '\\z';
      case '.':
        return `[^\\n]${this.#repeat()}`;
      case '[':
        return `${this.#class()}${this.#repeat()}`;
      case '\\':
        return `${this.#escape()}${this.#repeat()}`;
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        return this.#strayed(one);
      default:
        return `${literal(one)}${this.#repeat()}`;
    }
  }

  #group(): string {
    if (this.#peek() !== '?') return '(';
    this.#take();
    if (this.#take() !== ':') throw refused('(?…');
    return '(?:';
  }

  /** A quantifier after a group comes by itself. */
  #strayed(one: string): string {
    if (this.#chars[this.#at - 2] !== ')') throw refused(one);
    this.#at--;
    return this.#repeat();
  }

  #repeat(): string {
    const one = this.#peek();
    let found = '';
    if (one === '*' || one === '+' || one === '?') found = this.#take();
    else if (one === '{') {
      const rest = this.#chars.slice(this.#at).join('');
      const [bounds] = /^\{\d{1,3}(?:,\d{0,3})?\}/.exec(rest) ?? [];
      if (bounds === undefined) throw refused('{');
      this.#at += bounds.length;
      found = bounds;
    }
    if (found === '') return '';
    const lazy = this.#peek() === '?' ? this.#take() : '';
    const next = this.#peek();
    if (next === '*' || next === '+' || next === '?' || next === '{') throw refused(`${found}${lazy}${next}`);
    return `${found}${lazy}`;
  }

  #escape(): string {
    const one = this.#take();
    const short = SHORT[one];
    if (short !== undefined) return `[${short}]`;
    const not = one === one.toUpperCase() ? SHORT[one.toLowerCase()] : undefined;
    if (not !== undefined) return `[^${not}]`;
    const letter = LETTER_ESCAPES[one];
    if (letter !== undefined) return letter;
    if (one === 'z') return '\\z';
    if (one === 'A') return '\\A';
    if (ESCAPED.test(one)) return literal(one);
    throw refused(`\\${one}`);
  }

  #class(): string {
    let out = this.#peek() === '^' ? `[${this.#take()}` : '[';
    if (this.#peek() === ']') throw refused('[]');
    for (let one = this.#take(); one !== ']'; one = this.#take()) out += this.#member(one, /[[^]$/.test(out));
    return `${out}]`;
  }

  /** A member of a class; a minus is one at either end. */
  #member(one: string, first: boolean): string {
    if (one === '') throw refused('[');
    if (one === '[' && this.#peek() === ':') throw refused('[:');
    if (one === '\\') return this.#classEscape();
    if (one === '-' && !first && this.#peek() !== ']') return '-';
    return literal(one);
  }

  #classEscape(): string {
    const one = this.#take();
    const known = SHORT[one] ?? LETTER_ESCAPES[one];
    if (known !== undefined) return known;
    if (ESCAPED.test(one)) return literal(one);
    throw refused(`\\${one}`);
  }

  #peek(): string {
    return this.#chars[this.#at] ?? '';
  }

  #take(): string {
    return this.#chars[this.#at++] ?? '';
  }
}

function literal(one: string): string {
  return META.test(one) ? `\\${one}` : one;
}

function refused(what: string): Refused {
  return new Refused(`${what} in a regular expression`, REMEDY);
}

/** A replacement text: `\1` is Java's `$1`, and what Java takes for more than itself is escaped. */
export function javaReplacement(text: string): string {
  return text.replaceAll(/\\(\d)(\d?)|\\\\|[\\$]/g, (found, group: string | undefined, digit: string) => {
    // A digit that follows would belong to the number of the group.
    if (group !== undefined) return digit === '' ? `$${group}` : `$${group}\\${digit}`;
    if (found === '\\') throw new Refused('a single backslash in a replacement');
    return found === '$' ? '\\$' : '\\\\';
  });
}
