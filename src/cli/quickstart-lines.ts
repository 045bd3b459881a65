/** The lines of a shell that do what `evpki quickstart` does, for whoever wants to do it again. */

import { apiLines, quoted } from './shell-lines.ts';

export interface QuickstartPlace {
  readonly url: string;
  readonly folder: string;
  readonly identity: string;
  readonly serialNumber: string;
  readonly organization: string;
  readonly authority: string;
  /** The file with the client's id and secret. */
  readonly credentials: string;
}

/** Lines by step, in the order of the steps; typed one after the other they play it all again. */
export type QuickstartLines = Readonly<
  Record<
    | 'prepare'
    | 'register'
    | 'request'
    | 'sign'
    | 'verify'
    | 'ocsp-good'
    | 'revoke'
    | 'ocsp-revoked'
    | 'crl',
    readonly string[]
  >
>;

export function quickstartLines(place: QuickstartPlace): QuickstartLines {
  const { url, identity, serialNumber, organization } = place;
  const file = (name: string) => quoted(`${place.folder}/${name}`);
  const fields = [
    `stationId: ${JSON.stringify(identity)}`,
    `organization: ${JSON.stringify(organization)}`,
    'ocppVersion: "2.0.1", certificateType: "ChargingStationCertificate"',
  ].join(', ');
  const program = `JSON.stringify({ ${fields}, csr: require("fs").readFileSync(process.argv[1], "utf8") })`;
  const trust = `-CAfile ${file('authorities.pem')}`;
  const leaf = file('charger.pem');
  const ocsp =
    `openssl ocsp -url "$(openssl x509 -in ${leaf} -noout -ocsp_uri)" ` +
    `-issuer ${file('authorities.pem')} -cert ${leaf} ${trust}`;
  return {
    prepare: apiLines({ url, ca: `${place.folder}/api-ca.pem`, credentials: place.credentials }),
    register: [
      `api -X PUT -d ${quoted(JSON.stringify({ serialNumber }))} ${quoted(
        `${url}/v1/stations/${encodeURIComponent(identity)}?organization=${encodeURIComponent(organization)}`,
      )}`,
    ],
    request: [
      `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${file('charger.key')} -out ${file('charger.csr')} -subj ${quoted(`/CN=${serialNumber}`)}`,
    ],
    sign: [
      `node -p ${quoted(program)} ${file('charger.csr')} |\n` +
        `api -d @- ${quoted(`${url}/v1/ocpp/sign-certificate`)} | pick certificateChain > ${leaf}`,
    ],
    verify: [
      `api ${quoted(`${url}/v1/authorities/${encodeURIComponent(place.authority)}`)} | pick 'issuers[0].certificateChain' > ${file('authorities.pem')}`,
      `openssl verify -x509_strict ${trust} ${leaf}`,
    ],
    'ocsp-good': [ocsp],
    revoke: [
      `ID=$(api "${url}/v1/certificates?serialNumber=$(openssl x509 -in ${leaf} -noout -serial | cut -d= -f2)" | pick 'items[0].id')`,
      `api -d '{"reason":"superseded"}' "${url}/v1/certificates/$ID/revocation?wait=crl"`,
    ],
    'ocsp-revoked': [ocsp],
    crl: [
      `curl -sS "$(openssl x509 -in ${leaf} -noout -ext crlDistributionPoints | grep -o 'http.*')" | openssl crl -inform der ${trust} -noout -text`,
    ],
  };
}
