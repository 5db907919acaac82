import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { journalsIn, withOwnJournals } from './own-journals.js';
import { type Command, wordsOf } from './throw-away.js';

export const cli = fileURLToPath(new URL('../../../dist/cli.cjs', import.meta.url));

/** The domains of which libvirt's test driver tells: those behind vnet0 and vnet4. */
const libvirtNode = fileURLToPath(new URL('../managers/libvirt-node.xml', import.meta.url));

/** Guests of a throw-away host: name of the port, MAC, address. */
export const guests = {
  kali2: { port: 'vnet0', mac: '52:54:00:85:20:d1', ip: '192.168.0.20' },
  kali3: { port: 'vnet4', mac: '52:54:00:27:4e:0a', ip: '192.168.0.21' },
  lan: { port: 'uplink', mac: '00:11:22:33:44:55', ip: '192.168.0.200' },
  spare: { port: 'spare', mac: '02:00:00:00:00:09', ip: '192.168.0.30' },
} as const;
export type GuestName = keyof typeof guests;

/** A bridge with guests on it in a namespace without a name: what a run finds on a host, gone with the test. */
export interface ThrowAwayHost {
  /** What `netns:` takes. */
  readonly netns: string;
  readonly dir: string;
  run(command: Command): string;
  /** Starts a program in a guest's namespace. */
  start(guest: GuestName, command: Command): ChildProcess;
  /**
   * The program under test; `inside` = in the host's own namespace, else it has to go there by `netns:`. `through`: a
   * command that starts it.
   */
  cli(args: readonly string[], inside?: boolean, through?: readonly string[]): ChildProcess;
  /** As `cli` inside, on a terminal at which `typed` is typed. */
  terminal(args: readonly string[], typed: string): ChildProcess;
  /**
   * A scenario file with the guests and the steps. `netns`: the bridge is named by its namespace; `inside`: so is this
   * guest, by its own; `more`: lines of further endpoints; `also`: a second address of guests.
   */
  scenario(
    name: string,
    parts: {
      readonly steps: string;
      readonly head?: string;
      readonly netns?: boolean;
      readonly inside?: GuestName;
      readonly more?: string;
      readonly also?: Partial<Record<GuestName, string>>;
    },
  ): string;
  /** The guest stops, and its port is gone. */
  stop(guest: GuestName): void;
  /** A guest that has stopped, or another one, comes up under its port's name, MAC and address, with such settings. */
  come(guest: GuestName, settings: readonly string[]): void;
  /** Both in one go, as a manager does it: a run that looks in between would find a guest that is not whole. */
  replace(guest: GuestName, settings: readonly string[]): void;
  /** Two ports exchange their names; then what the bridge knew of them is learned again. */
  exchangeNames(first: GuestName, second: GuestName): void;
  /** Links with their settings, tc, a sysctl, MDB, and FDB without times: what a run has to leave as it was. */
  shape(): string;
  journals(): readonly string[];
  /** Where they are, and the locks of runs. */
  readonly journal: string;
  close(): void;
}

