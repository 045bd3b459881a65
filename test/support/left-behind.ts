/** What a call leaves behind: rows, and entries in the audit log. */

import type { TestApp } from './app.ts';

type Entry = Readonly<Record<string, unknown>>;

export interface LeftBehind {
  /** Ids of requests, and of certificates of the profile, that were not there before. */
  readonly rows: readonly string[];
  /** Entries about requests that were not there before: action, actor, organization and details. */
  readonly entries: readonly Entry[];
}

/** Does something, and says what the administrator sees of it. */
export async function leftBehind(
  evpki: TestApp,
  profile: string,
  act: () => Promise<unknown>,
): Promise<LeftBehind> {
  const seen = async () => {
    const read = async (path: string): Promise<Record<string, unknown>[]> => {
      const { status, text, json } = await evpki.call('GET', path);
      if (status !== 200) throw new Error(text);
      // Or the newest might push out others, which would then be taken for missing.
      if (json.nextCursor !== undefined) throw new Error(`${path} has more than a page`);
      return json.items;
    };
    return {
      rows: [
        ...(await read('/v1/requests?limit=200')),
        ...(await read(`/v1/certificates?profile=${profile}&limit=200`)),
      ].map(({ id }) => String(id)),
      entries: await read('/v1/audit?action=request.refused&limit=200'),
    };
  };
  const before = await seen();
  await act();
  const after = await seen();
  const known = new Set(before.rows);
  const added = after.entries.length - before.entries.length;
  return {
    rows: after.rows.filter((id) => !known.has(id)),
    // Newest first.
    entries: after.entries
      .slice(0, added)
      .map(({ action, actor, organization, subject, details }) => ({
        ...{ action, actor, organization, subject, details },
      })),
  };
}
