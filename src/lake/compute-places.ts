import { open, readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Project } from '../core/model/project.ts';
import { lakeFolder } from '../core/planning/lake-place.ts';
import type { ComputePlaces, WrittenFile } from '../core/ports/engine-component.ts';
import type { FarLake } from './far/open-far-lake.ts';

/** Few and small requests, each with a limit of its own. */
const NEVER = new AbortController().signal;

/** The lake as an engine on other machines sees it. */
export function computePlaces(
  project: Pick<Project, 'lake' | 'root'>,
  far: FarLake | undefined,
): Pick<ComputePlaces, 'addressOf' | 'hashes' | 'scratchOf' | 'filesBelow' | 'readRange' | 'remove'> {
  const folder = lakeFolder(project);
  // One folder, not one in another: what it lies in would stay behind where empty folders are listed by nobody.
  const scratchOf: ComputePlaces['scratchOf'] = (label, name) =>
    join(folder, '_dataflow', 'tmp', `${(label.split('/')[0] ?? '').replaceAll(/[^\w-]/g, '_')}.spark-${name}`);
  if (far === undefined)
    return {
      hashes: false,
      addressOf: (uri) => `file://${uri}`,
      scratchOf,
      filesBelow: filesHere,
      readRange: rangeHere,
      remove: (uri) => rm(uri, { recursive: true, force: true }),
    };
  const url = project.lake.url.replace(/\/+$/, '');
  const pathOf = (uri: string): string => {
    const path = far.storage.pathOf(uri);
    if (path === undefined) throw new DataflowError('E_INTERNAL', `${uri} lies outside the lake`);
    return path;
  };
  return {
    hashes: true,
    addressOf: (uri) => `${url}/${pathOf(uri)}`,
    scratchOf,
    filesBelow: async (uri) => {
      const prefix = `${pathOf(uri)}/`;
      const files: WrittenFile[] = [];
      for await (const page of far.far.list({ prefix, signal: NEVER }))
        for (const { path, size_bytes } of page) files.push({ path: path.slice(prefix.length), size_bytes });
      return files;
    },
    readRange: async (uri, from, to) => {
      const path = pathOf(uri);
      const found = await far.far.read({ path, range: { from, to }, signal: NEVER });
      if (found === undefined) throw new DataflowError('E_LAKE_IO', `cannot read ${far.far.name}/${path}: it is gone`);
      const chunks: Uint8Array[] = [];
      for await (const chunk of found.chunks) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    remove: (uri) => far.storage.remove(pathOf(uri)),
  };
}

async function filesHere(folder: string): Promise<readonly WrittenFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => ({ path: relative(folder, path), size_bytes: (await stat(path)).size })),
  );
}

async function rangeHere(path: string, from: number, to: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(to - from), position: from });
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
