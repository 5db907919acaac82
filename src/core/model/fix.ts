import type { CauseCode, UnknownCode } from './codes.js';
import {
  count,
  either,
  flag,
  leaf,
  maybe,
  number,
  type Of,
  oneOf,
  orNull,
  strict,
  tagged,
  text,
} from './shape/shape.js';

const ifupdown = {
  device: text,
  file: text,
  /** Whose stanza has it; the device itself, or its bridge. */
  bridge: text,
};
const managers = {
  libvirt: either(
    { device: text, keeps: oneOf('guest'), guest: text, mac: text, network: orNull(text), bridge: text },
    { device: text, keeps: oneOf('network'), network: text },
  ),
  'Proxmox VE': {
    device: text,
    program: oneOf('qm', 'pct'),
    id: number,
    /** `net0`, and its settings as `qm config` prints them. */
    nic: text,
    value: text,
    bridge: text,
    /** The bridge is a VNet of its software-defined network. */
    isVnet: flag,
    /** The script that the guest has already, `local:snippets/mine.pl`; absent: none. */
    hookscript: maybe(text),
  },
  netplan: {
    device: text,
    file: text,
    /** `bridges`, `ethernets`, … : where netplan has it. */
    kind: text,
    renderer: oneOf('networkd', 'NetworkManager'),
  },
  ifupdown2: ifupdown,
  ifupdown,
  NetworkManager: {
    device: text,
    file: text,
    /** Its name; not its alone. */
    profile: text,
    /** null = the file has none. */
    uuid: orNull(text),
  },
};
export const configurationManager = tagged('by', managers);
/**
 * Whose configuration makes a bridge or a port, and where it stands: a change of the running device is gone when that
 * program makes it again. Text of it is the owner's: data, never to be trusted.
 */
export type ConfigurationManager = Of<typeof configurationManager>;

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

const lostNeed = {
  what: text,
  /** Endpoints. */
  names: [text],
};
/** Something that worked before a fix and no longer does: ARP, DHCP, … and who is without it. */
export type LostNeed = Of<typeof lostNeed>;

const pair = leaf(
  'two texts',
  (value): value is readonly [string, string] =>
    Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === 'string'),
);
const provenFix = {
  cause: leaf('text', (value): value is CauseCode | UnknownCode => typeof value === 'string'),
  /** Each as a shell takes it; all of them belong to the fix. */
  commands: [text],
  outcome: oneOf('works', 'partly', 'still-leaks', 'no-effect', 'cuts-off', 'separates', 'unproven', 'failed'),
  /**
   * Frames seen where they must not be, in the rows that the cause explains: before the fix and after it; null = not
   * measured.
   */
  before: orNull(number),
  after: orNull(number),
  /** Who worked with the others before the fix and no longer does. */
  cutOff: [text],
  /** What they are without. Absent where nobody is cut off. */
  lost: maybe([lostNeed]),
  /** Pairs that no longer reach each other, though both reach the gateway. Absent where there are none. */
  separated: maybe([pair]),
  text,
  /** Folder with the evidence of the trial, within the run's, and the SHA-256 of its SHA256SUMS; null = it has none. */
  evidence: text,
  sha256: orNull(text),
};
/** A proposed fix that was tried in the lab: the step as it was, the fix, the step again. */
export type ProvenFix = Of<typeof provenFix>;

/** fixes.json. `step`: whose leaks the fix is for, from 0. */
export const fixesShape = strict([{ ...provenFix, step: count }]);
export type FixRecord = Of<typeof fixesShape>[number];
