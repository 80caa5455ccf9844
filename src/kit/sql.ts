/** An SQL identifier in double quotes; throws on NUL, which no engine accepts. */
export function quoteIdent(name: string): string {
  if (name.includes('\0')) throw new TypeError('an SQL name cannot contain NUL');
  return `"${name.replaceAll('"', '""')}"`;
}

/** An SQL text literal in single quotes; throws on NUL, which no engine accepts. */
export function quoteText(value: string): string {
  if (value.includes('\0')) throw new TypeError('an SQL text cannot contain NUL');
  return `'${value.replaceAll("'", "''")}'`;
}
