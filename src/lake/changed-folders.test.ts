import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChangedFolders } from './changed-folders.ts';
import * as files from './local-files.ts';

describe('folders that changed', () => {
  let root: string;
  let synced: string[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dataflow-changed-'));
    mkdirSync(join(root, 'gold/a/_delta_log'), { recursive: true });
    mkdirSync(join(root, 'gold/b'));
    synced = [];
    const real = files.fsyncFolder;
    vi.spyOn(files, 'fsyncFolder').mockImplementation(async (folder, kept) => {
      synced.push(folder.slice(root.length));
      await real(folder, kept);
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(root, { recursive: true, force: true });
  });

  it('are made durable with the first that asks for something below them, and then no more', async () => {
    const changed = new ChangedFolders();
    changed.note(join(root, 'gold'));
    await changed.settle([], join(root, 'elsewhere'));
    expect(synced).toEqual([]);
    await changed.settle([join(root, 'gold/a')], join(root, 'gold/a'));
    expect(synced.sort()).toEqual(['/gold', '/gold/a']);
    await changed.settle([join(root, 'gold/a')], join(root, 'gold/a'));
    expect(synced.sort()).toEqual(['/gold', '/gold/a', '/gold/a']);
  });
});
