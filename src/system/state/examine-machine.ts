import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { MachineSnapshot } from '../../core/model/machine.js';
import { assertKnown } from '../../core/model/verify-error.js';
import { readSysctl } from '../kernel/sysctl.js';
import { processRights } from '../process/threads.js';
import { runProgram } from '../process/programs.js';

const limitNames = [
  'user.max_user_namespaces',
  'user.max_net_namespaces',
  'kernel.unprivileged_userns_clone',
  'kernel.apparmor_restrict_unprivileged_userns',
] as const;

const brNetfilterNames = [
  'net.bridge.bridge-nf-call-iptables',
  'net.bridge.bridge-nf-call-ip6tables',
  'net.bridge.bridge-nf-call-arptables',
  'net.bridge.bridge-nf-filter-vlan-tagged',
  'net.bridge.bridge-nf-pass-vlan-input-dev',
] as const;

const programs: Readonly<Record<string, readonly string[]>> = {
  ip: ['-V'],
  bridge: ['-V'],
  tc: ['-V'],
  setpriv: ['--version'],
  unshare: ['--version'],
  nft: ['--version'],
  sysctl: ['--version'],
  ping: ['-V'],
  ethtool: ['--version'],
  'ssh-keygen': ['-V'],
  'ovs-vsctl': ['--version'],
};

async function versionOf(program: string, words: readonly string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await runProgram([program, ...words], { timeoutMs: 5000 });
    const [line = ''] = `${stdout}\n${stderr}`
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    // A program without that option exists all the same.
    return /\d/.test(line) && !/option|usage/i.test(line) ? line : 'installed';
  } catch (error) {
    assertKnown(error);
    return null;
  }
}

function statusNumber(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)$`, 'm').exec(status)?.[1] ?? 0);
}

/** Changes nothing. Engines and lab are tried elsewhere. */
export async function examineMachine(): Promise<Omit<MachineSnapshot, 'engines' | 'lab'>> {
  const status = readFileSync('/proc/self/status', 'utf8');
  const versions = await Promise.all(
    Object.entries(programs).map(async ([name, words]) => [name, await versionOf(name, words)] as const),
  );
  const bridged = readSysctl(null, brNetfilterNames);
  return {
    kernel: release(),
    architecture: process.arch,
    node: process.versions.node,
    ...processRights(),
    seccomp: statusNumber(status, 'Seccomp'),
    noNewPrivs: statusNumber(status, 'NoNewPrivs') === 1,
    limits: readSysctl(null, limitNames),
    brNetfilter: Object.keys(bridged).length === 0 ? null : bridged,
    programs: Object.fromEntries(versions),
  };
}
