import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { Client } from 'minio';
import SftpClient from 'ssh2-sftp-client';

/** Somebody who puts files into a place, as tests need it, and tells how a project reaches it. */
export interface PlaceKeeper {
  /** The lines of an entry of `connections:` that leads there by this address. */
  connection(address: string): string;
  readonly env: Readonly<Record<string, string>>;
  /** host:port of the server. */
  readonly address: string;
  /** What `path:` of a source begins with. */
  readonly folder: string;
  put(name: string, content: string | Buffer): Promise<void>;
  remove(name: string): Promise<void>;
  /** Everything that was put, and what was made for it. */
  clear(): Promise<void>;
}

/** Objects of a bucket of its own. */
export async function s3Keeper(url: string, bucket: string): Promise<PlaceKeeper> {
  const { hostname, port, username, password } = new URL(url);
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: username,
    secretKey: password,
  });
  await client.makeBucket(bucket);
  const names = new Set<string>();
  return {
    connection: (address) =>
      `{ type: s3, endpoint: "http://${address}", bucket: ${bucket}, access_key: "\${PLACE_USER}", secret_key: "\${PLACE_PASSWORD}" }`,
    env: { PLACE_USER: username, PLACE_PASSWORD: password },
    address: `${hostname}:${port}`,
    folder: '',
    put: async (name, content) => {
      names.add(name);
      await client.putObject(bucket, name, content);
    },
    remove: async (name) => {
      names.delete(name);
      await client.removeObject(bucket, name);
    },
    clear: async () => {
      await client.removeObjects(bucket, [...names]);
      await client.removeBucket(bucket);
    },
  };
}

/** Files below a folder of its own on a server that takes a key. */
export async function sftpKeeper(
  url: string,
  settings: Readonly<Record<string, string>>,
  name: string,
): Promise<PlaceKeeper> {
  const { hostname, port, username, pathname } = new URL(url);
  const key = readFileSync(settings['DATAFLOW_TEST_SFTP_KEY'] ?? '', 'utf8');
  const client = new SftpClient();
  await client.connect({ host: hostname, port: Number(port), username, privateKey: key });
  const folder = `${pathname}/${name}`;
  await client.mkdir(folder);
  return {
    connection: (address) => {
      const [host, at] = address.split(':');
      return `{ type: sftp, host: ${host}, port: ${at}, user: ${username}, private_key: "\${PLACE_KEY}", host_key: "${settings['DATAFLOW_TEST_SFTP_HOST_KEY']}" }`;
    },
    env: { PLACE_KEY: key },
    address: `${hostname}:${port}`,
    folder: `${folder}/`,
    put: async (path, content) => {
      await client.mkdir(`${folder}/${dirname(path)}`, true);
      await client.put(Buffer.from(content), `${folder}/${path}`);
    },
    remove: async (path) => void (await client.delete(`${folder}/${path}`)),
    clear: async () => {
      await client.rmdir(folder, true);
      await client.end();
    },
  };
}

/** A keeper who also tells what is there. */
export interface HdfsKeeper extends PlaceKeeper {
  /** Paths of all files below a folder. */
  list(below: string): Promise<readonly string[]>;
  /** Names of all folders below one. */
  folders(below: string): Promise<readonly string[]>;
  get(name: string): Promise<Buffer>;
}

/** Files below a folder of its own in HDFS. */
export async function hdfsKeeper(url: string, name: string): Promise<HdfsKeeper> {
  const folder = `/${name}`;
  const at = (path: string, operation: string): string =>
    `${url}/webhdfs/v1${folder}/${path.split('/').map(encodeURIComponent).join('/')}?user.name=hdfs&op=${operation}`;
  const done = async (method: string, path: string, operation: string): Promise<void> => {
    const { status, text } = await ask(method, at(path, operation));
    if (status !== 200) throw new Error(`${operation} of ${path}: ${status} ${text}`);
  };
  const entries = async (below: string): Promise<readonly FileStatus[]> => {
    const { status, text } = await ask('GET', at(below, 'LISTSTATUS'));
    if (status === 404) return [];
    if (status !== 200) throw new Error(`LISTSTATUS of ${below}: ${status} ${text}`);
    return (JSON.parse(text) as { FileStatuses: { FileStatus: readonly FileStatus[] } }).FileStatuses.FileStatus;
  };
  const list = async (below: string): Promise<readonly string[]> => {
    const paths = (await entries(below)).map(async ({ pathSuffix, type }) =>
      type === 'DIRECTORY' ? await list(`${below}/${pathSuffix}`) : [`${below}/${pathSuffix}`],
    );
    return (await Promise.all(paths)).flat();
  };
  const folders = async (below: string): Promise<readonly string[]> => {
    const found = (await entries(below)).filter(({ type }) => type === 'DIRECTORY');
    const names = found.map(async ({ pathSuffix: name }) => [name, ...(await folders(`${below}/${name}`))]);
    return (await Promise.all(names)).flat();
  };
  await done('PUT', '', 'MKDIRS');
  return {
    connection: (address) => `{ type: hdfs, url: "http://${address}", user: hdfs }`,
    env: {},
    address: new URL(url).host,
    folder: `${folder}/`,
    put: async (path, content) => {
      const { location } = await ask('PUT', at(path, 'CREATE&overwrite=true'));
      const { status, text } = await ask('PUT', location, content);
      if (status !== 201) throw new Error(`CREATE of ${path}: ${status} ${text}`);
    },
    remove: (path) => done('DELETE', path, 'DELETE'),
    ...{ list, folders },
    get: async (path) => {
      const { location } = await ask('GET', at(path, 'OPEN'));
      const { status, bytes } = await ask('GET', location);
      if (status !== 200) throw new Error(`OPEN of ${path}: ${status} ${bytes.toString()}`);
      return bytes;
    },
    clear: () => done('DELETE', '', 'DELETE&recursive=true'),
  };
}

interface FileStatus {
  readonly pathSuffix: string;
  readonly type: 'FILE' | 'DIRECTORY';
}

/** Not by undici: a DataNode says "100 Continue" unasked when it is written to. */
function ask(
  method: string,
  url: string,
  body: string | Buffer = '',
): Promise<{ readonly status: number; readonly location: string; readonly text: string; readonly bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const { location = '' } = response.headers;
        resolve({ status: response.statusCode ?? 0, location, text: bytes.toString(), bytes });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
