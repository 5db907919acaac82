import { placeOf } from '../../core/model/attach.js';
import type { Observer } from '../../core/model/plan.js';
import type { Result } from '../../core/model/result.js';
import type { Endpoint } from '../../core/model/scenario.js';
import { counted } from '../../core/text/escape.js';
import { cutText } from '../../core/text/names.js';
import { type LeakSet, maxSets } from '../answer/leak-sets.js';
import type { RunDetails } from '../reporter.js';
import { html, type Markup, nothing } from './markup.js';
import {
  barHeight,
  isAboveBridge,
  type PlacedBox,
  type PlacedBridge,
  pictureWidth,
  placeEndpoints,
} from './place-endpoints.js';
import { cordEnd, hasMarksOnCord, partsText, railsMarkup, setsAt } from './rails.js';

function aboveText({ attach, below }: Endpoint): string {
  return `${attach} ${below?.mode ?? ''}${below?.flag === undefined ? '' : ` ${below.flag}`} on ${below?.lower ?? ''}`;
}

function kindOf(box: PlacedBox): string {
  const { attach, role, port } = box.endpoint;
  switch (placeOf(attach)) {
    case 'behind':
      return `relay behind ${box.endpoint.bridge}`;
    case 'host':
      return 'the host itself';
    case 'above':
      return aboveText(box.endpoint);
    case 'routed':
      return `routed by ${port ?? ''}`;
    case 'port':
      return `${role === 'uplink' ? 'uplink, ' : ''}port ${port ?? ''}`;
  }
}

function devicesAbove({ plan, timeline }: Pick<RunDetails, 'plan' | 'timeline'>): readonly Observer[] {
  const listening = [
    ...plan.steps.flatMap(({ observers }) => observers),
    ...timeline.flatMap((entry) => (entry.event === 'ear' ? [entry.observer] : [])),
  ].filter(({ place }) => place === 'above');
  return [...new Map(listening.map((observer) => [observer.name, observer])).values()];
}

interface Ear {
  readonly sent: number;
  readonly seen: number;
  readonly dropped: number;
  readonly proven: boolean;
}

function earText(ear: Ear | undefined): { readonly text: string; readonly tone: string } {
  if (ear === undefined || ear.sent === 0) return { text: '– no ear controls', tone: 'doubt' };
  return ear.proven
    ? { text: `✔ ear proven ${ear.seen}/${ear.sent}`, tone: 'good' }
    : { text: `? ear ${ear.seen}/${ear.sent}`, tone: 'doubt' };
}

interface BoxFacts {
  readonly ear: Ear | undefined;
  readonly overhears: boolean;
  readonly above: readonly string[];
  /** Its sets of leaks, if its cord does not show them. */
  readonly parts: string;
}

function boxMarkup(box: PlacedBox, { ear, overhears, above, parts }: BoxFacts): Markup {
  const { endpoint, x, y, width, height } = box;
  const { text, tone } = earText(ear);
  const kind = [kindOf(box), ...above].join(' + ');
  const title = html`<title>${endpoint.name}: ${kind}, ${endpoint.macs.join(' ')} ${endpoint.ips.map((ip) => ip.address).join(' ')}; ${text}${parts === '' ? '' : `; ${parts}`}</title>`;
  const frame = html`<rect class="box ${placeOf(endpoint.attach) === 'behind' ? 'behind' : ''}" x="${x}" y="${y}" width="${width}" height="${height}" rx="4"/>`;
  if (height < 40) {
    const heardAll = ear?.proven === true ? { sign: '', look: '' } : { sign: '? ', look: 'doubt' };
    const { sign, look } = overhears ? { sign: '✖ ', look: 'bad' } : heardAll;
    return html`<g>${title}${frame}<text class="small ${look}" x="${x + width / 2}" y="${y + 16}" text-anchor="middle">${sign}${cutText(endpoint.name, 9)}</text></g>`;
  }
  const names = html`<text class="name" x="${x + 8}" y="${y + 18}">${cutText(endpoint.name, 17 - parts.length)}</text>${parts === '' ? nothing : html`<text class="small bad" x="${x + width - 6}" y="${y + 18}" text-anchor="end">${parts}</text>`}`;
  return html`<g>${title}${frame}${names}<text class="small" x="${x + 8}" y="${y + 36}">${cutText(kind, 25)}</text><text class="ear ${tone}" x="${x + 8}" y="${y + 54}">${text}</text></g>`;
}

function cord(box: PlacedBox, placed: PlacedBridge): Markup {
  return html`<path class="cord ${placeOf(box.endpoint.attach) === 'behind' ? 'behind' : ''}" d="M${box.anchor.x} ${box.anchor.y}V${cordEnd(box, placed)}"/>`;
}

function bridgeMarkup(placed: PlacedBridge, sets: readonly LeakSet[], boxOf: (box: PlacedBox) => Markup): Markup {
  const zones = placed.zones.map((zone) => {
    const title = html`<text class="zone" x="${zone.x + 8}" y="${zone.y + 15}">${cutText(zone.name, Math.floor(zone.width / 8))}</text>`;
    return html`<rect class="group" x="${zone.x}" y="${zone.y}" width="${zone.width}" height="${zone.height}" rx="6"/>${title}`;
  });
  const cords = placed.boxes.filter((box) => !placed.compact || box.anchor.y > placed.barY);
  const kind = { linux: 'Linux bridge', ovs: 'Open vSwitch', routed: 'routes of the host', lower: 'lower device' }[
    placed.bridge.kind
  ];
  const ports = placed.compact ? `, ${placed.boxes.length} ports` : '';
  const names = html`<text x="32" y="${placed.barY + 18}" class="name">${cutText(placed.bridge.name, 30)}</text><text class="small" x="${pictureWidth - 32}" y="${placed.barY + 17}" text-anchor="end">${kind}${ports}</text>`;
  return html`${zones}${cords.map((box) => cord(box, placed))}${railsMarkup(placed, sets)}<rect class="bar" x="20" y="${placed.barY}" width="${pictureWidth - 40}" height="${barHeight}" rx="3"/>${names}${placed.boxes.map(boxOf)}`;
}

