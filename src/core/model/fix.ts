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
  /** Its stanza has it. */
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
    /** `net0`. `value`: as `qm config` prints it. */
    nic: text,
    value: text,
    bridge: text,
    /** Of the SDN. */
    isVnet: flag,
    /** `local:snippets/mine.pl` */
    hookscript: maybe(text),
  },
  netplan: {
    device: text,
    file: text,
    /** `bridges`, `ethernets`, … */
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
    uuid: orNull(text),
  },
};
export const configurationManager = tagged('by', managers);
/** The configuration from which a bridge or port is made again. Its text is untrusted. */
export type ConfigurationManager = Of<typeof configurationManager>;

/** A persistent form of a fix. */
export interface PersistentFix {
  /** A manager, or `sysctl.d`, `nftables`, `Open vSwitch`. */
  readonly by: string;
  /** The first of several. null = the whole host. */
  readonly device: string | null;
  /** The file, or a command that opens the configuration. Empty: see `note`. */
  readonly where: string;
  /** Text to paste, perhaps several lines. */
  readonly form: string;
  readonly apply: string;
  /** Other effects, or why there is no form. */
  readonly note: string;
}

const lostNeed = {
  what: text,
  names: [text],
};
/** A protocol (ARP, DHCP, …) that endpoints lost by a fix. */
export type LostNeed = Of<typeof lostNeed>;

const pair = leaf(
  'two texts',
  (value): value is readonly [string, string] =>
    Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === 'string'),
);
const provenFix = {
  cause: leaf('text', (value): value is CauseCode | UnknownCode => typeof value === 'string'),
  /** Shell commands, all needed. */
  commands: [text],
  outcome: oneOf('works', 'partly', 'still-leaks', 'no-effect', 'cuts-off', 'separates', 'unproven', 'failed'),
  /** Leaked frames. null = not measured. */
  before: orNull(number),
  after: orNull(number),
  /** Endpoints that no longer reach the others. */
  cutOff: [text],
  lost: maybe([lostNeed]),
  /** Pairs that no longer reach each other, but both the gateway. */
  separated: maybe([pair]),
  text,
  /** A folder within the run's, and the SHA-256 of its SHA256SUMS. */
  evidence: text,
  sha256: orNull(text),
};
/** A lab trial: the step, the fix, the step again. */
export type ProvenFix = Of<typeof provenFix>;

/** fixes.json. `step` is from 0. */
export const fixesShape = strict([{ ...provenFix, step: count }]);
export type FixRecord = Of<typeof fixesShape>[number];
