import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { pythonReader } from './lake-reader.ts';
import { type Random, seeded } from './random.ts';

const PARTITIONS = 4;
const ENDED_MS_MAX = 120_000;

export interface KafkaSoakOptions {
  readonly broker: string;
  /** So many times the program is killed, at least. */
  readonly kills: number;
  readonly seed: number;
  say(line: string): void;
}

export interface KafkaSoakResult {
  readonly kills: number;
  /** Times that a member came into the group under which offsets are noted, or left it. */
  readonly rebalances: number;
  readonly commands: number;
  readonly messages: number;
  readonly aborted: number;
  readonly rejected: number;
  /** Offsets that are in the lake twice, not at all, or should not be there. */
  readonly twice: readonly string[];
  readonly missing: readonly string[];
  readonly unwanted: readonly string[];
  readonly verified: boolean;
}

/**
 * A producer goes on writing (batches, transactions of which some are aborted, tombstones, messages that are no JSON) while the program is run and
 * killed at random instants and fault points, and members come and go in its consumer group. In the end each offset that a reader of committed
 * messages may see must be in the lake once, in the table or in quarantine, as delta-rs reads it.
 */
export async function kafkaSoak(options: KafkaSoakOptions): Promise<KafkaSoakResult> {
  const soak = new Soak(options);
  try {
    return await soak.run();
  } finally {
    await soak.close();
  }
}

class Soak {
  readonly #options: KafkaSoakOptions;
  readonly #random: Random;
  readonly #root = mkdtempSync(join(tmpdir(), 'dataflow-kafka-soak-'));
  readonly #topic: string;
  readonly #kafka: Kafka;
  readonly #wanted = new Set<string>();
  readonly #producers: Producer[] = [];
  #kills = 0;
  #commands = 0;
  #rebalances = 0;
  #aborted = 0;
  #sent = 0;
  #over = false;

  constructor(options: KafkaSoakOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
    this.#topic = `soak-${options.seed}-${process.pid}-${Date.now() % 100_000}`;
    this.#kafka = new Kafka({ brokers: [options.broker], logLevel: logLevel.NOTHING, retry: { retries: 10 } });
  }

