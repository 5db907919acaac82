import { isOnPort, placeOf } from '../../core/model/attach.js';
import type { Bridge, Endpoint } from '../../core/model/scenario.js';
import { groupBy } from '../../core/text/collections.js';
import { escapeText } from '../../core/text/escape.js';
import { type LeakSet, leakSets, maxSets, partMarks, partOfAll } from '../answer/leak-sets.js';
import { setText } from '../../core/text/names.js';
import type { ReportedRun } from '../reporter.js';
import { cut, foldAfter, padEnd, type Paint, widthOf } from './layout.js';

const indent = 5;
const maxName = 20;
const maxBridges = 4;

interface Box {
  readonly names: readonly string[];
  readonly lines: readonly string[];
}

interface PlacedBox extends Box {
  readonly left: number;
  readonly width: number;
  readonly cord: number;
}

function kindOf({ attach, role, bridge, below }: Endpoint): string {
  switch (placeOf(attach)) {
    case 'behind':
      return `behind ${bridge}`;
    case 'host':
      return 'the host';
    case 'above':
      return `on ${below?.lower ?? ''}`;
    case 'port':
    case 'routed':
      return role === 'guest' ? '' : role;
  }
}

function boxOf(endpoints: readonly Endpoint[], isZoned: boolean): Box {
  const names = endpoints.map(({ name }) => name);
  const kinds = [...new Set(endpoints.map(kindOf))];
  const zones = isZoned ? [...new Set(endpoints.map(({ zone }) => zone))].filter((zone) => zone !== null) : [];
  const below = [...kinds.filter((kind) => kind !== ''), ...zones.map((zone) => `zone ${zone}`)].join(', ');
  return { names, lines: [setText(names), below].map((line) => cut(escapeText(line), maxName)) };
}

function isAbove({ role, attach }: Endpoint): boolean {
  return role === 'guest' && isOnPort(attach);
}

function widthOfBox({ lines }: Box): number {
  return Math.max(5, ...lines.map((line) => widthOf(line) + 4));
}

function widthOfAll(boxes: readonly Box[]): number {
  return boxes.reduce((sum, box) => sum + widthOfBox(box) + 1, indent);
}

function alikeOf(
  endpoints: readonly Endpoint[],
  sets: readonly LeakSet[],
  isZoned: boolean,
): readonly (readonly Endpoint[])[] {
  const alike = groupBy(endpoints, (endpoint) => {
    const parts = sets.map((set) => partOfAll(set, [endpoint.name]));
    return JSON.stringify([isZoned ? endpoint.zone : '', kindOf(endpoint), parts]);
  });
  return [...alike.values()];
}

function boxesOf(endpoints: readonly Endpoint[], sets: readonly LeakSet[], width: number): readonly Box[] | null {
  const groups = [
    endpoints.map((endpoint) => [endpoint]),
    alikeOf(endpoints, sets, true),
    alikeOf(endpoints, sets, false),
  ];
  const candidates = groups.flatMap((group) =>
    [true, false].map((isZoned) => group.map((members) => boxOf(members, isZoned))),
  );
  return candidates.find((boxes) => widthOfAll(boxes) <= width) ?? null;
}

function place(boxes: readonly Box[]): readonly PlacedBox[] {
  let left = indent;
  return boxes.map((box) => {
    const width = widthOfBox(box);
    const placed = { ...box, left, width, cord: left + Math.floor(width / 2) };
    left += width + 1;
    return placed;
  });
}

function rowLine(boxes: readonly PlacedBox[], textOf: (box: PlacedBox) => string): string {
  return boxes.reduce((line, box) => `${padEnd(line, box.left)}${textOf(box)}`, '');
}

function edge({ left, width, cord }: PlacedBox, [start, end]: readonly [string, string], joint: string): string {
  const before = cord - left - 1;
  return `${start}${'─'.repeat(before)}${joint}${'─'.repeat(width - 3 - before)}${end}`;
}

function boxLines(boxes: readonly PlacedBox[], above: boolean): readonly string[] {
  if (boxes.length === 0) return [];
  const texts = [0, 1].filter((at) => boxes.some(({ lines }) => (lines[at] ?? '') !== ''));
  return [
    rowLine(boxes, (box) => edge(box, ['┌', '┐'], above ? '─' : '┴')),
    ...texts.map((at) => rowLine(boxes, ({ lines, width }) => `│ ${padEnd(lines[at] ?? '', width - 4)} │`)),
    rowLine(boxes, (box) => edge(box, ['└', '┘'], above ? '┬' : '─')),
  ];
}

