import { describe, expect, it } from 'vitest';
import { barrierOf, barriers, lastBarriers } from '../../../../../src/core/judge/explain/barriers.js';
import type { FdbState } from '../../../../../src/core/model/state.js';
import { entry, host, row } from '../../../../support/judge/row-fixture.js';

describe('a barrier', () => {
  it('is explained by its code, a filter as well, and another code is none', () => {
    expect(barrierOf('isolated')).toBe(barriers.isolated);
    expect(barrierOf('filter')).toBe(lastBarriers.filter);
    expect(barrierOf('unexplained')).toBeNull();
    expect(barrierOf('toString')).toBeNull();
  });
  it('is what the bridge learned with the first probes of a step, if that leads elsewhere', () => {
    const learned = (over: Partial<FdbState> = {}, code: 'learned-entry' | 'static-entry' = 'learned-entry') =>
      barriers[code].find(row({ entries: [], before: host(), after: host({ fdb: [entry(over)] }) }));
    expect(learned()).toBe(`fdb ${entry().mac} dev ${entry().port}`);
    expect([learned({ port: 'p2' }), learned({ master: 'br1' })]).toEqual([null, null]);
    expect([learned({ state: 'static' }), learned({ state: 'static' }, 'static-entry')]).toEqual([null, null]);
  });
  it('is a local entry on the observer’s own port too: a bridge may have the MAC of that port', () => {
    const found = (code: 'permanent-entry' | 'static-entry', ...fdb: readonly FdbState[]) =>
      barriers[code].find(row({ entries: fdb, before: host({ fdb }), after: host({ fdb }) }));
    const local = entry({ port: 'p2', state: 'permanent' });
    expect(found('permanent-entry', local)).toBe(`fdb ${local.mac} dev p2`);
    expect(found('static-entry', { ...local, state: 'static' })).toBeNull();
    // in another VLAN the MAC leads there
    expect(found('permanent-entry', local, entry({ port: 'p2' }))).toBeNull();
  });
  it('that nothing explains is found anywhere', () => expect(lastBarriers.unexplained.find()).toBe(''));
});
