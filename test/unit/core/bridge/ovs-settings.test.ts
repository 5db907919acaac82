import { describe, expect, it } from 'vitest';
import { membersOf, uuidOf, valueIn } from '../../../../src/core/bridge/ovs-settings.js';

describe('a value of Open vSwitch’s database, as ovs-vsctl prints it', () => {
  it('is a set of members, which is one alone without brackets, or none', () => {
    expect([
      membersOf(7),
      membersOf(['set', [7, 'x']]),
      membersOf(['set', []]),
      membersOf(undefined),
      membersOf(['uuid', 'a']),
    ]).toEqual([[7], [7, 'x'], [], [], [['uuid', 'a']]]);
  });
  it('is a map that gives the value of a key, and nothing for what is none', () => {
    const map = [
      'map',
      [
        ['a', '1'],
        ['b', 2],
      ],
    ];
    expect([
      valueIn(map, 'a'),
      valueIn(map, 'b'),
      valueIn(map, 'c'),
      valueIn(['set', [['a', 1]]], 'a'),
      valueIn('map', 'a'),
      valueIn(['map', 'a'], 'a'),
      valueIn(['map', ['a']], 'a'),
      valueIn(undefined, 'a'),
    ]).toEqual(['1', 2, undefined, undefined, undefined, undefined, undefined, undefined]);
  });
  it('is a reference to a record', () =>
    expect([uuidOf(['uuid', 'a']), uuidOf(['set', []]), uuidOf('a')]).toEqual(['a', '', '']));
});
