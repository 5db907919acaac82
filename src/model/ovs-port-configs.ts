/** Words of `config:` by port, of `ovs-ofctl show`: ` 1(vnet0): addr:…` and below it `     config:     NO_FLOOD`. */
export function ovsPortConfigs(show: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  let port: string | null = null;
  for (const line of show.split('\n')) {
    port = /^ \S+?\((.+)\): addr:/.exec(line)?.[1] ?? port;
    const words = /^\s+config:\s+(.*)$/.exec(line)?.[1];
    if (port !== null && words !== undefined) found.set(port, words === '0' ? [] : words.split(' '));
  }
  return found;
}
