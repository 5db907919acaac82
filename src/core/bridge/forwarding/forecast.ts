import type { Reach } from '../../model/audit.js';
import type { Mac, ProbeClassName } from '../../model/scenario.js';
import type { Diversions } from '../diversions.js';
import type { BridgeView, PortView } from '../view.js';

/** An endpoint's place: a port, behind the bridge device (which hands over frames to these MACs), or the host. */
export type Site =
  | { readonly kind: 'port'; readonly port: PortView }
  | { readonly kind: 'behind' }
  | { readonly kind: 'host' };

export interface End {
  readonly name: string;
  readonly site: Site;
  readonly macs: readonly Mac[];
}

export interface ForecastFlow {
  readonly class: ProbeClassName;
  /** The transmitter; for thefts, floods of MACs and queries the one that talks afterwards. */
  readonly from: End;
  /** The addressee; null = a group, or none. */
  readonly to: End | null;
  readonly observer: End;
  /** The cause: the thief, the flooder, the guest that sent the query. */
  readonly by?: End | null;
  /** Absent: any of the class. */
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

/** A class's forecast from the state, without filters and mirrors. Pure. */
export type ClassForecast = (view: BridgeView, diversions: Diversions, flow: ForecastFlow) => Forecast;

/** The port of an endpoint; null = none. */
export function portOf(end: End | null | undefined): PortView | null {
  return end?.site.kind === 'port' ? end.site.port : null;
}