function cordLine(boxes: readonly PlacedBox[]): string {
  return boxes.reduce((line, { cord }) => `${padEnd(line, cord)}│`, '');
}

function railLine(set: LeakSet, boxes: readonly PlacedBox[], paint: Paint): string | null {
  const parts = boxes.map(({ names }) => partOfAll(set, names));
  const last = parts.findLastIndex((part) => part !== null);
  if (last === -1) return null;
  const tint = set.failing ? 'red' : 'cyan';
  const rail = boxes.slice(0, last + 1).reduce((line, { cord }, at) => {
    const part = parts[at] ?? null;
    return `${line}${'─'.repeat(cord - widthOf(line))}${part === null ? '┼' : partMarks[part]}`;
  }, ` ${set.number} `);
  const beyond = cordLine(boxes.slice(last + 1)).slice(widthOf(rail));
  return paint(rail, 'bold', tint) + beyond;
}

function railLines(sets: readonly LeakSet[], boxes: readonly PlacedBox[], paint: Paint): readonly string[] {
  const rails = sets.flatMap((set) => railLine(set, boxes, paint) ?? []);
  return rails.length === 0 && boxes.length > 0 ? [cordLine(boxes)] : rails;
}

function barLine({ name, kind }: Bridge, sides: readonly (readonly PlacedBox[])[], joints: string): string {
  const end = Math.max(30, ...sides.flat().map(({ left, width }) => left + width));
  const cords = sides.map((boxes) => new Set(boxes.map(({ cord }) => cord)));
  const bar = Array.from({ length: end - indent }, (_, at) => {
    const [above, below] = cords.map((side) => side.has(at + indent));
    return joints[(above === true ? 1 : 0) + (below === true ? 2 : 0)] ?? '═';
  });
  return `${' '.repeat(indent)}${bar.join('')}  ${escapeText(name)}${{ linux: '', ovs: ', Open vSwitch', lower: ', lower device', routed: ', routes of the host' }[kind]}`;
}

function bridgeLines(
  bridge: Bridge,
  endpoints: readonly Endpoint[],
  sets: readonly LeakSet[],
  width: number,
  paint: Paint,
): readonly string[] {
  const room = width - widthOf(bridge.name) - 2;
  const [above, below] = [true, false].map((side) =>
    boxesOf(
      endpoints.filter((endpoint) => isAbove(endpoint) === side),
      sets,
      room,
    ),
  );
  if (above === null || above === undefined || below === null || below === undefined)
    return [cut(`  ${escapeText(bridge.name)}: ${endpoints.length} endpoints, too many for a picture`, width)];
  const [upper, lower] = [place(above), place(below)];
  return [
    ...boxLines(upper, true),
    ...railLines(sets, upper, paint),
    paint(barLine(bridge, [upper, lower], '═╧╤╪'), 'bold'),
    ...railLines(sets, lower, paint),
    ...boxLines(lower, false),
  ];
}

/**
 * A diagram of bridges and leaks: endpoints as boxes, leaks as numbered lines across their cords, at most `width`
 * columns; empty without the plan.
 */
export function pictureLines(run: ReportedRun, width: number, paint: Paint): readonly string[] {
  if (run.details === null) return [];
  const { bridges, endpoints } = run.details.plan;
  const sets = leakSets(run).slice(0, maxSets);
  const drawn = bridges.slice(0, maxBridges).flatMap((bridge, at) => {
    const ofBridge = endpoints.filter((endpoint) => endpoint.bridge === bridge.name);
    return [...(at === 0 ? [] : ['']), ...bridgeLines(bridge, ofBridge, sets, width, paint)];
  });
  const remaining = bridges.length - maxBridges;
  const legend = sets.map((set) =>
    foldAfter(` ${set.number} `, escapeText(`${set.text}${set.failing ? '' : ' (expected)'}`), width),
  );
  return [
    ...drawn,
    ...(remaining > 0 ? [`  and ${remaining} more bridges`] : []),
    ...(legend.length === 0 ? [] : ['', '   ● sends  ▲ overhears  ◆ both', ...legend.flat()]),
  ];
}
