/** The context tags of GeneralName (RFC 5280 4.2.1.6). */
export const generalNameTags = {
  otherName: 0,
  rfc822: 1,
  dns: 2,
  x400: 3,
  directory: 4,
  ediParty: 5,
  uri: 6,
  ip: 7,
  registeredId: 8,
} as const;
