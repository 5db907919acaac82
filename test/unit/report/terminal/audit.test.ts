import { describe, expect, it } from 'vitest';
import type { AuditFinding, AuditReport } from '../../../../src/core/model/audit.js';
import { auditText } from '../../../../src/report/terminal/audit.js';

const finding = (id: AuditFinding['id'], place: string, over: Partial<AuditFinding> = {}): AuditFinding => ({
  id,
  severity: 'medium',
  bridge: 'br0',
  place,
  value: 'on',
  readFrom: 'ip -d link',
  text: 'a text',
  probe: 'unknown-unicast',
  fix: `bridge link set dev ${place.split('.')[0] ?? ''} flood off`,
  ...over,
});
const report = (over: Partial<AuditReport>): AuditReport => ({
  auditVersion: 2,
  bridges: ['br0'],
  findings: [],
  settings: [],
  unread: [],
  ...over,
});
const view = { width: 80, verbose: false, showsAll: false, exitStatus: 0 };

describe('an audit for people', () => {
  it('begins with the worst that was found', () => {
    const text = auditText(
      report({
        findings: [finding('unknown-flood', 'b.flood'), finding('stp-open', 'br0.stp_state', { severity: 'low' })],
      }),
      view,
    );
    expect(text.split('\n').slice(0, 2).join(' ')).toBe(
      'MEDIUM: b takes frames to MACs that the bridge does not know (flood on) br0: findings 1 medium, 1 low or for information; exit status 0',
    );
    expect(text).toContain('low or for information (--all): stp-open');
  });

  it('says that nothing was found, and what could not be read', () => {
    const text = auditText(report({ unread: [{ what: 'nft', why: 'it takes root' }] }), { ...view, exitStatus: 3 });
    expect(text).toMatch(/^nothing of high or medium severity was found at br0\nbr0: findings none; exit status 3\n/);
    expect(text).toContain('could not be read: nft (it takes root)');
  });

  it('keeps to 23 lines whatever was found, and says how much is left out', () => {
    const findings = Array.from({ length: 30 }, (_, at) =>
      finding('unknown-flood', `p${at}.flood`, { text: `text ${at}` }),
    );
    const text = auditText(report({ findings }), view);
    expect(text.split('\n').length).toBeLessThanOrEqual(23);
    expect(text).toMatch(/^and \d+ more findings: --verbose$/m);
    expect(auditText(report({ findings }), { ...view, verbose: true }).match(/^MEDIUM /gm)).toHaveLength(30);
  });

  it('shows every setting with --all, times in seconds', () =>
    expect(
      auditText(report({ settings: [{ place: 'br0.ageing_time', value: '30000' }] }), { ...view, showsAll: true }),
    ).toContain('  br0.ageing_time = 300 s'));
});
