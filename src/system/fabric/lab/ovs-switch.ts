import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { mirrorCommand } from '../../../core/bridge/change-commands.js';
import type { Bridge, Endpoint, Mac } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { libc } from '../../kernel/libc.js';
import { installHint, mustRun, programEnv, setVariable } from '../../process/programs.js';
import { applyToKernel } from '../apply.js';
import { placeOfKey } from './bridge-commands.js';
import { numbersFrom } from '../../../core/text/collections.js';

/** The lab's own Open vSwitch. */
export interface OvsSwitch {
  addBridge(bridge: Bridge, mac: Mac | undefined): Promise<void>;
  addPort(endpoint: Endpoint, port: string): Promise<void>;
  removePort(bridge: string, port: string): Promise<void>;
  /** Call it after the ports: a mirror names them. */
  addMirrors(bridge: Bridge): Promise<void>;
  close(): Promise<void>;
}

/** A tmpfs here ends with the lab's /sys. Kernels without debugfs lack the first. */
const folder = ['/sys/kernel/debug', '/sys/fs'].find((path) => existsSync(path)) ?? '/sys/kernel';
const schemas = ['/usr/share/openvswitch/vswitch.ovsschema', '/usr/local/share/openvswitch/vswitch.ovsschema'];
const variables = ['OVS_RUNDIR', 'OVS_LOGDIR', 'OVS_DBDIR', 'OVS_SYSCONFDIR'] as const;
const startMs = 20_000;

/** Later programs find its sockets by the environment. Rejects with VerifyError (69) if missing or failing. */
export async function startOvsSwitch(inside: { readonly sysfs: boolean }): Promise<OvsSwitch> {
  const schema = findSchema();
  mountFolder(inside.sysfs);
  for (const variable of variables) setVariable(variable, folder);
  const daemons: Daemon[] = [];
  const close = async (): Promise<void> => {
    for (const daemon of daemons.reverse()) await daemon.end();
    for (const variable of variables) setVariable(variable, null);
  };
  try {
    await startDaemons(schema, daemons);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    addBridge,
    addPort,
    removePort: (bridge, port) => vsctl(['--if-exists', 'del-port', bridge, port]),
    addMirrors: async (bridge) => {
      for (const mirror of bridge.mirrors) await mustRun(mirrorCommand(bridge.name, mirror));
    },
    close,
  };
}

function findSchema(): string {
  const schema = schemas.find((path) => existsSync(path));
  if (schema !== undefined) return schema;
  throw new VerifyError(
    'program-missing',
    69,
    'Open vSwitch is not installed: its database schema is not there',
    installHint('openvswitch-switch'),
  );
}

function mountFolder(hasSysfs: boolean): void {
  if (hasSysfs && libc().mount('tmpfs', folder, 'tmpfs', 0, 'mode=0700,size=64m') === 0) return;
  throw new VerifyError(
    'unsupported',
    69,
    'there is no private folder for Open vSwitch’s sockets: /sys cannot be mounted in the lab',
    'run it as root outside a container',
  );
}

async function startDaemons(schema: string, daemons: Daemon[]): Promise<void> {
  await mustRun(['ovsdb-tool', 'create', `${folder}/conf.db`, schema]);
  const optionsOf = (name: string): readonly string[] => [
    `--pidfile=${folder}/${name}.pid`,
    `--log-file=${folder}/${name}.log`,
    '-vconsole:off',
  ];
  const socket = `${folder}/db.sock`;
  const remote = `--remote=punix:${socket}`;
  daemons.push(startDaemon('ovsdb-server', [`${folder}/conf.db`, remote, ...optionsOf('ovsdb-server')]));
  await until(socket, daemons);
  // The socket is there from bind(2) on, and refuses until listen(2): ovs-vsctl(8) tries again with --retry.
  await vsctl(['--retry', '--no-wait', 'init']);
  daemons.push(startDaemon('ovs-vswitchd', [`unix:${socket}`, ...optionsOf('ovs-vswitchd')]));
  await until(`${folder}/ovs-vswitchd.pid`, daemons);
}

