/** The lines of a shell that do what `evpki vehicle install` does. */

import type { Iso15118Standard } from '../ocpp/contract-certificate.ts';
import { type ApiPlace, apiLines, quoted } from './shell-lines.ts';

export interface VehiclePlace extends ApiPlace {
  readonly folder: string;
  readonly standard: Iso15118Standard;
  /** Where the car's key and certificates are. */
  readonly key: string;
  readonly certificate: string;
  readonly pcid: string;
  readonly maker: string;
  readonly operator: string;
}

/** How stations name the messages of a standard, in the version of OCPP that knows it. */
export const ocppOf = {
  'iso15118-2': { ocppVersion: '2.0.1', iso15118SchemaVersion: 'urn:iso:15118:2:2013:MsgDef' },
  'iso15118-20': {
    ocppVersion: '2.1',
    iso15118SchemaVersion: 'urn:iso:std:iso:15118:-20:CommonMessages',
  },
} as const;

const curves = { 'iso15118-2': 'P-256', 'iso15118-20': 'P-521' } as const;

/** Lines by step; typed one after the other in a new folder they play it all again. */
export function vehicleLines(place: VehiclePlace) {
  const { url, standard, pcid, maker, operator } = place;
  const file = (name: string) => quoted(`${place.folder}/${name}`);
  const [key, certificate] = [quoted(place.key), quoted(place.certificate)];
  const [contract, authorities] = [file('contract.pem'), file('mo-authorities.pem')];
  const evpki = (...words: string[]) => `evpki ${words.join(' ')}`;
  /** Sends what a program in JavaScript makes of a file. */
  const send = (fields: string, of: string, path: string) =>
    `node -p ${quoted(`JSON.stringify({ ${fields} })`)} ${of} |\n` +
    `api -d @- ${quoted(`${url}${path}`)}`;
  const content = (encoding: string) =>
    `require("fs").readFileSync(process.argv[1], "${encoding}")`;
  const json = (values: object) => JSON.stringify(values).slice(1, -1);
  const show = (authority: string, where: string) =>
    evpki('authority show', quoted(authority), '--pem', where);

  return {
    prepare: [`command -v evpki > /dev/null || evpki() { npx evpki "$@"; }`, ...apiLines(place)],
    key: [
      `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:${curves[standard]} -nodes -keyout ${key} -out ${file('vehicle.csr')} -subj ${quoted(`/CN=${pcid}`)}`,
    ],
    certify: (authority: string) => [
      evpki(
        ...[
          'cert issue --profile',
          `${standard}-oem-provisioning`,
          '--authority',
          quoted(authority),
        ],
        ...['--csr', file('vehicle.csr'), '--out', certificate],
      ),
    ],
    register: [evpki('provisioning register', certificate, '--organization', quoted(maker))],
    create: (emaid: string) => [
      evpki(
        ...['contract create --emaid', quoted(emaid), '--pcid', quoted(pcid)],
        ...['--standard', standard, '--organization', quoted(operator)],
      ),
    ],
    show: (id: string) => [evpki('contract show', quoted(id))],
    roots: (cpsAuthorities: readonly string[]) =>
      cpsAuthorities.map((authority, index) =>
        show(authority, `${index === 0 ? '>' : '>>'} ${file('cps-authorities.pem')}`),
      ),
    request: (emaid: string) => [
      evpki(
        ...['vehicle request --certificate', certificate, '--key', key],
        ...['--v2g-root', file('cps-authorities.pem')],
        ...(standard === 'iso15118-20' ? ['--emaid', quoted(emaid)] : []),
        ...['--out', file('request.exi')],
      ),
    ],
    send: [
      `${send(
        `${json({ ...ocppOf[standard], action: 'Install' })}, "exiRequest": ${content('base64')}`,
        file('request.exi'),
        '/v1/ocpp/contract-certificate',
      )} | pick exiResponse |\nopenssl base64 -d -A -out ${file('response.exi')}`,
    ],
    check: (moAuthority: string) => [
      show(moAuthority, `> ${authorities}`),
      evpki(
        ...['vehicle check --request', file('request.exi'), '--response', file('response.exi')],
        ...['--certificate', certificate, '--key', key],
        ...['--v2g-root', file('cps-authorities.pem'), '--mo-root', authorities],
        ...['--contract', contract, '--contract-key', file('contract.key')],
      ),
    ],
    verify: [
      `openssl verify -x509_strict -CAfile ${authorities} -untrusted ${contract} ${contract}`,
      `test "$(openssl pkey -in ${file('contract.key')} -pubout)" = "$(openssl x509 -in ${contract} -noout -pubkey)"`,
    ],
    authorize: (emaid: string) => [
      send(
        `${json({ idToken: { idToken: emaid, type: 'eMAID' } })}, "certificate": ${content('utf8')}`,
        contract,
        '/v1/ocpp/authorize',
      ),
    ],
    ocsp: [
      `openssl ocsp -url "$(openssl x509 -in ${contract} -noout -ocsp_uri)" ` +
        `-issuer ${authorities} -cert ${contract} -CAfile ${authorities}`,
    ],
    end: (emaid: string) => [
      `ID=$(evpki contract list --emaid ${quoted(emaid)} --pcid ${quoted(pcid)} --state active --json | pick 'items[0].id')`,
      'evpki contract end "$ID"',
    ],
  };
}
