import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { audit, loadScenario, plan, replay, report, rows, VerifyError } from '../../src/index.js';

const top = resolve(import.meta.dirname, '../..');
const file = resolve(top, 'scenarios/hub-mode.yml');
const folder = resolve(top, 'captures/hub-mode');

describe('the library', () => {
  it('plans a file or what was loaded from it, without doing any of it', async () => {
    const planned = await plan(file);
    expect(planned.endpoints.map(({ name }) => name)).toEqual(['kali2', 'kali3', 'lan']);
    expect(planned.steps[0]?.flows.length).toBeGreaterThan(0);
    expect(JSON.stringify(await plan(await loadScenario(file)))).toBe(JSON.stringify(planned));
  });

  it('lists what each observer saw of each flow', async () => {
    const result = await replay(folder);
    const listed = rows(result);
    expect(listed).toHaveLength(result.steps.reduce((sum, { findings }) => sum + Math.max(1, findings.length), 0));
    expect(listed.find(({ finding }) => finding?.leak === true)).toMatchObject({
      step: 1,
      finding: { class: 'known-unicast', observer: 'kali3' },
    });
    expect(rows({ steps: result.steps.map((step) => ({ ...step, findings: [] })) })).toHaveLength(result.steps.length);
  });

  it('refuses what is no scenario with the exit status of the program', async () => {
    await expect(plan(resolve(top, 'absent.yml'))).rejects.toBeInstanceOf(VerifyError);
    await expect(plan(resolve(top, 'absent.yml'))).rejects.toMatchObject({ exitCode: 64 });
  });

  it('reports a folder in every form, as it judges it', async () => {
    const result = await replay(folder);
    expect(JSON.parse(await report(folder, 'json'))).toEqual(JSON.parse(JSON.stringify(result)));
    expect(await report(folder, 'markdown')).toContain('kali3');
    expect(await report(folder, 'html')).toMatch(/^<!DOCTYPE html>[^]*class="net"/);
  });

  it('refuses an unknown format with the exit status of the program', async () => {
    await expect(Reflect.apply(report, null, [folder, 'htm'])).rejects.toMatchObject({
      name: 'VerifyError',
      exitCode: 64,
      message: 'report: htm is not a reporter',
    });
  });

  it('refuses to audit a machine without a bridge: an empty report would read as a sound one', async () => {
    const audited = audit().then(
      ({ bridges, findings }) => bridges.length + findings.length > 0,
      (error: unknown) => error instanceof VerifyError && error.code === 'nothing-to-examine',
    );
    expect(await audited).toBe(true);
  });

  it('refuses to audit a bridge that is not there: no finding would read as a sound one', async () => {
    await expect(audit({ bridge: 'absent-bridge' })).rejects.toMatchObject({
      name: 'VerifyError',
      exitCode: 69,
      message: expect.stringContaining('there is no bridge "absent-bridge"'),
    });
  });
});
