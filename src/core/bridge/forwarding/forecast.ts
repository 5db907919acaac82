import type { Reach } from '../../model/audit.js';
import type { Mac, ProbeClassName } from '../../model/scenario.js';
import type { Diversions } from '../diversions.js';
import type { BridgeView, PortView } from '../view.js';

/**
 * Where somebody is: on a port, behind the bridge device (what holds it promiscuous hands over frames to these MACs),
 * or the host itself.
 */
export type Site =
  | { readonly kind: 'port'; readonly port: PortView }
  | { readonly kind: 'behind' }
  | { readonly kind: 'host' };

export interface End {
  readonly name: string;
  readonly site: Site;
  readonly macs: readonly Mac[];
}

/** What is sent, by whom, and at whom is looked. */
export interface ForecastFlow {
  readonly class: ProbeClassName;
  /**
   * Who transmits the frames that are looked for: for thefts, floods of MACs and queries the one that talks afterwards.
   */
  readonly from: End;
  /** Whom they are meant for; null = a group, or nobody. */
  readonly to: End | null;
  readonly observer: End;
  /** Who caused it: the thief, the flooder, the guest that sent the query. */
  readonly by?: End | null;
  /** Left out: any that the class has. */
  readonly carrier?: string;
  readonly variant?: string;
}

export interface Forecast {
  readonly reach: Reach;
  readonly why: string;
}

export const yes = (why: string): Forecast => ({ reach: 'yes', why });
export const no = (why: string): Forecast => ({ reach: 'no', why });
export const unknown = (why: string): Forecast => ({ reach: 'unknown', why });

/** What the state lets expect of one class of probe, filters and mirrors left aside. Pure. */
export type ClassForecast = (view: BridgeView, diversions: Diversions, flow: ForecastFlow) => Forecast;

/** The port of an endpoint; null where it has none. */
export function portOf(end: End | null | undefined): PortView | null {
  return end?.site.kind === 'port' ? end.site.port : null;
}
