/** Where a Spark Connect server is and who asks, out of a connection string. */
export interface ConnectAddress {
  readonly host: string;
  readonly port: number;
  /** `host:port`, for people: without the token. */
  readonly place: string;
  readonly use_ssl: boolean;
  readonly token: string | undefined;
  readonly user_id: string | undefined;
  /** What names the client in the server's log. */
  readonly user_agent: string | undefined;
  /** Other parameters: sent as headers with every call. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A connection string that says what nobody can do; the message repeats none of its values. */
export class UrlProblem extends Error {}

const DEFAULT_PORT = 15_002;
const HEADER = /^[a-z0-9_.-]+$/;
const HERE = /^(localhost|127(\.\d+){3}|::1)$/;

/**
 * Takes a connection string apart as Spark's documentation describes it: `sc://host:port/;token=…;use_ssl=true;user_id=…`.
 * A token needs TLS, unless the server is on this machine.
 * @param own_token kept apart from the string, which then must have none. @throws UrlProblem
 */
export function parseConnectUrl(url: string, own_token?: string): ConnectAddress {
  const [, authority, path = '', parameters = ''] = /^sc:\/\/([^/;?#]+)(\/[^;]*)?(?:;(.*))?$/s.exec(url) ?? [];
  if (authority === undefined) throw new UrlProblem('expected sc://host:port/;token=…;use_ssl=true;user_id=…');
  if (path !== '' && path !== '/') throw new UrlProblem('no path is allowed before the first ";"');
  if (parameters !== '' && path === '') throw new UrlProblem('a "/" is missing before the first ";"');
  const { host, port } = hostAndPort(authority);
  const { token = own_token, use_ssl = 'false', user_id, user_agent, session_id, ...headers } = values(parameters);
  if (!/^(true|false)$/i.test(use_ssl)) throw new UrlProblem('use_ssl is true or false');
  if (session_id !== undefined) throw new UrlProblem('session_id is not for us: every session is a new one');
  const stray = Object.keys(headers).find((name) => !HEADER.test(name));
  if (stray !== undefined) throw new UrlProblem(`${JSON.stringify(stray)} is no name of a parameter or header`);
  if (own_token !== undefined && token !== own_token)
    throw new UrlProblem('there is a token in it and another beside it');
  const address = {
    host,
    port,
    place: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    use_ssl: use_ssl.toLowerCase() === 'true',
    token,
    user_id,
    user_agent,
    headers,
  };
  if (token !== undefined) checkToken(token, address);
  return address;
}

/** A token is never sent in clear over a network. */
function checkToken(token: string, { host, use_ssl }: Pick<ConnectAddress, 'host' | 'use_ssl'>): void {
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UrlProblem('a token is one word of plain characters');
  if (!use_ssl && !HERE.test(host))
    throw new UrlProblem('a token needs use_ssl=true: it would go in clear over the network');
}

function hostAndPort(authority: string): { readonly host: string; readonly port: number } {
  const [, six, name, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@\s]+))(?::(\d+))?$/i.exec(authority) ?? [];
  const host = six ?? name;
  if (host === undefined) throw new UrlProblem('expected host or host:port after sc://');
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (port < 1 || port > 65_535) throw new UrlProblem('the port is a number from 1 to 65535');
  return { host, port };
}

function values(parameters: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const part of parameters.split(';').filter((one) => one !== '')) {
    const at = part.indexOf('=');
    const name = part.slice(0, at);
    if (at < 1) throw new UrlProblem('each parameter is name=value');
    if (Object.hasOwn(found, name)) throw new UrlProblem(`${name} is there twice`);
    try {
      found[name] = decodeURIComponent(part.slice(at + 1));
    } catch {
      throw new UrlProblem(`the value of ${name} has a "%" that is no code`);
    }
  }
  return found;
}
