import { addTo } from './collections.js';

/** `1,234,567` */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `a`, `a and b`, `a, b and c` */
export function listText(names: readonly string[], word = 'and'): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1) ?? ''}`;
}

/** The first `most` texts and the number of the others plus `also`: `a, b and 7 more`. */
export function someText(texts: readonly string[], most: number, also = 0, rest = 'more'): string {
  const more = Math.max(0, texts.length - most) + also;
  return `${texts.slice(0, most).join(', ')}${more === 0 ? '' : ` and ${countText(more)} ${rest}`}`;
}

/** The first `most`, then `rest` of the others' number. */
export function firstLines<T>(lines: readonly T[], most: number, rest: (more: number) => T): readonly T[] {
  return lines.length <= most ? lines : [...lines.slice(0, most), rest(lines.length - most)];
}

function numbered(name: string): { readonly stem: string; readonly number: number } | null {
  const [, stem, digits] = /^(.*?)(0|[1-9]\d{0,8})$/.exec(name) ?? [];
  return stem === undefined || digits === undefined ? null : { stem, number: Number(digits) };
}

function runsOf(names: readonly string[]): readonly string[] {
  const byStem = new Map<string, number[]>();
  const others: string[] = [];
  for (const name of names) {
    const parts = numbered(name);
    if (parts === null) others.push(name);
    else addTo(byStem, parts.stem, parts.number);
  }
  const runs = [...byStem].flatMap(([stem, numbers]) => {
    const sorted = [...numbers].sort((a, b) => a - b);
    const parts: string[] = [];
    let first = sorted[0] ?? 0;
    sorted.forEach((number, at) => {
      if (sorted[at + 1] === number + 1) return;
      if (number - first >= 2) parts.push(`${stem}${first} to ${stem}${number}`);
      else for (let counter = first; counter <= number; counter += 1) parts.push(`${stem}${counter}`);
      first = sorted[at + 1] ?? 0;
    });
    return parts;
  });
  return [...runs, ...others];
}

const maxNames = 4;
const maxLength = 32;

/** In characters, with a mark. */
export function cutText(text: string, length: number): string {
  const letters = [...text];
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join('')}…`;
}

/** All names if few, `g1 to g50`, else the first and the others' number. */
export function setText(given: readonly string[]): string {
  const names = given.map((name) => cutText(name, maxLength));
  if (names.length <= maxNames) return listText(names);
  const runs = runsOf(names);
  return runs.length <= 3 ? `${listText(runs)} (${countText(names.length)})` : someText(names, 3);
}

/** `steps 3, 4 and 7`; 0-based in, 1-based out. */
export function stepsText(steps: readonly number[]): string {
  const runs: string[] = [];
  let first = steps[0] ?? 0;
  steps.forEach((step, at) => {
    if (steps[at + 1] === step + 1) return;
    runs.push(first === step ? `${step + 1}` : `${first + 1}${step === first + 1 ? ' and ' : ' to '}${step + 1}`);
    first = steps[at + 1] ?? 0;
  });
  if (runs.length > 4) return `${steps.length} steps`;
  return `${steps.length === 1 ? 'step' : 'steps'} ${runs.length === 1 ? (runs[0] ?? '') : runs.join(', ')}`;
}
