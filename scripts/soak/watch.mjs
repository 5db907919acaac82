// `npm run soak watch [EVENTS]`: a watch in a throw-away namespace under a million link events; prints its resident
// memory as it goes, and fails where that grows, or where the watch misses the last change. Takes root or user
// namespaces, and minutes.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const events = Number(process.argv[2] ?? 1_000_000);
const inside = process.argv[3] === 'inside';
const maxGrowthKiB = 64 * 1024;

if (!inside) {
  const user = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
  const child = spawn(
    'unshare',
    [
      ...user,
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      process.execPath,
      fileURLToPath(import.meta.url),
      String(events),
      'inside',
    ],
    {
      stdio: 'inherit',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    },
  );
  child.once('close', (status) => (process.exitCode = status ?? 1));
} else {
  await soak();
}

/** One process of iproute2 that takes commands as long as it is fed. */
async function batch(lines) {
  const child = spawn('ip', ['-batch', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(lines);
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(`ip ended with ${status}`);
}

function residentKiB(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

async function soak() {
  await batch(
    'link add name br0 type bridge\nlink set dev br0 up\nlink add name vnet0 type veth peer name g0\nlink set dev vnet0 master br0 up\nlink set dev g0 up\n',
  );
  const watch = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url)), 'watch', '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let [text, lines] = ['', 0];
  const until = (word) => new Promise((resolve) => watch.stdout.on('data', () => text.includes(word) && resolve()));
  watch.stdout.setEncoding('utf8').on('data', (chunk) => {
    lines += chunk.split('\n').length - 1;
    text = (text + chunk).slice(-4096);
  });
  await until('"watching"');
  const curve = [];
  const perRound = 10_000;
  for (let sent = 0; sent < events; sent += perRound) {
    // Half of them are changes of a setting, half of nothing that a watch tells.
    await batch(
      Array.from(
        { length: perRound / 2 },
        (_, at) =>
          `link set dev g0 alias a${at}\nlink set dev vnet0 type bridge_slave flood ${at % 2 === 0 ? 'off' : 'on'}\n`,
      ).join(''),
    );
    const kib = residentKiB(watch.pid);
    curve.push(kib);
    if (sent % (perRound * 10) === 0 || sent + perRound >= events)
      console.log(`${sent + perRound} events: ${kib} KiB, ${lines} lines`);
  }
  const last = until('"after":"12300"');
  await batch('link set dev br0 type bridge ageing_time 12300\n');
  await Promise.race([
    last,
    new Promise((_, reject) => setTimeout(() => reject(new Error('the last change was not told')), 10_000)),
  ]);
  const settled = curve[Math.floor(curve.length / 5)];
  const growth = curve.at(-1) - settled;
  console.log(`the last change was told; resident memory grew by ${growth} KiB over the last four fifths`);
  watch.kill();
  process.exit(growth > maxGrowthKiB ? 1 : 0);
}
