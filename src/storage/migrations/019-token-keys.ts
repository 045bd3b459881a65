/** Tokens are signed instead of stored: their keys take the place of their rows. */

import type { Migration } from './migration.ts';

export const tokenKeys: Migration = {
  version: 19,
  name: 'token-keys',
  statements: ({ text, bytes, integer, table }) => [
    `CREATE TABLE token_keys (
      generation ${integer} PRIMARY KEY,
      key_id ${text} NOT NULL UNIQUE,
      spki ${bytes} NOT NULL,
      envelope ${bytes} NOT NULL,
      created_at ${text} NOT NULL,
      signs_from ${text} NOT NULL
    ) ${table}`,
    // What is in it ends within 15 minutes anyway; its holders get themselves new tokens.
    `DROP TABLE access_tokens`,
  ],
};
