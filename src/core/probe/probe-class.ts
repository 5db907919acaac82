import type { Severity } from '../model/audit.js';
import type { Flow } from '../model/plan.js';
import type { Bridge, Carrier, Endpoint, Mac, MdbEntry, ProbeClassName, ProbeEntry } from '../model/scenario.js';

/** What a probe class may know when it lays out its frames. */
export interface ProbeContext {
  readonly entry: ProbeEntry;
  /** Every endpoint of the topology by name. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridges: ReadonlyMap<string, Bridge>;
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  /** Distinguishes this run's invented addresses from those of every other run. */
  readonly runTag: number;
  /** Index of the entry within the whole run: reports invented addresses of entries apart. */
  readonly ordinal: number;
  /** Members of multicast groups, as the steps up to this one have made them. */
  readonly mdb: readonly MdbEntry[];
}

/** One pair, carrier and VLAN stack for which a class lays out its flows. */
export interface ProbePair {
  readonly from: Endpoint;
  readonly to: Endpoint | null;
  readonly carrier: Carrier;
  readonly vlan: readonly number[];
}

/** A flow before it is numbered. `must` and `may` are the class's defaults; the scenario may replace them. */
export interface FlowDraft
  extends Pick<Flow, 'from' | 'to' | 'sender' | 'frame' | 'must' | 'may' | 'judged' | 'purpose' | 'variant'> {
  /** Frames of this flow; absent = the entry's count. */
  readonly count?: number;
}

/** How the state of a bridge predicts where frames come to (core/bridge/forwarding/class-forecasts.ts). */
export type ForecastKind =
  | 'known-unicast'
  | 'aged-unicast'
  | 'unknown-unicast'
  | 'broadcast'
  | 'arp-broadcast'
  | 'link-local'
  | 'multicast'
  | 'vlan-hop'
  | 'routed-bounce'
  | 'mac-spoof'
  | 'ip-spoof'
  | 'theft'
  | 'mac-flood'
  | 'all-nodes'
  | 'queried'
  | 'bpdu'
  | 'written';

/** What one class of probe sends and who may see it: all that is known of it, in one file a class; pure. */
export interface ProbeClass {
  readonly name: ProbeClassName;
  /** What it sends, as a sentence. */
  readonly meaning: string;
  /** What no guest may send, as a leak's sentence names it. Absent: others may send it. */
  readonly attack?: string;
  readonly forecast: ForecastKind;
  /**
   * Whom a prediction is about. `third`: what `from` sends to somebody else; `thief`, the same, after the observer
   * stole or flooded; `queried`: what `from` sends to a group, after the observer asked for it; `addressed`: what
   * `from` sends to the observer's address; `direct`: what `from` sends to everybody.
   */
  readonly question: 'direct' | 'addressed' | 'third' | 'thief' | 'queried';
  /**
   * Whom `audit --prove` sends it to: nobody in particular, another endpoint, another guest, one that has an address;
   * of what disturbs, one victim of one guest. `not`: why it does not send it.
   */
  readonly proof:
    | 'nobody'
    | 'any'
    | 'guest'
    | 'addressed guest'
    | 'victim'
    | 'addressed victim'
    | 'nobody, once'
    | { readonly not: string };
  /** It sends with MACs that nobody has, which a switch beyond an uplink would learn. Absent: it does not. */
  readonly newMacs?: true;
  /** True if `to` names an addressee. */
  readonly addressee: 'required' | 'optional' | 'none';
  /** True if `via` may name the guest that speaks. Absent: no. */
  readonly takesVia?: true;
  /** True if `fields` and `rule` may make frames that a rule takes. Absent: no. */
  readonly takesFields?: true;
  /** True if `group` may name a multicast group. Absent: no. */
  readonly takesGroup?: true;
  /**
   * Which observers may see it where the author says nothing: the addressee, endpoints of some roles on the sender's
   * bridge, all there, none; `unforeseeable` where it depends on VLANs or where a finding needs no sighting.
   */
  readonly maySee: 'addressee' | 'uplink-and-host' | 'host' | 'bridge' | 'nobody' | 'unforeseeable';
  /** An attacker's gain by a leak. high: traffic of others or its control; medium: single frames; low: group frames. */
  readonly severity: Exclude<Severity, 'info'>;
  /**
   * Of a disruptive class: codes of the reasons that its probes bring about on purpose. Absent: it is not disruptive.
   */
  readonly provokes?: readonly string[];
  /** Carriers where the scenario names none. */
  defaultCarriers(from: Endpoint, to: Endpoint | null, entry: ProbeEntry): readonly Carrier[];
  flows(pair: ProbePair, context: ProbeContext): readonly FlowDraft[];
}
