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
  /** The device whose stanza has it: itself, or its bridge. */
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
    /** The bridge is a VNet of the SDN. */
    isVnet: flag,
    /** The guest's hook script, `local:snippets/mine.pl`; absent: none. */
    hookscript: maybe(text),
  },
  netplan: {
    device: text,
    file: text,
    /** `bridges`, `ethernets`, …: its section in netplan. */
    kind: text,
    renderer: oneOf('networkd', 'NetworkManager'),
  },
  ifupdown2: ifupdown,
  ifupdown,
  NetworkManager: {
    device: text,
    file: text,
    /** Not unique. */
    profile: text,
    /** null = the file has none. */
    uuid: orNull(text),
  },
};
export const configurationManager = tagged('by', managers);
/**
 * The configuration that makes a bridge or port: changes of the running device are lost when it is made again. Its text
 * is untrusted data.
 */
export type ConfigurationManager = Of<typeof configurationManager>;

/** A persistent form of a fix. */
export interface PersistentFix {
  /** A manager, or `sysctl.d`, `nftables`, `Open vSwitch`. */
  readonly by: string;
  /** The first of several devices; null = the whole host. */
  readonly device: string | null;
  /**
   * The file (alone: the form is the whole file), or the command that opens the configuration. Empty: no persistent
   * form; see `note`.
   */
  readonly where: string;
  /** Text to paste; may have several lines. */
  readonly form: string;
  readonly apply: string;
  /** Other effects, or why there is no form. */
  readonly note: string;
}

const lostNeed = {
  what: text,
  names: [text],
};
/** A protocol (ARP, DHCP, …) that worked before a fix, and the endpoints that lost it. */
export type LostNeed = Of<typeof lostNeed>;

const pair = leaf(
  'two texts',
  (value): value is readonly [string, string] =>
    Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === 'string'),
);
const provenFix = {
  cause: leaf('text', (value): value is CauseCode | UnknownCode => typeof value === 'string'),
  /** Each for a shell; all belong to the fix. */
  commands: [text],
  outcome: oneOf('works', 'partly', 'still-leaks', 'no-effect', 'cuts-off', 'separates', 'unproven', 'failed'),
  /** Leaked frames in rows that the cause explains, before and after; null = not measured. */
  before: orNull(number),
  after: orNull(number),
  /** Endpoints that reached the others before the fix only. */
  cutOff: [text],
  /** Protocols that these lost. */
  lost: maybe([lostNeed]),
  /** Pairs that no longer reach each other, though both reach the gateway. */
  separated: maybe([pair]),
  text,
  /** Folder of the trial's evidence within the run's, and the SHA-256 of its SHA256SUMS; null = none. */
  evidence: text,
  sha256: orNull(text),
};
/** A fix tried in the lab: the step, the fix, the step again. */
export type ProvenFix = Of<typeof provenFix>;

/** fixes.json; `step`, from 0, is the step whose leaks the fix is for. */
export const fixesShape = strict([{ ...provenFix, step: count }]);
export type FixRecord = Of<typeof fixesShape>[number];
