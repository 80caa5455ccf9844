import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { javaProgram, mavenJars } from './registries.ts';
import type { Room, Server } from './server.ts';

const VERSION = '3.4.1';
const ARTIFACTS = ['hadoop-hdfs', 'hadoop-common', 'hadoop-hdfs-client'] as const;
const STATE = '/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState';

/** A NameNode and a DataNode; files by WebHDFS, for Spark by the NameNode's own protocol. The superuser is `hdfs`. */
export const hdfs: Server = {
  name: 'hdfs',
  title: `HDFS ${VERSION}, NameNode and DataNode`,
  variables: ['DATAFLOW_TEST_HDFS', 'DATAFLOW_TEST_HDFS_RPC'],

  async install() {
    await javaProgram();
    return cached(`hdfs-${VERSION}`, (folder) =>
      mavenJars(
        folder,
        ARTIFACTS.map((name) => `org.apache.hadoop:${name}:${VERSION}` as const),
      ),
    );
  },

  async start(room) {
    const java = await javaProgram();
    const web = `127.0.0.1:${await room.port('web')}`;
    const classes = `${join(room.folder, 'conf')}:${join(room.installed, 'lib')}/*`;
    // Without the opening WebHDFS answers every call with 500.
    const options = [
      '-Xmx256m',
      '-Xms64m',
      '-XX:+UseSerialGC',
      '--add-opens',
      'java.base/java.lang=ALL-UNNAMED',
      '-cp',
      classes,
    ];
    const node = (name: string, main: string, ...args: string[]) => ({
      name,
      command: java,
      args: [...options, `org.apache.hadoop.hdfs.server.${main}`, ...args],
      env: { HADOOP_USER_NAME: 'hdfs' },
    });
    if (!existsSync(join(room.folder, 'conf'))) {
      await writeSettings(room, web);
      await room.run(node('format', 'namenode.NameNode', '-format', '-force', '-nonInteractive'));
    }
    room.launch(node('namenode', 'namenode.NameNode'));
    room.launch(node('datanode', 'datanode.DataNode'));
    await room.ready(async () => /"NumLiveDataNodes" : 1\b/.test(await (await fetch(`http://${web}${STATE}`)).text()));
    return {
      DATAFLOW_TEST_HDFS: `http://${web}`,
      DATAFLOW_TEST_HDFS_RPC: `hdfs://127.0.0.1:${await room.port('rpc')}`,
    };
  },
};

async function writeSettings(room: Room, web: string): Promise<void> {
  const conf = join(room.folder, 'conf');
  for (const page of ['hdfs', 'datanode']) {
    const folder = join(conf, 'webapps', page, 'WEB-INF');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'web.xml'), '<web-app></web-app>\n');
  }
  const core = {
    'fs.defaultFS': `hdfs://127.0.0.1:${await room.port('rpc')}`,
    'hadoop.tmp.dir': join(room.folder, 'data'),
  };
  writeFileSync(join(conf, 'core-site.xml'), configuration(core));
  const settings = {
    'dfs.namenode.http-address': web,
    'dfs.datanode.address': `127.0.0.1:${await room.port('data')}`,
    'dfs.datanode.http.address': `127.0.0.1:${await room.port('data_web')}`,
    'dfs.datanode.ipc.address': `127.0.0.1:${await room.port('data_ipc')}`,
    'dfs.datanode.hostname': 'localhost',
    'dfs.replication': '1',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.namenode.safemode.extension': '0',
  };
  writeFileSync(join(conf, 'hdfs-site.xml'), configuration(settings));
  writeFileSync(join(conf, 'log4j.properties'), LOGGING);
}

const LOGGING = `log4j.rootLogger=WARN,out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c: %m%n
`;

function configuration(settings: Readonly<Record<string, string>>): string {
  const entries = Object.entries(settings).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  );
  return `<configuration>\n${entries.join('\n')}\n</configuration>\n`;
}
