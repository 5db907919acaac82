import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Command, wordsOf } from '../../support/lab/throw-away.js';
import { journalsIn, withOwnJournals } from '../../support/lab/own-journals.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import type { Result } from '../../../src/core/model/result.js';
import { kernel } from '../../support/lab/features.js';
import { type Missing, program, root } from '../../support/needs.js';

export const top = resolve(import.meta.dirname, '../../..');
export const cli = join(top, 'dist/cli.cjs');

/** What these tests need. */
export const sshd: readonly Missing[] = [root, program('sshd'), program('ssh-keygen'), kernel('VXLAN')];

export const hostNames = ['hv1', 'hv2'] as const;
export type HostName = (typeof hostNames)[number];
/** `s` is a second guest of tenant a on each host, who only listens. */
export type Guest = 'a' | 'b' | 's';

/**
 * Hosts that are namespaces on one underlay, each with a real sshd and two bridges that VXLAN joins: brA (VNI 100;
 * guests a and s) and brB (VNI 200; guest b).
 */
export interface SshHosts {
  readonly dir: string;
  /** Runs a program in a host's namespace. */
  run(host: HostName, command: Command): string;
  /** Starts the program under test in the namespace of hv1, with an ssh that finds the others. */
  cli(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  /** Every guest speaks, so that the bridges know it again. */
  learn(): void;
  /** Starts a program in a guest's namespace. */
  guest(guest: Guest, host: HostName, command: Command): ChildProcess;
  /** Starts another program there. */
  start(argv: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  /** Arguments of ssh(1) that a person would have in his configuration. */
  readonly sshConfig: string;
  /** Process ids of all that runs in a host's namespace, sshd itself left out. */
  processes(host: HostName): readonly string[];
  /** Links with their settings, entries that nobody learned, and tc: what a run has to leave as it was. */
  shape(host: HostName): string;
  /** Takes a host's plug out of the underlay, or puts it in again. */
  plug(host: HostName, inside: boolean): void;
  journals(host: HostName): readonly string[];
  close(): Promise<void>;
}

export function address(host: HostName): string {
  return `10.99.0.${hostNames.indexOf(host) + 1}`;
}

export function macOf(guest: Guest, host: HostName): string {
  return `02:76:69:00:0${{ a: 1, b: 2, s: 3 }[guest]}:0${hostNames.indexOf(host) + 1}`;
}

export function ipOf(guest: Guest, host: HostName): string {
  return `10.${guest === 'b' ? 2 : 1}.0.${hostNames.indexOf(host) + (guest === 's' ? 11 : 1)}`;
}

/** Tenants over both hosts: the orchestrator runs on hv1 and reaches hv2 by ssh. */
export function scenario(
  count: number,
  { rate = 1000, observers = '', more = '', host = '{ ssh: hv2 }' } = {},
): string {
  const endpoint = (name: string, bridge: string, at: 'hv1' | 'hv2', port: string, mac: string): string =>
    `    ${name}: { bridge: ${bridge},${at === 'hv2' ? ' host: hv2,' : ''} port: ${port}, mac: "${mac}" }\n`;
  const tunnel = (name: string, bridge: string, at: 'hv1' | 'hv2', port: string): string =>
    `    ${name}: { bridge: ${bridge},${at === 'hv2' ? ' host: hv2,' : ''} port: ${port}, tunnel: {} }\n`;
  return `version: 1
name: two-hosts
topology:
  provider: host
  hosts: { hv2: ${host} }
  bridges: { brA: {}, brB: {} }
  endpoints:
${(['hv1', 'hv2'] as const).map((at) => `${endpoint(`a-${at}`, 'brA', at, 'va', macOf('a', at))}${endpoint(`s-${at}`, 'brA', at, 'vs', macOf('s', at))}${endpoint(`b-${at}`, 'brB', at, 'vb', macOf('b', at))}${tunnel(`ta-${at}`, 'brA', at, 'vx100')}${tunnel(`tb-${at}`, 'brB', at, 'vx200')}`).join('')}steps:
  - name: private across hosts
    probe: [ { class: known-unicast, from: a-hv1, to: a-hv2, both_ways: true, count: ${count}, rate: ${rate}, carriers: [raw] } ]
    expect: ${observers === '' ? 'private' : `{ may_see: [a-hv1, a-hv2], observers: ${observers} }`}
${more}`;
}

/** Resolves when the run says that it is probing. */
export function probing(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.stderr?.on('data', (chunk) => (/: probing, \d/.test(String(chunk)) ? resolve() : undefined)),
  );
}

const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

export async function sshHosts(): Promise<SshHosts> {
  const dir = mkdtempSync(join(tmpdir(), 'hosts-test-'));
  const home = join(dir, 'home');
  mkdirSync(home, { mode: 0o700 });
  if (!existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  const underlay = newNamespace(disableIpv6);
  const spaces = new Map(hostNames.map((name) => [name, newNamespace(disableIpv6)] as const));
  const guests = new Map<string, number>();
  const journalsOf = (host: HostName): string => join(dir, `${host}-journal`);
  for (const host of hostNames) mkdirSync(journalsOf(host), { mode: 0o700 });
  const spaceOf = (host: HostName): number => spaces.get(host) ?? -1;
  const inside = (fd: number, command: Command): string => {
    const [program = '', ...words] = wordsOf(command);
    const env = { ...process.env, PATH: path };
    return inNamespaceFd(fd, () => execFileSync(program, words, { encoding: 'utf8', stdio: 'pipe', env }));
  };
  const key = (file: string): void => void execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  key(join(dir, 'id'));
  inside(underlay, 'ip link add dev switch type bridge forward_delay 0');
  inside(underlay, 'ip link set dev switch up');
  for (const host of hostNames) {
    const fd = spaceOf(host);
    inside(underlay, `ip link add dev ${host} type veth peer name u0 netns /proc/${process.pid}/fd/${fd}`);
    inside(underlay, `ip link set dev ${host} master switch up`);
    inside(fd, 'ip link set dev lo up');
    inside(fd, `ip address add ${address(host)}/24 dev u0`);
    inside(fd, 'ip link set dev u0 up');
  }
  for (const host of hostNames) {
    addBridge(host, 'brA', 100);
    addBridge(host, 'brB', 200);
    for (const guest of ['a', 'b', 's'] as const) guests.set(`${guest} ${host}`, addGuest(host, guest));
  }

  function addBridge(host: HostName, bridge: string, vni: number): void {
    const fd = spaceOf(host);
    inside(fd, `ip link add dev ${bridge} type bridge forward_delay 0`);
    inside(fd, `ip link add dev vx${vni} type vxlan id ${vni} dstport 4789 local ${address(host)}`);
    for (const peer of hostNames)
      if (peer !== host) inside(fd, `bridge fdb append 00:00:00:00:00:00 dev vx${vni} dst ${address(peer)}`);
    inside(fd, `ip link set dev vx${vni} master ${bridge} up`);
    inside(fd, `ip link set dev ${bridge} up`);
  }

  function addGuest(host: HostName, guest: Guest): number {
    const fd = spaceOf(host);
    const space = newNamespace(disableIpv6);
    const port = `v${guest}`;
    const mac = macOf(guest, host);
    inside(
      fd,
      `ip link add dev ${port} type veth peer name eth0 address ${mac} netns /proc/${process.pid}/fd/${space}`,
    );
    inside(fd, `ip link set dev ${port} master ${guest === 'b' ? 'brB' : 'brA'} up`);
    inside(space, `ip address add ${ipOf(guest, host)}/24 dev eth0`);
    inside(space, 'ip link set dev eth0 mtu 1400 up');
    return space;
  }
  const learn = (): void => {
    for (const host of hostNames)
      for (const guest of ['a', 'b', 's'] as const)
        inside(
          guests.get(`${guest} ${host}`) ?? -1,
          `ping -q -c 1 -w 10 ${ipOf(guest, host === 'hv1' ? 'hv2' : 'hv1')}`,
        );
  };
  learn(); // the bridges know them all

  const daemons = new Map<HostName, ChildProcess>();
  const known: string[] = [];
  for (const host of hostNames) {
    const hostKey = join(dir, `${host}-key`);
    key(hostKey);
    known.push(`${address(host)} ${readFileSync(`${hostKey}.pub`, 'utf8').trim()}`);
    const config = join(dir, `${host}-sshd`);
    writeFileSync(
      config,
      [
        `ListenAddress ${address(host)}`,
        `HostKey ${hostKey}`,
        `AuthorizedKeysFile ${join(dir, 'id.pub')}`,
        'StrictModes no',
        'UsePAM no',
        'PermitRootLogin prohibit-password',
        'PasswordAuthentication no',
        'PidFile none',
        'Subsystem sftp internal-sftp',
        `SetEnv PATH=${join(dir, 'bin')}:${path} TEST_JOURNALS=${journalsOf(host)}`,
        '',
      ].join('\n'),
    );
    daemons.set(
      host,
      inNamespaceFd(spaceOf(host), () =>
        spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' }),
      ),
    );
  }
  mkdirSync(join(dir, 'bin'));
  const [unshare = '', ...words] = withOwnJournals(journalsOf('hv1')).slice(0, -1);
  writeFileSync(
    join(dir, 'bin/verify-isolation'),
    `#!/bin/sh\nexec ${unshare} ${words.map((word) => `'${word}'`).join(' ')} "$TEST_JOURNALS" ${process.execPath} ${cli} "$@"\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(dir, 'known'), `${known.join('\n')}\n`);
  const sshConfig = join(dir, 'ssh-config');
  writeFileSync(
    sshConfig,
    [
      ...hostNames.map((host) => `Host ${host}\n  HostName ${address(host)}\n`),
      `Host *\n  User root\n  IdentityFile ${join(dir, 'id')}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${join(dir, 'known')}\n  ConnectTimeout 5\n`,
    ].join(''),
  );
  // ssh(1) takes its configuration from the passwd entry's home, whatever HOME says: a person would have written it
  // there
  writeFileSync(join(dir, 'bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${sshConfig} "$@"\n`, { mode: 0o755 });
  const env = {
    ...process.env,
    PATH: `${join(dir, 'bin')}:${path}`,
    HOME: home,
  };
  const start = (argv: readonly string[], more: Readonly<Record<string, string>> = {}): ChildProcess =>
    inNamespaceFd(spaceOf('hv1'), () =>
      spawn(argv[0] ?? '', argv.slice(1), { cwd: dir, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] }),
    );

  return {
    dir,
    sshConfig,
    start,
    learn,
    guest: (guest, host, command) => {
      const [program = '', ...words] = wordsOf(command);
      return inNamespaceFd(guests.get(`${guest} ${host}`) ?? -1, () =>
        spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: path } }),
      );
    },
    run: (host, command) => inside(spaceOf(host), command),
    cli: (args, more) => start([...withOwnJournals(journalsOf('hv1')), process.execPath, cli, ...args], more),
    processes: (host) => processesIn(spaceOf(host)),
    shape: (host) => {
      const links = inside(spaceOf(host), 'ip -d -o link show').replaceAll(/(_timer|gc_timer|fdb_n_learned) +\S+/g, '');
      const entries = inside(spaceOf(host), 'bridge fdb show')
        .split('\n')
        .filter((entry) => /permanent|static/.test(entry))
        .sort()
        .join('\n');
      return `${links}\n${entries}\n${inside(spaceOf(host), 'tc qdisc show')}`;
    },
    plug: (host, plugged) => void inside(underlay, `ip link set dev ${host} ${plugged ? 'up' : 'down'}`),
    journals: (host) => journalsIn(journalsOf(host)),
    async close() {
      await Promise.all(
        [...daemons.values()].map(
          (daemon) =>
            new Promise<void>((done) => {
              if (daemon.exitCode !== null || daemon.signalCode !== null) return done();
              daemon.once('exit', () => done());
              daemon.kill('SIGTERM');
            }),
        ),
      );
      // a session whose peer went away with its network waits for it for hours
      for (const host of hostNames) inNamespace(spaceOf(host)).forEach(({ pid }) => end(pid));
      for (const fd of [underlay, ...spaces.values(), ...guests.values()]) closeSync(fd);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Processes whose network namespace that descriptor is; `command` is empty for one that has ended. */
function inNamespace(fd: number): readonly { readonly pid: number; readonly command: string }[] {
  const wanted = fstatSync(fd).ino;
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        if (statSync(`/proc/${pid}/ns/net`).ino !== wanted) return [];
        return [
          { pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() },
        ];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // with the one before it
  }
}

/** Those of them that are not sshd's own. */
function processesIn(fd: number): readonly string[] {
  return inNamespace(fd).flatMap(({ pid, command }) =>
    /sshd/.test(command) || command === '' ? [] : [`${pid} ${command}`],
  );
}

/** Runs on these hosts, each with a scenario and a folder of its own. */
export interface SshRuns {
  /** Begins the next one. */
  start(text: string, more?: readonly string[]): ChildProcess;
  /** The folder of the last one. */
  out(): string;
  /** What the last one came to. */
  result(): Result;
}

export function sshRuns(hosts: () => SshHosts): SshRuns {
  let number = 0;
  const out = (): string => join(hosts().dir, `out-${number}`);
  return {
    out,
    start(text, more = []) {
      const path = join(hosts().dir, `scenario-${(number += 1)}.yml`);
      writeFileSync(path, text);
      return hosts().cli(['run', path, '--yes', '--verbose', '--out', out(), ...more]);
    },
    result: () => JSON.parse(readFileSync(join(out(), 'result.json'), 'utf8')),
  };
}
