import { isOnPort } from '../../core/model/attach.js';
import type { Bridge, Endpoint } from '../../core/model/scenario.js';

export interface PlacedBox {
  readonly endpoint: Endpoint;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly anchor: { readonly x: number; readonly y: number };
}

/** A zone's frame around its guests. */
export interface PlacedZone {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedBridge {
  readonly bridge: Bridge;
  readonly barY: number;
  /** Y of the first rails, above the bar and below. */
  readonly railsAbove: number;
  readonly railsBelow: number;
  readonly boxes: readonly PlacedBox[];
  readonly zones: readonly PlacedZone[];
  readonly compact: boolean;
  readonly bottom: number;
}

export const pictureWidth = 976;
export const barHeight = 26;
const margin = 20;
const gapToBar = 40;
/** A set's line and words. */
export const railHeight = 38;
const zonePadding = 12;

interface Size {
  readonly width: number;
  readonly height: number;
  readonly gap: number;
}

const full: Size = { width: 156, height: 64, gap: 12 };
const small: Size = { width: 71, height: 24, gap: 7 };
const maxFull = 18;

function grid(
  endpoints: readonly Endpoint[],
  top: number,
  size: Size,
  above: boolean,
): { readonly boxes: readonly PlacedBox[]; readonly bottom: number } {
  const perRow = Math.floor((pictureWidth - 2 * margin + size.gap) / (size.width + size.gap));
  const boxes = endpoints.map((endpoint, at): PlacedBox => {
    const row = Math.floor(at / perRow);
    const inRow = Math.min(perRow, endpoints.length - row * perRow);
    const left = endpoints.length <= perRow ? (pictureWidth - inRow * (size.width + size.gap) + size.gap) / 2 : margin;
    const x = left + (at % perRow) * (size.width + size.gap);
    const y = top + row * (size.height + size.gap);
    return {
      endpoint,
      x,
      y,
      width: size.width,
      height: size.height,
      anchor: { x: x + size.width / 2, y: above ? y + size.height : y },
    };
  });
  return { boxes, bottom: top + Math.ceil(endpoints.length / perRow) * (size.height + size.gap) };
}

function zoneTitle(zone: string | null): string {
  return zone === null ? 'no zone' : `zone ${zone}`;
}

/** True for guests. */
export function isAboveBridge({ role, attach }: Pick<Endpoint, 'role' | 'attach'>): boolean {
  return role === 'guest' && isOnPort(attach);
}

/** Guests by zone above the bridge. `rails`: sets of leaks on each side. */
export function placeEndpoints(
  bridge: Bridge,
  endpoints: readonly Endpoint[],
  top: number,
  rails: { readonly above: number; readonly below: number } = { above: 0, below: 0 },
): PlacedBridge {
  const ofBridge = endpoints.filter((endpoint) => endpoint.bridge === bridge.name);
  const above = ofBridge.filter(isAboveBridge);
  const below = ofBridge.filter((endpoint) => !isAboveBridge(endpoint));
  const placed = placeAbove(above, top + 12);
  const railsAbove = placed.bottom;
  const barY = railsAbove + (above.length === 0 ? 10 : gapToBar - 12 + rails.above * railHeight);
  const belowY = barY + barHeight + gapToBar + rails.below * railHeight;
  const placedBelow = grid(below, belowY, below.length > maxFull ? small : full, false);
  return {
    bridge,
    barY,
    railsAbove,
    railsBelow: barY + barHeight,
    boxes: [...placed.boxes, ...placedBelow.boxes],
    zones: placed.zones,
    compact: above.length > maxFull,
    bottom: below.length === 0 ? barY + barHeight + 24 : placedBelow.bottom + 8,
  };
}

interface PlacedAbove {
  readonly boxes: readonly PlacedBox[];
  readonly zones: readonly PlacedZone[];
  readonly bottom: number;
}

const zoneTitleHeight = 22;

function placeAbove(above: readonly Endpoint[], top: number): PlacedAbove {
  const zoneNames = [...new Set(above.map((endpoint) => endpoint.zone))];
  const members = zoneNames.map((zone) => above.filter((endpoint) => endpoint.zone === zone));
  const isNamed = zoneNames.some((zone) => zone !== null);
  const maxBeside = Math.floor(
    (pictureWidth - 2 * margin - zoneNames.length * zonePadding * 3) / (full.width + full.gap),
  );
  // A few guests of a few zones stand beside one another: no cord passes behind a box of another zone.
  return isNamed && above.length <= maxBeside
    ? placeBeside(zoneNames, members, top)
    : placeInRows(zoneNames, members, top, above.length > maxFull ? small : full);
}

function placeBeside(
  zoneNames: readonly (string | null)[],
  members: readonly (readonly Endpoint[])[],
  top: number,
): PlacedAbove {
  const boxes: PlacedBox[] = [];
  const zones: PlacedZone[] = [];
  const height = full.height + zoneTitleHeight + zonePadding;
  const y = top + zoneTitleHeight;
  const widths = members.map(({ length }) => length * (full.width + full.gap) - full.gap + 2 * zonePadding);
  let x = (pictureWidth - widths.reduce((sum, width) => sum + width + zonePadding, -zonePadding)) / 2;
  members.forEach((guests, at) => {
    const width = widths[at] ?? 0;
    zones.push({ name: zoneTitle(zoneNames[at] ?? null), x, y: top, width, height });
    guests.forEach((endpoint, position) => {
      const left = x + zonePadding + position * (full.width + full.gap);
      const anchor = { x: left + full.width / 2, y: y + full.height };
      boxes.push({ endpoint, x: left, y, width: full.width, height: full.height, anchor });
    });
    x += width + zonePadding;
  });
  return { boxes, zones, bottom: top + height };
}

function placeInRows(
  zoneNames: readonly (string | null)[],
  members: readonly (readonly Endpoint[])[],
  top: number,
  size: Size,
): PlacedAbove {
  const boxes: PlacedBox[] = [];
  const zones: PlacedZone[] = [];
  const isNamed = zoneNames.some((zone) => zone !== null);
  let y = top;
  members.forEach((guests, at) => {
    const placed = grid(guests, isNamed ? y + zoneTitleHeight : y, size, true);
    const { bottom } = placed;
    boxes.push(...placed.boxes);
    if (isNamed)
      zones.push({ name: zoneTitle(zoneNames[at] ?? null), x: 8, y, width: pictureWidth - 16, height: bottom - y });
    y = isNamed ? bottom + 8 : bottom;
  });
  return { boxes, zones, bottom: y };
}
