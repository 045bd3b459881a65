import type { ErrorRequestHandler, Request } from 'express';
import type { Principal } from '../../services/access-policy.ts';
import { ServiceError } from '../../services/errors.ts';
import { NotAuthenticated, type Refusal, type RefusalLog } from '../../services/refusals.ts';

/** A bootstrap secret is not looked at before it is to make a client: till then it proves nobody. */
function proven(principal: Principal | undefined): Pick<Refusal, 'actor' | 'organizationId'> {
  if (!principal || principal.actor === 'bootstrap') return {};
  const { actor, organizationId } = principal;
  return { actor, organizationId };
}

/** Has those who are turned away written down, and passes the error on. */
export function noteRefusals(
  log: Pick<RefusalLog, 'note'>,
  principals: WeakMap<Request, Principal>,
): ErrorRequestHandler {
  return (error: unknown, request, _response, next) => {
    const from = request.socket.remoteAddress;
    const address = from === undefined ? {} : { address: from };
    if (error instanceof NotAuthenticated) log.note({ ...error.refusal, ...address });
    else if (error instanceof ServiceError && error.code === 'not-permitted') {
      const principal = principals.get(request);
      // The route, not the path: that holds whatever ids a caller made up.
      const route: unknown = request.route?.path;
      const operation = `${request.method} ${typeof route === 'string' ? route : '-'}`;
      log.note({ reason: 'not-permitted', ...proven(principal), operation, ...address });
    }
    next(error);
  };
}
