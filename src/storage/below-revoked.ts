/** What stands below a revoked authority, found in the statement that reads it: of one moment. */

/** As deep as chains are read elsewhere; this bounds damaged data. */
const MAX_DEPTH = 8;

/**
 * A recursive table `below_revoked (id)` of those that an issuer has signed that is revoked, or that
 * is below one that is.
 * @param signed a SELECT of `id` and `issuer_id`, the issuer that signed it
 */
export const belowRevoked = (signed: string): string => `
  WITH RECURSIVE above (id, issuer_id, depth) AS (
    SELECT id, issuer_id, 1 FROM (${signed}) signed
    UNION
    SELECT above.id, certificates.issuer_id, above.depth + 1
    FROM above
    JOIN issuers ON issuers.id = above.issuer_id
    JOIN certificates ON certificates.id = issuers.certificate_id
    WHERE certificates.issuer_id <> above.issuer_id AND above.depth < ${MAX_DEPTH}
  ),
  below_revoked (id) AS (
    SELECT DISTINCT above.id
    FROM above JOIN issuers ON issuers.id = above.issuer_id
    WHERE issuers.state = 'revoked'
  )`;
