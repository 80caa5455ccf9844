import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { classPath, HADOOP_VERSION, hadoopProcess, installHadoop, writeHadoopSettings } from './hadoop.ts';
import type { Room, Server } from './server.ts';

const STATE = '/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState';

/**
 * As it is shipped a DataNode that closes a file asks the NameNode whether its block has been reported, mostly too early, and then sleeps for 400 ms, on one of
 * its few threads for HTTP: tests need not wait for that.
 */
export const PROMPT: Readonly<Record<string, string>> = {
  'dfs.client.block.write.locateFollowingBlock.initial.delay.ms': '20',
};

/** A NameNode and a DataNode; files by WebHDFS, for Spark by the NameNode's own protocol. The superuser is `hdfs`. @param site what differs from what is shipped */
export function hdfsServer(site: Readonly<Record<string, string>>): Server {
  return {
    name: 'hdfs',
    title: `HDFS ${HADOOP_VERSION}, NameNode and DataNode`,
    variables: ['DATAFLOW_TEST_HDFS', 'DATAFLOW_TEST_HDFS_RPC', 'DATAFLOW_TEST_HDFS_CLASSPATH'],
    install: installHadoop,

    async start(room) {
      const web = `127.0.0.1:${await room.port('web')}`;
      if (!existsSync(join(room.folder, 'conf'))) {
        await writeSettings(room, web, site);
        const format = ['-format', '-force', '-nonInteractive'];
        await room.run(await hadoopProcess(room, 'format', 'server.namenode.NameNode', format));
      }
      room.launch(await hadoopProcess(room, 'namenode', 'server.namenode.NameNode'));
      room.launch(await hadoopProcess(room, 'datanode', 'server.datanode.DataNode'));
      await room.ready(() => hasDataNodes(web, 1));
      return {
        DATAFLOW_TEST_HDFS: `http://${web}`,
        DATAFLOW_TEST_HDFS_RPC: `hdfs://127.0.0.1:${await room.port('rpc')}`,
        DATAFLOW_TEST_HDFS_CLASSPATH: classPath(room),
      };
    },
  };
}

export const hdfs = hdfsServer(PROMPT);

/** Whether a NameNode knows of so many DataNodes that live. */
export async function hasDataNodes(web: string, count: number): Promise<boolean> {
  const said = await (await fetch(`http://${web}${STATE}`)).text();
  return said.includes(`"NumLiveDataNodes" : ${count},`);
}

async function writeSettings(room: Room, web: string, site: Readonly<Record<string, string>>): Promise<void> {
  const core = {
    'fs.defaultFS': `hdfs://127.0.0.1:${await room.port('rpc')}`,
    'hadoop.tmp.dir': join(room.folder, 'data'),
  };
  writeHadoopSettings(room, core, {
    ...site,
    'dfs.namenode.http-address': web,
    'dfs.datanode.address': `127.0.0.1:${await room.port('data')}`,
    'dfs.datanode.http.address': `127.0.0.1:${await room.port('data_web')}`,
    'dfs.datanode.ipc.address': `127.0.0.1:${await room.port('data_ipc')}`,
    'dfs.datanode.hostname': 'localhost',
    'dfs.replication': '1',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.namenode.safemode.extension': '0',
  });
}
