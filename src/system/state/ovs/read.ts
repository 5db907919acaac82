import { existsSync } from 'node:fs';
import { ofctl, ofctlOfTables, ovsQuestions } from '../../../core/bridge/ovs.js';
import type { SocketProcess } from '../../../core/model/packet-socket.js';
import type { HostState, OvsRecord, Snapshot } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { fieldsOf, textsOf } from '../../../core/text/json-text.js';
import { unixPeers } from '../../kernel/ask/socket-diag.js';
import { mustRun, readJsonLines, runProgram, showCommand } from '../../process/programs.js';
import { isDescendant, isRoots, lockingDaemon, runningProgram, socketHolders } from '../../process/socket-holders.js';
import { type OvsTexts, ovnBridgeIn } from './parse.js';
import { given } from '../../../core/text/collections.js';

/** Folder of Open vSwitch's sockets. */
export function ovsFolder(): string {
  return process.env['OVS_RUNDIR'] ?? '/run/openvswitch';
}

/** True if the database's socket or the switch, which outlives it, exists. */
export function isOvsRunning(): boolean {
  return ['db.sock', 'ovs-vswitchd.pid'].some((file) => existsSync(`${ovsFolder()}/${file}`));
}

/** All that decides Open vSwitch's forwarding; null = it does not run. Rejects with VerifyError without an answer. */
export async function readOvsTexts(): Promise<OvsTexts | null> {
  if (!isOvsRunning()) return null;
  const [bridges = [], ports = [], interfaces = [], mirrors = [], settings = []] = await readOvsTables(
    ['Bridge', 'Port', 'Interface', 'Mirror', 'Open_vSwitch'],
    5,
  );
  const live = liveAmong(bridges);
  const ofEach = async (
    command: (protocols: unknown) => readonly string[],
    print = printed,
  ): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      await Promise.all(
        live.map(async ({ name, protocols }) => [name, await print([...command(protocols), name])] as const),
      ),
    );
  const [show, flows, groups, meters, fdb] = await Promise.all([
    ofEach((protocols) => [...ofctl(protocols), 'show']),
    ofEach((protocols) => [...ofctlOfTables(protocols), 'dump-flows']),
    ofEach((protocols) => [...ofctlOfTables(protocols), 'dump-groups'], printedIfKnown),
    ofEach((protocols) => [...ofctlOfTables(protocols), 'dump-meters'], printedIfKnown),
    ofEach(() => ['ovs-appctl', 'fdb/show']),
  ]);
  const controllers = controllersOf(live, settings);
  const daemon = lockingDaemon(`${ovsFolder()}/ovs-vswitchd.pid`);
  return {
    ...{ bridges, ports, interfaces, mirrors, settings, show, flows, groups, meters, fdb, controllers, daemon },
  };
}

function controllersOf(
  bridges: readonly LiveBridge[],
  settings: readonly OvsRecord[],
): Readonly<Record<string, readonly SocketProcess[]>> {
  const connected = bridges.map(({ name }) => [name, connectedTo(name)] as const);
  if (ovnBridgeIn(settings) !== null && connected.some(([, processes]) => processes === null))
    throw new VerifyError(
      'command-failed',
      3,
      'the kernel does not report sockets of AF_UNIX, so that OVN cannot be distinguished from other controllers',
      'load the module unix_diag, and run as root',
    );
  return Object.fromEntries(connected.map(([name, processes]) => [name, processes ?? []]));
}

/** A bridge that the switch has made. */
export interface LiveBridge {
  readonly name: string;
  readonly protocols: unknown;
}

/** Without the kernel's datapath a bridge is only in the database. */
function liveAmong(bridges: readonly OvsRecord[]): readonly LiveBridge[] {
  return bridges.flatMap(({ name, protocols }) =>
    typeof name === 'string' && existsSync(`${ovsFolder()}/${name}.mgmt`) ? [{ name, protocols }] : [],
  );
}

