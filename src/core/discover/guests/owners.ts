import type { GuestRecord } from '../../model/host-config.js';

/** A port with what is on record of its guest, under the name of its endpoint. */
export interface NamedPort<E> {
  readonly name: string;
  readonly guest: GuestRecord | null;
  readonly endpoint: E;
}

/**
 * Endpoints by name. Those that are interfaces of one guest have its first one's name as `owner`: what a guest sends by
 * one of them is not a leak at another. Names do not make them one, for two guests may be called alike; what their
 * manager reports them by does (`id`).
 */
export function withOwners<E extends object>(
  ports: readonly NamedPort<E>[],
): Readonly<Record<string, E & { readonly owner?: string }>> {
  const guests = new Map<string, string[]>();
  for (const { name, guest } of ports)
    if (guest?.id !== undefined) {
      const key = `${guest.manager} ${guest.id}`;
      guests.set(key, [...(guests.get(key) ?? []), name]);
    }
  const owners = new Map(
    [...guests.values()].flatMap((names) =>
      names.length < 2 ? [] : names.map((name) => [name, names[0] ?? name] as const),
    ),
  );
  return Object.fromEntries(
    ports.map(({ name, endpoint }) => {
      const owner = owners.get(name);
      return [name, owner === undefined ? endpoint : { ...endpoint, owner }];
    }),
  );
}
