import type { Severity } from '../model/audit.js';
import type { Flow } from '../model/plan.js';
import type { Bridge, Carrier, Endpoint, Mac, MdbEntry, ProbeClassName, ProbeEntry } from '../model/scenario.js';

export interface ProbeContext {
  readonly entry: ProbeEntry;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridges: ReadonlyMap<string, Bridge>;
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  /** Distinguishes the run's invented addresses from other runs'. */
  readonly runTag: number;
  /** Index of the entry in the run; distinguishes invented addresses of entries. */
  readonly ordinal: number;
  /** Group members after the steps up to this one. */
  readonly mdb: readonly MdbEntry[];
}

export interface ProbePair {
  readonly from: Endpoint;
  readonly to: Endpoint | null;
  readonly carrier: Carrier;
  readonly vlan: readonly number[];
}

/** A flow without number. `must` and `may` are the class's defaults. */
export interface FlowDraft
  extends Pick<Flow, 'from' | 'to' | 'sender' | 'frame' | 'must' | 'may' | 'judged' | 'purpose' | 'variant'> {
  /** Absent = the entry's. */
  readonly count?: number;
}

/** All about one class of probe: frames, and permitted observers; pure. */
export interface ProbeClass {
  readonly name: ProbeClassName;
  readonly meaning: string;
  /** In a leak's sentence, an attack that no guest may send. Absent: others may. */
  readonly attack?: string;
  /** It sends with unused MACs, which a switch beyond an uplink would learn. */
  readonly newMacs?: true;
  readonly addressee: 'required' | 'optional' | 'none';
  readonly takesVia?: true;
  /** `fields` and `rule` may make frames for a rule. */
  readonly takesFields?: true;
  readonly takesGroup?: true;
  /**
   * Default observers that may see it: the addressee, roles on the sender's bridge, all there, none; `unforeseeable`:
   * by VLANs, or a finding needs no sighting.
   */
  readonly maySee: 'addressee' | 'uplink-and-host' | 'host' | 'bridge' | 'nobody' | 'unforeseeable';
  /** The gain of a leak. high: traffic of others or its control; medium: single frames; low: group frames. */
  readonly severity: Exclude<Severity, 'info'>;
  /** Reasons that a disruptive class causes on purpose. Absent: it is not disruptive. */
  readonly provokes?: readonly string[];
  defaultCarriers(from: Endpoint, to: Endpoint | null, entry: ProbeEntry): readonly Carrier[];
  flows(pair: ProbePair, context: ProbeContext): readonly FlowDraft[];
  /**
   * Senders and addressees whose pairs have one flow each, of the entry's count. Its source depends on the sender
   * alone; destination, `must` and `may` depend on the addressee alone. Absent: none.
   */
  readonly joins?: {
    sender(from: Endpoint): boolean;
    addressee(to: Endpoint, carrier: Carrier, entry: ProbeEntry): boolean;
  };
}
