import type { Profile } from '../../pki/profile.ts';
import type { Handlers } from './operations.ts';
import type * as api from './types.ts';

export const profileHandlers = (profiles: ReadonlyMap<string, Profile>) =>
  ({
    listProfiles(_request, response) {
      response.json({ items: [...profiles.values()].map(profileBody) });
    },
  }) satisfies Handlers;

const profileBody = (profile: Profile): api.Profile => ({
  name: profile.name,
  title: profile.title,
  standard: profile.standard,
  kind: profile.kind,
  keys: [...profile.keys],
  issuedBy: [...profile.issuedBy],
  hash: profile.hash,
});
