import type { Observer } from '../../core/model/plan.js';
import type { Result } from '../../core/model/result.js';
import type { Endpoint } from '../../core/model/scenario.js';
import type { RunDetails } from '../reporter.js';
import type { Leak } from './leaks.js';
import { html, type Markup, nothing } from './markup.js';
import { barHeight, type PlacedBox, type PlacedBridge, pictureWidth, placeEndpoints } from './place-endpoints.js';

const maxArrows = 24;

function cut(text: string, length: number): string {
  const points = [...text];
  return points.length <= length ? text : `${points.slice(0, length - 1).join('')}…`;
}

function kindOf(box: PlacedBox): string {
  const { attach, role, port } = box.endpoint;
  if (attach === 'promiscuous') return `relay behind ${box.endpoint.bridge}`;
  if (attach === 'host') return 'the host itself';
  return `${role === 'uplink' ? 'uplink, ' : ''}port ${port ?? ''}`;
}

/** Devices beside the ports at which steps listened, once each: what a guest has above the bridge, or nobody known. */
function devicesAbove({ plan, timeline }: Pick<RunDetails, 'plan' | 'timeline'>): readonly Observer[] {
  const found = [
    ...plan.steps.flatMap(({ observers }) => observers),
    ...timeline.flatMap((entry) => (entry.event === 'ear' ? [entry.observer] : [])),
  ].filter(({ place }) => place === 'above');
  return [...new Map(found.map((observer) => [observer.name, observer])).values()];
}

/** What is known of one observer's ear over a whole run. */
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

function boxMarkup(box: PlacedBox, ear: Ear | undefined, overhears: boolean, above: readonly string[]): Markup {
  const { endpoint, x, y, width, height } = box;
  const compact = height < 40;
  const { text, tone } = earText(ear);
  const kind = [kindOf(box), ...above].join(' + ');
  const title = html`<title>${endpoint.name}: ${kind}, ${endpoint.macs.join(' ')} ${endpoint.ips.map((ip) => ip.address).join(' ')}; ${text}</title>`;
  const frame = html`<rect class="box ${endpoint.attach === 'promiscuous' ? 'behind' : ''}" x="${x}" y="${y}" width="${width}" height="${height}" rx="4"/>`;
  if (compact) {
    let mark = ear?.proven === true ? { tone: '', text: '' } : { tone: 'doubt', text: '? ' };
    if (overhears) mark = { tone: 'bad', text: '✖ ' };
    return html`<g>${title}${frame}<text class="small ${mark.tone}" x="${x + width / 2}" y="${y + 16}" text-anchor="middle">${mark.text}${cut(endpoint.name, 9)}</text></g>`;
  }
  return html`<g>${title}${frame}<text class="name" x="${x + 8}" y="${y + 18}">${cut(endpoint.name, 17)}</text><text class="small" x="${x + 8}" y="${y + 36}">${cut(kind, 25)}</text><text class="ear ${tone}" x="${x + 8}" y="${y + 54}">${text}</text></g>`;
}

