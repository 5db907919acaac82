import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it } from 'vitest';
import {
  checkSummary,
  type Delivery,
  deliverSpool,
  type Patience,
  pushUrl,
  readSummary,
  spoolSummary,
} from '../../../../src/system/evidence/push.js';
import { deliverRuns, spoolRuns } from '../../../../src/cli/commands/evidence/push.js';
import { callHere } from '../../../support/call-here.js';
import { refusal } from '../../../support/refusal.js';
import { scratchFolder } from '../../../support/scratch.js';

const top = scratchFolder('push');
const key = join(top, 'key');
const ended = { exitCode: 3, asked: '', runs: [], unended: 1 };
const quick: Patience = { waitsMs: [0, 10, 20], answerMs: 300, totalMs: 5000 };

beforeAll(() => execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]));

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Put {
  readonly path: string;
  readonly body: string;
}

/** A receiver that answers with these statuses, one after the other, the last again and again; null = never. */
async function receiver(...statuses: readonly (number | null)[]): Promise<{ readonly url: URL; readonly puts: Put[] }> {
  const puts: Put[] = [];
  const made = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      puts.push({ path: `${request.method} ${request.url}`, body });
      const status = statuses[Math.min(puts.length, statuses.length) - 1] ?? null;
      if (status !== null) response.writeHead(status).end('x'.repeat(100_000));
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const address = made.address();
  const port = typeof address === 'object' ? address?.port : null;
  return { url: new URL(`http://127.0.0.1:${port}/in/`), puts };
}

/** A spool with so many summaries, written a second apart. */
async function spoolOf(count: number): Promise<string> {
  const spool = mkdtempSync(join(top, 'spool-'));
  for (let at = 0; at < count; at += 1) await spoolSummary(ended, spool, key, new Date(1_000_000_000_000 + at * 1000));
  return spool;
}

/** Of a spool from which all was taken. */
function all(delivered: number, spool: string): Delivery {
  return { delivered, kept: 0, refused: { count: 0, removed: 0, dir: join(spool, 'refused') }, reasons: [] };
}

it('puts each summary under its name, oldest first, and empties the spool', async () => {
  const spool = await spoolOf(2);
  const names = readdirSync(spool).sort();
  const { url, puts } = await receiver(201);
  expect(await deliverSpool(spool, url, quick)).toEqual(all(2, spool));
  expect(puts.map(({ path }) => path)).toEqual(names.map((name) => `PUT /in/${name}`));
  expect(readdirSync(spool)).toEqual([]);
});

it('tries again where a receiver refuses at first', async () => {
  const spool = await spoolOf(1);
  const { url, puts } = await receiver(503, 429, 204);
  expect(await deliverSpool(spool, url, quick)).toMatchObject({ delivered: 1, reasons: [] });
  expect(puts).toHaveLength(3);
});

it.each([
  [500, 3, 'it answered 500'],
  [425, 3, 'it answered 425'],
  [401, 1, 'it answered 401'],
  [404, 1, 'it answered 404'],
  [405, 1, 'it answered 405'],
  [409, 2, 'it answered 409'],
  [301, 2, 'it answered 301: redirections are not followed'],
  [null, 3, 'no answer within 0.3 s'],
])('keeps what is not taken: %s', async (status, requests, why) => {
  const spool = await spoolOf(2);
  const { url, puts } = await receiver(status);
  expect(await deliverSpool(spool, url, quick)).toEqual({ ...all(0, spool), kept: 2, reasons: [why] });
  expect(puts).toHaveLength(requests);
  expect(readdirSync(spool)).toHaveLength(2);
});

