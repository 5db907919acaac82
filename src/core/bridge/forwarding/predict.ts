import type { Diversions } from '../diversions.js';
import { type BridgeView, isSettingOn } from '../view.js';
import { classes } from '../../probe/classes.js';
import { classForecasts } from './class-forecasts.js';
import { type Forecast, type ForecastFlow, no, portOf, unknown, yes } from './forecast.js';

/** Untagged frames reach only members of their port's VLAN. */
function withinVlan(view: BridgeView, { class: probe, from, observer }: ForecastFlow, forecast: Forecast): Forecast {
  if (isSettingOn(view.settings, 'vlan_filtering') !== true || forecast.reach !== 'yes' || probe === 'vlan-hop')
    return forecast;
  const [source, target] = [portOf(from), portOf(observer)].map((port) =>
    port === null ? null : view.vlansOf(port.name),
  );
  if (source === null || source === undefined || target === null || target === undefined || source.native === null)
    return unknown('VLANs decide');
  return target.members.has(source.native) ? forecast : no(`${observer.name} is not in VLAN ${source.native}`);
}

/**
 * The forecast at `observer` by the state alone. `unknown`: filters, programs or members decide. The wire overrides it.
 */
export function predict(view: BridgeView, diversions: Diversions, flow: ForecastFlow): Forecast {
  if (diversions.unread !== null) return unknown(diversions.unread);
  const target = portOf(flow.observer)?.name;
  const copies = diversions.copies.filter((copy) => copy.to === target && copy.from !== target);
  const [from, to] = [portOf(flow.from)?.name, portOf(flow.to)?.name];
  const copy = copies.find((candidate) =>
    candidate.place === 'ingress'
      ? candidate.from === from
      : candidate.place === 'egress' && flow.class === 'known-unicast' && candidate.from === to,
  );
  if (copy !== undefined) return yes(`a mirror carries frames of ${copy.from} to ${copy.to}`);
  const forecast = withinVlan(view, flow, classForecasts[classes[flow.class].forecast](view, diversions, flow));
  const filter = flow.class === 'routed-bounce' ? diversions.routeFilter : diversions.filter;
  if (forecast.reach === 'yes' && filter !== null) return unknown(filter);
  if (forecast.reach === 'no' && diversions.program !== null) return unknown(diversions.program);
  // what a mirror takes of others' ingress is not of this sender
  if (forecast.reach === 'no' && copies.some(({ place }) => place !== 'ingress'))
    return unknown(`a mirror carries frames to ${target ?? ''}`);
  return forecast;
}
