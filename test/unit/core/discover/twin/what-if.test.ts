import { describe, expect, it } from 'vitest';
import { readWhatIfs } from '../../../../../src/core/discover/twin/what-if.js';

describe('what might be', () => {
  const refused = (...texts: readonly string[]): string => {
    try {
      readWhatIfs(texts, 'br0', new Set(['p0']));
    } catch (caught) {
      return caught instanceof Error ? caught.message : '';
    }
    return '';
  };
  it('is of the bridge, of its ports, or of either as a link', () => {
    expect(
      readWhatIfs(
        ['p0.mtu=9000', 'br0.mtu=9000', 'p0.flood=off', 'br0.group_fwd_mask=0x4000', 'p0.mcast_router=12345678901'],
        'br0',
        new Set(['p0']),
      ),
    ).toEqual([
      { device: 'p0', key: 'mtu', value: 9000 },
      { device: 'br0', key: 'mtu', value: 9000 },
      { device: 'p0', key: 'flood', value: 'off' },
      { device: 'br0', key: 'group_fwd_mask', value: '0x4000' },
      { device: 'p0', key: 'multicast_router', value: '12345678901' },
    ]);
  });
  it('is refused, all of it at once, where device or setting is none', () => {
    expect(refused('x', 'p9.flood=off', 'p0.ageing_time=0', 'br0.isolated=on', 'p0.Flood=off')).toBe(
      [
        '--what-if "x": not DEVICE.SETTING=VALUE',
        '--what-if "p9.flood=off": "p9" is neither the bridge nor a port of its twin',
        '--what-if "p0.ageing_time=0": "ageing_time" is no setting of a bridge port',
        '--what-if "br0.isolated=on": "isolated" is no setting of a bridge',
        '--what-if "p0.Flood=off": not DEVICE.SETTING=VALUE',
      ].join('\n'),
    );
    expect(refused('p0.flood=off')).toBe('');
  });
});
