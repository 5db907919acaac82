import type { Reach } from '../../model/audit.js';
import type { Mac, ProbeClassName } from '../../model/scenario.js';
import type { Diversions } from '../diversions.js';
import type { BridgeView, PortView } from '../view.js';

/** A port, a place behind the bridge device (for these MACs), or the host. */
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
  /** For thefts, MAC floods and queries the one that talks afterwards. */
  readonly from: End;
  /** null = a group, or none. */
  readonly to: End | null;
  readonly observer: End;
  /** The thief, flooder or querying guest. */
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

/** A class's forecast, without filters and mirrors. */
export type ClassForecast = (view: BridgeView, diversions: Diversions, flow: ForecastFlow) => Forecast;

/** The port of an endpoint; null = none. */
export function portOf(end: End | null | undefined): PortView | null {
  return end?.site.kind === 'port' ? end.site.port : null;
}
