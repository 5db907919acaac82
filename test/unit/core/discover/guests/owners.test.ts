import { describe, expect, it } from 'vitest';
import { type NamedPort, withOwners } from '../../../../../src/core/discover/guests.js';
import type { Manager } from '../../../../../src/core/model/host-config.js';

const port = (
  name: string,
  guest: string | null,
  id?: string,
  manager: Manager = 'libvirt',
): NamedPort<{ port: string }> => ({
  name,
  guest:
    guest === null
      ? null
      : {
          manager,
          name: guest,
          ...(id === undefined ? {} : { id }),
          port: name,
          mac: null,
          ips: [],
          zone: null,
        },
  endpoint: { port: name },
});
const ownersOf = (...ports: readonly NamedPort<{ port: string }>[]): readonly (string | undefined)[] =>
  Object.values(withOwners(ports)).map(({ owner }) => owner);

describe('interfaces of one guest', () => {
  it('are one party, under the name of the first', () => {
    expect(ownersOf(port('web', 'web', '1'), port('db', 'db', '2'), port('web.2', 'web', '1'))).toEqual([
      'web',
      undefined,
      'web',
    ]);
  });

  it('are told by what their manager tells them by, not by a name that two guests may have', () => {
    expect(ownersOf(port('web', 'web', '1'), port('web.2', 'web', '2'))).toEqual([undefined, undefined]);
    expect(ownersOf(port('web', 'web'), port('web.2', 'web'))).toEqual([undefined, undefined]);
    expect(ownersOf(port('a', 'a', '1'), port('b', 'b', '1', 'docker'))).toEqual([undefined, undefined]);
  });

  it('are nobody’s where nothing is on record', () => {
    expect(ownersOf(port('veth0', null), port('veth1', null))).toEqual([undefined, undefined]);
  });
});
