import type { Prediction, Reach } from '../../model/audit.js';
import type { ProbeClassName } from '../../model/scenario.js';
import type { Snapshot } from '../../model/state.js';
import { type Diversions, diversionsOf } from '../diversions.js';
import { type BridgeView } from '../view.js';
import { isGroupMacText } from '../../wire/ethernet.js';
import { classes, probeClasses } from '../../probe/classes.js';
import { type End, type Forecast, no, unknown } from './forecast.js';
import { predict } from './predict.js';
import { groupBy } from '../../text/collections.js';

/** A thousand guests are a million pairs, so that like ends are reported together. */
const maxEnds = 32;

/** One end for each port, and one behind the device. */
export function endsOf(view: BridgeView, snapshot: Snapshot): readonly End[] {
  const macsAt = (port: string): readonly string[] =>
    view.fdb
      .filter((entry) => entry.port === port && entry.state !== 'permanent' && !isGroupMacText(entry.mac))
      .map(({ mac }) => mac);
  const ports = view.ports.map(
    (port): End => ({ name: port.name, site: { kind: 'port', port }, macs: macsAt(port.name) }),
  );
  const listed = snapshot.state.fdb
    .filter(
      (entry) =>
        entry.port === view.name && entry.master === null && !isGroupMacText(entry.mac) && entry.mac !== view.link.mac,
    )
    .map(({ mac }) => mac);
  const isPromiscuous = (view.link.promiscuity ?? 0) > 0;
  if (!isPromiscuous && listed.length === 0) return ports;
  const permanent = view.fdb
    .filter((entry) => entry.port === view.name && entry.mac !== view.link.mac && !isGroupMacText(entry.mac))
    .map(({ mac }) => mac);
  return [
    ...ports,
    { name: `behind ${view.name}`, site: { kind: 'behind' }, macs: listed.length > 0 ? listed : permanent },
  ];
}

interface Bridge {
  readonly view: BridgeView;
  readonly diversions: Diversions;
  readonly thirds: readonly End[];
}

const badness: Readonly<Record<Reach, number>> = { yes: 2, unknown: 1, no: 0 };

function worst(
  { view, diversions, thirds }: Bridge,
  probe: ProbeClassName,
  from: End,
  observer: End,
  by: End | null,
): Forecast {
  const gateways = (end: End): boolean =>
    probe !== 'gateway-steal' || end.site.kind !== 'port' || end.site.port.role === 'uplink';
  const forecasts = thirds
    .filter((to) => to.name !== from.name && to.name !== observer.name && gateways(to))
    .map((to) => ({ to, forecast: predict(view, diversions, { class: probe, from, to, observer, by }) }))
    .sort((a, b) => badness[b.forecast.reach] - badness[a.forecast.reach]);
  const [worst] = forecasts;
  if (worst === undefined)
    return probe === 'gateway-steal' ? unknown('no gateway is on record') : no('there is no third');
  return worst.forecast.reach === 'no'
    ? worst.forecast
    : { reach: worst.forecast.reach, why: `to ${worst.to.name}: ${worst.forecast.why}` };
}

function forecastOf(bridge: Bridge, probe: ProbeClassName, from: End, observer: End): Forecast {
  const { view, diversions } = bridge;
  switch (classes[probe].question) {
    case 'third':
      return worst(bridge, probe, from, observer, null);
    case 'thief':
      return worst(bridge, probe, from, observer, observer);
    case 'queried':
      return predict(view, diversions, { class: probe, from, to: null, observer, by: observer });
    case 'addressed':
      return predict(view, diversions, { class: probe, from, to: observer, observer });
    case 'direct':
      return predict(view, diversions, { class: probe, from, to: null, observer });
  }
}

/** Forecasts for each class and pair of possible guest ports: do wrong frames reach the second? */
export function predictAll(view: BridgeView, snapshot: Snapshot): readonly Prediction[] {
  const ends = endsOf(view, snapshot);
  const diversions = diversionsOf(view, snapshot);
  const kinds =
    ends.length <= maxEnds
      ? ends.map((end) => [end])
      : [...groupBy(ends, (end) => formOf(view, diversions.copies, end)).values()];
  const bridge: Bridge = { view, diversions, thirds: kinds.flatMap((kind) => kind.slice(0, 3)) };
  return probeClasses.flatMap((probe) =>
    kinds.flatMap((senders) =>
      kinds.flatMap((observers): readonly Prediction[] => {
        const [from] = senders;
        const observer = observers.find((end) => end !== from);
        if (from === undefined || observer?.site.kind !== 'port' || observer.site.port.role !== 'guest') return [];
        const pairs = senders.length * observers.length - (senders === observers ? senders.length : 0);
        return [
          {
            bridge: view.name,
            class: probe,
            from: from.name,
            observer: observer.name,
            pairs,
            ...forecastOf(bridge, probe, from, observer),
          },
        ];
      }),
    ),
  );
}

const individual = /^(designated_|id$|no$|priority$|cost$|.*_timer$|config_pending$|topology_change)/;

function formOf(view: BridgeView, copies: Diversions['copies'], end: End): string {
  if (end.site.kind !== 'port') return end.name;
  const { name, settings, role } = end.site.port;
  if (copies.some(({ from, to }) => from === name || to === name)) return name;
  const entries = view.fdb
    .filter((entry) => end.macs.includes(entry.mac))
    .map(({ state, flags }) => `${state} ${flags.join(' ')}`);
  const vlans = view.vlansOf(name);
  return JSON.stringify([
    role,
    Object.entries(settings).filter(([key]) => !individual.test(key)),
    [...new Set(entries)].sort(),
    vlans === null ? null : [vlans.native, [...vlans.members]],
  ]);
}
