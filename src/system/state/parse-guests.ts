import type { FaultCode } from '../../core/model/reasons.js';
import { containerdGuests } from '../../core/discover/guests/containerd.js';
import { containerGuests } from '../../core/discover/guests/containers.js';
import { criGuests } from '../../core/discover/guests/cri.js';
import { namespaceGuests } from '../../core/discover/guests/guest-of-port.js';
import { incusGuests } from '../../core/discover/guests/incus.js';
import { libvirtGuests } from '../../core/discover/guests/libvirt.js';
import { monitorGuests, monitorProcesses } from '../../core/discover/guests/machine-monitors.js';
import { nspawnGuests } from '../../core/discover/guests/nspawn.js';
import { proxmoxGuests, proxmoxSurroundings } from '../../core/discover/guests/proxmox.js';
import type { GuestRecord } from '../../core/model/host-config.js';
import { type ErrorExit, VerifyError } from '../../core/model/verify-error.js';
import { parsePrinted } from '../process/programs.js';

/** What a program printed, and what it was asked. */
export interface Printed {
  readonly command: string;
  readonly text: string;
}

/** What was printed about guests, and by which manager; `null` = it could not be asked, and does without. */
export type GuestQuestion =
  | { readonly manager: 'libvirt'; readonly domain: Printed }
  | {
      readonly manager: 'proxmox';
      readonly id: number;
      readonly program: 'qm' | 'pct';
      readonly config: Printed;
      readonly resources: Printed | null;
      readonly vnets: Printed | null;
    }
  | { readonly manager: 'incus' | 'lxd'; readonly instances: Printed }
  | { readonly manager: 'docker' | 'podman'; readonly inspected: Printed }
  | { readonly manager: 'containerd'; readonly space: string; readonly pid: number; readonly container: Printed }
  | { readonly manager: 'cri'; readonly pod: Printed }
  | { readonly manager: 'nspawn'; readonly machine: Printed }
  | { readonly manager: 'monitors'; readonly processes: Printed }
  | { readonly manager: 'netns'; readonly namespaces: Printed; readonly links: Printed };

export type GuestAnswer =
  | { readonly guests: readonly GuestRecord[] }
  | {
      readonly error: {
        readonly code: FaultCode;
        readonly exit: ErrorExit;
        readonly message: string;
        readonly hint: string;
      };
    };

const read = ({ command, text }: Printed): unknown => parsePrinted(command, text);
/** Names do not depend on it: what cannot be read says nothing. */
function readOrNull(printed: Printed | null): unknown {
  try {
    return printed === null ? null : read(printed);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return null;
  }
}

function guestsOf(question: GuestQuestion): readonly GuestRecord[] {
  switch (question.manager) {
    case 'libvirt':
      return libvirtGuests(question.domain.text);
    case 'proxmox': {
      const { id, program, config, resources, vnets } = question;
      return proxmoxGuests(id, program, config.text, proxmoxSurroundings(readOrNull(resources), readOrNull(vnets)));
    }
    case 'incus':
    case 'lxd':
      return incusGuests(question.manager, read(question.instances));
    case 'docker':
    case 'podman':
      return containerGuests(question.manager, read(question.inspected));
    case 'containerd':
      return containerdGuests(question.space, question.pid, read(question.container));
    case 'cri':
      return criGuests(read(question.pod));
    case 'nspawn':
      return nspawnGuests(question.machine.text);
    case 'monitors':
      return monitorGuests(monitorProcesses(read(question.processes)));
    case 'netns':
      return namespaceGuests(read(question.namespaces), read(question.links));
  }
}

/** The guests that a text of a manager reports: tenants wrote a part of it. */
export function parseGuests(question: GuestQuestion): GuestAnswer {
  try {
    return { guests: guestsOf(question) };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    const { code, exit, message, hint } = error;
    return { error: { code, exit, message, hint } };
  }
}
