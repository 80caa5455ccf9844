import { join } from 'node:path';
import { DataflowError } from '../errors/dataflow-error.ts';
import type { Project } from '../model/project.ts';
import type { Connection } from '../ports/connection.ts';

/** The project, as far as it says where the lake is. */
type LakeProject = Pick<Project, 'lake' | 'connections' | 'root'>;

/** Where a lake lies that is not on this machine. */
export interface FarLakePlace {
  readonly connection: Connection;
  /** Folder below the place that the connection leads to, without `/` at either end. */
  readonly path: string;
}

/** What the host of a URL is. */
const HOST = { s3: 'bucket', hdfs: 'cluster' } as const;
/** What a connection to it looks like. */
const SAMPLE = {
  s3: (host: string) => `{ type: s3, endpoint: …, bucket: ${host}, access_key: …, secret_key: … }`,
  hdfs: (host: string) => `{ type: hdfs, url: "http://${host.replace(/:\d+$/, '')}:9870", user: … }`,
} as const;

/** True where the tables are kept by another system (`s3://…`, `hdfs://…`). */
export function isFarLake({ lake }: Pick<LakeProject, 'lake'>): boolean {
  return lake.url.includes('://');
}

/** True where tables of silver and gold are computed on other machines, which then write into the lake themselves. */
export function computesElsewhere({ type }: Project['engine']): boolean {
  return type !== 'duckdb';
}

/** The folder of this machine in which the lake's files are opened: the lake itself, or the local side of one that lies elsewhere. */
export function lakeFolder(project: Pick<LakeProject, 'lake' | 'root'>): string {
  return isFarLake(project) ? join(project.root, '.dataflow') : project.lake.url;
}

/** Local folder of the ledger and of whatever else a run keeps for itself. */
export function stateFolderOf(project: Pick<LakeProject, 'lake' | 'root'>): string {
  return join(lakeFolder(project), '_dataflow');
}

/**
 * Which connection leads to a lake elsewhere, and which folder it is there; undefined for a lake on this machine. The connection is the one that
 * `lake.connection` names, else the only one that leads to the URL's bucket, or to a cluster.
 * @throws DataflowError E_CONFIG_REFERENCE
 */
export function farLakePlace(project: LakeProject): FarLakePlace | undefined {
  const found = /^(s3|hdfs):\/\/([^/?#@]+)(?:\/([^?#]*))?$/i.exec(project.lake.url);
  if (found === null) {
    if (!isFarLake(project)) return undefined;
    throw wrong(`lake.url: expected s3://bucket/folder or hdfs://namenode/folder, not ${project.lake.url}`);
  }
  const type = found[1]?.toLowerCase() === 's3' ? 's3' : 'hdfs';
  const host = found[2] ?? '';
  const path = (found[3] ?? '').split('/').filter((part) => part !== '');
  if (path.some((part) => part === '.' || part === '..')) throw wrong('lake.url: . and .. lead nowhere');
  const name = project.lake.connection ?? chosen(project, type, host);
  const entry = project.connections[name];
  if (entry === undefined) throw wrong(`lake.connection: there is no connection ${name}`);
  if (entry.type !== type || (type === 's3' && bucketOf(entry.options) !== host))
    throw wrong(`lake.connection: ${name} does not lead to the ${HOST[type]} ${host} of lake.url`);
  // The URL tells the folder in full: that of the connection is for mirrors.
  const { path: _, ...options } = entry.options as { readonly path?: unknown };
  return { connection: { name, type, options }, path: path.join('/') };
}

function chosen({ connections }: LakeProject, type: 's3' | 'hdfs', host: string): string {
  const fitting = Object.entries(connections)
    .filter(([, entry]) => entry.type === type && (type === 'hdfs' || bucketOf(entry.options) === host))
    .map(([name]) => name);
  if (fitting.length > 1)
    throw wrong(
      `lake.url: the connections ${fitting.join(' and ')} may lead to ${host}`,
      'Name one by lake.connection.',
    );
  const [only] = fitting;
  if (only === undefined)
    throw wrong(
      `lake.url: no connection leads to the ${HOST[type]} ${host}`,
      `Add one to connections: ${SAMPLE[type](host)}.`,
    );
  return only;
}

function bucketOf(options: unknown): unknown {
  return (options as { readonly bucket?: unknown }).bucket;
}

function wrong(message: string, hint = 'See docs/guide/far-lake.md.'): DataflowError {
  return new DataflowError('E_CONFIG_REFERENCE', message, { hint });
}
