import { fileURLToPath } from 'node:url';
import { withMounts } from '../frame/inside.mjs';

export const title = 'Guests that talk while a run on their host goes on';
export const about =
  "Two guests of a bridge ping each other, as fast as they can (`ping -f`, which takes a processor whole) and as often as ping's timer lets them (`ping -i 0.001`): alone; while two other guests do the latter, which is about as many frames as a run sends; while `run` listens on every port and hardly sends; and while it probes two others at 1,000 frames a second. Peer: the same pings alone, in turn. `answers/s`: what came back. `processor s`: what the run took, all its processes, from its start to its verdict. `kept` are frames of the evidence, all of the run's own. A packet socket at each port that refuses everything leaves 0.92 to 0.94 of the answers.";

const program = fileURLToPath(new URL('guests-traffic-inside.mjs', import.meta.url));
/** Journals of its own. */
const mounts = 'mount -t tmpfs -o mode=755 tmpfs /run';

/** In namespaces of its own, as root of this machine or of a user namespace. */
export function measure({ scratch, rounds }) {
  return withMounts(mounts, program, scratch, rounds);
}
