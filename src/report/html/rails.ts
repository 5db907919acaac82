import { cutText } from '../../core/text/names.js';
import { type LeakSet, type SetPart, partIn, partMarks, partOfAll } from '../answer/leak-sets.js';
import { html, type Markup, nothing } from './markup.js';
import { barHeight, type PlacedBox, type PlacedBridge, pictureWidth, railHeight } from './place-endpoints.js';

const tagX = 30;
const maxLabel = 150;

function isAbove(box: PlacedBox, { barY }: PlacedBridge): boolean {
  return box.y < barY;
}

function isRow(boxes: readonly PlacedBox[]): boolean {
  return boxes.every(({ y }) => y === boxes[0]?.y);
}

function mark(part: SetPart, box: PlacedBox, y: number, up: boolean): Markup {
  const x = box.anchor.x;
  const tip = up ? y - 9 : y + 9;
  const base = up ? y + 5 : y - 5;
  const head = html`<path class="tip" d="M${x - 7} ${base}L${x} ${tip}L${x + 7} ${base}z"/>`;
  const dot = html`<circle class="tip" cx="${x}" cy="${y}" r="5"/>`;
  const two = html`<circle class="tip" cx="${x}" cy="${up ? y + 8 : y - 8}" r="4"/>`;
  const title = { sends: 'sends', overhears: 'overhears', both: 'sends and overhears' }[part];
  return html`<g><title>${box.endpoint.name} ${title}</title>${part === 'sends' ? dot : head}${part === 'both' ? two : nothing}</g>`;
}

function tag(number: number, y: number): Markup {
  return html`<circle class="tag" cx="${tagX}" cy="${y}" r="10"/><text class="tagtext" x="${tagX}" y="${y + 4}" text-anchor="middle">${number}</text>`;
}

function bracket(boxes: readonly PlacedBox[], x: number, y: number): Markup {
  const tops = [...new Set(boxes.map((box) => box.y + Math.round(box.height / 2)))];
  const far = tops.reduce((farthest, top) => (Math.abs(top - y) > Math.abs(farthest - y) ? top : farthest), y);
  return html`<path class="rail" d="M${tagX - 10} ${y}H${x}V${far}${tops.map((top) => `M${x} ${top}H${x + 6}`).join('')}"/>`;
}

function side(set: LeakSet, boxes: readonly PlacedBox[], y: number, up: boolean, at: number): Markup {
  const members = boxes.filter(({ endpoint }) => partIn(set, endpoint.name) !== null);
  if (members.length === 0) return nothing;
  if (!isRow(boxes))
    return html`${bracket(members, 4 + 4 * at, y)}<path class="rail" d="M${tagX} ${y}H${pictureWidth - 24}"/>${tag(set.number, y)}`;
  const end = Math.max(...members.map(({ anchor }) => anchor.x));
  const marks = members.map((box) => {
    const part = partIn(set, box.endpoint.name);
    return part === null ? nothing : mark(part, box, y, up);
  });
  return html`<path class="rail" d="M${tagX} ${y}H${end}"/>${marks}${tag(set.number, y)}`;
}

/** Above a bridge's bar, and below. */
export function setsAt(
  sets: readonly LeakSet[],
  above: readonly string[],
  below: readonly string[],
): { readonly above: readonly LeakSet[]; readonly below: readonly LeakSet[] } {
  const withMembers = (names: readonly string[]): readonly LeakSet[] =>
    sets.filter((set) => partOfAll(set, names) !== null);
  return { above: withMembers(above), below: withMembers(below) };
}

/** A line for each set of leaks across the boxes' cords. */
export function railsMarkup(placed: PlacedBridge, sets: readonly LeakSet[]): Markup {
  const [above, below] = [
    placed.boxes.filter((box) => isAbove(box, placed)),
    placed.boxes.filter((box) => !isAbove(box, placed)),
  ];
  const at = setsAt(
    sets,
    above.map(({ endpoint }) => endpoint.name),
    below.map(({ endpoint }) => endpoint.name),
  );
  const railY = (list: readonly LeakSet[], set: LeakSet, start: number): number =>
    start + railHeight * list.indexOf(set) + railHeight - 8;
  const rails = sets.map((set, position) => {
    const upper = at.above.includes(set) ? railY(at.above, set, placed.railsAbove) : null;
    const lower = at.below.includes(set) ? railY(at.below, set, placed.railsBelow) : null;
    const labelY = upper ?? lower;
    if (labelY === null) return nothing;
    const x = 4 + 4 * position;
    const link =
      upper === null || lower === null
        ? nothing
        : html`<path class="rail" d="M${tagX - 10} ${upper}H${x}V${lower}H${tagX - 10}"/>`;
    return html`<g class="${set.failing ? 'bad' : 'shown'}"><title>${set.number}: ${set.text}</title>${link}${upper === null ? nothing : side(set, above, upper, true, position)}${lower === null ? nothing : side(set, below, lower, false, position)}<text class="small halo" x="${tagX + 14}" y="${labelY - 12}">${cutText(set.who, maxLabel)}</text></g>`;
  });
  return html`${rails}`;
}

/** For a box without visible cord: `1▲ 2●`. */
export function partsText(sets: readonly LeakSet[], name: string): string {
  return sets
    .flatMap((set) => {
      const part = partIn(set, name);
      return part === null ? [] : [`${set.number}${partMarks[part]}`];
    })
    .join(' ');
}

/** True if marks are on the cords of the box's side, not in the boxes. */
export function hasMarksOnCord(box: PlacedBox, placed: PlacedBridge): boolean {
  return placed.boxes.every((each) => each.y === box.y || isAbove(each, placed) !== isAbove(box, placed));
}

/** Y of the end of a box's cord. */
export function cordEnd(box: PlacedBox, placed: PlacedBridge): number {
  return isAbove(box, placed) ? placed.barY : placed.barY + barHeight;
}
