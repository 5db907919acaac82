import type { BatchBuilder } from '../batch-builder.js';
import type { TimeResolution } from '../time-resolution.js';

/** What a packet or a statistics block has to know of the interface that it names. */
export interface InterfaceOfSection {
  /** Bytes of a packet that are kept at most; 0 = all. */
  readonly snaplen: number;
  readonly resolution: TimeResolution;
}

/** How far a pcapng file is read: the section that blocks belong to, and where packets go. */
export interface SectionState {
  readonly out: BatchBuilder;
  little: boolean;
  /** False before the first section header. */
  isOpen: boolean;
  /** Interfaces of the section, in the order of their descriptions. */
  interfaces: InterfaceOfSection[];
  /** How many interfaces earlier sections had: ids of items count on from there. */
  earlier: number;
  /** A time outside of what 64 bits of ns hold was reported: a file may be full of them. */
  isTimeFaultReported: boolean;
}

export function newSectionState(out: BatchBuilder): SectionState {
  return { out, little: true, isOpen: false, interfaces: [], earlier: 0, isTimeFaultReported: false };
}
