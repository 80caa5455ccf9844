import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { testComponents } from '../../../test/support/components.ts';
import { DataflowErrors } from '../../core/errors/dataflow-error.ts';
import { loadProject } from './load-project.ts';
import type { LoadedProject } from './loaded-project.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The files of a project in a folder of their own, for tests of how projects are read. */
export class ProjectFiles {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'dataflow-')));

  put(files: Readonly<Record<string, string | Uint8Array>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, name)), { recursive: true });
      writeFileSync(join(this.root, name), text);
    }
  }

  load(env: Env = {}, cwd = this.root, config?: string): Promise<LoadedProject> {
    return loadProject({ cwd, env, components: testComponents, ...(config === undefined ? {} : { config }) });
  }

  /** `file:line:column CODE message` of every problem, the folder cut off. */
  async problems(env: Env = {}, config?: string): Promise<string[]> {
    try {
      await this.load(env, this.root, config);
      return [];
    } catch (error) {
      if (!(error instanceof DataflowErrors)) throw error;
      return error.errors.map((e) =>
        `${e.place?.file}:${e.place?.line}:${e.place?.column} ${e.code} ${e.message}`.replaceAll(`${this.root}/`, ''),
      );
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
