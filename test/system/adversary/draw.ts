import { type Attack, type Fabric, nameOf, type Primitive, type Provider, providers } from './attack.js';
import { type Random, randomFrom } from '../../support/lab/random.js';
import { further, primitives } from './primitives.js';

/** A case that was drawn: how, and where. */
export interface Drawn {
  readonly attack: Attack;
  readonly provider: Provider;
  readonly name: string;
  /** Kind, primitive and fabric that it was drawn from. */
  readonly way: string;
}

/** A primitive on one of its fabrics. */
interface Way {
  readonly primitive: Primitive;
  readonly fabric: Fabric;
}

const waysOf = (from: readonly Primitive[]): readonly Way[] =>
  from.flatMap((primitive) => primitive.fabrics.map((fabric) => ({ primitive, fabric })));

function drawCase({ primitive, fabric }: Way, provider: Provider, random: Random): Drawn {
  const attack = primitive.draw(random, fabric);
  const way = `${primitive.kind} ${primitive.name} ${fabric}`;
  return { attack, provider, name: `${provider}: ${nameOf(attack)}`, way };
}

/** The provider that is wanted, or the one that the primitive has. */
const possible = ({ providers: has }: Primitive, wanted: Provider): Provider =>
  has === undefined || has.includes(wanted) ? wanted : (has[0] ?? wanted);

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
  return drawInTurn(waysOf(from), { count, hosts, random: randomFrom(seed) });
}

function drawInTurn(
  ways: readonly Way[],
  { count, hosts, random }: { readonly count: number; readonly hosts: number; readonly random: Random },
): readonly Drawn[] {
  const drawn = new Map<string, Drawn>();
  const every = hosts === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(count / hosts));
  for (let at = 0; drawn.size < count && at < count * 20; at += 1) {
    const way = ways[at % ways.length];
    if (way === undefined) break;
    const wanted: Provider = (drawn.size + 1) % every === 0 ? 'host' : 'lab';
    const next = drawCase(way, possible(way.primitive, wanted), random);
    if (!drawn.has(next.name)) drawn.set(next.name, next);
  }
  return [...drawn.values()];
}

/** The list in an order drawn at random (Fisher and Yates). */
export function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  const rest = [...list];
  return list.flatMap(() => rest.splice(random.below(rest.length), 1));
}

/** `count` cases of all primitives drawn from `seed`: one of each kind, then others, each primitive once if it can be. */
export function drawSample(count: number, seed: number, hosts: number): readonly Drawn[] {
  const random = randomFrom(seed);
  const ways = shuffled(waysOf([...primitives, ...further]), random);
  const isFirst = (key: (way: Way) => unknown) => (way: Way, at: number, list: readonly Way[]) =>
    list.findIndex((other) => key(other) === key(way)) === at;
  const sorted = [
    ...ways.filter(isFirst(({ primitive }) => primitive.kind)),
    ...ways.filter(isFirst(({ primitive }) => primitive)),
    ...ways,
  ];
  return drawInTurn([...new Set(sorted)], { count, hosts, random });
}

/** What `drawn` lacks of a covering of primitive × fabric × provider, a case each. */
export function drawMissing(drawn: readonly Drawn[], seed: number): readonly Drawn[] {
  const random = randomFrom(seed);
  const keyOf = ({ way, provider }: Drawn): string => `${provider} ${way}`;
  const there = new Set(drawn.map(keyOf));
  return waysOf([...primitives, ...further])
    .flatMap((way) =>
      providers
        .filter((provider) => possible(way.primitive, provider) === provider)
        .map((provider) => drawCase(way, provider, random)),
    )
    .filter((next) => !there.has(keyOf(next)));
}
