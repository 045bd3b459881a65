/**
 * Who made whom: whoever makes an API client has seen its secret, and could be it. So have those
 * who made that one, and so on (docs/adr/0030-dual-control.md).
 */

import type { ApiClientStore } from './access-records.ts';

interface Parts {
  readonly clients: Pick<ApiClientStore, 'findClient'>;
}

/**
 * All who made an API client, directly or through others, nearest first.
 * @param actor as audit entries name it; whoever is no client was made by nobody
 */
export async function makersOf({ clients }: Parts, actor: string): Promise<readonly string[]> {
  const makers: string[] = [];
  for (let below = actor; ; ) {
    const maker = await makerOf(clients, below);
    // Nobody is made by whom it made; a database that says so is not read for ever.
    if (maker === undefined || makers.includes(maker)) return makers;
    makers.push(maker);
    below = maker;
  }
}

async function makerOf(clients: Parts['clients'], actor: string): Promise<string | undefined> {
  const [kind, id = ''] = actor.split(':', 2);
  return kind === 'client' ? (await clients.findClient(id))?.createdBy : undefined;
}
