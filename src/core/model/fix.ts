import type { CauseCode, UnknownCode } from './codes.js';

/**
 * Whose configuration makes a bridge or a port, and where it stands: a change of the running device is gone when that
 * program makes it again. Text of it is the owner's: data, never to be trusted.
 */
export type ConfigurationManager =
  | {
      readonly by: 'libvirt';
      readonly device: string;
      readonly keeps: 'guest';
      readonly guest: string;
      readonly mac: string;
      readonly network: string | null;
      readonly bridge: string;
    }
  | { readonly by: 'libvirt'; readonly device: string; readonly keeps: 'network'; readonly network: string }
  | {
      readonly by: 'Proxmox VE';
      readonly device: string;
      readonly program: 'qm' | 'pct';
      readonly id: number;
      /** `net0`, and its settings as `qm config` prints them. */
      readonly nic: string;
      readonly value: string;
      readonly bridge: string;
      /** The bridge is a VNet of its software-defined network. */
      readonly isVnet: boolean;
      /** The script that the guest has already, `local:snippets/mine.pl`; absent: none. */
      readonly hookscript?: string;
    }
  | {
      readonly by: 'netplan';
      readonly device: string;
      readonly file: string;
      /** `bridges`, `ethernets`, … : where netplan has it. */
      readonly kind: string;
      readonly renderer: 'networkd' | 'NetworkManager';
    }
  | {
      readonly by: 'ifupdown2' | 'ifupdown';
      readonly device: string;
      readonly file: string;
      /** Whose stanza has it; the device itself, or its bridge. */
      readonly bridge: string;
    }
  | {
      readonly by: 'NetworkManager';
      readonly device: string;
      readonly file: string;
      /** Its name; not its alone. */
      readonly profile: string;
      /** null = the file has none. */
      readonly uuid: string | null;
    };

/** The managers by which devices can be kept. */
export const managerNames = [
  'libvirt',
  'Proxmox VE',
  'netplan',
  'ifupdown2',
  'ifupdown',
  'NetworkManager',
] as const satisfies readonly ConfigurationManager['by'][];

/** How a fix comes to stay: what to put where. */
export interface PersistentFix {
  /** What keeps it: a manager, or `sysctl.d`, `nftables`, `Open vSwitch`. */
  readonly by: string;
  /** The device that it is for, the first of several; null = the whole host. */
  readonly device: string | null;
  /**
   * The file, or the command that opens the configuration; a path alone: the form is the whole file. Empty: there is no
   * persistent form, and `note` says so.
   */
  readonly where: string;
  /** What to put there, ready to be pasted; may have several lines. */
  readonly form: string;
  /** What makes it act. */
  readonly apply: string;
  /** What else it changes, or why there is no form. */
  readonly note: string;
}

/** What became of a fix that was tried. */
export const fixOutcomes = [
  'works',
  'partly',
  'still-leaks',
  'no-effect',
  'cuts-off',
  'separates',
  'unproven',
  'failed',
] as const;

/** Something that worked before a fix and no longer does: ARP, DHCP, … and who is without it. */
export interface LostNeed {
  readonly what: string;
  /** Endpoints. */
  readonly names: readonly string[];
}

/** A proposed fix that was tried in the lab: the step as it was, the fix, the step again. */
export interface ProvenFix {
  readonly cause: CauseCode | UnknownCode;
  /** Each as a shell takes it; all of them belong to the fix. */
  readonly commands: readonly string[];
  readonly outcome: (typeof fixOutcomes)[number];
  /**
   * Frames seen where they must not be, in the rows that the cause explains: before the fix and after it; null = not
   * measured.
   */
  readonly before: number | null;
  readonly after: number | null;
  /** Who worked with the others before the fix and no longer does. */
  readonly cutOff: readonly string[];
  /** What they are without. Absent where nobody is cut off. */
  readonly lost?: readonly LostNeed[];
  /** Pairs that no longer reach each other, though both reach the gateway. Absent where there are none. */
  readonly separated?: readonly (readonly [string, string])[];
  readonly text: string;
  /** Folder with the evidence of the trial, within the run's, and the SHA-256 of its SHA256SUMS; null = it has none. */
  readonly evidence: string;
  readonly sha256: string | null;
}

/** An entry of fixes.json. `step`: whose leaks the fix is for, from 0. */
export interface FixRecord extends ProvenFix {
  readonly step: number;
}
