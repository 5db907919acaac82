import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLearnedFlow } from '../../../core/bridge/bypass/ovs-flows.js';
import { ofctlOfTables } from '../../../core/bridge/ovs.js';
import { ovsFlowOn, ovsTable, type SettingChange } from '../../../core/model/timeline.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { programEnv, runProgram } from '../../process/programs.js';
import { type LiveBridge, liveBridges, ovsFolder } from '../ovs/read.js';

/** Columns that decide forwarding (ovs-vswitchd.conf.db(5)), but `filter`: older versions lack it. */
const columns = {
  Bridge:
    'datapath_type,fail_mode,flood_vlans,mcast_snooping_enable,mirrors,other_config,ports,protocols,rstp_enable,stp_enable,sflow,ipfix',
  Port: 'bond_mode,interfaces,other_config,protected,tag,trunks,vlan_mode',
  Mirror: 'output_port,output_vlan,select_all,select_dst_port,select_src_port,select_vlan',
} as const;

/** Details of a flow's change (ovs-ofctl(8), monitor). */
const aboutChange = /\b(?:event|reason|cookie|idle_timeout|hard_timeout|importance|duration)=\S+ ?/g;
const maxKept = 64;
const beginMs = 3000;
const restMs = 100;
const maxRestarts = 50;

export interface OvsWatch {
  take(): readonly SettingChange[];
  unheard(): readonly string[];
  close(): void;
}

class Monitor {
  #child: ChildProcess | null = null;
  #isClosed = false;
  #restarts = 0;
  failure: string | null = null;

  constructor(
    private readonly argv: readonly string[],
    private readonly isNews: (line: string) => boolean,
    private readonly heard: (line: string) => void,
    private readonly ended: () => void,
  ) {}

  async begin(printsFirst: boolean): Promise<void> {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...this.argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: programEnv(),
    });
    this.#child = child;
    let said = '';
    // ovs-ofctl prints the switch's messages to standard error
    const lines = new EventEmitter();
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => {
        said = line;
        if (!this.isNews(line)) return;
        this.failure = null;
        this.heard(line);
        lines.emit('line');
      });
    child.once('error', ({ message }) => (this.failure = message));
    const isOver = once(child, 'close').then(
      () => this.#restart(said),
      () => undefined,
    );
    const begun = printsFirst ? Promise.race([once(lines, 'line'), isOver]) : Promise.resolve();
    await Promise.race([begun, sleep(beginMs, null, { ref: false })]);
  }

  /** A restarting switch drops its connections. */
  async #restart(said: string): Promise<void> {
    if (this.#isClosed) return;
    this.ended();
    this.failure = said === '' ? 'it ended' : said;
    this.#restarts += 1;
    await sleep(restMs, null, { ref: false });
    if (this.#isClosed || this.#restarts > maxRestarts) return;
    void this.begin(false);
  }

  close(): void {
    this.#isClosed = true;
    this.#child?.kill('SIGKILL');
  }
}

async function liveOrFailure(): Promise<readonly LiveBridge[] | string> {
  try {
    return await liveBridges();
  } catch (error) {
    if (error instanceof VerifyError) return error.message;
    throw error;
  }
}

async function flowsOf({ name, protocols }: LiveBridge): Promise<readonly string[]> {
  const { status, stdout } = await runProgram([...ofctlOfTables(protocols), 'dump-flows', name], { timeoutMs: 5000 });
  return status === 0 ? stdout.split('\n').filter((line) => line.includes('learn(')) : [];
}

async function tableColumns(table: keyof typeof columns): Promise<string> {
  if (table !== 'Mirror') return columns[table];
  const { status } = await runProgram(['ovs-vsctl', '--timeout=3', '--no-wait', '--columns=filter', 'list', 'Mirror']);
  return status === 0 ? `${columns.Mirror},filter` : columns.Mirror;
}

/**
 * Hears changing flows and settings of these Open vSwitch bridges, also reverted ones: `ovs-ofctl monitor` (OpenFlow
 * 1.4, 7.3.5.15; before, Nicira's extension) and `ovsdb-client monitor` (RFC 7047 4.1.5), which end with this process.
 * Resolves when they listen. An empty table prints nothing at first. A silent database counts as unheard. Leaves out
 * flows that `learn` makes as MAC table entries.
 */
export async function watchOvs(bridges: ReadonlySet<string>): Promise<OvsWatch> {
  const kept = new Map<string, SettingChange>();
  const keep = (what: string): void => {
    const change = kept.size < maxKept ? what : what.replace(/: .*$/s, ': more flows than are kept');
    kept.set(change, { ifindex: null, what: change });
  };
  const folder = ovsFolder();
  const live = await liveOrFailure();
  if (typeof live === 'string')
    return { take: () => [], unheard: () => [`changes of Open vSwitch: ${live}`], close: () => undefined };
  const watched = await Promise.all(
    live.filter(({ name }) => bridges.has(name)).map(async (bridge) => ({ ...bridge, before: await flowsOf(bridge) })),
  );
  const flows = watched.map(({ name, protocols, before }) => {
    const socket = `unix:${folder}/${name}.mgmt`;
    const heard = (line: string): void => {
      const flow = line.replaceAll(aboutChange, '').trim();
      if (line.includes('event=') && !isLearnedFlow(flow, before)) keep(`${ovsFlowOn}${name}: ${flow}`);
    };
    const isReply = (line: string): boolean => /FLOW_MONITOR reply|^ event=/.test(line);
    const ended = (): void => keep(`${ovsFlowOn}${name}: the switch ended its connections`);
    return new Monitor([...ofctlOfTables(protocols), 'monitor', socket, 'watch:!initial'], isReply, heard, ended);
  });
  const tables = (['Bridge', 'Port', 'Mirror'] as const).map(async (table) => {
    let isFirst = true;
    const monitor = new Monitor(
      [
        'ovsdb-client',
        '--format=json',
        'monitor',
        `unix:${folder}/db.sock`,
        'Open_vSwitch',
        table,
        await tableColumns(table),
      ],
      (line) => line.startsWith('{'),
      (line) => {
        if (!isFirst || !line.includes('"initial"')) keep(`${ovsTable}${table}`);
        isFirst = false;
      },
      () => keep(`${ovsTable}${table}`),
    );
    return { monitor, printsFirst: table !== 'Mirror' };
  });
  const monitors = [...flows.map((monitor) => ({ monitor, printsFirst: true })), ...(await Promise.all(tables))];
  await Promise.all(monitors.map(({ monitor, printsFirst }) => monitor.begin(printsFirst)));
  return {
    take() {
      const changes = [...kept.values()];
      kept.clear();
      return changes;
    },
    unheard: () =>
      monitors.flatMap(({ monitor }) =>
        monitor.failure === null ? [] : [`changes of Open vSwitch: ${monitor.failure}`],
      ),
    close: () => monitors.forEach(({ monitor }) => monitor.close()),
  };
}
