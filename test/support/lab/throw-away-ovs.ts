import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Result } from '../../../src/core/model/result.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { beforeAll } from 'vitest';
import type { Missing } from '../needs.js';
import { patient } from '../patient.js';
import { shared } from '../scratch.js';
import { type Command, wordsOf } from './throw-away.js';
import { kernel } from './features.js';
import { withOwnJournals } from './own-journals.js';
import { cli, guests, outcomeOf } from './throw-away-host.js';

const schema = '/usr/share/openvswitch/vswitch.ovsschema';
/** Open vSwitch has to be installed; its daemons are the test's own. In user space its ports are taps. */
export const ovs: Missing = existsSync(schema) ? kernel('tap') : 'openvswitch-switch is not installed';

/** A host whose br0 is Open vSwitch, with the guests of a throw-away host on it. */
export interface ThrowAwayOvs {
  readonly dir: string;
  run(command: Command): string;
  /** One ping to the LAN from each guest: then the switch knows them, and the LAN where it can answer. */
  talk(answered?: boolean): void;
  cli(args: readonly string[]): ChildProcess;
  /**
   * A scenario file. `bridge`: what stands of it in the topology, `name`: it is called so; `settings`: of endpoints, by
   * name.
   */
  scenario(
    name: string,
    steps: string,
    head?: string,
    of?: { readonly bridge?: string; readonly name?: string; readonly settings?: Readonly<Record<string, string>> },
  ): string;
  /** Programs: restarts ovs-vswitchd; lets the LAN speak; lets it forget its neighbours. */
  readonly restart: string;
  readonly speak: string;
  readonly forget: string;
  close(): Promise<void>;
}

/** One for the tests of a group, whose switch knows all guests. */
export function sharedOvs(datapath?: 'netdev' | 'system'): ThrowAwayOvs {
  const host = shared(() => throwAwayOvs(datapath), patient(300_000));
  beforeAll(() => host.talk(), patient(300_000));
  return host;
}

/** Runs a scenario file to its end on that host; `result` takes apart what it printed. */
export async function runOn(
  host: ThrowAwayOvs,
  file: string,
  ...more: readonly string[]
): Promise<Awaited<ReturnType<typeof outcomeOf>> & { readonly result: () => Result }> {
  const outcome = await outcomeOf(host.cli(['run', file, '--yes', '--json', ...more]));
  return { ...outcome, result: () => JSON.parse(outcome.stdout) };
}

