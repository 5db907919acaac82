import type { Change } from '../model/fabric.js';
import type { ConfigurationManager, PersistentFix } from '../model/persistent-fix.js';
import type { Cause, GroupCause, StepResult } from '../model/result.js';
import { deviceOf } from './command-of.js';
import { hostWideForm } from './managers/host-wide.js';
import { interfacesForm } from './managers/interfaces.js';
import { libvirtForm } from './managers/libvirt.js';
import { netplanForm } from './managers/netplan.js';
import { networkManagerForm } from './managers/network-manager.js';
import { proxmoxForm } from './managers/proxmox.js';
import { type Wanted, wantedOf } from './wanted.js';

/**
 * A step's result whose causes say how their fixes come to stay, where it is known who makes the devices; `undefined`:
 * nobody looked.
 */
export function withPersistentFixes(
  result: StepResult,
  managers: readonly ConfigurationManager[] | undefined,
): StepResult {
  if (managers === undefined) return result;
  const known = new Map<string, readonly PersistentFix[]>();
  const lastingOf = (text: string, changes: readonly Change[] = []): readonly PersistentFix[] => {
    const lasting = known.get(text) ?? persistentFixes(changes, managers);
    known.set(text, lasting);
    return lasting;
  };
  const withForms = (cause: Cause): Cause => {
    const lasting = lastingOf(cause.fix, cause.changes);
    return lasting.length === 0 ? cause : { ...cause, lasting };
  };
  const reportOfGroup = (cause: GroupCause): GroupCause => {
    const lasting = lastingOf(cause.fixes.join(' && '), cause.changes);
    return lasting.length === 0 ? cause : { ...cause, lasting };
  };
  return {
    ...result,
    findings: result.findings.map((finding) =>
      finding.causes.length === 0 ? finding : { ...finding, causes: finding.causes.map(withForms) },
    ),
    ...(result.groups === undefined
      ? {}
      : { groups: result.groups.map((group) => ({ ...group, causes: group.causes.map(reportOfGroup) })) }),
  };
}

function formOf(manager: ConfigurationManager, wanted: readonly Wanted[]): readonly PersistentFix[] {
  switch (manager.by) {
    case 'libvirt':
      return libvirtForm(manager, wanted);
    case 'Proxmox VE':
      return proxmoxForm(manager, wanted);
    case 'netplan':
      return netplanForm(manager, wanted);
    case 'ifupdown2':
    case 'ifupdown':
      return interfacesForm(manager, wanted);
    case 'NetworkManager':
      return networkManagerForm(manager, wanted);
  }
}

/**
 * How a fix comes to stay on a host whose bridges and ports these programs make. Empty where the fix wants nothing that
 * could be kept, or nobody who is known keeps the device. A new manager is one file and one line here.
 */
export function persistentFixes(
  changes: readonly Change[],
  managers: readonly ConfigurationManager[],
): readonly PersistentFix[] {
  const wanted = wantedOf(changes);
  const devices = [...new Set(wanted.map(deviceOf).filter((device) => device !== null))];
  return [
    ...devices.flatMap((device) => {
      const manager = managers.find((manager) => manager.device === device);
      return manager === undefined
        ? []
        : formOf(
            manager,
            wanted.filter((one) => deviceOf(one) === device),
          );
    }),
    ...hostWideForm(wanted),
  ];
}
