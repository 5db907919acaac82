import { objectsOf, textOf } from '../../core/text/json-fields.js';
import { readJson } from '../process/programs.js';

/** Queueing disciplines by device, and the filters where a device has a discipline that can carry some. */
export interface Filters {
  readonly qdisc: unknown;
  readonly filters: Readonly<Record<string, unknown>>;
}

/**
 * Disciplines that the kernel attaches by itself and that hold no filters: nothing needs to be asked of them, which
 * keeps a thousand ports cheap.
 */
const plain = new Set(['noqueue', 'noop', 'pfifo_fast', 'fq_codel', 'fq', 'pfifo', 'mq']);

/** tc's rules of every device of a namespace. Rejects with VerifyError where tc is missing or refuses. */
export async function readFilters(netns: string | null): Promise<Filters> {
  const where = { netns };
  const qdisc = await readJson(['tc', '-j', 'qdisc', 'show'], where);
  const asked = objectsOf(qdisc).flatMap((one) => {
    const [device, kind] = [textOf(one.dev), textOf(one.kind)];
    if (device === null || kind === null || plain.has(kind)) return [];
    const places = kind === 'clsact' ? ['ingress', 'egress'] : kind === 'ingress' ? ['ingress'] : [null];
    return places.map((place) => ({ device, place }));
  });
  const filters: Record<string, unknown> = {};
  for (const { device, place } of asked) {
    filters[`${device} ${place ?? 'root'}`] = await readJson(
      ['tc', '-j', 'filter', 'show', 'dev', device, ...(place === null ? [] : [place])],
      where,
    );
  }
  return { qdisc, filters };
}
