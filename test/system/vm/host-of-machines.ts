import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disableOffloads } from '../../../src/system/fabric/lab/endpoints.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { startRelay, type RunningRelay } from '../../../src/system/traffic/relay-client.js';
import { withOwnJournals } from '../../support/lab/own-journals.js';
import { startMachine, type GuestImage, type VirtualMachine } from './virtual-machine.js';

const cli = fileURLToPath(new URL('../../../dist/cli.cjs', import.meta.url));

/** The guests of the experiment. winxp has VMware's card and hangs on no port of br0: a relay carries its frames. */
export const machines = {
  kali2: { tap: 'vnet0', mac: '52:54:00:85:20:d1', ip: '192.168.0.20/24', card: 'virtio-net-pci' },
  kali3: { tap: 'vnet4', mac: '52:54:00:27:4e:0a', ip: '192.168.0.21/24', card: 'virtio-net-pci' },
  winxp: { tap: 'vmnet0', mac: '00:0c:29:aa:bb:cc', ip: '192.168.0.41/24', card: 'vmxnet3' },
} as const;
export type MachineName = keyof typeof machines;
export const lan = { port: 'enp8s0', mac: '00:11:22:33:44:55', ip: '192.168.0.200' } as const;

/**
 * A virtualization host in a namespace without a name: br0, guests under QEMU on taps, and a LAN with a web server
 * behind enp8s0.
 */
export interface HostOfMachines {
  readonly dir: string;
  readonly guests: Readonly<Record<MachineName, VirtualMachine>>;
  run(argv: readonly string[]): string;
  /** Lets winxp's relay hold br0 promiscuous, as VMware bridges a bridge. */
  bridgeTheBridge(): Promise<RunningRelay>;
  /** `verify-isolation` on the host. */
  cli(args: readonly string[]): ChildProcess;
  scenario(name: string, steps: string, withWinxp?: boolean): string;
  close(): Promise<void>;
}

/** Starts everything; the guests boot side by side. */
export async function startHost(image: GuestImage): Promise<HostOfMachines> {
  const host = newNamespace(disableIpv6);
  const beyond = newNamespace(disableIpv6);
  const dir = mkdtempSync(join(tmpdir(), 'machines-'));
  const run = (argv: readonly string[], fd = host): string =>
    inNamespaceFd(fd, () => execFileSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', stdio: 'pipe' }));
  run(['ip', 'link', 'add', 'dev', 'br0', 'type', 'bridge', 'forward_delay', '0', 'ageing_time', '3000']);
  run(['ip', 'link', 'set', 'dev', 'br0', 'up']);
  run([
    'ip',
    'link',
    'add',
    'dev',
    lan.port,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'address',
    lan.mac,
    'netns',
    `/proc/${process.pid}/fd/${beyond}`,
  ]);
  run(['ip', 'link', 'set', 'dev', lan.port, 'master', 'br0', 'up']);
  run(['ip', 'address', 'add', `${lan.ip}/24`, 'dev', 'eth0'], beyond);
  run(['ip', 'link', 'set', 'dev', 'eth0', 'up'], beyond);
  disableOffloads(`/proc/self/fd/${beyond}`, ['eth0']); // the relay carries frames as a wire would
  const web = inNamespaceFd(beyond, () =>
    createServer((_, response) => response.end(Buffer.alloc(20_000, 'x'))).listen(80),
  );
  const boot = (name: MachineName): Promise<VirtualMachine> => {
    const { tap, mac, ip, card } = machines[name];
    run(['ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap']);
    run(['ip', 'link', 'set', 'dev', tap, ...(name === 'winxp' ? [] : ['master', 'br0']), 'up']);
    return inNamespaceFd(host, () => startMachine({ name, tap, mac, ip, card }, image));
  };
  const closeAll = async (running: readonly VirtualMachine[]): Promise<void> => {
    await Promise.all(running.map((machine) => machine.end()));
    await closeServer(web);
    for (const fd of [host, beyond]) closeSync(fd);
    rmSync(dir, { recursive: true, force: true });
  };
  const booted = await Promise.allSettled([boot('kali2'), boot('kali3'), boot('winxp')]);
  const running = booted.flatMap((settled) => (settled.status === 'fulfilled' ? [settled.value] : []));
  const [kali2, kali3, winxp] = running;
  if (kali2 === undefined || kali3 === undefined || winxp === undefined) {
    await closeAll(running);
    throw booted.find((settled) => settled.status === 'rejected')?.reason;
  }
  return {
    dir,
    guests: { kali2, kali3, winxp },
    run: (argv) => run(argv),
    bridgeTheBridge: () =>
      inNamespaceFd(host, () =>
        startRelay({ bridge: 'br0', device: machines.winxp.tap, macs: [machines.winxp.mac], everything: false }),
      ),
    cli: (args) => {
      const [program = '', ...words] = [...withOwnJournals(join(dir, 'journal')), process.execPath, cli, ...args];
      return inNamespaceFd(host, () => spawn(program, words, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] }));
    },
    scenario(name, steps, withWinxp = false) {
      const file = join(dir, `${name}.yml`);
      const lines = [
        ...(['kali2', 'kali3'] as const).map(
          (guest) =>
            `    ${guest}: { bridge: br0, port: ${machines[guest].tap}, mac: "${machines[guest].mac}", ip: ${machines[guest].ip} }`,
        ),
        `    lan: { bridge: br0, port: ${lan.port}, mac: "${lan.mac}", ip: ${lan.ip}/24, role: uplink }`,
        ...(withWinxp
          ? [
              `    winxp: { bridge: br0, attach: promiscuous, port: ${machines.winxp.tap}, mac: "${machines.winxp.mac}", ip: ${machines.winxp.ip} }`,
            ]
          : []),
      ];
      writeFileSync(
        file,
        `version: 1\nname: ${name}\ntopology:\n  provider: host\n  bridges: { br0: {} }\n  endpoints:\n${lines.join('\n')}\nsteps:\n${steps}`,
      );
      return file;
    },
    close: () => closeAll(running),
  };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
