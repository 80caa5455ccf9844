import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { classPath, HADOOP_VERSION, hadoopProcess, installHadoop, writeHadoopSettings } from './hadoop.ts';
import { hasDataNodes, PROMPT } from './hdfs.ts';
import type { Room, Server } from './server.ts';

const NODES = ['one', 'two'] as const;

/** Two NameNodes of which one stands by, and two DataNodes; each block lies on both. The superuser is `hdfs`. */
export const hdfs_pair: Server = {
  name: 'hdfs_pair',
  title: `HDFS ${HADOOP_VERSION}, two NameNodes and two DataNodes`,
  variables: ['DATAFLOW_TEST_HDFS_PAIR', 'DATAFLOW_TEST_HDFS_PAIR_CLASSPATH'],
  install: installHadoop,

  async start(room) {
    const webs = await Promise.all(NODES.map(async (node) => `127.0.0.1:${await room.port(`web_${node}`)}`));
    if (!existsSync(join(room.folder, 'conf'))) {
      await writeSettings(room, webs);
      mkdirSync(join(room.folder, 'shared'));
      const format = ['-format', '-force', '-nonInteractive'];
      await room.run(
        await hadoopProcess(room, 'format', 'server.namenode.NameNode', format, await valuesOf(room, 'one')),
      );
      cpSync(join(room.folder, 'name-one'), join(room.folder, 'name-two'), { recursive: true });
    }
    for (const node of NODES) {
      const values = await valuesOf(room, node);
      room.launch(await hadoopProcess(room, `namenode-${node}`, 'server.namenode.NameNode', [], values));
      room.launch(await hadoopProcess(room, `datanode-${node}`, 'server.datanode.DataNode', [], values));
    }
    await room.ready(async () => (await Promise.all(webs.map((web) => hasDataNodes(web, 2)))).every((both) => both));
    await room.run(await hadoopProcess(room, 'activate', 'tools.DFSHAAdmin', ['-transitionToActive', 'one']));
    return {
      DATAFLOW_TEST_HDFS_PAIR: webs.map((web) => `http://${web}`).join(','),
      DATAFLOW_TEST_HDFS_PAIR_CLASSPATH: classPath(room),
    };
  },
};

/** What differs between the nodes of one set of settings. */
async function valuesOf(room: Room, node: string): Promise<Readonly<Record<string, string>>> {
  const ports = ['data', 'data_web', 'data_ipc'].map(
    async (key) => [key, String(await room.port(`${key}_${node}`))] as const,
  );
  return { node, ...Object.fromEntries(await Promise.all(ports)) };
}

async function writeSettings(room: Room, webs: readonly string[]): Promise<void> {
  const nodes: Record<string, string> = {};
  for (const [index, node] of NODES.entries()) {
    nodes[`dfs.namenode.rpc-address.pair.${node}`] = `127.0.0.1:${await room.port(`rpc_${node}`)}`;
    nodes[`dfs.namenode.http-address.pair.${node}`] = webs[index] ?? '';
  }
  const at = (name: string): string => `file://${join(room.folder, name)}`;
  const core = { 'fs.defaultFS': 'hdfs://pair', 'hadoop.tmp.dir': join(room.folder, 'data') };
  // Each process is given these when it is started.
  const value = (name: string): string => `\${${name}}`;
  const node = value('node');
  writeHadoopSettings(room, core, {
    ...PROMPT,
    ...nodes,
    'dfs.nameservices': 'pair',
    'dfs.ha.namenodes.pair': NODES.join(','),
    'dfs.ha.namenode.id': node,
    'dfs.namenode.name.dir': at(`name-${node}`),
    'dfs.namenode.shared.edits.dir': at('shared'),
    'dfs.client.failover.proxy.provider.pair':
      'org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider',
    'dfs.ha.fencing.methods': 'shell(/bin/true)',
    'dfs.ha.tail-edits.period': '1s',
    'dfs.datanode.data.dir': at(`data-${node}`),
    'dfs.datanode.address': `127.0.0.1:${value('data')}`,
    'dfs.datanode.http.address': `127.0.0.1:${value('data_web')}`,
    'dfs.datanode.ipc.address': `127.0.0.1:${value('data_ipc')}`,
    'dfs.datanode.hostname': 'localhost',
    'dfs.replication': '2',
    'dfs.heartbeat.interval': '1s',
    'dfs.namenode.heartbeat.recheck-interval': '1000',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.namenode.safemode.extension': '0',
  });
}
