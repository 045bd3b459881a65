import type { Request, Response } from 'express';
import type { Principal } from '../../services/access-policy.ts';

/** Carries out one operation for a caller who may. */
export type PncHandlers = Readonly<
  Record<
    string,
    (request: Request, response: Response, principal: Principal) => Promise<void> | void
  >
>;
