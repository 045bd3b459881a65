/** What a migration is. Migrations only go forward; a published one is never edited again. */

import type { Knex } from 'knex';

export type Dialect = 'sqlite' | 'postgres';

/** What the two databases disagree about in table definitions: mostly the names of types. */
export interface ColumnTypes {
  readonly dialect: Dialect;
  /** Text that sorts by its bytes on both. */
  readonly text: string;
  readonly bytes: string;
  readonly integer: string;
  readonly boolean: string;
  /** Stands behind the column list of every table. */
  readonly table: string;
}

export interface Migration {
  /** Counted from 1, without gaps. */
  readonly version: number;
  readonly name: string;
  /** The statements, run in order inside one transaction. They contain constants only. */
  statements(types: ColumnTypes): readonly string[];
  /** What SQL alone cannot make of the rows that are there; runs behind the statements. */
  fill?(tx: Knex): Promise<void>;
}

const columnTypes: Readonly<Record<Dialect, ColumnTypes>> = {
  // STRICT: without it SQLite would take any value in any column.
  sqlite: {
    dialect: 'sqlite',
    text: 'TEXT',
    bytes: 'BLOB',
    integer: 'INTEGER',
    boolean: 'INTEGER',
    table: 'STRICT',
  },
  postgres: {
    dialect: 'postgres',
    text: 'TEXT COLLATE "C"',
    bytes: 'BYTEA',
    integer: 'BIGINT',
    boolean: 'BOOLEAN',
    table: '',
  },
};

export const columnTypesOf = (dialect: Dialect): ColumnTypes => columnTypes[dialect];
