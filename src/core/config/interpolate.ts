import { urlPassword } from '../../kit/redact.ts';
import type { DataflowError } from '../errors/dataflow-error.ts';
import { type ConfigTree, isContainer, type Path, type ProblemOptions, problemAt } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;
const LITERAL = '$${';
const SYNTAX_HINT = 'Write ${NAME}, ${NAME:-default}, or $${ for a literal ${.';
/** Variables whose name says that their value must not be shown. */
const SECRET_NAME = /SECRET|TOKEN|PASS(WORD|WD|PHRASE)?|CREDENTIAL|(^|_)KEY($|_)|API_?KEY|PRIVATE/i;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every text value of the tree, in place; `$${` is a literal `${`. Keys are left alone and
 * what a variable holds is not looked at again. A variable that is unset (or, with a default, empty) never becomes an
 * empty text by accident: it takes the default, or is a problem.
 * @param writtenOut told of each URL whose password stands in the configuration itself.
 * @returns values that must be masked wherever text is shown.
 */
export function interpolate(
  tree: ConfigTree,
  env: Environment,
  problems: DataflowError[],
  writtenOut: (at: Path) => void = () => undefined,
): readonly string[] {
  const secrets = new Set<string>();
  const visit = (container: object, path: readonly (string | number)[]): void => {
    for (const [key, value] of Object.entries(container)) {
      const here = [...path, Array.isArray(container) ? Number(key) : key];
      if (isContainer(value)) visit(value, here);
      else if (typeof value === 'string') setText(tree, container, key, value, replaced(value, here));
    }
  };
  const replaced = (text: string, path: readonly (string | number)[]): string => {
    const result = !text.includes('${')
      ? text
      : text.replace(REFERENCE, (whole, inner?: string) => {
          const found = resolved(whole, inner, env);
          if (found.problem !== undefined) problems.push(problemAt(tree, path, found.problem, found.details));
          if (found.secret === true) secrets.add(found.text);
          return found.text;
        });
    const password = urlPassword(result);
    if (password !== undefined) secrets.add(password);
    if (password !== undefined && password === urlPassword(text) && !password.includes('${')) writtenOut(path);
    return result;
  };
  visit(tree.root, []);
  return [...secrets];
}

function setText(tree: ConfigTree, container: object, key: string, before: string, after: string): void {
  if (before === after) return;
  (container as Record<string, unknown>)[key] = after;
  const mark = tree.marks.get(container)?.get(key);
  if (mark !== undefined) mark.interpolated = true;
}

/** What stands for one reference. With a problem the text stays as it is, so that it causes no second one. */
interface Resolved {
  readonly text: string;
  readonly secret?: boolean;
  readonly problem?: string;
  readonly details?: ProblemOptions;
}

function resolved(whole: string, inner: string | undefined, env: Environment): Resolved {
  if (whole === LITERAL) return { text: '${' };
  const [, name, fallback] = NAME.exec(inner ?? '') ?? [];
  if (name === undefined) return { text: whole, problem: `${whole} is not a variable`, details: { hint: SYNTAX_HINT } };
  const value = env[name];
  if (value !== undefined && (value !== '' || fallback === undefined))
    return { text: value, secret: SECRET_NAME.test(name) };
  if (fallback !== undefined) return { text: fallback };
  const hint = `Set it (export ${name}=…), or give a default with \${${name}:-default}.`;
  return {
    text: whole,
    problem: `the environment variable ${name} is not set`,
    details: { code: 'E_SECRET_UNSET', hint },
  };
}