function cord(box: PlacedBox, placed: PlacedBridge): Markup {
  const end = box.anchor.y < placed.barY ? placed.barY : placed.barY + barHeight;
  return html`<path class="cord ${box.endpoint.attach === 'promiscuous' ? 'behind' : ''}" d="M${box.anchor.x} ${box.anchor.y}V${end}"/>`;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** With more observers than arrows can be told apart: one arrow to each zone, or to all the guests of a bridge. */
function groupEnds(
  leak: Leak,
  placed: readonly PlacedBridge[],
): readonly { readonly leak: Leak; readonly to: Point; readonly what: string }[] {
  return placed.flatMap((one) => {
    const heard = one.boxes.filter((box) => leak.observers.includes(box.endpoint.name) && box.anchor.y < one.barY);
    const areas =
      one.zones.length > 0
        ? one.zones.map((zone) => ({ y: zone.y, bottom: zone.y + zone.height }))
        : [{ y: 0, bottom: Math.max(0, ...heard.map((box) => box.anchor.y)) }];
    return areas.flatMap((area) => {
      const inside = heard.filter((box) => box.y >= area.y && box.anchor.y <= area.bottom);
      return inside.length === 0
        ? []
        : [{ leak, to: { x: pictureWidth / 2, y: area.bottom }, what: `${inside.length} guests` }];
    });
  });
}

/** One leak as a curve that goes through the bridge, with its number at a place of its own on it. */
function arrow(leak: Leak, position: number, from: Point, to: Point, barY: number, what: string): Markup {
  const shift = ((position % 5) - 2) * 10;
  const [x1, y1, x2, y2] = [from.x + shift, from.y, to.x + shift, to.y];
  const middle = barY + barHeight / 2;
  const t = 0.4 + 0.12 * (position % 3);
  const at = (a: number, b: number, c: number, d: number): number =>
    (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t ** 2 * c + t ** 3 * d;
  const [cx, cy] = [at(x1, x1, x2, x2), at(y1, middle, middle, y2)].map(Math.round);
  return html`<g><title>${leak.number}: ${what} overheard ${leak.from}</title><path class="arrow" marker-end="url(#tip)" d="M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}"/><circle class="tag" cx="${cx ?? 0}" cy="${cy ?? 0}" r="10"/><text class="tagtext" x="${cx ?? 0}" y="${(cy ?? 0) + 4}" text-anchor="middle">${leak.number}</text></g>`;
}

function placeText({ attach, role, port }: Endpoint): string {
  if (attach === 'promiscuous') return 'behind the bridge device';
  return attach === 'host' ? 'the host' : `${role} on port ${port ?? ''}`;
}

/** The topology of the plan as a picture, and what it says in words for who cannot see it. */
export function topologySection(
  details: Pick<RunDetails, 'plan' | 'timeline'>,
  ears: ReadonlyMap<string, Ear>,
  leaks: readonly Leak[],
): Markup {
  const { plan } = details;
  const above = devicesAbove(details);
  const aboveOf = (guest: string): readonly string[] =>
    above.filter(({ party }) => party === guest).map(({ name }) => name);
  const placed: PlacedBridge[] = [];
  for (const bridge of plan.bridges) placed.push(placeEndpoints(bridge, plan.endpoints, placed.at(-1)?.bottom ?? 0));
  const boxes = new Map(
    placed.flatMap((one) => one.boxes.map((box) => [box.endpoint.name, { box, barY: one.barY }] as const)),
  );
  const pairs = leaks.flatMap((leak) => leak.observers.map((observer) => ({ leak, observer })));
  const crowded = pairs.length > maxArrows;
  const ends = crowded
    ? leaks.slice(0, maxArrows).flatMap((leak) => groupEnds(leak, placed))
    : pairs.flatMap(({ leak, observer }) => {
        const to = boxes.get(observer);
        return to === undefined ? [] : [{ leak, to: to.box.anchor, what: observer }];
      });
  const arrows = ends.flatMap(({ leak, to, what }, at) => {
    const from = boxes.get(leak.from);
    return from === undefined ? [] : [arrow(leak, at, from.box.anchor, to, from.barY, what)];
  });
  const overhearing = new Set(pairs.map(({ observer }) => observer));
  const bridges = placed.map(
    (one) =>
      html`${one.zones.map((zone) => html`<rect class="group" x="${zone.x}" y="${zone.y}" width="${zone.width}" height="${zone.height}" rx="6"/><text class="zone" x="${zone.x + 8}" y="${zone.y + 15}">${cut(zone.name, Math.floor(zone.width / 8))}</text>`)}${one.compact ? nothing : one.boxes.map((box) => cord(box, one))}${one.compact ? one.boxes.filter((box) => box.anchor.y > one.barY).map((box) => cord(box, one)) : nothing}<rect class="bar" x="20" y="${one.barY}" width="${pictureWidth - 40}" height="${barHeight}" rx="3"/><text x="32" y="${one.barY + 18}" class="name">${cut(one.bridge.name, 30)}</text><text class="small" x="${pictureWidth - 32}" y="${one.barY + 17}" text-anchor="end">${one.bridge.kind === 'ovs' ? 'Open vSwitch' : 'Linux bridge'}${one.compact ? `, ${one.boxes.length} ports` : ''}</text>${one.boxes.map((box) => boxMarkup(box, ears.get(box.endpoint.name), overhearing.has(box.endpoint.name), aboveOf(box.endpoint.name)))}`,
  );
  const height = placed.at(-1)?.bottom ?? 40;
  const shown = crowded
    ? html`<p>✖ in a small box: it overheard somebody. An arrow stands for all of its zone; the list below has every one.</p>`
    : nothing;
  const words = plan.bridges.map(
    (bridge) =>
      html`<li>${bridge.name}: ${plan.endpoints.filter((endpoint) => endpoint.bridge === bridge.name).map((endpoint) => html`${endpoint.name} (${placeText(endpoint)}${endpoint.zone === null ? '' : `, zone ${endpoint.zone}`}${aboveOf(endpoint.name).map((name) => html`, also at ${name}`)}; ${earText(ears.get(endpoint.name)).text.slice(2)}); `)}${above.filter(({ bridge: on, party }) => on === bridge.name && party === undefined).map(({ name }) => html`${name} (beside the ports, whose it is is not known); `)}</li>`,
  );
  return html`<section aria-labelledby="topology"><h2 id="topology">Who hangs where</h2><svg viewBox="0 0 ${pictureWidth} ${height}" role="img" aria-labelledby="picture-title picture-text"><title id="picture-title">Topology of ${plan.name}</title><desc id="picture-text">${plan.bridges.length === 1 ? 'One bridge' : `${plan.bridges.length} bridges`}, ${plan.endpoints.length} endpoints, ${pairs.length} leaks as dashed arrows from the sender to who overheard it. The same in words follows.</desc><defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="tip" d="M0 0L10 5L0 10z"/></marker></defs>${bridges}${arrows}</svg><p class="soft">✔ ear proven: the observer saw every control frame that was sent for it. Dashed arrows with a number are leaks, from the sender to who overheard it. A dashed box hangs behind the bridge device itself, not on a port.</p>${shown}<details><summary>The picture in words</summary><ul>${words}</ul></details></section>`;
}

/** Every observer's ear; proven only where it saw every control of every step and lost nothing. */
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
