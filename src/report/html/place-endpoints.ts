import type { Bridge, Endpoint } from '../../model/scenario.js';

export interface PlacedBox {
  readonly endpoint: Endpoint;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Where its cord and its arrows begin. */
  readonly anchor: { readonly x: number; readonly y: number };
}

export interface PlacedBridge {
  readonly bridge: Bridge;
  readonly barY: number;
  readonly boxes: readonly PlacedBox[];
  readonly zones: readonly { readonly name: string; readonly y: number; readonly height: number }[];
  /** Many boxes: small ones, with nothing but a name. */
  readonly compact: boolean;
  readonly bottom: number;
}

export const pictureWidth = 976;
export const barHeight = 26;
const margin = 20;
const gapToBar = 64;

interface Size {
  readonly width: number;
  readonly height: number;
  readonly gap: number;
}

const full: Size = { width: 146, height: 64, gap: 12 };
const small: Size = { width: 71, height: 24, gap: 7 };
/** More boxes than this above one bridge become small ones. */
const mostFull = 18;

function grid(endpoints: readonly Endpoint[], top: number, size: Size, above: boolean): { readonly boxes: readonly PlacedBox[]; readonly bottom: number } {
  const perRow = Math.floor((pictureWidth - 2 * margin + size.gap) / (size.width + size.gap));
  const boxes = endpoints.map((endpoint, at): PlacedBox => {
    const row = Math.floor(at / perRow);
    const inRow = Math.min(perRow, endpoints.length - row * perRow);
    const left = endpoints.length <= perRow ? (pictureWidth - inRow * (size.width + size.gap) + size.gap) / 2 : margin;
    const x = left + (at % perRow) * (size.width + size.gap);
    const y = top + row * (size.height + size.gap);
    return { endpoint, x, y, width: size.width, height: size.height, anchor: { x: x + size.width / 2, y: above ? y + size.height : y } };
  });
  return { boxes, bottom: top + Math.ceil(endpoints.length / perRow) * (size.height + size.gap) };
}

/** Guests by zone above the bridge; uplinks, the host and what hangs behind the bridge device below it. */
export function placeBridge(bridge: Bridge, endpoints: readonly Endpoint[], top: number): PlacedBridge {
  const own = endpoints.filter((endpoint) => endpoint.bridge === bridge.name);
  const above = own.filter((endpoint) => endpoint.role === 'guest' && endpoint.attach === 'port');
  const below = own.filter((endpoint) => !above.includes(endpoint));
  const compact = above.length > mostFull;
  const zoneNames = [...new Set(above.map((endpoint) => endpoint.zone))];
  const named = zoneNames.some((zone) => zone !== null);
  const boxes: PlacedBox[] = [];
  const zones: { name: string; y: number; height: number }[] = [];
  let y = top + 12;
  for (const zone of zoneNames) {
    const start = y;
    if (named) y += 22;
    const placed = grid(above.filter((endpoint) => endpoint.zone === zone), y, compact ? small : full, true);
    boxes.push(...placed.boxes);
    y = placed.bottom;
    if (named) zones.push({ name: zone === null ? 'no zone' : `zone ${zone}`, y: start, height: y - start });
    if (named) y += 8;
  }
  const barY = y + (above.length === 0 ? 10 : gapToBar - 12);
  const placed = grid(below, barY + barHeight + gapToBar, below.length > mostFull ? small : full, false);
  return { bridge, barY, boxes: [...boxes, ...placed.boxes], zones, compact, bottom: below.length === 0 ? barY + barHeight + 24 : placed.bottom + 8 };
}
