import { createHash, createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Where } from '../../core/model/run-record.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { readSysctl } from '../kernel/sysctl.js';
import { runProgram } from '../process/programs.js';

/** Names in Debian, Fedora, SUSE and Proxmox. */
const packageNames = [
  'qemu-system-x86',
  'qemu-system-arm',
  'qemu-system-data',
  'qemu-kvm',
  'qemu-kvm-core',
  'libvirt-daemon',
  'libvirt-daemon-system',
  'libvirt-daemon-driver-nwfilter',
  'pve-manager',
  'pve-qemu-kvm',
  'pve-firewall',
  'openvswitch-switch',
  'openvswitch',
  'incus',
  'lxd',
  'lxc',
  'xen-utils-common',
  'virtualbox',
  'nftables',
  'iptables',
  'ebtables',
  'iproute2',
  'iproute',
  'bridge-utils',
  'ifupdown2',
] as const;
const moduleNames = [
  'kvm',
  'kvm_intel',
  'kvm_amd',
  'vhost_net',
  'bridge',
  'br_netfilter',
  'openvswitch',
  'macvtap',
  'vmmon',
  'vmnet',
  'vboxdrv',
  'xen_netback',
] as const;

/** They print `NAME VERSION` lines. Missing packages are on stderr or worded otherwise. */
const packageQueries: readonly (readonly string[])[] = [
  ['dpkg-query', '-W', '-f', '${db:Status-Status} ${Package} ${Version}\n', ...packageNames],
  ['rpm', '-q', '--qf', 'installed %{NAME} %{VERSION}-%{RELEASE}\n', ...packageNames],
];

function fileText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

async function packages(): Promise<Readonly<Record<string, string>>> {
  for (const argv of packageQueries) {
    const outcome = await runProgram(argv).catch((error: unknown) => {
      if (error instanceof VerifyError) return null; // the other family of distributions
      throw error;
    });
    if (outcome === null) continue;
    return Object.fromEntries(
      outcome.stdout.split('\n').flatMap((line) => {
        const [, name, version] = /^installed (\S+) (\S+)$/.exec(line) ?? [];
        return name === undefined || version === undefined ? [] : [[name, version]];
      }),
    );
  }
  return {};
}

/** /sys/module also lists built-in modules with parameters. */
function modules(): Readonly<Record<string, string | null>> {
  const loaded = new Set(existsSync('/sys/module') ? readdirSync('/sys/module') : []);
  return Object.fromEntries(
    moduleNames.filter((name) => loaded.has(name)).map((name) => [name, fileText(`/sys/module/${name}/version`)]),
  );
}

/** Keyed, so that trying cannot find the id (machine-id(5)). */
export function hashMachineId(machineId: string): string {
  return createHmac('sha256', Buffer.from(machineId, 'hex')).update('verify-isolation').digest('hex');
}

function knownMachineId(): string | null {
  const id = fileText('/etc/machine-id');
  return id !== null && /^[0-9a-f]{32}$/.test(id) ? id : null;
}

async function nftRuleset(netns: string | null): Promise<Where['nftRuleset']> {
  const outcome = await runProgram(['nft', '-s', 'list', 'ruleset'], { netns }).catch((error: unknown) =>
    error instanceof VerifyError ? error.message : Promise.reject(error),
  );
  if (typeof outcome === 'string') return { sha256: null, text: outcome };
  if (outcome.status !== 0) return { sha256: null, text: outcome.stderr.trim().slice(0, 200) };
  return {
    sha256: createHash('sha256').update(outcome.stdout).digest('hex'),
    text: outcome.stdout === '' ? 'no rules' : 'SHA-256 of `nft -s list ruleset`',
  };
}

const netfilterSysctls = [
  'net.bridge.bridge-nf-call-iptables',
  'net.bridge.bridge-nf-call-ip6tables',
  'net.bridge.bridge-nf-call-arptables',
  'net.bridge.bridge-nf-filter-vlan-tagged',
  'net.bridge.bridge-nf-pass-vlan-input-dev',
];

/** Facts of the machine. `netns`: the bridges' namespace, null = the caller's. */
export async function readMachine(netns: string | null): Promise<Where> {
  const [installed, nft] = await Promise.all([packages(), nftRuleset(netns)]);
  const machineId = knownMachineId();
  const netfilter = readSysctl(netns, netfilterSysctls);
  const release = fileText('/etc/os-release') ?? fileText('/usr/lib/os-release') ?? '';
  return {
    host: hostname(),
    machineIdHash: machineId === null ? null : hashMachineId(machineId),
    bootId: fileText('/proc/sys/kernel/random/boot_id'),
    kernel: fileText('/proc/sys/kernel/osrelease') ?? '',
    distribution: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? null,
    packages: installed,
    modules: modules(),
    brNetfilter: Object.keys(netfilter).length === 0 ? null : netfilter,
    nftRuleset: nft,
  };
}