it('moves aside what is refused for good: no later delivery of the spool sends it again, one of that folder does', async () => {
  const spool = await spoolOf(2);
  const [first = '', second = ''] = readdirSync(spool).sort();
  const { url, puts } = await receiver(413, 201);
  const moved = { count: 1, removed: 0, dir: join(spool, 'refused') };
  const delivery = await deliverSpool(spool, url, quick);
  expect(delivery).toEqual({ ...all(1, spool), refused: moved, reasons: ['it answered 413'] });
  expect(readdirSync(moved.dir)).toEqual([first]);
  expect(await deliverSpool(spool, url, quick)).toEqual(all(0, spool));
  expect(await deliverSpool(moved.dir, url, quick)).toMatchObject({ delivered: 1, reasons: [] });
  expect(puts.map(({ path }) => path.slice('PUT /in/'.length))).toEqual([first, second, first]);
});

it('leaves what is refused again where it is', async () => {
  const refused = join(await spoolOf(1), 'refused');
  mkdirSync(refused);
  await spoolSummary(ended, refused, key, new Date(0));
  const { url } = await receiver(422);
  expect(await deliverSpool(refused, url, quick)).toMatchObject({ kept: 0, refused: { count: 1, dir: refused } });
  expect(readdirSync(refused)).toHaveLength(1);
});

it('keeps the newest 100 that were refused, for 30 days', async () => {
  const spool = await spoolOf(1);
  const dir = join(spool, 'refused');
  mkdirSync(dir);
  const nowS = Date.now() / 1000;
  const write = (name: string, ageS: number): void => {
    const path = join(dir, `${name}.summary`);
    writeFileSync(path, '');
    utimesSync(path, nowS - ageS, nowS - ageS);
  };
  write('a-month', 31 * 86_400);
  for (let at = 0; at < 100; at += 1) write(`day-${at}`, 3600 + at);
  const { url } = await receiver(400);
  const { stderr } = await callHere('push', spool, '--to', url.href);
  expect(stderr).toContain(
    `refused for good, in ${dir}: 1; removed from ${dir}, where the newest 100 of 30 days stay: 2`,
  );
  const left = readdirSync(dir);
  expect(left).toHaveLength(100);
  expect(left).not.toContain('a-month.summary');
  expect(left).not.toContain('day-99.summary');
});

it('push DIR gives every reason once, in the order in which summaries were sent', async () => {
  const spool = await spoolOf(5);
  const { url } = await receiver(409, 413, 409, 422, 401);
  const { status, stderr } = await callHere('push', spool, '--to', url.href);
  expect(status).toBe(69);
  expect(stderr).toContain('it answered 409, it answered 413, it answered 422, it answered 401; 3 summaries stay');
});

it('push DIR says once what a receiver refuses for good, and how to deliver it', async () => {
  const spool = await spoolOf(1);
  const { url } = await receiver(400);
  const { status, stderr } = await callHere('push', spool, '--to', url.href);
  expect(status).toBe(69);
  expect(stderr).toContain(`it answered 400; refused for good, in ${spool}/refused: 1`);
  expect(stderr).toContain(`push ${spool}/refused`);
  expect((await callHere('push', spool, '--to', url.href)).status).toBe(0);
});