function placeBridges({ bridges, endpoints }: RunDetails['plan'], sets: readonly LeakSet[]): readonly PlacedBridge[] {
  const placed: PlacedBridge[] = [];
  for (const bridge of bridges) {
    const names = (above: boolean): readonly string[] =>
      endpoints
        .filter((endpoint) => endpoint.bridge === bridge.name && isAboveBridge(endpoint) === above)
        .map(({ name }) => name);
    const { above, below } = setsAt(sets, names(true), names(false));
    const rails = { above: above.length, below: below.length };
    placed.push(placeEndpoints(bridge, endpoints, placed.at(-1)?.bottom ?? 0, rails));
  }
  return placed;
}

function whereText(endpoint: Endpoint): string {
  switch (placeOf(endpoint.attach)) {
    case 'behind':
      return 'behind the bridge device';
    case 'host':
      return 'the host';
    case 'above':
      return aboveText(endpoint);
    case 'port':
      return `${endpoint.role} on port ${endpoint.port ?? ''}`;
    case 'routed':
      return `${endpoint.role} to which the host routes by ${endpoint.port ?? ''}`;
  }
}

function legendText(hasLines: boolean, isBehind: boolean): string {
  return [
    ...(hasLines
      ? [
          'A line with a number is one cause of leaks: ● sends, ▲ overhears; a bracket on it limits it to the rows it points at.',
        ]
      : []),
    '✔ ear proven: the observer saw every control frame that was sent for it.',
    ...(isBehind ? ['A dashed box hangs behind the bridge device itself, not on a port.'] : []),
  ].join(' ');
}

/** A picture and words. */
export function topologyMarkup(
  details: Pick<RunDetails, 'plan' | 'timeline'>,
  ears: ReadonlyMap<string, Ear>,
  leaks: readonly LeakSet[],
): Markup {
  const { plan } = details;
  const above = devicesAbove(details);
  const aboveOf = (guest: string): readonly string[] =>
    above.filter(({ party }) => party === guest).map(({ name }) => name);
  const sets = leaks.slice(0, maxSets);
  const placed = placeBridges(plan, sets);
  const overhearing = new Set(leaks.flatMap(({ observers }) => [...observers]));
  const bridges = placed.map((bridge) =>
    bridgeMarkup(bridge, sets, (box) => {
      const { name } = box.endpoint;
      const parts = hasMarksOnCord(box, bridge) ? '' : partsText(sets, name);
      return boxMarkup(box, { ear: ears.get(name), overhears: overhearing.has(name), above: aboveOf(name), parts });
    }),
  );
  const words = plan.bridges.map((bridge) => {
    const endpoints = plan.endpoints.filter((endpoint) => endpoint.bridge === bridge.name);
    const described = endpoints.map((endpoint) => {
      const zone = endpoint.zone === null ? '' : `, zone ${endpoint.zone}`;
      const devices = aboveOf(endpoint.name).map((name) => `, also at ${name}`);
      return html`${endpoint.name} (${whereText(endpoint)}${zone}${devices}; ${earText(ears.get(endpoint.name)).text.slice(2)}); `;
    });
    const unknown = above.filter(({ bridge: on, party }) => on === bridge.name && party === undefined);
    return html`<li>${bridge.name}: ${described}${unknown.map(({ name }) => html`${name} (beside the ports, whose it is is not known); `)}</li>`;
  });
  const lines = leaks.map(({ number, text }) => html`<li>Line ${number}: ${text}.</li>`);
  const more = leaks.length - sets.length;
  const isBehind = plan.endpoints.some(({ attach }) => placeOf(attach) === 'behind');
  const legend = legendText(sets.length > 0, isBehind);
  const count = plan.bridges.length === 1 ? 'One bridge' : `${plan.bridges.length} bridges`;
  const description = `${count}, ${counted(plan.endpoints.length, 'endpoint')}; ${leaks.map(({ number, who }) => `line ${number}: ${who}`).join('; ') || 'no leak'}. The same in words follows.`;
  return html`<div class="wide" tabindex="0" role="region" aria-label="Picture of the topology"><svg class="net" viewBox="0 0 ${pictureWidth} ${placed.at(-1)?.bottom ?? 40}" role="img" aria-labelledby="picture-title picture-text"><title id="picture-title">Topology of ${plan.name}</title><desc id="picture-text">${description}</desc>${bridges}</svg></div><p class="soft">${legend}</p>${more > 0 ? html`<p>${counted(more, 'more cause is', 'more causes are')} not drawn; all stand above.</p>` : nothing}<details><summary>The picture in words</summary><ul>${lines}${words}</ul></details>`;
}

/** Proven if it saw every control of every step and lost nothing. */
export function earsOf(result: Result): ReadonlyMap<string, Ear> {
  const ears = new Map<string, Ear>();
  for (const observer of result.steps.flatMap((step) => step.observers)) {
    const before = ears.get(observer.name) ?? { sent: 0, seen: 0, dropped: 0 };
    const now = {
      sent: before.sent + observer.controlsSent,
      seen: before.seen + observer.controlsSeen,
      dropped: before.dropped + observer.dropped,
    };
    ears.set(observer.name, { ...now, proven: now.sent > 0 && now.seen === now.sent && now.dropped === 0 });
  }
  return ears;
}
