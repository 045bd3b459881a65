import { applyDeclaration, type HierarchyParts } from '../../services/hierarchy-requests.ts';
import type { Handlers } from './operations.ts';

export const hierarchyHandlers = (parts: HierarchyParts) =>
  ({
    async applyHierarchy(request, response, principal) {
      // The validator has made booleans of the texts, or left them out.
      const { dryRun, allowDemo } = request.query as Record<string, unknown>;
      const applied = await applyDeclaration(parts, principal, request.body, {
        dryRun: isTrue(dryRun),
        allowDemo: isTrue(allowDemo),
      });
      response.json(applied);
    },
  }) satisfies Handlers;

const isTrue = (value: unknown): boolean => value === true || value === 'true';