export function throwAwayHost(): ThrowAwayHost {
  const host = newNamespace(disableIpv6);
  const dir = mkdtempSync(join(tmpdir(), 'host-test-'));
  const journal = join(dir, 'journal');
  const spaces = new Map(Object.keys(guests).map((name) => [name, newNamespace(disableIpv6)]));
  const env = { ...process.env, VIRSH_DEFAULT_CONNECT_URI: `test://${libvirtNode}` };
  const ownJournals = withOwnJournals(journal);
  const run = (command: Command, fd = host): string => {
    const [program = '', ...words] = wordsOf(command);
    return inNamespaceFd(fd, () => execFileSync(program, words, { encoding: 'utf8', stdio: 'pipe' }));
  };
  run(['ip', 'link', 'add', 'dev', 'br0', 'type', 'bridge', 'forward_delay', '0']);
  run(['ip', 'link', 'set', 'dev', 'br0', 'up']);
  for (const [name, { port, mac, ip }] of Object.entries(guests)) {
    const fd = spaces.get(name) ?? host;
    run([
      'ip',
      'link',
      'add',
      'dev',
      port,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'address',
      mac,
      'netns',
      `/proc/${process.pid}/fd/${fd}`,
    ]);
    run(['ip', 'link', 'set', 'dev', port, 'master', 'br0', 'up']);
    run(['ip', 'address', 'add', `${ip}/24`, 'dev', 'eth0'], fd);
    run(['ip', 'link', 'set', 'dev', 'eth0', 'up'], fd);
  }
  // the bridge knows them all
  for (const name of ['kali2', 'kali3', 'spare']) run(['ping', '-c', '1', guests.lan.ip], spaces.get(name) ?? host);
  const netns = `/proc/${process.pid}/fd/${host}`;
  const batch = (lines: readonly string[]): void =>
    void inNamespaceFd(host, () => execFileSync('ip', ['-batch', '-'], { input: lines.join('\n'), stdio: 'pipe' }));
  const isHeard = (guest: GuestName): void =>
    void run(['ping', '-c', '1', '-w', '10', guests.lan.ip], spaces.get(guest) ?? host);
  const comeUp = (guest: GuestName, before: readonly string[], settings: readonly string[]): void => {
    const { port, mac, ip } = guests[guest];
    const space = spaces.get(guest) ?? host;
    const near = mac.replace(/^../, 'fe'); // as libvirt names it
    batch([
      ...before,
      `link add dev ${port} address ${near} type veth peer name eth0 address ${mac} netns /proc/${process.pid}/fd/${space}`,
      `link set dev ${port} master br0 up`,
      ...(settings.length === 0 ? [] : [`link set dev ${port} type bridge_slave ${settings.join(' ')}`]),
    ]);
    run(['ip', 'address', 'add', `${ip}/24`, 'dev', 'eth0'], space);
    run(['ip', 'link', 'set', 'dev', 'eth0', 'up'], space);
    isHeard(guest);
  };
  return {
    netns,
    dir,
    journal,
    run: (command) => run(command),
    start: (guest, command) => {
      const [program = '', ...words] = wordsOf(command);
      return inNamespaceFd(spaces.get(guest) ?? host, () =>
        spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] }),
      );
    },
    cli: (args, inside = true, through = []) => {
      const [program = '', ...words] = [...ownJournals, ...through, process.execPath, cli, ...args];
      const start = (): ChildProcess => spawn(program, words, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
      return inside ? inNamespaceFd(host, start) : start();
    },
    terminal: (args, typed) =>
      inNamespaceFd(host, () => {
        const [program = '', ...words] = ownJournals;
        const child = spawn(
          program,
          [
            ...words,
            'script',
            '--quiet',
            '--return',
            '--command',
            [process.execPath, cli, ...args].map((word) => `'${word}'`).join(' '),
            '/dev/null',
          ],
          { cwd: dir, env, stdio: ['pipe', 'pipe', 'pipe'] },
        );
        let shown = '';
        child.stdout.on('data', (chunk) => (shown += String(chunk)));
        // again and again: script(1) may lose what it is given while the terminal changes its mode
        const typing = setInterval(() => (shown.includes('[y/N]') ? child.stdin.write(typed) : undefined), 300);
        child.stdin.on('error', () => undefined);
        child.once('close', () => clearInterval(typing));
        return child;
      }),
    scenario(name, { steps, head = '', netns: byName = false, inside, more = '', also = {} }) {
      const file = join(dir, `${name}.yml`);
      const endpoints = (['kali2', 'kali3', 'lan'] as const).map((guest) => {
        const { port, mac, ip } = guests[guest];
        const addresses = also[guest] === undefined ? `${ip}/24` : `[ ${ip}/24, "${also[guest]}" ]`;
        return `    ${guest}: { bridge: br0, port: ${port}, mac: "${mac}", ip: ${addresses}${guest === 'lan' ? ', role: uplink' : ''}${guest === inside ? `, netns: /proc/${process.pid}/fd/${spaces.get(guest) ?? host}` : ''} }\n`;
      });
      const bridge = byName ? `{ netns: ${netns} }` : '{}';
      writeFileSync(
        file,
        `version: 1\nname: ${name}\n${head}topology:\n  provider: host\n  bridges: { br0: ${bridge} }\n  endpoints:\n${endpoints.join('')}${more}steps:\n${steps}`,
      );
      return file;
    },
    stop: (guest) => batch([`link del dev ${guests[guest].port}`]),
    come: (guest, settings) => comeUp(guest, [], settings),
    replace: (guest, settings) => comeUp(guest, [`link del dev ${guests[guest].port}`], settings),
    exchangeNames(first, second) {
      const rename = (from: string, to: string): readonly string[] => [
        `link set dev ${from} down`,
        `link set dev ${from} name ${to}`,
      ];
      const [a, b] = [guests[first].port, guests[second].port];
      batch([
        ...rename(a, 'between'),
        ...rename(b, a),
        ...rename('between', b),
        `link set dev ${a} up`,
        `link set dev ${b} up`,
      ]);
      for (const guest of [first, second]) isHeard(guest);
    },
    shape() {
      const links = run(['ip', '-d', '-o', 'link', 'show']).replaceAll(/(_timer|gc_timer|fdb_n_learned) +\S+/g, '');
      const entries = run(['bridge', 'fdb', 'show', 'br', 'br0']).split('\n').sort().join('\n');
      return `${links}\n${entries}\n${run(['tc', 'qdisc', 'show'])}\n${run(['bridge', 'mdb', 'show'])}\n${run(['sysctl', 'net.ipv4.ip_forward'])}`;
    },
    journals: () => {
      try {
        return journalsIn(journal);
      } catch {
        return [];
      }
    },
    close() {
      for (const fd of [host, ...spaces.values()]) closeSync(fd);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, stdout, stderr })));
}

/** A step in which kali2 and the LAN send each other frames that no other guest may get. */
export const known = (count: number, rate = 1000): string =>
  `  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, both_ways: true, count: ${count}, rate: ${rate} }, expect: private }\n`;