it('push DIR ends with 69 where nobody listens, names address, spool and next step, and not the password', async () => {
  const spool = await spoolOf(1);
  const { url } = await receiver(201);
  await new Promise((resolve) => server?.close(resolve));
  const address = url.href.replace('//', '//user:secret@');
  const { status, stderr } = await callHere('push', spool, '--to', address);
  expect(status).toBe(69);
  expect(stderr).toContain(`${url.origin}: connect ECONNREFUSED`);
  expect(stderr).toContain(`1 summary stays in ${spool}`);
  expect(stderr).toContain(`push ${spool}, delivers it`);
  expect(stderr).not.toMatch(/secret|\/in\//);
});

it('a summary has the signature of its host, and one that was changed does not', async () => {
  const spool = await spoolOf(1);
  const path = join(spool, readdirSync(spool)[0] ?? '');
  const { summary } = readSummary(path);
  const stateBy = async (file: string | null): Promise<string> =>
    (await checkSummary(path, file === null ? null : { file, identity: summary.host })).state;
  expect([summary.exitCode, summary.at, await stateBy(null)]).toEqual([3, '2001-09-09T01:46:40.000Z', 'valid']);
  const signers = join(top, 'signers');
  writeFileSync(signers, `${summary.host} ${readFileSync(`${key}.pub`, 'utf8')}`);
  expect(await stateBy(signers)).toBe('trusted');
  writeFileSync(signers, `another-host ${readFileSync(`${key}.pub`, 'utf8')}`);
  expect(await stateBy(signers)).toBe('bad');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"exitCode":3', '"exitCode":0'));
  expect(await stateBy(null)).toBe('bad');
});

it('names what was to run by a hash that its text alone does not give', async () => {
  const asked = JSON.stringify(['guest-of-a-tenant']);
  const hashes: string[] = [];
  for (const words of [asked, asked, '[]']) {
    const spool = mkdtempSync(join(top, 'spool-'));
    await spoolRuns({ spool, sign: key, quiet: true, asked: words }, { ...ended, exitCode: 0 });
    hashes.push(readSummary(join(spool, readdirSync(spool)[0] ?? '')).summary.asked);
  }
  expect(hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
  expect(new Set(hashes).size).toBe(2);
  expect(hashes).not.toContain(createHash('sha256').update(asked).digest('hex'));
});

it.each(['', '{}', '-----END SSH SIGNATURE-----\n{"schemaVersion":2}\n'])(
  'refuses what is no summary: %j',
  async (text) => {
    const path = join(top, 'no.summary');
    writeFileSync(path, text);
    expect(() => readSummary(path)).toThrow(/no summary of run --push/);
  },
);

it.each([
  ['ftp://user:secret@a/token', ' ftp://a'],
  ['collector', ''],
  ['user:secret@a', ''],
  ['https://', ''],
])('refuses an address that takes no PUT, without its secrets: %s', (address, shown) => {
  expect(refusal(() => pushUrl('--push', address))).toBe(
    `usage 64 --push${shown}: expected an address of http or https`,
  );
});

it('passes over what is too long for a summary, and what another has just delivered', async () => {
  const spool = await spoolOf(3);
  const [first = '', , last = ''] = readdirSync(spool).sort();
  writeFileSync(join(spool, first), Buffer.alloc(2 ** 20 + 1));
  const { url } = await receiver(201);
  server?.on('request', () => rmSync(join(spool, last), { force: true }));
  expect(await deliverSpool(spool, url, quick)).toEqual({
    ...all(1, spool),
    kept: 1,
    reasons: [`${first}: it has 1048577 bytes, expected at most 1048576`],
  });
  expect(readdirSync(spool)).toEqual([first]);
});

it('does not wait for a receiver that asks for another protocol', async () => {
  const spool = await spoolOf(1);
  const made = createServer().on('connection', (socket) => {
    socket.on('data', () =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    );
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const address = made.address();
  const url = new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`);
  expect((await deliverSpool(spool, url, quick)).reasons).toEqual(['it ended the connection without an answer']);
});

it('a delivery that cannot begin leaves the exit status as it is', async () => {
  const loop = join(top, 'loop');
  symlinkSync(loop, loop);
  await expect(deliverRuns({ push: 'http://127.0.0.1/', spool: loop, quiet: true })).resolves.toBeUndefined();
});

it.each([
  [['--push', 'http://127.0.0.1/'], /a summary is signed, and no key is named/],
  [['--push', 'x', '--sign', key], /expected an address of http or https/],
])('run %j is refused before anything is sent', async (options, says) => {
  const { status, stderr } = await callHere('run', 'scenarios/hub-mode.yml', '--out', join(top, 'never'), ...options);
  expect([status, stderr]).toEqual([64, expect.stringMatching(says)]);
});

it('says of an empty spool that nothing waits there', async () => {
  const spool = await spoolOf(0);
  const { status, stderr } = await callHere('push', spool, '--to', 'http://127.0.0.1:1/');
  expect({ status, stderr }).toEqual({ status: 0, stderr: `no summary waits in ${spool}\n` });
});
