import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchBytes } from '../../../../src/core/protocol/host-messages.js';
import { startRemoteCapture } from '../../../../src/run/hosts/remote-helpers.js';
import { connectHost, type RemoteHost } from '../../../../src/run/hosts/remote-host.js';
import { toolVersion } from '../../../../src/system/process/package-path.js';
import { refusalOf } from '../../../support/refusal.js';

const path = process.env['PATH'];
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remote-host-'));
  process.env['PATH'] = `${folder}:${path}`;
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true, force: true });
});

it('a host that is there and does not answer a question is lost, and who observes through it hears so', async () => {
  const ready = JSON.stringify({ type: 'ready', version: toolVersion(), pid: 1, uid: 0 });
  const script = `#!/bin/sh\necho '${ready}'\nwhile sleep 0.1; do echo '{"type":"beat"}'; done\n`;
  writeFileSync(join(folder, 'ssh'), script, { mode: 0o700 });
  const host = await connectHost({ name: 'hv2', ssh: 'root@hv2', command: ['verify-isolation'] });
  const reasons: string[] = [];
  host.onLost((why) => reasons.push(why));
  const other = refusalOf(() => host.ask({ ask: 'drops', netns: null }));
  const why = 'it has not answered clock within 0.3 s';
  expect(await refusalOf(() => host.ask({ ask: 'clock' }, 300))).toBe(
    `host-lost 3 the connection to hv2 was lost: ${why}`,
  );
  expect([host.lost, reasons, await other]).toEqual([why, [why], `host-lost 3 the connection to hv2 was lost: ${why}`]);
  await host.end();
});

/** Connects to a far side that answers each question as `answerOf` (a function of the question, as text) says. */
async function liar(answerOf: string, signal: AbortSignal | null = null): Promise<RemoteHost> {
  const program = `
    const say = (message) => process.stdout.write(JSON.stringify(message) + '\\n');
    say({ type: 'ready', version: ${JSON.stringify(toolVersion())}, pid: 1, uid: 0 });
    setInterval(() => say({ type: 'beat' }), 200);
    const lines = require('node:readline').createInterface({ input: process.stdin });
    lines.on('close', () => process.exit(0)).on('line', (line) => {
      const message = JSON.parse(line);
      if (message.type === 'question') (${answerOf})(message, (value) => say({ type: 'answer', id: message.id, value }), say);
    });`;
  writeFileSync(join(folder, 'far.cjs'), program);
  const node = JSON.stringify(process.execPath);
  // A child keeps the pipes, and does not end with its stdin, as a proxy of ssh's may do.
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec 3<&0\n${node} ${folder}/far.cjs <&3 &\nwait\n`, { mode: 0o700 });
  return connectHost({ name: 'hv2', ssh: 'root@hv2', command: ['verify-isolation'] }, signal);
}

const lost = 'host-lost 3 the connection to hv2 was lost: ';

describe('a host that lies', () => {
  it.each([
    ['read', { state: { links: [{ name: 'vnet1', ifindex: [] }] }, neighbours: [] }],
    ['mark', { counters: { b: { received: 1e300, dropped: 0, delivered: 1 } }, accounts: {} }],
    ['stop', { counters: null }],
  ])('is lost with the answer to %s that is none', async (ask, value) => {
    const host = await liar(`(question, answer) => answer(${JSON.stringify(value)})`);
    const questions = {
      read: { ask: 'read', netns: null, sysctl: [], ovs: false },
      mark: { ask: 'mark', capture: 'a', mark: 'before', accounts: false },
      stop: { ask: 'stop', capture: 'a' },
    } as const;
    const refused = await refusalOf(() => host.ask(questions[ask as keyof typeof questions]));
    expect(refused).toContain(`${lost}its answer to ${ask} is none: `);
    expect(host.lost).toContain(`its answer to ${ask} is none`);
    await host.end();
  });

  it('cannot end the program here as one with a fault', async () => {
    const refuse = `(question, answer, say) => say({ type: 'refused', id: question.id, code: 'host-fault', exit: 70, message: 'x', hint: 'y' })`;
    const host = await liar(refuse);
    expect(await refusalOf(() => host.ask({ ask: 'clock' }))).toBe('host-fault 3 hv2: x');
    await host.end();
  });

  it('is lost when it does not stop sending news', async () => {
    const host = await liar(`() => setInterval(() => { for (let i = 0; i < 500; i++) say({ type: 'beat' }); }, 10)`);
    expect(await refusalOf(() => host.ask({ ask: 'clock' }))).toBe(`${lost}it does not stop sending news`);
    await host.end();
  });

  it.each([
    ['a byte at a time', Buffer.from('A').toString('base64')],
    ['for ever', Buffer.alloc(fetchBytes).toString('base64')],
    ['in larger pieces than were agreed', Buffer.alloc(fetchBytes + 1).toString('base64')],
  ])('is lost when its capture comes %s', async (_how, bytes) => {
    const answers = {
      capture: { pids: [] },
      observe: { listening: [] },
      stop: { counters: { b: { received: 9, dropped: 0, delivered: 9 } }, written: { b: 9 }, kept: [] },
      fetch: { bytes },
    };
    const host = await liar(`(question, answer) => answer(${JSON.stringify(answers)}[question.ask])`);
    const file = join(folder, 'r.pcapng');
    const capture = await startRemoteCapture(host, { file, netns: null });
    await capture.open([
      {
        observer: 'b',
        device: 'b',
        watch: 'port',
        engine: 'libpcap',
        macs: [],
        filter: '',
        snaplen: 512,
        buffer: 1,
        description: '',
      },
    ]);
    const faults: string[] = [];
    capture.onFault(({ code, observers }) => faults.push(`${code} ${observers.join()}`));
    expect(await capture.stop()).toEqual({ counters: {}, written: {}, kept: [] });
    expect(faults).toEqual(['host-lost b']);
    expect(host.lost).toContain('longer than what it counted');
    expect(statSync(file).size).toBeLessThan(100 * 2 ** 20);
    await host.end();
  });

  it('cannot keep an interrupted run waiting, nor can a program that it left with the pipes', async () => {
    const controller = new AbortController();
    const host = await liar('() => undefined', controller.signal);
    const waiting = refusalOf(() => host.ask({ ask: 'clock' }));
    const began = performance.now();
    controller.abort();
    expect(await waiting).toBe(`${lost}the run was stopped`);
    await host.end();
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
