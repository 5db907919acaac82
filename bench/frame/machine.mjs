import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

const firstLine = (argv) => {
  try {
    return execFileSync(argv[0], argv.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n')[0];
  } catch {
    return null;
  }
};

/** The machine, in a line; ratios travel from one to another, seconds do not. */
export function machineText() {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release().split('-')[0]}, load at the start ${loadavg()[0].toFixed(1)}`;
}

/** Versions of what was measured. */
export function versionsText() {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const peers = [
    ['tcpdump', '--version'],
    ['tshark', '--version'],
    ['capinfos', '--version'],
    ['dumpcap', '--version'],
    ['trafgen', '--version'],
    ['tcpreplay', '--version'],
  ]
    .map(firstLine)
    .filter((line) => line !== null);
  return [`verify-isolation ${version}`, `Node ${process.versions.node}`, ...new Set(peers)].join('; ');
}
