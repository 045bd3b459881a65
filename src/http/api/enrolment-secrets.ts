import {
  createSecret,
  type EnrolmentSecretParts,
  findSecret,
  listSecrets,
  type SecretSummary,
  withdrawSecret,
} from '../../services/enrolment-secrets.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import type { EnrolmentSecret, NewEnrolmentSecret } from './types.ts';

export const enrolmentSecretHandlers = (parts: EnrolmentSecretParts) =>
  ({
    async createEnrolmentSecret(request, response, principal) {
      const { label, commonName, validSeconds } = request.body as NewEnrolmentSecret;
      const { organization } = request.query as Record<string, string | undefined>;
      const { secret, text } = await createSecret(parts, principal, {
        ...{ label, commonName },
        ...(organization === undefined ? {} : { organization }),
        ...(validSeconds === undefined ? {} : { seconds: validSeconds }),
      });
      response
        .status(201)
        .json({ ...secretBody({ secret, state: 'open' }), enrolmentSecret: text });
    },

    async listEnrolmentSecrets(request, response, principal) {
      const { organization, limit, cursor } = request.query as Record<string, string | undefined>;
      const page = await listSecrets(parts, principal, {
        ...pageWanted({ limit, cursor }),
        ...(organization === undefined ? {} : { organization }),
      });
      response.json(pageBody(page, secretBody));
    },

    async withdrawEnrolmentSecret(request, response, principal) {
      const id = String(request.params.id);
      await withdrawSecret(parts, principal, id);
      response.json(secretBody(await findSecret(parts, principal, id)));
    },
  }) satisfies Handlers;

/** What is said of a secret: neither it nor its hash. */
const secretBody = ({ secret, state }: SecretSummary): EnrolmentSecret => ({
  id: secret.id,
  organization: secret.organizationId,
  label: secret.label,
  commonName: secret.commonName,
  state,
  createdBy: secret.createdBy,
  createdAt: secret.createdAt.toISOString(),
  expiresAt: secret.expiresAt.toISOString(),
  ...(secret.use ? { certificateId: secret.use.certificateId } : {}),
});
