let allowed = true;

/** From now on this process starts no thread of Node's: a confined one cannot load their programs. */
export function keepToOneThread(): void {
  allowed = false;
}

/** Whether work may be given to a thread of its own. */
export function mayStartThreads(): boolean {
  return allowed;
}
