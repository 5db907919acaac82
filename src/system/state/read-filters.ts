import type { AttachedProgram } from '../../core/model/state.js';
import { type Fields, objectsOf, textOf } from '../../core/text/json-text.js';
import { type FilterFinder, openFilterFinder } from '../kernel/ask/tc-filters.js';
import { programPlaces, programsAt } from '../kernel/bpf.js';
import { inNamespace } from '../kernel/namespaces.js';
import { readJson } from '../process/programs.js';

/** Queueing disciplines by device, and the filters where a device has a discipline that can carry some. */
export interface Filters {
  readonly qdisc: unknown;
  readonly filters: Readonly<Record<string, unknown>>;
}

/** Disciplines that never have filters (net/sched: those without `tcf_block`): nothing needs to be asked of them. */
const bare: ReadonlySet<string> = new Set([
  'noqueue',
  'noop',
  'pfifo_fast',
  'fq',
  'pfifo',
  'bfifo',
  'mq',
  'netem',
  'tbf',
]);
/**
 * Those that the kernel attaches by itself, and that mostly have none: it is asked first whether they do, which keeps a
 * thousand ports cheap.
 */
const usual: ReadonlySet<string> = new Set(['fq_codel']);

/** A place of a device where filters hang, as it is reported, and the words of tc for it. */
interface FilterPlace {
  readonly device: string;
  readonly place: string;
  readonly words: readonly string[];
}

/** `1:` and `8001:10`, hexadecimal (tc(8)), as the kernel numbers them. */
function numberOf(handle: string): number {
  const [major = '0', minor = ''] = handle.split(':');
  return ((Number.parseInt(major, 16) << 16) | (minor === '' ? 0 : Number.parseInt(minor, 16))) >>> 0;
}

function handleOf(number: number): string {
  const minor = number & 0xffff;
  return `${(number >>> 16).toString(16)}:${minor === 0 ? '' : minor.toString(16)}`;
}

/** Classes that filters hang on, beside those of the disciplines themselves. */
function classPlaces(device: string, index: number, finder: FilterFinder): readonly FilterPlace[] {
  return finder
    .classesOf(index)
    .filter((parent) => finder.hasFilters(index, parent) === true)
    .map((parent) => ({ device, place: handleOf(parent), words: ['parent', handleOf(parent)] }));
}

/** Where filters of a discipline are, or may be, by a line of `tc -j qdisc show`. */
function disciplinePlaces(
  discipline: Fields,
  device: string,
  kind: string,
  finder: FilterFinder | null,
): readonly FilterPlace[] {
  if (kind === 'clsact') return ['ingress', 'egress'].map((place) => ({ device, place, words: [place] }));
  if (kind === 'ingress') return [{ device, place: 'ingress', words: ['ingress'] }];
  const handle = textOf(discipline['handle']) ?? '0:';
  const isRoot = discipline['root'] === true;
  const index = finder?.indexOf(device) ?? null;
  const has = index !== null && finder?.hasFilters(index, isRoot ? 0 : numberOf(handle)) === true;
  if (isRoot) return has || !usual.has(kind) ? [{ device, place: 'root', words: [] }] : [];
  return has ? [{ device, place: handle, words: ['parent', handle] }] : [];
}

/** Where filters are, or may be, by a list of `tc -j qdisc show`. */
function placesOf(qdisc: unknown, finder: FilterFinder | null): readonly FilterPlace[] {
  const disciplines = objectsOf(qdisc).flatMap((discipline) => {
    const [device, kind] = [textOf(discipline['dev']), textOf(discipline['kind'])];
    return device === null || kind === null || bare.has(kind) ? [] : [{ one: discipline, device, kind }];
  });
  const classful = new Set(
    disciplines
      .filter(({ kind }) => !usual.has(kind) && kind !== 'clsact' && kind !== 'ingress')
      .map(({ device }) => device),
  );
  return [
    ...disciplines.flatMap(({ one, device, kind }) => disciplinePlaces(one, device, kind, finder)),
    ...[...classful].flatMap((device) => {
      const index = finder?.indexOf(device) ?? null;
      return index === null || finder === null ? [] : classPlaces(device, index, finder);
    }),
  ];
}

/** tc's rules of every device of a namespace. Rejects with VerifyError where tc is missing or refuses. */
export async function readFilters(netns: string | null): Promise<Filters> {
  const where = { netns };
  const qdisc = await readJson(['tc', '-j', 'qdisc', 'show'], where);
  const places = inNamespace(netns, () => {
    const finder = objectsOf(qdisc).some(({ kind }) => !bare.has(String(kind))) ? openFilterFinder() : null;
    try {
      return placesOf(qdisc, finder);
    } finally {
      finder?.close();
    }
  });
  const filters: Record<string, unknown> = {};
  for (const { device, place, words } of places)
    filters[`${device} ${place}`] = await readJson(['tc', '-j', 'filter', 'show', 'dev', device, ...words], where);
  return { qdisc, filters };
}

/** Programs that are attached to devices of a namespace where no command shows them; null = nobody may ask. */
export function readPrograms(
  netns: string | null,
  links: readonly { readonly name: string; readonly ifindex: number; readonly kind: string | null }[],
): readonly AttachedProgram[] | null {
  const programs: AttachedProgram[] = [];
  const denied = inNamespace(netns, () => {
    for (const { name, ifindex, kind } of links)
      for (const place of programPlaces) {
        if (place.startsWith('netkit') && kind !== 'netkit') continue;
        const ids = programsAt(ifindex, place);
        if (ids === 'denied') return true;
        for (const id of ids) programs.push({ device: name, place, id });
      }
    return false;
  });
  return denied ? null : programs;
}