async function addBridge(bridge: Bridge, mac: Mac | undefined): Promise<void> {
  const { name, datapath = 'netdev', settings } = bridge;
  const columns = [`datapath_type=${datapath}`, 'fail_mode=standalone'];
  if (mac !== undefined) columns.push(`other_config:hwaddr="${mac}"`);
  await vsctl(['add-br', name, '--', 'set', 'Bridge', name, ...columns]);
  await takes(name);
  isThere(bridge);
  for (const [column, value] of Object.entries(settings))
    await vsctl(['set', 'Bridge', name, `${column}=${String(value)}`]);
}

async function addPort(endpoint: Endpoint, port: string): Promise<void> {
  await vsctl(['add-port', endpoint.bridge, port, ...vlanColumns(endpoint)]);
  await takes(port);
  for (const [key, value] of Object.entries(endpoint.settings)) {
    if (placeOfKey(key) === 'link') continue;
    const change = { kind: 'ovs-set', table: 'Port', device: port, key, value } as const;
    await applyToKernel(change, () => endpoint.bridge, { folder: '/' });
  }
}

/** A port with tag and trunks is a trunk with a native VLAN (ovs-vswitchd.conf.db(5), vlan_mode). */
function vlanColumns({ vlans }: Endpoint): readonly string[] {
  const native = vlans.find(({ pvid }) => pvid);
  const trunks = vlans.filter(({ pvid }) => !pvid).flatMap(({ first, last }) => numbersFrom(first, last));
  if (native === undefined) return trunks.length === 0 ? [] : [`trunks=${trunks.join()}`];
  return trunks.length === 0
    ? [`tag=${native.first}`]
    : [
        `tag=${native.first}`,
        `trunks=${trunks.join()}`,
        `vlan_mode=${native.untagged ? 'native-untagged' : 'native-tagged'}`,
      ];
}

async function vsctl(args: readonly string[]): Promise<void> {
  await mustRun(['ovs-vsctl', '--timeout=15', ...args]);
}

/** ovs-vsctl succeeds even if the switch refused an interface. */
async function takes(device: string): Promise<void> {
  const answer = (await mustRun(['ovs-vsctl', '--timeout=15', 'get', 'Interface', device, 'error'])).trim();
  if (answer !== '[]')
    throw new VerifyError(
      'unsupported',
      69,
      `Open vSwitch cannot take ${device}: ${answer}`,
      'the lab’s bridges of this kind need /dev/net/tun to be readable and writable, and datapath: netdev unless the kernel has the module openvswitch',
    );
}

/** Without the kernel's module a bridge of datapath system exists only in the database. */
function isThere({ name, datapath }: Bridge): void {
  if (datapath !== 'system' || existsSync(`/sys/class/net/${name}`)) return;
  throw new VerifyError(
    'unsupported',
    69,
    `the kernel does not support it: ${name}: datapath system: ${lastLine(`${folder}/ovs-vswitchd.log`).split('|').at(-1) ?? ''}`,
    'load the module openvswitch, or take datapath: netdev',
  );
}

interface Daemon {
  readonly name: string;
  ended(): boolean;
  end(): Promise<void>;
}

function startDaemon(name: string, args: readonly string[]): Daemon {
  const child: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', name, ...args], {
    stdio: 'ignore',
    detached: true,
    env: programEnv(),
  });
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    name,
    ended: () => child.exitCode !== null || child.signalCode !== null,
    end: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
      await closed;
      clearTimeout(timer);
    },
  };
}

async function until(path: string, daemons: readonly Daemon[]): Promise<void> {
  const deadline = performance.now() + startMs;
  while (!existsSync(path)) {
    const gone = daemons.find((daemon) => daemon.ended());
    if (gone !== undefined || performance.now() > deadline) {
      const log = gone === undefined ? '' : lastLine(`${folder}/${gone.name}.log`);
      throw new VerifyError(
        'program-refused',
        69,
        `Open vSwitch does not start${gone === undefined ? ` within ${startMs / 1000} s` : `: ${gone.name} ended`}${log === '' ? '' : `: ${log}`}`,
        installHint('openvswitch-switch'),
      );
    }
    await sleep(10);
  }
}

function lastLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
}
