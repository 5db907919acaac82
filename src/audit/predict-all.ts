import type { Prediction } from '../model/audit.js';
import type { Reading } from '../model/reading.js';
import type { ProbeClassName } from '../model/scenario.js';
import { isGroup, type BridgeView } from './bridge-view.js';
import { diversionsOf, type Diversions } from './diversions.js';
import { predict, type End, type Forecast } from './predict.js';

const classes = ['known-unicast', 'unknown-unicast', 'broadcast', 'multicast'] as const satisfies readonly ProbeClassName[];

/** Who is on a bridge, as far as its state shows: one for each port, and one for what is behind the device itself. */
export function endsOf(view: BridgeView, reading: Reading): readonly End[] {
  const own = (port: string): readonly string[] => view.fdb.filter((entry) => entry.port === port && entry.state !== 'permanent' && !isGroup(entry.mac)).map(({ mac }) => mac);
  const ports = view.ports.map((port): End => ({ name: port.name, site: { kind: 'port', port }, macs: own(port.name) }));
  const listed = reading.state.fdb.filter((entry) => entry.port === view.name && entry.master === null && !isGroup(entry.mac) && entry.mac !== view.link.mac).map(({ mac }) => mac);
  const held = (view.link.promiscuity ?? 0) > 0;
  if (!held && listed.length === 0) return ports;
  const permanent = view.fdb.filter((entry) => entry.port === view.name && entry.mac !== view.link.mac && !isGroup(entry.mac)).map(({ mac }) => mac);
  return [...ports, { name: `behind ${view.name}`, site: { kind: 'behind' }, macs: listed.length > 0 ? listed : permanent }];
}

/** Of what `from` sends to any third: the worst for `observer`. */
function worst(view: BridgeView, diversions: Diversions, ends: readonly End[], from: End, observer: End): Forecast {
  const forecasts = ends.filter((to) => to !== from && to !== observer).map((to) => ({ to, forecast: predict(view, diversions, { class: 'known-unicast', from, to, observer }) }));
  const found = forecasts.find(({ forecast }) => forecast.reach === 'yes') ?? forecasts.find(({ forecast }) => forecast.reach === 'unknown') ?? forecasts[0];
  if (found === undefined) return { reach: 'no', why: 'there is no third' };
  return { reach: found.forecast.reach, why: found.forecast.reach === 'no' ? 'every third is known on its own port, or nothing reaches this one' : `to ${found.to.name}: ${found.forecast.why}` };
}

/** For each pair of ports that may have guests, and class: would what one sends, meant for others, reach the other? */
export function predictAll(view: BridgeView, reading: Reading): readonly Prediction[] {
  const ends = endsOf(view, reading);
  const diversions = diversionsOf(view, reading);
  // Thirds of one form fare alike: with a thousand guests a few of each will do.
  const thirds = ends.length <= 64 ? ends : distinct(ends);
  const observers = ends.filter((end) => end.site.kind === 'port' && end.site.port.role === 'guest');
  return classes.flatMap((probe) => ends.flatMap((from) => observers.filter((observer) => observer !== from).map((observer) => ({
    bridge: view.name, class: probe, from: from.name, observer: observer.name,
    ...(probe === 'known-unicast' ? worst(view, diversions, thirds, from, observer) : predict(view, diversions, { class: probe, from, to: null, observer })),
  }))));
}

function distinct(ends: readonly End[]): readonly End[] {
  const seen = new Map<string, number>();
  return ends.filter((end) => {
    const form = end.site.kind === 'port' ? JSON.stringify([end.site.port.settings['learning'], end.site.port.settings['isolated'], end.macs.length === 0]) : end.site.kind;
    seen.set(form, (seen.get(form) ?? 0) + 1);
    return (seen.get(form) ?? 0) <= 3;
  });
}
