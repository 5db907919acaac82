import { changeCommands } from '../../core/bridge/change-commands.js';
import { settingIn } from '../../core/bridge/setting-value.js';
import type { Change, ChangeRecord, Fabric } from '../../core/model/fabric.js';
import type { Endpoint, FileHash, SettingValue } from '../../core/model/scenario.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { whyForeign } from '../../core/scenario/free-commands.js';
import type { MountSpace } from '../kernel/mounts.js';
import { writeSysctl } from '../kernel/sysctl.js';
import { commandFailed, mustRun, readJson, runProgram } from '../process/programs.js';
import { holdFiles } from './hold-files.js';
import { changeOvsEntry, checkOvsEntry, checkOvsValue, ovsValue } from './ovs.js';
import { checkOvsVlan, ovsVlanColumns, refuseOpening } from './ovs-vlans.js';
import { checkFdb, checkMdb, checkReadBack, checkVlan } from './read-back.js';

/** A change for the kernel or Open vSwitch. */
export type KernelChange = Exclude<Change, { kind: 'start' | 'stop' }>;

/** Folder and files for the author's own commands. */
export interface Authored {
  readonly folder: string;
  readonly files?: readonly FileHash[];
  /** `--allow-run` is absent: only `files` of the folder may be used. */
  readonly mustBeFree?: boolean;
}

/** `Authored` within a fabric. */
export interface RunsIn extends Authored {
  /** Absent = the caller's mount tree. */
  readonly sandbox?: () => MountSpace;
}

/** No process can create a name here, and all names are numbers (proc(5)). */
const nowhere = '/proc/self/fdinfo';

/** Runs an author's command. Rejects as `mustRun`, and with `file-changed` (3). */
export async function runAuthored(
  argv: readonly string[],
  { folder, files = [], mustBeFree = false, sandbox }: RunsIn,
  netns: string | null,
): Promise<void> {
  // Commands let in by --allow-run run without the sandbox.
  const mounts = sandbox === undefined || whyForeign(argv) !== null ? {} : { mounts: sandbox() };
  const opened = holdFiles(argv, folder, files);
  try {
    const cwd = mustBeFree ? nowhere : folder;
    const outcome = await runProgram(opened.argv, { netns, cwd, handed: opened.handed, ...mounts });
    if (outcome.status !== 0) throw commandFailed(argv, { ...outcome, stderr: opened.said(outcome.stderr) });
  } finally {
    opened.close();
  }
}

/** Makes a change in a network namespace (null = the caller's) and reads it back. */
export async function applyToKernel(
  change: KernelChange,
  bridgeOf: (port: string) => string,
  runsIn: RunsIn,
  netns: string | null = null,
): Promise<ChangeRecord> {
  const commands = changeCommands(change, bridgeOf);
  if (change.kind === 'sysctl') {
    const kernelValue = writeSysctl(netns, change.name, change.value);
    return { commands, readBack: checkReadBack('sysctl', 'link', change.name, change.value, kernelValue) };
  }
  if (change.kind === 'vlan' && change.ovs === true) refuseOpening(change, await ovsVlanColumns(change.entry.port));
  for (const command of commands) {
    if (change.kind === 'fdb' && change.ovs === true) await changeOvsEntry(command);
    else if (change.kind === 'run') await runAuthored(command, runsIn, netns);
    else await mustRun(command, { netns });
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
      return null; // nothing to compare: the state read before probing has the effect
  }
}

async function currentValue(
  netns: string | null,
  device: string,
  place: 'bridge' | 'port' | 'link',
  key: string,
): Promise<SettingValue | undefined> {
  return settingIn(await readJson(['ip', '-j', '-d', 'link', 'show', 'dev', device], { netns }), place, key);
}

async function unsupported(what: string): Promise<never> {
  throw new VerifyError('unsupported', 69, `${what} is not supported where a scenario has hosts`, 'leave it out');
}

/** Fabrics over several hosts take no changes: core/scenario/unsupported.ts refuses such scenarios. */
export const noChanges: Pick<Fabric, 'apply' | 'happen'> = {
  apply: async (change) => unsupported(`a change (${change.kind})`),
  happen: async () => unsupported('during'),
};

/** The endpoint of that name. Throws VerifyError (70) if the plan has none. */
export function endpointNamed(endpoints: readonly Endpoint[], name: string): Endpoint {
  const endpoint = endpoints.find((each) => each.name === name);
  if (endpoint === undefined)
    throw new VerifyError(
      'fabric-unknown',
      70,
      `the plan has no endpoint ${name}`,
      'this is a fault of verify-isolation: report it with plan.json',
    );
  return endpoint;
}
