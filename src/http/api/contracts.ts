import { toPem } from '../../pki/pem.ts';
import { bringBundle, bringNextBundle } from '../../services/brought-bundles.ts';
import {
  type ContractParts,
  type ContractView,
  createContract,
} from '../../services/contract-creation.ts';
import type { Contract as ContractRecord } from '../../services/contract-records.ts';
import {
  changeRank,
  endContract,
  findContract,
  listContracts,
  renewContract,
  resumeContract,
  suspendContract,
} from '../../services/contracts.ts';
import { type FieldViolation, ServiceError } from '../../services/errors.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import type {
  Contract,
  ContractRank,
  ContractReason,
  ContractRenewal,
  ContractState,
  ContractWithBundle,
  NewContract,
} from './types.ts';

export const contractHandlers = (parts: ContractParts) =>
  ({
    async createContract(request, response, principal) {
      const { bundle, default: isDefault, ...details } = request.body as NewContract;
      const { organization } = request.query as Record<string, string | undefined>;
      const wanted = {
        ...details,
        ...(isDefault === undefined ? {} : { isDefault }),
        ...(organization === undefined ? {} : { organization }),
      };
      if (bundle) refuseBeside(details, ['authority', 'profile', 'validityDays']);
      const view = bundle
        ? await bringBundle(parts, principal, wanted, bundle)
        : await createContract(parts, principal, wanted);
      response.status(201).location(`/v1/contracts/${view.contract.id}`).json(bodyWithBundle(view));
    },

    async listContracts(request, response, principal) {
      const { organization, emaid, pcid, state, limit, cursor } = request.query as Record<
        string,
        string | undefined
      >;
      const page = await listContracts(parts, principal, {
        ...(organization === undefined ? {} : { organization }),
        ...(emaid === undefined ? {} : { emaid }),
        ...(pcid === undefined ? {} : { pcid }),
        ...(state === undefined ? {} : { state: state as ContractState }),
        ...pageWanted({ limit, cursor }),
      });
      response.json(pageBody(page, bodyOf));
    },

    async getContract(request, response, principal) {
      response.json(bodyWithBundle(await findContract(parts, principal, idOf(request.params))));
    },

    async rankContract(request, response, principal) {
      const { default: isDefault, priority } = request.body as ContractRank;
      const view = await changeRank(parts, principal, idOf(request.params), {
        ...(isDefault === undefined ? {} : { isDefault }),
        ...(priority === undefined ? {} : { priority }),
      });
      response.json(bodyWithBundle(view));
    },

    async renewContract(request, response, principal) {
      const { bundle, revokeFormer = false } = (request.body ?? {}) as ContractRenewal;
      const id = idOf(request.params);
      if (bundle) refuseBeside({ revokeFormer: revokeFormer || undefined }, ['revokeFormer']);
      const view = bundle
        ? await bringNextBundle(parts, principal, id, bundle)
        : await renewContract(parts, principal, id, { revokesFormer: revokeFormer });
      response.status(201).json(bodyWithBundle(view));
    },

    async suspendContract(request, response, principal) {
      const { reason } = (request.body ?? {}) as ContractReason;
      const id = idOf(request.params);
      response.json(bodyWithBundle(await suspendContract(parts, principal, id, reason)));
    },

    async resumeContract(request, response, principal) {
      response.json(bodyWithBundle(await resumeContract(parts, principal, idOf(request.params))));
    },

    async endContract(request, response, principal) {
      const { reason } = (request.body ?? {}) as ContractReason;
      const id = idOf(request.params);
      response.json(bodyWithBundle(await endContract(parts, principal, id, reason)));
    },
  }) satisfies Handlers;

const idOf = (params: Readonly<Record<string, string | string[] | undefined>>): string =>
  String(params.id);

/** What is said of bundles that evpki makes has no meaning for one that is brought. */
function refuseBeside<T extends object>(given: T, names: readonly (keyof T & string)[]): void {
  const violations = names
    .filter((name) => given[name] !== undefined)
    .map(
      (name): FieldViolation => ({
        code: 'invalid',
        message: 'has no meaning beside a bundle that was made elsewhere',
        field: `body.${name}`,
      }),
    );
  if (violations.length === 0) return;
  throw new ServiceError('request-malformed', 'this does not go with a bundle', violations);
}

const bodyOf = (contract: ContractRecord): Contract => ({
  id: contract.id,
  organization: contract.organizationId,
  emaid: contract.emaid,
  pcid: contract.pcid,
  standard: contract.standard,
  state: contract.state,
  default: contract.isDefault,
  priority: contract.priority,
  ...(contract.issuing
    ? { authority: contract.issuing.authorityId, profile: contract.issuing.profile }
    : {}),
  ...(contract.validityDays === undefined ? {} : { validityDays: contract.validityDays }),
  createdAt: contract.createdAt.toISOString(),
  changedAt: contract.changedAt.toISOString(),
  ...(contract.reason === undefined ? {} : { reason: contract.reason }),
});

const bodyWithBundle = ({ contract, bundle }: ContractView): ContractWithBundle => ({
  ...bodyOf(contract),
  bundle: {
    id: bundle.id,
    generation: bundle.generation,
    reason: bundle.reason,
    createdAt: bundle.createdAt.toISOString(),
    ...(bundle.certificateId === undefined ? {} : { certificate: bundle.certificateId }),
    state: bundle.certificateState,
    notBefore: bundle.notBefore.toISOString(),
    notAfter: bundle.notAfter.toISOString(),
    certificateChain: [bundle.certificate, ...bundle.subCertificates]
      .map((der) => toPem('CERTIFICATE', der))
      .join(''),
  },
});
