import { fileURLToPath } from 'node:url';
import { writeBars } from '../frame/curve.mjs';
import { withMounts } from '../frame/inside.mjs';
import { phases } from '../start/stack.mjs';

export const title = 'A whole host: from the command to the answer';
export const about =
  'A bridge without an uplink, with 3 to 200 guests that the bridge knows, and `run --yes` on it. `round 1`: from the command to the end of the step in which each guest sends, is sent to and listens; `all pairs`: to the end of the last step; `answer`: to the end of the program. The planted leak in a lab, right before, is in all three, and in `start` of the bars. `with trace`: as many times as long with `--trace auto`, in turn. `paced kept`, `flood kept`: the share of their answers that two guests keep that ping each other a thousand times a second, or as fast as they can (`ping -f`), beside another such run. Medians.\n\n![Shares of the phases](whole-host.svg)';

const sizes = [3, 10, 50, 100, 200];
/** Those that are asked with the kernel's trace as well. */
const traced = [10, 50];
/** Those of which two ping each other beside another run. */
const talking = [50];
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const program = fileURLToPath(new URL('whole-host-inside.mjs', import.meta.url));
/** Journals of its own, and the devices of its network namespace. */
const mounts = 'mount -t sysfs sysfs /sys && mount -t tmpfs -o mode=755 tmpfs /run';

/** In namespaces of its own, as root of this machine or of a user namespace. */
export function measure({ scratch, rounds }) {
  const bars = [];
  const table = sizes.map((guests) => {
    const found = withMounts(
      mounts,
      program,
      scratch,
      guests,
      rounds,
      traced.includes(guests),
      talking.includes(guests),
    );
    const ofPhase = (phase) => median(found.map((one) => one.phases[phase])).toFixed(2);
    bars.push({ what: `${guests} guests`, ...Object.fromEntries(phases.map((phase) => [phase, ofPhase(phase)])) });
    const seconds = (key) => median(found.map((one) => one[key])).toFixed(1);
    return {
      guests: String(guests),
      pairs: String(guests * (guests - 1)),
      'round 1 s': seconds('first'),
      'all pairs s': seconds('last'),
      'answer s': seconds('seconds'),
      'with trace': traced.includes(guests) ? median(found.map((one) => one.traced)).toFixed(2) : '–',
      ...Object.fromEntries(
        ['paced', 'flood'].map((pace) => [
          `${pace} kept`,
          talking.includes(guests) ? median(found.map(({ kept }) => kept[pace])).toFixed(2) : '–',
        ]),
      ),
      verdict: [...new Set(found.flatMap((one) => [one.verdict, one.tracedVerdict ?? one.verdict]))].join(', '),
    };
  });
  writeBars(fileURLToPath(new URL('../whole-host.svg', import.meta.url)), { title, rows: bars, keys: phases });
  return table;
}
