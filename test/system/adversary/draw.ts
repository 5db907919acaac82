import { type Attack, fabrics, nameOf, type Primitive, type Provider, randomFrom } from './attack.js';
import { primitives } from './primitives.js';

/** A case that was drawn: how, and where. */
export interface Drawn {
  readonly attack: Attack;
  readonly provider: Provider;
  readonly name: string;
}

/**
 * `count` cases drawn from `seed`, no two alike: each primitive in turn, on each of its fabrics in turn, `hosts` of
 * them on a host and the others in a lab.
 */
export function drawCases(
  count: number,
  seed: number,
  hosts: number,
  from: readonly Primitive[] = primitives,
): readonly Drawn[] {
  const random = randomFrom(seed);
  const ways = from.flatMap((primitive) =>
    fabrics.filter((fabric) => primitive.fabrics.includes(fabric)).map((fabric) => ({ primitive, fabric })),
  );
  const drawn = new Map<string, Drawn>();
  const every = hosts === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(count / hosts));
  for (let at = 0; drawn.size < count && at < count * 20; at += 1) {
    const way = ways[at % ways.length];
    if (way === undefined) break;
    const attack = way.primitive.draw(random, way.fabric);
    const wanted: Provider = (drawn.size + 1) % every === 0 ? 'host' : 'lab';
    const provider =
      way.primitive.providers?.includes(wanted) === false ? (way.primitive.providers[0] ?? wanted) : wanted;
    const name = `${provider}: ${nameOf(attack)}`;
    if (!drawn.has(name)) drawn.set(name, { attack, provider, name });
  }
  return [...drawn.values()];
}
