import type { Plan } from '../model/plan.js';
import type { Reading } from '../model/reading.js';
import type { Result } from '../model/result.js';
import { probeClasses, type Endpoint, type ProbeClassName } from '../model/scenario.js';
import type { HostState } from '../model/state.js';
import { bridgeViews, type BridgeView } from './bridge-view.js';
import { diversionsOf } from './diversions.js';
import { predict, type End, type Forecast } from './predict.js';

/** One row of a run beside what the state before it let expect. */
export interface Comparison {
  readonly step: string;
  readonly class: string;
  readonly carrier: string;
  readonly from: string;
  readonly to: string | null;
  readonly observer: string;
  readonly seen: number;
  readonly forecast: Forecast;
  /** The rule is at fault: it said yes and nothing came, or no and something did. */
  readonly differs: boolean;
}

function endOf(view: BridgeView, endpoint: Endpoint): End | null {
  if (endpoint.attach === 'host') return { name: endpoint.name, site: { kind: 'host' }, macs: endpoint.macs };
  if (endpoint.attach === 'promiscuous') return { name: endpoint.name, site: { kind: 'behind' }, macs: endpoint.macs };
  const port = view.ports.find(({ name }) => name === endpoint.port);
  return port === undefined ? null : { name: endpoint.name, site: { kind: 'port', port }, macs: endpoint.macs };
}

/** Traffic of real programs is unicast between two that know each other. */
function classOf(name: string): ProbeClassName {
  return probeClasses.find((one) => one === name) ?? 'known-unicast';
}

function reading(state: HostState): Reading {
  return { state, packetSockets: null, promiscuousLog: null, vmnet: [], ovs: null };
}

/** Holds every row of a run against the prediction from the state that was read before its step. Rows whose ends are not in the state are left out. */
export function holdAgainstWire(plan: Plan, result: Result, before: readonly (HostState | null)[]): readonly Comparison[] {
  return result.steps.flatMap((step, index) => {
    const state = before[index];
    if (state === null || state === undefined) return [];
    const views = bridgeViews(reading(state));
    return step.findings.flatMap((row) => {
      const endpoint = (name: string | null): Endpoint | undefined => plan.endpoints.find((one) => one.name === name);
      const view = views.find(({ name }) => name === endpoint(row.from)?.bridge);
      const [from, to, observer] = [row.from, row.to, row.observer].map((name) => {
        const found = endpoint(name);
        return view === undefined || found === undefined || found.bridge !== view.name ? null : endOf(view, found);
      });
      if (view === undefined || from === null || from === undefined || observer === null || observer === undefined) return [];
      const forecast = predict(view, diversionsOf(view, reading(state)), { class: classOf(row.class), from, to: to ?? null, observer });
      return [{
        step: step.name, class: row.class, carrier: row.carrier, from: row.from, to: row.to, observer: row.observer, seen: row.seen, forecast,
        differs: (forecast.reach === 'yes' && row.seen === 0) || (forecast.reach === 'no' && row.seen > 0),
      }];
    });
  });
}
