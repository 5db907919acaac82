import { describe, expect, it } from 'vitest';
import { stopText } from '../../../../../src/cli/commands/run/run.js';
import { failureBesides } from '../../../../../src/cli/commands/run/run-series.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';

const notStopped = { by: undefined, isTimedOut: false };
const bySignal = { by: 'SIGINT', isTimedOut: false } as const;
const late = { by: undefined, isTimedOut: true };
const interrupted = new VerifyError('interrupted', 3, 'the run was interrupted', 'it is kept');
const failed = new VerifyError('command-failed', 3, 'ip link del failed', 'look');

describe('an error of runs that were stopped', () => {
  it('is no more than the stop where it says so itself', () => {
    expect(failureBesides(bySignal, interrupted)).toBeNull();
    expect(failureBesides(late, interrupted)).toBeNull();
  });

  it('is said where it is another one', () => {
    expect(failureBesides(bySignal, failed)).toBe(failed);
    expect(failureBesides(late, failed)).toBe(failed);
  });

  it('is said where a run has ended, though nothing stopped the runs', () => {
    expect(failureBesides(notStopped, failed, true)).toBe(failed);
  });

  it('is thrown where it is a fault of the tool, or nothing stopped the runs', () => {
    const fault = new TypeError('left is undefined');
    expect(() => failureBesides(bySignal, fault)).toThrow(fault);
    expect(() => failureBesides(late, fault)).toThrow(fault);
    expect(() => failureBesides(notStopped, interrupted)).toThrow(interrupted);
  });
});

describe('that runs were stopped', () => {
  const series = { runs: [1], scenarios: [1, 2], unrestored: [], failures: [] };

  it('is said with what is left, and with nothing where all was put back', () => {
    expect(stopText(notStopped, series, undefined)).toBeNull();
    expect(stopText(bySignal, series, undefined)).toBe(
      'stopped by SIGINT: everything is put back, and what was seen is kept',
    );
    expect(stopText(late, series, '90s')).toBe(
      'stopped by --timeout 90s: 1 of 2 runs begun; everything is put back, and what was seen is kept',
    );
    expect(stopText(bySignal, { ...series, unrestored: ['the interface vi0-0', 'br0.flood'] }, undefined)).toBe(
      'stopped by SIGINT: left: the interface vi0-0; br0.flood, and what was seen is kept',
    );
  });

  it('does not claim that all was put back where a run failed besides', () => {
    expect(stopText(bySignal, { ...series, failures: [69] }, undefined)).toBe(
      'stopped by SIGINT: see above; `verify-isolation cleanup` puts back what was left on a host, and what was seen is kept',
    );
  });
});
