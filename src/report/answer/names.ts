/** `1,234,567` */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `a`, `a and b`, `a, b and c` */
export function listText(names: readonly string[], word = 'and'): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1) ?? ''}`;
}

/** A name with the number at its end; null = it ends in none. */
function numbered(name: string): { readonly stem: string; readonly number: number } | null {
  const [, stem, digits] = /^(.*?)(0|[1-9]\d{0,8})$/.exec(name) ?? [];
  return stem === undefined || digits === undefined ? null : { stem, number: Number(digits) };
}

/** Runs of names that are numbered on, as `g1 to g50`; the others by themselves. */
function runsOf(names: readonly string[]): readonly string[] {
  const byStem = new Map<string, number[]>();
  const others: string[] = [];
  for (const name of names) {
    const parts = numbered(name);
    if (parts === null) others.push(name);
    else byStem.set(parts.stem, [...(byStem.get(parts.stem) ?? []), parts.number]);
  }
  const runs = [...byStem].flatMap(([stem, numbers]) => {
    const sorted = [...numbers].sort((a, b) => a - b);
    const found: string[] = [];
    let first = sorted[0] ?? 0;
    sorted.forEach((number, at) => {
      if (sorted[at + 1] === number + 1) return;
      if (number - first >= 2) found.push(`${stem}${first} to ${stem}${number}`);
      else for (let one = first; one <= number; one += 1) found.push(`${stem}${one}`);
      first = sorted[at + 1] ?? 0;
    });
    return found;
  });
  return [...runs, ...others];
}

const maxNames = 4;
/** A name that is longer is cut where it stands in a sentence. */
const maxLength = 32;

function cutName(name: string): string {
  const letters = [...name];
  return letters.length <= maxLength ? name : `${letters.slice(0, maxLength - 1).join('')}…`;
}

/** A set of names in few words: all of them where they are few, `g1 to g50`, else the first and how many more. */
export function setText(whole: readonly string[]): string {
  const names = whole.map(cutName);
  if (names.length <= maxNames) return listText(names);
  const runs = runsOf(names);
  if (runs.length <= 3) return `${listText(runs)} (${countText(names.length)})`;
  return `${names.slice(0, 3).join(', ')} and ${countText(names.length - 3)} more`;
}

/** `step 3`, `steps 3, 4 and 7`; 0-based in, 1-based out. */
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