/** Bridges of the switch, with OpenFlow versions. Rejects as `readOvs`. */
export async function liveBridges(): Promise<readonly LiveBridge[]> {
  return liveAmong((await readOvs())?.bridges ?? []);
}

function printed(command: readonly string[]): Promise<string> {
  return mustRun(command, { timeoutMs: 5000 });
}

/** Some OpenFlow versions have no groups or meters. */
async function printedIfKnown(command: readonly string[]): Promise<string> {
  const { status, stdout } = await runProgram(command, { timeoutMs: 5000 });
  return status === 0 ? stdout : '';
}

function connectedTo(bridge: string): readonly SocketProcess[] | null {
  const peers = unixPeers(`${ovsFolder()}/${bridge}.mgmt`);
  if (peers === null) return null;
  const holders = [...socketHolders(peers)].flatMap(([, processes]) => processes);
  return [...new Map(holders.map((holder) => [holder.pid, holder])).values()]
    .filter(({ pid }) => !isDescendant(pid))
    .map(({ pid, comm }) => {
      const program = runningProgram(pid);
      const owned = program !== null && isRoots(program) ? { ...program, isRoots: true as const } : program;
      return { pid, name: comm, ...given({ program: owned }) };
    });
}

/** Without -generate a trace sends and learns nothing (ovs-vswitchd(8), ofproto/trace). */
const maxQuestions = 48;

/**
 * Adds the switch's traces of frames that a flow or mirror may hand to others: at most 48, none if every flow is known
 * to be harmless.
 */
export async function withTraces<T extends Pick<HostState, 'links' | 'fdb' | 'ovs'>>(state: T): Promise<T> {
  const { ovs } = state;
  const questions = ovsQuestions(state).slice(0, maxQuestions);
  if (ovs === undefined || questions.length === 0) return state;
  const answers = await Promise.all(
    questions.map(async ({ bridge, frame }) => {
      const text = await printedIfKnown(['ovs-appctl', 'ofproto/trace', '--names', bridge, frame]);
      return { bridge, frame, text };
    }),
  );
  const bridges = ovs.bridges.map((bridge) => {
    const traces = answers.flatMap(({ bridge: of, ...trace }) =>
      of === bridge.name && trace.text !== '' ? [trace] : [],
    );
    return traces.length === 0 ? bridge : { ...bridge, traces };
  });
  return { ...state, ovs: { ...ovs, bridges } };
}

async function readOvsTables(
  names: readonly string[],
  timeoutSeconds: number,
): Promise<readonly (readonly OvsRecord[])[]> {
  const command = [
    'ovs-vsctl',
    `--timeout=${timeoutSeconds}`,
    '--no-wait',
    '--format=json',
    ...names.flatMap((name, at) => [...(at === 0 ? [] : ['--']), 'list', name]),
  ];
  const tables = await readJsonLines(command);
  if (tables.length !== names.length)
    throw new VerifyError(
      'command-failed',
      3,
      `${showCommand(command)} printed ${tables.length} tables`,
      'check that Open vSwitch is whole: ovs-vsctl show',
    );
  return tables.map(parseOvsTable);
}

/** Rows of `ovs-vsctl --format=json list TABLE`. */
export function parseOvsTable(json: unknown): readonly OvsRecord[] {
  const table = fieldsOf(json);
  const headings = textsOf(table?.headings);
  const rows: readonly unknown[] = Array.isArray(table?.data) ? table.data : [];
  return rows
    .filter((row) => Array.isArray(row))
    .map((row) => Object.fromEntries(headings.map((heading, at) => [heading, row[at]])));
}

/** Open vSwitch's bridges, ports and mirrors; null = it does not run. Rejects with VerifyError without an answer. */
export async function readOvs(): Promise<Snapshot['ovs']> {
  if (!isOvsRunning()) return null;
  try {
    const [bridges = [], ports = [], mirrors = []] = await readOvsTables(['Bridge', 'Port', 'Mirror'], 3);
    return { bridges, ports, mirrors };
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'program-missing') return null;
    throw error;
  }
}
