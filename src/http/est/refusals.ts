import type { IncomingMessage } from 'node:http';
import type { ServiceError } from '../../services/errors.ts';
import type { EstCaller } from '../../services/est-callers.ts';
import { isForbidden, type RefusalLog, TurnedAway } from '../../services/refusals.ts';
import type { EstPath } from './paths.ts';

/** Has those who are turned away written down. */
export function noteRefusal(
  log: Pick<RefusalLog, 'note'>,
  error: ServiceError,
  {
    request,
    path,
    caller,
  }: { readonly request: IncomingMessage; readonly path: EstPath; readonly caller?: EstCaller },
): void {
  const from = request.socket.remoteAddress;
  const address = from === undefined ? {} : { address: from };
  if (error instanceof TurnedAway) log.note({ ...error.refusal, ...address });
  else if (!path.ok && error === path.error) {
    log.note({ reason: 'path-unknown', violations: codesOf(error), ...address });
  } else if (error.code === 'bootstrap-used') {
    log.note({ reason: 'bootstrap-secret-spent', ...address });
  } else if (isForbidden(error) && path.ok) {
    const { actor, organizationId } = caller?.principal ?? {};
    log.note({
      reason: error.code,
      ...(actor === undefined ? {} : { actor }),
      ...(organizationId === undefined ? {} : { organizationId }),
      operation: `EST ${path.address.operation}`,
      ...address,
    });
  }
}

const codesOf = ({ code, violations }: ServiceError): readonly string[] =>
  violations.length > 0 ? violations.map((one) => one.code) : [code];
