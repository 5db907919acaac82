import { describe, expect, it } from 'vitest';
import type { ProvenFix } from '../../../../src/core/model/fix.js';
import type { GroupCause } from '../../../../src/core/model/result.js';
import type { CauseStory } from '../../../../src/report/answer/cause-stories.js';
import { alternativesOf, commandsText, firstFix } from '../../../../src/report/answer/alternatives.js';

const cause = (
  code: GroupCause['code'],
  rows: number,
  fixes: readonly string[],
  change: Partial<GroupCause> = {},
): GroupCause => ({
  code,
  places: ['br0.ageing_time'],
  value: '0',
  text: 'a text',
  fixes,
  rows,
  ...change,
});
const story = (causes: readonly GroupCause[], tried: readonly ProvenFix[] = []): CauseStory => ({
  steps: [0],
  failing: true,
  severity: 'high',
  tried,
  group: {
    cause: causes[0]?.code ?? 'unexplained',
    from: ['a'],
    to: ['b'],
    observers: ['c'],
    classes: ['known-unicast'],
    carriers: ['raw'],
    rows: 4,
    sent: 40,
    seen: 40,
    firstSighting: null,
    causes,
  },
});

describe('what would end leaks', () => {
  it('ends all of them first, and says of what ends a part how much', () => {
    const [first, second] = alternativesOf(story([cause('not-isolated', 1, ['x']), cause('ageing-zero', 4, ['y'])]));
    expect([first?.cause, first?.part, second?.cause, second?.part]).toEqual([
      'ageing-zero',
      '',
      'not-isolated',
      '1 of 4 leaks',
    ]);
  });

  it('has its price, also where the run was judged before there were prices', () => {
    const [isolated, group] = alternativesOf(
      story([
        cause('group-flood', 4, ['bridge link set dev p1 bcast_flood off'], { places: ['p1.bcast_flood'] }),
        cause('not-isolated', 4, ['bridge link set dev p1 isolated on'], { cost: 'everything' }),
      ]),
    );
    expect(group?.cost).toContain('ARP requests and DHCP no longer reach this guest');
    expect(isolated?.cost).toBe('everything');
  });

  it('is what costs least where several end all of them, whatever their order', () => {
    const reported = alternativesOf(
      story([
        cause('group-flood', 4, ['bridge link set dev p1 bcast_flood off'], { places: ['p1.bcast_flood'] }),
        cause('not-isolated', 4, ['bridge link set dev p1 isolated on']),
        cause('unknown-flood', 4, ['bridge link set dev p1 flood off']),
        cause('ageing-zero', 4, ['ip link set dev br0 type bridge ageing_time 30000']),
      ]),
    );
    expect(reported.map(({ cause: code }) => code)).toEqual([
      'ageing-zero',
      'unknown-flood',
      'not-isolated',
      'group-flood',
    ]);
  });

  it('is the first that can be typed', () => {
    expect(firstFix([story([cause('nat', 4, []), cause('ageing-zero', 4, ['y'])])])?.commands).toEqual(['y']);
    expect(firstFix([story([cause('nat', 4, [])])])).toBeNull();
  });

  it('says what it ends where that is not the first cause', () => {
    const without = story([cause('nat', 4, [])]);
    const hub = story([cause('ageing-zero', 4, ['y'], { places: ['br0.ageing_time'] })]);
    expect(firstFix([hub, without])?.ends).toBeNull();
    expect(firstFix([without, hub])).toMatchObject({ commands: ['y'], ends: 'br0 is a hub (ageing_time 0)' });
  });
});

describe('a fix that cuts guests off', () => {
  const apart = ['p1', 'p2', 'p3'].map((port) => `bridge link set dev ${port} isolated on`);
  const reaching = (of: CauseStory): CauseStory => ({ ...of, group: { ...of.group, observers: ['b'] } });
  const commands = (...stories: readonly CauseStory[]): readonly string[] | undefined => firstFix(stories)?.commands;

  it('is never advised: ports that are isolated for one that overhears, broadcasts or routing that end', () => {
    const broadcasts = cause('group-flood', 4, ['bridge link set dev p1 bcast_flood off'], {
      places: ['p1.bcast_flood'],
    });
    const routing = cause('host-forwards', 4, ['sysctl -w net.ipv4.ip_forward=0'], { changes: [] });
    for (const cutting of [cause('not-isolated', 4, apart), broadcasts, routing])
      expect(commands(story([cutting]))).toBeUndefined();
    expect(commands(story([cause('not-isolated', 4, apart), cause('unknown-flood', 4, ['x'])]))).toEqual(['x']);
  });

  it('is advised where it is what was asked for: addressees are reached, or one port lacks what others have', () => {
    expect(commands(reaching(story([cause('not-isolated', 4, apart)])))).toEqual(apart);
    expect(commands(story([cause('not-isolated', 4, apart.slice(0, 1))]))).toEqual(apart.slice(0, 1));
  });
});

describe('a fix that was tried', () => {
  const trial = (code: GroupCause['code'], outcome: ProvenFix['outcome'], cutOff: readonly string[]): ProvenFix => ({
    cause: code,
    commands: [],
    outcome,
    before: 20,
    after: 0,
    cutOff,
    text: '',
    evidence: '',
    sha256: null,
  });
  const [first, second] = alternativesOf(
    story(
      [cause('unknown-flood', 4, ['x']), cause('ageing-zero', 4, ['y'])],
      [trial('unknown-flood', 'cuts-off', ['bob']), trial('ageing-zero', 'works', [])],
    ),
  );

  it('and works is advised before one that costs less and was not tried', () => {
    const causes = [cause('ageing-zero', 4, ['y']), cause('unknown-flood', 4, ['x'])];
    expect(alternativesOf(story(causes, [trial('unknown-flood', 'works', [])]))[0]?.cause).toBe('unknown-flood');
  });

  it('is not what is advised where it cuts somebody off, and one that works goes before others', () => {
    const cutting = story([cause('unknown-flood', 4, ['x'])], [trial('unknown-flood', 'cuts-off', ['bob'])]);
    const untried = story([cause('not-isolated', 4, ['z'])]);
    const working = story([cause('ageing-zero', 4, ['y'])], [trial('ageing-zero', 'works', [])]);
    expect([[cutting], [cutting, untried], [untried, cutting, working]].map((of) => firstFix(of)?.commands)).toEqual([
      undefined,
      ['z'],
      ['y'],
    ]);
  });

  it('says what became of it, and comes last where it cuts somebody off', () => {
    expect([first?.tried, second?.tried]).toEqual(['WORKS (20 → 0 frames)', 'CUTS OFF: bob (20 → 0 frames)']);
  });
});

describe('commands in a line', () => {
  const off = (device: string): string => `bridge link set dev ${device} flood off`;
  it.each([
    [[off('p1')], off('p1'), 0],
    [[off('p1'), off('p2')], `${off('p1')} && ${off('p2')}`, 0],
    [[off('p1'), off('p2'), off(`'p 3'`)], `for dev in p1 p2 'p 3'; do bridge link set dev "$dev" flood off; done`, 0],
    [Array.from({ length: 50 }, (_, at) => off(`p${at}`)), off('p0'), 49],
    [['nft a', 'nft b', 'nft c'], 'nft a && nft b && nft c', 0],
    // The loop's variable would not be known on the other host.
    [['a', 'b', 'c'].map((host) => `ssh h '${off(host)}'`), `ssh h '${off('a')}'`, 2],
  ])('%j is %s', (commands, line, more) => expect(commandsText(commands)).toEqual({ line, more }));
});
