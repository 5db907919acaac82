import { changeCommands } from '../../core/bridge/change-commands.js';
import type { Change, ChangeRecord, Fabric } from '../../core/model/fabric.js';
import type { SettingValue } from '../../core/model/scenario.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { writeSysctl } from '../kernel/sysctl.js';
import { mustRun, readJson } from '../process/programs.js';
import { changeOvsEntry, checkOvsEntry, checkOvsValue, ovsValue } from './ovs.js';
import { checkOvsVlan, ovsVlanColumns, refuseOpening } from './ovs-vlans.js';
import { checkFdb, checkMdb, checkReadBack, checkVlan } from './read-back.js';

/** A change that the kernel takes, or Open vSwitch; start and stop are the fabric's. */
export type KernelChange = Exclude<Change, { kind: 'start' | 'stop' }>;

/**
 * Carries a change out in a network namespace (null = the caller's) and reads it back. `runIn`: the folder in which the
 * author's own commands run.
 */
export async function applyToKernel(
  change: KernelChange,
  bridgeOf: (port: string) => string,
  runIn: string,
  netns: string | null = null,
): Promise<ChangeRecord> {
  const commands = changeCommands(change, bridgeOf);
  if (change.kind === 'sysctl') {
    const found = writeSysctl(netns, change.name, change.value);
    return { commands, readBack: checkReadBack('sysctl', 'link', change.name, change.value, found) };
  }
  if (change.kind === 'vlan' && change.ovs === true) refuseOpening(change, await ovsVlanColumns(change.entry.port));
  for (const command of commands) {
    if (change.kind === 'fdb' && change.ovs === true) await changeOvsEntry(command);
    else await mustRun(command, change.kind === 'run' ? { netns, cwd: runIn } : { netns });
  }
  return { commands, readBack: await readBackOf(change, bridgeOf, netns) };
}

async function readBackOf(
  change: Exclude<KernelChange, { kind: 'sysctl' }>,
  bridgeOf: (port: string) => string,
  netns: string | null,
): Promise<string | null> {
  switch (change.kind) {
    case 'set':
      return checkReadBack(
        change.device,
        change.place,
        change.key,
        change.value,
        await currentValue(netns, change.device, change.place, change.key),
      );
    case 'ovs-set':
      return checkOvsValue(change, await ovsValue(change, bridgeOf));
    case 'mirror':
      return `mirror ${change.mirror.name} to ${change.mirror.output}: ${(await mustRun(['ovs-vsctl', 'get', 'Mirror', change.mirror.name, 'output_port'])).trim()}`;
    case 'vlan':
      if (change.ovs === true) return checkOvsVlan(change, await ovsVlanColumns(change.entry.port));
      return checkVlan(change, await readJson(['bridge', '-j', 'vlan', 'show', 'dev', change.entry.port], { netns }));
    case 'fdb':
      if (change.ovs === true) return checkOvsEntry(change, bridgeOf(change.entry.port));
      return checkFdb(change, await readJson(['bridge', '-j', 'fdb', 'show', 'dev', change.entry.port], { netns }));
    case 'mdb':
      return checkMdb(change, await readJson(['bridge', '-j', 'mdb', 'show', 'dev', change.bridge], { netns }));
    case 'fdb-flush':
    case 'run':
      return null; // nothing to compare with: what they did is in the state that is read before probing
  }
}

/** One setting as `ip -j -d link` tells it now; undefined where the kernel does not know it. */
async function currentValue(
  netns: string | null,
  device: string,
  place: 'bridge' | 'port' | 'link',
  key: string,
): Promise<SettingValue | undefined> {
  return settingIn(await readJson(['ip', '-j', '-d', 'link', 'show', 'dev', device], { netns }), place, key);
}

/** One setting of the first link of `ip -j -d link`; undefined where the kernel does not tell it. */
export function settingIn(json: unknown, place: 'bridge' | 'port' | 'link', key: string): SettingValue | undefined {
  const link = child(json, '0');
  if (place === 'link' && key === 'up') {
    const flags = child(link, 'flags');
    return Array.isArray(flags) ? flags.includes('UP') : undefined;
  }
  const value =
    place === 'link'
      ? child(link, key)
      : child(child(child(link, 'linkinfo'), place === 'bridge' ? 'info_data' : 'info_slave_data'), key);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

function child(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}

async function unsupported(what: string): Promise<never> {
  throw new VerifyError('unsupported', 69, `${what} is not supported where a scenario has hosts`, 'leave it out');
}

/**
 * What a fabric over several hosts says to a change: core/scenario/unsupported.ts refuses such scenarios before
 * anything runs.
 */
export const noChanges: Pick<Fabric, 'apply' | 'happen'> = {
  apply: async (change) => unsupported(`a change (${change.kind})`),
  happen: async () => unsupported('during'),
};