  async run(): Promise<KafkaSoakResult> {
    await this.#prepare();
    const churn = this.#churn();
    const [plain, transactional] = this.#producers as [Producer, Producer];
    while (this.#kills < this.#options.kills) {
      await this.#write(plain, transactional);
      await this.#disturb();
      if (this.#kills > 0 && this.#kills % 20 === 0)
        this.#options.say(`${this.#kills} kills, ${this.#rebalances} rebalances, ${this.#wanted.size} messages`);
    }
    this.#over = true;
    await churn;
    return await this.#judge();
  }

  async close(): Promise<void> {
    this.#over = true;
    for (const producer of this.#producers) await producer.disconnect();
    rmSync(this.#root, { recursive: true, force: true });
  }

  async #prepare(): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    const topics = [{ topic: this.#topic, numPartitions: PARTITIONS }];
    await admin.createTopics({ topics, waitForLeaders: true });
    await admin.disconnect();
    this.#producers.push(
      this.#kafka.producer({ allowAutoTopicCreation: false }),
      this.#kafka.producer({ transactionalId: this.#topic, idempotent: true, maxInFlightRequests: 1 }),
    );
    for (const producer of this.#producers) await producer.connect();
    writeFileSync(
      join(this.#root, 'pipelines.yaml'),
      `name: soak
connections:
  events: { type: kafka, brokers: ["${this.#options.broker}"] }
sources:
  s:
    type: kafka
    connection: events
    topic: ${this.#topic}
    fetch_bytes_max: 4096
    batch: { records: 400, wait: 0ms }
    columns: { _partition: integer, _offset: bigint, _tombstone: boolean, n: bigint }
`,
    );
  }

  /** Some hundred messages, and which of them count. */
  async #write(plain: Producer, transactional: Producer): Promise<void> {
    for (let batches = 1 + this.#random.below(6); batches > 0; batches--) {
      const messages = Array.from({ length: 1 + this.#random.below(200) }, () => this.#message());
      if (this.#random.share() < 0.7) {
        this.#count(await plain.send({ topic: this.#topic, messages }), messages);
        continue;
      }
      const transaction = await transactional.transaction();
      const sent = await transaction.send({ topic: this.#topic, messages });
      if (this.#random.share() < 0.5) {
        await transaction.abort();
        this.#aborted += messages.length;
      } else {
        await transaction.commit();
        this.#count(sent, messages);
      }
    }
  }

  #message() {
    this.#sent += 1;
    const kind = this.#random.share();
    const value = kind < 0.02 ? 'this is no JSON' : kind < 0.05 ? null : `{"n":${this.#sent}}`;
    return { partition: this.#random.below(PARTITIONS), key: `k${this.#random.below(50)}`, value };
  }

  #count(
    sent: readonly { readonly partition: number; readonly baseOffset?: string }[],
    messages: readonly { readonly partition: number }[],
  ): void {
    for (const { partition, baseOffset } of sent) {
      const own = messages.filter((message) => message.partition === partition).length;
      for (let n = 0; n < own; n++) this.#wanted.add(`${partition}/${Number(baseOffset) + n}`);
    }
  }

  /** One command that may be killed: by a timer, or at a fault point. */
  async #disturb(): Promise<void> {
    const at_point = this.#random.share() < 0.6;
    const env = at_point ? { DATAFLOW_FAULT: `any:kill@${1 + this.#random.below(45)}` } : {};
    const child = this.#start(['ingest'], env);
    const ended = exitOf(child);
    if (!at_point) {
      const timer = setTimeout(() => child.kill('SIGKILL'), 150 + this.#random.below(2500));
      await ended;
      clearTimeout(timer);
    }
    const { status, signal, text } = await ended;
    if (signal === 'SIGKILL') this.#kills += 1;
    else if (status !== 0) throw new Error(`dataflow ingest ended with ${status}: ${text}`);
  }

  #start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    this.#commands += 1;
    return spawn(process.execPath, [resolve('bin/dataflow.js'), ...args], {
      cwd: this.#root,
      env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(this.#root, '.cache'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Members of the group come and go all the time: what the group believes must not matter. */
  async #churn(): Promise<void> {
    while (!this.#over) {
      const member = this.#kafka.consumer({ groupId: 'dataflow-s', sessionTimeout: 10_000 });
      await member.connect();
      await member.subscribe({ topic: this.#topic, fromBeginning: this.#rebalances % 2 === 0 });
      // It commits what it reads, too.
      await member.run({ autoCommitInterval: 200, eachMessage: async () => undefined });
      await sleep(300 + this.#random.below(1200));
      await member.disconnect();
      this.#rebalances += 2;
    }
  }

  async #judge(): Promise<KafkaSoakResult> {
    const last = await exitOf(this.#start(['ingest']));
    if (last.status !== 0) throw new Error(`the last dataflow ingest ended with ${last.status}: ${last.text}`);
    const verify = await exitOf(this.#start(['verify']));
    const reader = pythonReader('kafka_reader.py');
    const answer = (await reader.ask({ lake: join(this.#root, 'lake'), table: 's' })) as Answer;
    reader.close();
    if (answer.error !== undefined) throw new Error(answer.error);
    const held = new Set(answer.offsets);
    return {
      kills: this.#kills,
      rebalances: this.#rebalances,
      commands: this.#commands,
      messages: this.#wanted.size,
      aborted: this.#aborted,
      rejected: answer.rejected,
      twice: answer.twice,
      missing: [...this.#wanted].filter((offset) => !held.has(offset)),
      unwanted: answer.offsets.filter((offset) => !this.#wanted.has(offset)),
      verified: verify.status === 0,
    };
  }
}

interface Answer {
  readonly error?: string;
  readonly rejected: number;
  readonly twice: readonly string[];
  readonly offsets: readonly string[];
}

interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  const parts: Buffer[] = [];
  child.stdout?.on('data', (part: Buffer) => parts.push(part));
  child.stderr?.on('data', (part: Buffer) => parts.push(part));
  const timer = setTimeout(() => child.kill('SIGTERM'), ENDED_MS_MAX);
  return new Promise((done) => {
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      done({ status, signal, text: Buffer.concat(parts).toString() });
    });
  });
}
