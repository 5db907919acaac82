import { expect, it } from 'vitest';
import type { Drift } from '../../../../src/core/model/audit.js';
import { watchMetrics } from '../../../../src/report/machine/prometheus.js';
import { driftLines } from '../../../../src/report/terminal/drift.js';

const drift: Drift = {
  code: 'port-joined',
  severity: 'medium',
  bridge: 'br0',
  place: '\u001b[31m"x"',
  before: null,
  after: 'br0',
  text: 'a port joined the bridge',
};

it('counts drifts by severity and code, and escapes names that guests choose', () => {
  const text = watchMetrics({
    readAt: new Date(1_700_000_000_500),
    bridges: [
      { name: 'br"\\0', promiscuity: 1 },
      { name: 'old', promiscuity: null },
    ],
    open: [drift, drift],
    driftCounts: { 'port-joined': 2 },
    counts: { reads: 3, failures: 0, events: 9, overruns: 1 },
  });
  expect(text.split('\n').filter((line) => !line.startsWith('#'))).toEqual([
    'verify_isolation_watch_last_read_timestamp_seconds 1700000000.5',
    'verify_isolation_watch_drift_open{severity="info"} 0',
    'verify_isolation_watch_drift_open{severity="low"} 0',
    'verify_isolation_watch_drift_open{severity="medium"} 2',
    'verify_isolation_watch_drift_open{severity="high"} 0',
    'verify_isolation_watch_drift_total{code="port-joined"} 2',
    'verify_isolation_watch_bridge_promiscuity{bridge="br\\"\\\\0"} 1',
    'verify_isolation_watch_reads_total 3',
    'verify_isolation_watch_failures_total 0',
    'verify_isolation_watch_events_total 9',
    'verify_isolation_watch_overruns_total 1',
    '',
  ]);
});

it('writes a drift in one line without control characters', () => {
  const [line] = driftLines([drift], new Date(0));
  expect(line).toMatch(
    /^1970-01-01T00:00:00\.000Z MEDIUM port-joined: .*: nothing → br0 \(a port joined the bridge\)$/,
  );
  expect(line).not.toContain('\u001b');
});
