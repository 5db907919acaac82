import { describe, expect, it } from 'vitest';
import type { LeakGroup } from '../../../../src/core/model/result.js';
import { exposuresOf } from '../../../../src/report/answer/exposures.js';
import { result, step } from '../../../support/report/fixture.js';

const group = (over: Partial<LeakGroup>): LeakGroup => ({
  cause: 'host-forwards',
  from: ['web'],
  to: ['db'],
  observers: ['db'],
  classes: ['routed-bounce'],
  carriers: ['ipv4-udp'],
  rows: 1,
  sent: 1,
  seen: 1,
  firstSighting: null,
  causes: [],
  ...over,
});
const what = (...exposures: readonly LeakGroup[]): readonly string[] =>
  exposuresOf(result([step('one', { exposures })])).map((exposure) => exposure.what);

describe('what is open by design', () => {
  it('says so where the host routes, whatever the class and whether it translates addresses', () => {
    expect(what(group({}), group({ classes: ['known-unicast'] }), group({ cause: 'nat' }))).toEqual([
      'the host routes between guests',
    ]);
  });

  it('begins with the few guests that the host routes to', () => {
    const flood = group({ cause: 'unknown-flood', classes: ['unknown-unicast'] });
    expect(what(flood, group({ few: true }))).toEqual([
      'the host routes to db, and not to most other guests',
      'unknown unicast floods',
    ]);
  });
});
