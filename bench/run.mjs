// npm run bench [-- NAME…]: measures this program beside named peers, prints the ratios of that one run and writes them
// into RESULTS.md. Needs dist/ (npm run build). A measurement is one file with `title`, `about` and `measure({ scratch,
// rounds })`, which gives the rows of its table, and one line here. `--beside short`: ratios of a minute beside those of
// RESULTS.md, which stays as it is.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedRows, writeSection } from './frame/results.mjs';
import { tableOf } from './frame/table.mjs';
import * as growthFrames from './mesh/growth-frames.mjs';
import * as growthGuests from './mesh/growth-guests.mjs';
import * as growthLeaks from './mesh/growth-leaks.mjs';
import * as hub from './mesh/hub.mjs';
import * as mesh from './mesh/mesh.mjs';
import * as sequential from './mesh/sequential.mjs';
import * as growthHosts from './host/growth-hosts.mjs';
import * as guestsTraffic from './host/guests-traffic.mjs';
import * as wholeHost from './host/whole-host.mjs';
import * as judgeGrowth from './reading/judge-growth.mjs';
import * as readFull from './reading/read-full.mjs';
import * as readSmall from './reading/read-small.mjs';
import * as replayFull from './reading/replay-full.mjs';
import * as replayProbes from './reading/replay-probes.mjs';
import * as replaySmall from './reading/replay-small.mjs';
import * as short from './start/short.mjs';
import * as smallRuns from './start/small-runs.mjs';
import * as stack from './start/stack.mjs';
import * as startUp from './start/start-up.mjs';
import * as capture from './wire/capture.mjs';
import * as sending from './wire/sending.mjs';

const measures = {
  mesh,
  hub,
  sequential,
  'growth-guests': growthGuests,
  'growth-frames': growthFrames,
  'growth-leaks': growthLeaks,
  'growth-hosts': growthHosts,
  capture,
  sending,
  'start-up': startUp,
  'small-runs': smallRuns,
  short,
  stack,
  'guests-traffic': guestsTraffic,
  'whole-host': wholeHost,
  'read-full': readFull,
  'read-small': readSmall,
  'replay-full': replayFull,
  'replay-small': replaySmall,
  'replay-probes': replayProbes,
  'judge-growth': judgeGrowth,
};

// If it is set each start of Node reads certificates, for longer than it takes otherwise.
delete process.env.NODE_EXTRA_CA_CERTS;
const words = process.argv.slice(2);
/** Holds ratios against those of RESULTS.md, which stays as it is. */
const isBeside = words.includes('--beside');
const asked = words.filter((word) => word !== '--beside');
/** A ratio that grew by more than this is named. */
const tolerated = 1.15;

function besideRecorded(name, rows) {
  const recorded = new Map(recordedRows(name));
  return rows.map((row) => {
    const before = recorded.get(row.what);
    const isSlower = row.ratio > tolerated * Number(before);
    return { ...row, recorded: before ?? 'never', '': isSlower ? 'SLOWER by more than 15 %' : '' };
  });
}
const unknown = asked.filter((name) => !(name in measures));
if (unknown.length > 0) {
  console.error(`no measurement is named ${unknown.join(', ')}; there are ${Object.keys(measures).join(', ')}`);
  process.exit(64);
}
// BENCH_PEER=DIR: `small-runs` against the build of another checkout
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
for (const name of asked.length > 0 ? asked : Object.keys(measures)) {
  const { title, about, measure } = measures[name];
  const scratch = mkdtempSync(join(tmpdir(), 'bench-'));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  process.once('SIGINT', () => {
    remove();
    process.exit(130);
  });
  try {
    console.log(`\n${title} (${rounds} rounds)\n${about}`);
    const rows = await measure({ scratch, rounds });
    console.log(tableOf(isBeside ? besideRecorded(name, rows) : rows));
    if (!isBeside) writeSection(name, title, about, rows, rounds);
  } finally {
    remove();
  }
}
