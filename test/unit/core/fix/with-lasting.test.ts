import { describe, expect, it } from 'vitest';
import { advice, setPort } from '../../../../src/core/bridge/changes.js';
import { fixText, isExecutable } from '../../../../src/core/fix/fix-text.js';
import { withPersistentFixes } from '../../../../src/core/fix/persistent.js';
import type { Fix } from '../../../../src/core/model/fabric.js';
import type { ConfigurationManager } from '../../../../src/core/model/fix.js';
import type { Cause } from '../../../../src/core/model/result.js';
import { judge, perfectRun } from '../../../support/judge/perfect-run.js';
import { zero } from '../../../support/judge/row-fixture.js';

const vnet0: ConfigurationManager = {
  by: 'libvirt',
  device: 'vnet0',
  keeps: 'guest',
  guest: 'kali2',
  mac: '52:54:00:85:20:d1',
  network: null,
  bridge: 'br0',
};
const cause = (fix: Fix): Cause => ({
  code: 'not-isolated',
  place: 'vnet0.isolated',
  value: 'off',
  text: 'open',
  fix: fixText(fix),
  ...(isExecutable(fix) ? { changes: fix.changes } : {}),
});
const isolate = { changes: [setPort('vnet0', 'isolated', true)] };
const [step] = judge(perfectRun()).steps;
if (step === undefined) throw new Error('the fixture has changed');
const leaking = {
  ...step,
  findings: [
    zero,
    {
      ...zero,
      leak: true,
      causes: [cause(isolate), cause(advice('tell somebody')), cause(isolate)],
    },
  ],
};

describe('how a fix comes to stay', () => {
  it('is told beside each cause whose device somebody keeps, and beside no other', () => {
    const [quiet, leak] = withPersistentFixes(leaking, [vnet0]).findings;
    expect(quiet).toBe(leaking.findings[0]);
    expect(leak?.causes.map(({ lasting }) => lasting?.map(({ by, device }) => [by, device]))).toEqual([
      [['libvirt', 'vnet0']],
      undefined,
      [['libvirt', 'vnet0']],
    ]);
    expect(leak?.causes[1]).toEqual(cause(advice('tell somebody')));
  });
  it('is not told where nobody looked, or nobody keeps the device', () => {
    expect(withPersistentFixes(leaking, undefined)).toBe(leaking);
    expect(withPersistentFixes(leaking, [])).toEqual(leaking);
    expect(withPersistentFixes(leaking, [{ ...vnet0, device: 'vnet1' }])).toEqual(leaking);
  });
  it('changes nothing else of a step', () => {
    const { findings: _, ...rest } = withPersistentFixes(leaking, [vnet0]);
    const { findings: __, ...was } = leaking;
    expect(rest).toEqual(was);
  });
});
