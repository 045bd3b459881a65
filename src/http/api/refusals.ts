import type { ErrorRequestHandler, Request } from 'express';
import type { Principal } from '../../services/access-policy.ts';
import { ServiceError } from '../../services/errors.ts';
import { isForbidden, type RefusalLog, TurnedAway } from '../../services/refusals.ts';

/** Has those who are turned away written down, and passes the error on. */
export function noteRefusals(
  log: Pick<RefusalLog, 'note'>,
  principals: WeakMap<Request, Principal>,
): ErrorRequestHandler {
  return (error: unknown, request, _response, next) => {
    const from = request.socket.remoteAddress;
    const address = from === undefined ? {} : { address: from };
    if (error instanceof TurnedAway) log.note({ ...error.refusal, ...address });
    else if (error instanceof ServiceError && error.code === 'bootstrap-used') {
      log.note({ reason: 'bootstrap-secret-spent', ...address });
    } else if (isForbidden(error)) {
      // The route, not the path: that holds whatever ids a caller made up.
      const route: unknown = request.route?.path;
      const operation = `${request.method} ${typeof route === 'string' ? route : '-'}`;
      const { actor, organizationId } = principals.get(request) ?? {};
      log.note({
        reason: error.code,
        ...(actor === undefined ? {} : { actor }),
        ...(organizationId === undefined ? {} : { organizationId }),
        operation,
        ...address,
      });
    }
    next(error);
  };
}
