/** At the end a program of the bench says on stderr how much memory it had at most, in KiB, for the table. */
export function printPeak() {
  process.on('exit', () => process.stderr.write(`peak ${process.resourceUsage().maxRSS}\n`));
}
