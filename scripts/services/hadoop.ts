import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { javaProgram, mavenJars, SHORT_LIVED } from './registries.ts';
import type { Launch, Room } from './server.ts';

export const HADOOP_VERSION = '3.4.1';
const ARTIFACTS = ['hadoop-hdfs', 'hadoop-common', 'hadoop-hdfs-client'] as const;

/** Puts the classes of HDFS into the cache: servers, clients and tools. */
export async function installHadoop(): Promise<string> {
  await javaProgram();
  return cached(`hdfs-${HADOOP_VERSION}`, (folder) =>
    mavenJars(
      folder,
      ARTIFACTS.map((name) => `org.apache.hadoop:${name}:${HADOOP_VERSION}` as const),
    ),
  );
}

/** Where Java finds the settings of a room, then the classes. */
export function classPath(room: Room): string {
  return `${join(room.folder, 'conf')}:${join(room.installed, 'lib')}/*`;
}

/** A process of Hadoop's, by the end of its class name; `define` are values that settings name as `${…}`. */
export async function hadoopProcess(
  room: Room,
  name: string,
  main: string,
  args: readonly string[] = [],
  define: Readonly<Record<string, string>> = {},
): Promise<Launch> {
  const sizes = [...SHORT_LIVED, '-Xmx256m', '-Xms64m'];
  // Without the opening WebHDFS answers every call with 500.
  const opening = ['--add-opens', 'java.base/java.lang=ALL-UNNAMED'];
  const values = Object.entries(define).map(([key, value]) => `-D${key}=${value}`);
  return {
    name,
    command: await javaProgram(),
    args: [...sizes, ...opening, ...values, '-cp', classPath(room), `org.apache.hadoop.hdfs.${main}`, ...args],
    env: { HADOOP_USER_NAME: 'hdfs' },
  };
}

/** Writes `conf/` of a room. */
export function writeHadoopSettings(
  room: Room,
  core: Readonly<Record<string, string>>,
  site: Readonly<Record<string, string>>,
): void {
  const conf = join(room.folder, 'conf');
  for (const page of ['hdfs', 'datanode']) {
    const folder = join(conf, 'webapps', page, 'WEB-INF');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'web.xml'), '<web-app></web-app>\n');
  }
  writeFileSync(join(conf, 'core-site.xml'), configuration(core));
  writeFileSync(join(conf, 'hdfs-site.xml'), configuration(site));
  writeFileSync(join(conf, 'log4j.properties'), LOGGING);
}

const LOGGING = `log4j.rootLogger=WARN,out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.target=System.err
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c: %m%n
`;

function configuration(settings: Readonly<Record<string, string>>): string {
  const entries = Object.entries(settings).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  );
  return `<configuration>\n${entries.join('\n')}\n</configuration>\n`;
}