export async function throwAwayOvs(datapath: 'netdev' | 'system' = 'netdev'): Promise<ThrowAwayOvs> {
  const host = newNamespace(disableIpv6);
  const dir = mkdtempSync(join(tmpdir(), 'ovs-test-'));
  const env = {
    ...process.env,
    OVS_RUNDIR: dir,
    OVS_LOGDIR: dir,
    OVS_DBDIR: dir,
    OVS_SYSCONFDIR: dir,
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
  };
  const spaces = new Map(Object.keys(guests).map((name) => [name, newNamespace(disableIpv6)]));
  const run = (command: Command, fd = host): string => {
    const [program = '', ...words] = wordsOf(command);
    return inNamespaceFd(fd, () => execFileSync(program, words, { encoding: 'utf8', stdio: 'pipe', env }));
  };
  const daemon = (name: string, args: readonly string[]): ChildProcess =>
    inNamespaceFd(host, () =>
      spawn(
        'setpriv',
        [
          '--pdeathsig',
          'KILL',
          name,
          ...args,
          `--pidfile=${dir}/${name}.pid`,
          `--log-file=${dir}/${name}.log`,
          '-vconsole:off',
        ],
        { stdio: 'ignore', env },
      ),
    );
  const there = async (path: string): Promise<void> => {
    for (let tries = 0; !existsSync(path); tries += 1) {
      if (tries > 1000) throw new Error(`${path} did not appear`);
      await sleep(10);
    }
  };
  run(['ovsdb-tool', 'create', `${dir}/conf.db`, schema]);
  const database = daemon('ovsdb-server', [`${dir}/conf.db`, `--remote=punix:${dir}/db.sock`]);
  await there(`${dir}/db.sock`);
  run(['ovs-vsctl', '--no-wait', 'init']);
  const daemonOfSwitch = daemon('ovs-vswitchd', [`unix:${dir}/db.sock`]);
  await there(`${dir}/ovs-vswitchd.pid`);
  // A program for each device takes longer to start than to do its work: one for all in each namespace.
  const batch = (lines: readonly string[], fd = host): unknown =>
    inNamespaceFd(fd, () => execFileSync('ip', ['-batch', '-'], { input: lines.join('\n'), stdio: 'pipe' }));
  const placed = Object.entries(guests).map(([name, guest]) => ({ ...guest, fd: spaces.get(name) ?? host }));
  batch(
    placed.flatMap(({ port, mac, fd }) => [
      `link add dev ${port} type veth peer name eth0 address ${mac} netns /proc/${process.pid}/fd/${fd}`,
      `link set dev ${port} up`,
    ]),
  );
  for (const { ip, fd } of placed) batch([`address add ${ip}/24 dev eth0`, 'link set dev eth0 up'], fd);
  const ports = placed.flatMap(({ port }) => ['--', 'add-port', 'br0', port]);
  run([
    'ovs-vsctl',
    '--timeout=20',
    'add-br',
    'br0',
    '--',
    'set',
    'Bridge',
    'br0',
    `datapath_type=${datapath}`,
    ...ports,
  ]);
  run(['ip', 'link', 'set', 'dev', 'br0', 'up']);
  const program = (name: string, lines: string): string => {
    writeFileSync(join(dir, name), `#!/bin/sh -e\n${lines}\n`, { mode: 0o755 });
    return join(dir, name);
  };
  const beyond = `/proc/${process.pid}/fd/${spaces.get('lan') ?? host}`;
  return {
    dir,
    restart: program(
      'restart',
      `ovs-appctl -t ovs-vswitchd exit\nwhile [ -e ${dir}/ovs-vswitchd.pid ]; do sleep 0.05; done\novs-vswitchd unix:${dir}/db.sock --pidfile=${dir}/ovs-vswitchd.pid --log-file=${dir}/ovs-vswitchd.log --detach --no-chdir -vconsole:off`,
    ),
    speak: program('speak', `nsenter --net=${beyond} ping -c 1 -W 2 ${guests.kali2.ip}`),
    forget: program('forget', `nsenter --net=${beyond} ip neigh flush dev eth0`),
    run: (command) => run(command),
    talk: (answered = true) => {
      for (const name of ['kali2', 'kali3', 'spare'])
        run(
          ['sh', '-c', `ping -c 1 ${answered ? '-w 10' : '-W 1'} ${guests.lan.ip}${answered ? '' : ' || true'}`],
          spaces.get(name) ?? host,
        );
    },
    cli: (args) => {
      const [program = '', ...words] = [...withOwnJournals(join(dir, 'journal')), process.execPath, cli, ...args];
      return inNamespaceFd(host, () => spawn(program, words, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] }));
    },
    scenario(name, steps, head = '', { bridge = '{ kind: ovs }', name: br = 'br0', settings = {} } = {}) {
      const file = join(dir, `${name}.yml`);
      const endpoints = (['kali2', 'kali3', 'lan'] as const).map(
        (guest) =>
          `    ${guest}: { bridge: ${br}, port: ${guests[guest].port}, mac: "${guests[guest].mac}", ip: ${guests[guest].ip}/24${guest === 'lan' ? ', role: uplink' : ''}${settings[guest] === undefined ? '' : `, settings: ${settings[guest]}`} }\n`,
      );
      writeFileSync(
        file,
        `version: 1\nname: ${name}\n${head}topology:\n  provider: host\n  bridges: { ${br}: ${bridge} }\n  endpoints:\n${endpoints.join('')}steps:\n${steps}`,
      );
      return file;
    },
    async close() {
      // One that was restarted is nobody's child
      const restarted = existsSync(`${dir}/ovs-vswitchd.pid`)
        ? Number(readFileSync(`${dir}/ovs-vswitchd.pid`, 'utf8'))
        : daemonOfSwitch.pid;
      if (restarted !== undefined && restarted !== daemonOfSwitch.pid) process.kill(restarted, 'SIGKILL');
      for (const child of [daemonOfSwitch, database]) {
        child.kill('SIGTERM');
        if (child.exitCode === null && child.signalCode === null)
          await new Promise((resolve) => child.once('close', resolve));
      }
      for (const fd of [host, ...spaces.values()]) closeSync(fd);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
