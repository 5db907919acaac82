import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AuditReport } from '../../../src/core/model/audit.js';
import type { Result } from '../../../src/core/model/result.js';
import { runThrowAway, threeGuests } from '../../support/lab/throw-away.js';
import { patient } from '../../support/patient.js';
import { file, needs, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const dir = scratchFolder('lasting-host');

/** A host whose br0 ifupdown makes, and which is a hub. */
const hub = `
  mount -t tmpfs tmpfs /etc/network; mount -t tmpfs tmpfs /run
  printf 'auto br0\\niface br0 inet manual\\n  bridge_ports vnet2\\n  bridge_ageing 0\\n' > /etc/network/interfaces
  ip link set dev br0 type bridge ageing_time 0
`;

describe('on a host whose bridge a known program makes', needs(root, file('/etc/network')), () => {
  it(
    'a run tells how the fix comes to stay, in every view, and a replay says the same',
    async () => {
      const scenario = `version: 1\\nname: hub\\ntopology:\\n  provider: host\\n  bridges:\\n    br0: {}\\n  endpoints:\\n    a: { bridge: br0, port: vnet0, mac: "02:76:69:00:00:00" }\\n    b: { bridge: br0, port: vnet1, mac: "02:76:69:00:00:01" }\\n    up: { bridge: br0, port: vnet2, mac: "02:76:69:00:00:02", role: uplink }\\nsteps:\\n  - name: private\\n    probe: [ { class: known-unicast, from: a, to: b, carriers: raw, count: 20 } ]\\n`;
      const { status, stdout, stderr } = await runThrowAway(
        `${threeGuests}${hub}\nprintf '${scenario}' > ${dir}/hub.yml\nnode dist/cli.cjs run ${dir}/hub.yml --yes --verbose --out ${dir}/run --reporter html=${dir}/report.html || [ $? = 2 ]\nnode dist/cli.cjs replay ${dir}/run --json > ${dir}/replayed || [ $? = 2 ]`,
      );
      expect(status, stderr).toBe(0);
      expect(stdout).toMatch(
        /to last \(ifupdown\): \/etc\/network\/interfaces, below iface br0\n +bridge_ageing 300\n +then: at the next boot; /,
      );
      expect(stdout).toMatch(
        /^ {2}to last \/etc\/network\/interfaces, below iface br0 \(ifupdown\): bridge_ageing 300$/m,
      );
      const text = readFileSync(join(dir, 'run/result.json'), 'utf8');
      const result: Result = JSON.parse(text);
      const causes = result.steps.flatMap(({ findings }) => findings.flatMap((finding) => finding.causes));
      expect(causes.find(({ code }) => code === 'ageing-zero')?.lasting).toMatchObject([
        { by: 'ifupdown', device: 'br0', form: '    bridge_ageing 300' },
      ]);
      // vnet2 is the bridge's own in the file; vnet0 and vnet1 are nobody's who is known
      expect(causes.filter(({ lasting, place }) => lasting !== undefined && /vnet[01]/.test(place))).toEqual([]);
      expect(readFileSync(join(dir, 'report.html'), 'utf8')).toContain('<dt>to last (ifupdown)</dt>');
      expect(JSON.parse(readFileSync(join(dir, 'replayed'), 'utf8'))).toEqual(JSON.parse(text));
    },
    patient(300_000),
  );

  it('audit tells it too', async () => {
    const { status, stdout, stderr } = await runThrowAway(`${threeGuests}${hub}\nexec node dist/cli.cjs audit --json`);
    expect(status, stderr).toBe(2);
    const report: AuditReport = JSON.parse(stdout);
    expect(report.findings.find(({ id }) => id === 'ageing-zero')?.lasting).toMatchObject([
      { by: 'ifupdown', form: '    bridge_ageing 300' },
    ]);
  });
});
