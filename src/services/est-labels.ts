/** Which organization, profile and authority a request of EST means. */

import type { EstCaller } from './est-callers.ts';
import type { EstDeclarations, EstOptions, EstRole, EstStandard } from './est-declarations.ts';

export interface EstQuestion {
  /** The label of the path; undefined where it has none. */
  readonly label: string | undefined;
  /** The standard that the path names behind it. */
  readonly standard: EstStandard | undefined;
  readonly caller: EstCaller;
}

/** A label with whose it is. */
export interface EstLabel extends EstOptions {
  readonly name: string;
  readonly organizationId: string;
  readonly role?: EstRole;
}

export interface EstLabelParts {
  readonly est: EstDeclarations;
}

/**
 * The label that a request means: by its name, or the one of the caller's organization.
 * @throws ServiceError `est-label-unknown`, also for one of an organization out of reach
 */
export async function estLabel(_parts: EstLabelParts, _question: EstQuestion): Promise<EstLabel> {
  throw new Error('in the making');
}
