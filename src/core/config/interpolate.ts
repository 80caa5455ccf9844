import type { DataflowError } from '../errors/dataflow-error.ts';
import { urlPassword } from '../../kit/redact.ts';
import { type ConfigTree, isContainer, problemAt } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;
/** Variables whose name says that their value must not be shown. */
const SECRET_NAME = /SECRET|TOKEN|PASS(WORD|WD|PHRASE)?|CREDENTIAL|(^|_)KEY($|_)|API_?KEY|PRIVATE/i;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every text value of the tree, in place; `$${` is a literal `${`. Keys are left alone and
 * what a variable holds is not looked at again. A variable that is unset (or, with a default, empty) never becomes an
 * empty text by accident: it takes the default, or is a problem.
 * @returns values that must be masked wherever text is shown.
 */
export function interpolate(tree: ConfigTree, env: Environment, problems: DataflowError[]): readonly string[] {
  const secrets = new Set<string>();
  const visit = (container: object, path: readonly (string | number)[]): void => {
    for (const [key, value] of Object.entries(container)) {
      const here = [...path, Array.isArray(container) ? Number(key) : key];
      if (isContainer(value)) visit(value, here);
      else if (typeof value === 'string') {
        const text = value.includes('${') ? replaced(value, here) : value;
        const password = urlPassword(text);
        if (password !== undefined) secrets.add(password);
        if (text === value) continue;
        (container as Record<string, unknown>)[key] = text;
        const mark = tree.marks.get(container)?.get(key);
        if (mark !== undefined) mark.interpolated = true;
      }
    }
  };
  const replaced = (text: string, path: readonly (string | number)[]): string =>
    text.replace(REFERENCE, (whole: string, inner: string | undefined) => {
      if (whole === '$${') return '${';
      const [, name, fallback] = NAME.exec(inner ?? '') ?? [];
      if (name === undefined) {
        problems.push(problemAt(tree, path, `${whole} is not a variable`, { hint: 'Write ${NAME}, ${NAME:-default}, or $${ for a literal ${.' }));
        return whole;
      }
      const value = env[name];
      if (value === undefined || (value === '' && fallback !== undefined)) {
        if (fallback !== undefined) return fallback;
        const hint = `Set it (export ${name}=…), or give a default with \${${name}:-default}.`;
        problems.push(problemAt(tree, path, `the environment variable ${name} is not set`, { code: 'E_SECRET_UNSET', hint }));
        return whole;
      }
      if (SECRET_NAME.test(name)) secrets.add(value);
      return value;
    });
  visit(tree.root, []);
  return [...secrets];
}
