import { toPem } from '../../pki/pem.ts';
import { type TrustParts, trustOrPropose } from '../../services/trust-anchor-proposals.ts';
import type {
  AnchorPurpose,
  TrustAnchor as AnchorRecord,
} from '../../services/trust-anchor-records.ts';
import {
  findAnchor,
  importAnchor,
  listAnchors,
  removeAnchor,
} from '../../services/trust-anchors.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import { sendProposed } from './proposals.ts';
import type { NewTrustAnchor, TrustAnchor, TrustAnchorPurposes } from './types.ts';

export const trustAnchorHandlers = (parts: TrustParts) =>
  ({
    async importTrustAnchor(request, response, principal) {
      const { certificate, ...details } = request.body as NewTrustAnchor;
      const { anchor, created } = await importAnchor(parts, principal, certificate, details);
      response
        .status(created ? 201 : 200)
        .location(`/v1/trust-anchors/${anchor.id}`)
        .json(anchorBody(anchor));
    },

    async listTrustAnchors(request, response, principal) {
      const { organization, purpose, limit, cursor } = request.query as Record<
        string,
        string | undefined
      >;
      const page = await listAnchors(parts, principal, {
        ...pageWanted({ limit, cursor }),
        ...(organization === undefined ? {} : { organization }),
        ...(purpose === undefined ? {} : { purpose: purpose as AnchorPurpose }),
      });
      response.json(pageBody(page, anchorBody));
    },

    async getTrustAnchor(request, response, principal) {
      const { id } = request.params as { id: string };
      response.json(anchorBody(await findAnchor(parts, principal, id)));
    },

    async setTrustAnchorPurposes(request, response, principal) {
      const { id } = request.params as { id: string };
      const { purposes } = request.body as TrustAnchorPurposes;
      const result = await trustOrPropose(parts, principal, id, purposes);
      if (result.outcome === 'waiting') sendProposed(result.view, response);
      else response.json(anchorBody(result.anchor));
    },

    async removeTrustAnchor(request, response, principal) {
      const { id } = request.params as { id: string };
      await removeAnchor(parts, principal, id);
      response.status(204).end();
    },
  }) satisfies Handlers;

const anchorBody = (anchor: AnchorRecord): TrustAnchor => ({
  id: anchor.id,
  organization: anchor.organizationId,
  subject: anchor.subject,
  sha256: anchor.sha256,
  notBefore: anchor.notBefore.toISOString(),
  notAfter: anchor.notAfter.toISOString(),
  purposes: [...anchor.purposes],
  ...(anchor.rootType === undefined ? {} : { rootType: anchor.rootType }),
  addedAt: anchor.addedAt.toISOString(),
  certificate: toPem('CERTIFICATE', anchor.certificate),
});
