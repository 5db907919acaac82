import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { spoolSummary } from '../../../src/system/evidence/push.js';
import { cli } from '../../support/call.js';
import { needs, program } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const top = scratchFolder('push-by-tls');
const openssl = (...words: readonly string[]) =>
  execFileSync('openssl', words, { cwd: top, stdio: ['ignore', 'ignore', 'pipe'] });

/** A certificate of `name`, which the CA has signed. */
function certify(file: string, name: string): void {
  openssl(
    'req',
    '-newkey',
    'ed25519',
    '-nodes',
    '-keyout',
    `${file}.key`,
    '-out',
    `${file}.csr`,
    '-subj',
    '/CN=receiver',
  );
  writeFileSync(join(top, `${file}.ext`), `subjectAltName=${name}\n`);
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key'];
  openssl(
    'x509',
    '-req',
    '-in',
    `${file}.csr`,
    ...signer,
    '-days',
    '2',
    '-extfile',
    `${file}.ext`,
    '-out',
    `${file}.pem`,
  );
}

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A receiver on the loopback that shows this certificate, and the bodies put to it. */
async function receiver(file: string): Promise<{ readonly port: number; readonly bodies: string[] }> {
  const bodies: string[] = [];
  const [key, cert] = ['key', 'pem'].map((end) => readFileSync(join(top, `${file}.${end}`)));
  const made = createServer({ key, cert }, (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      bodies.push(body);
      response.writeHead(201).end();
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const address = made.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, bodies };
}

/** `push` of a spool with one summary, as a process that trusts this CA as well. */
async function push(port: number, ca: string | null) {
  const spool = mkdtempSync(join(top, 'spool-'));
  await spoolSummary({ exitCode: 0, asked: '', runs: [], unended: 0 }, spool, join(top, 'signer'), new Date());
  const { NODE_EXTRA_CA_CERTS: _unwanted, ...inherited } = process.env;
  const env = ca === null ? inherited : { ...inherited, NODE_EXTRA_CA_CERTS: join(top, ca) };
  const words = [cli, 'push', spool, '--to', `https://127.0.0.1:${port}/in/`];
  return new Promise<{ readonly status: unknown; readonly stderr: string; readonly left: number }>((resolve) => {
    execFile(process.execPath, words, { env }, (error, _stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stderr, left: readdirSync(spool).length }),
    );
  });
}

describe('push to a receiver behind TLS', needs(program('openssl'), program('ssh-keygen')), () => {
  beforeAll(() => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(top, 'signer')]);
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ed25519',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '2',
      '-subj',
      '/CN=CA',
    );
    certify('right', 'IP:127.0.0.1');
    certify('another', 'DNS:collector.example');
    copyFileSync(join(top, 'ca.key'), join(top, 'self.key'));
    copyFileSync(join(top, 'ca.pem'), join(top, 'self.pem'));
  });

  it('delivers where NODE_EXTRA_CA_CERTS names its CA', async () => {
    const { port, bodies } = await receiver('right');
    const { status, stderr, left } = await push(port, 'ca.pem');
    expect([status, stderr, left]).toEqual([0, `delivered 1 summary to https://127.0.0.1:${port}\n`, 0]);
    expect(bodies).toEqual([expect.stringMatching(/^-----BEGIN SSH SIGNATURE-----\n[^]*"exitCode":0/)]);
  });

  it.each([
    ['a CA that is not known', 'right', null, /certificate is not trusted: .* \(NODE_EXTRA_CA_CERTS names a file/],
    [
      'a certificate that signs itself',
      'self',
      null,
      /certificate is not trusted: self-signed certificate \(NODE_EXTRA/,
    ],
    ['another name', 'another', 'ca.pem', /certificate is refused: .*IP: 127\.0\.0\.1 is not in the cert's list/],
  ])('sends nothing to %s, and says why in a line', async (_what, file, ca, says) => {
    const { port, bodies } = await receiver(file);
    const { status, stderr, left } = await push(port, ca);
    expect([status, left, bodies]).toEqual([69, 1, []]);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/1 summary stays in /);
    expect(stderr.trim().split('\n')).toHaveLength(2);
  });
});
